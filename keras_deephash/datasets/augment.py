"""Augmentations for the `augment` argument of `image_dataset`."""

from collections.abc import Callable

import tensorflow as tf

Augmentation = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def chain(*augmentations: Augmentation) -> Augmentation:
    """Returns an augmentation that applies several in turn, each with its own seed."""

    def augment(pixels, seed):
        for number, augmentation in enumerate(augmentations):
            own = tf.random.experimental.stateless_fold_in(seed, number)
            pixels = augmentation(pixels, own)
        return pixels

    return augment


def color_jitter(strength: float = 0.3) -> Augmentation:
    """Returns an augmentation with random brightness, contrast and saturation.

    Args:
        strength: float. Brightness changes by up to this share of 255; contrast and
            saturation are multiplied by 1 - `strength` to 1 + `strength`. Defaults to
            `0.3`.
    """
    low, high = 1 - strength, 1 + strength

    def augment(pixels, seed):
        seeds = tf.random.experimental.stateless_split(seed, 3)
        image = tf.cast(pixels, tf.float32)
        image = tf.image.stateless_random_brightness(image, 255 * strength, seeds[0])
        image = tf.image.stateless_random_contrast(image, low, high, seeds[1])
        image = tf.clip_by_value(image, 0.0, 255.0)
        image = tf.image.stateless_random_saturation(image, low, high, seeds[2])
        return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)

    return augment


def cutout(size: int | float = 8, value: int = 127) -> Augmentation:
    """Returns an augmentation that fills a square at a random place with one value.

    Args:
        size: int, the side of the square in pixels, or float, its share of the crop's
            height. It is cut off at the borders. Defaults to `8`.
        value: int. The pixel value. Defaults to `127`.

    References:
        - [DeVries and Taylor, 2017](https://arxiv.org/abs/1708.04552)
    """

    def augment(pixels, seed):
        height, width = pixels.shape[0], pixels.shape[1]
        side = round(size * height) if isinstance(size, float) else size
        place = tf.random.stateless_uniform([2], seed) * [height, width]
        center = tf.cast(place, tf.int32)
        rows = tf.range(height) - center[0] + side // 2
        columns = tf.range(width) - center[1] + side // 2
        inside = ((rows >= 0) & (rows < side))[:, None]
        inside &= ((columns >= 0) & (columns < side))[None, :]
        return tf.where(inside[..., None], tf.constant(value, tf.uint8), pixels)

    return augment


AUGMENTATIONS = {
    "color": color_jitter,
    "cutout": cutout,
    "cutout_half": lambda: cutout(0.5),  # 16 of 32 pixels, as published for CIFAR-10.
}


def augmentation(names: list[str]) -> Augmentation | None:
    """Returns the augmentations of these names in turn, or None for no names."""
    return chain(*(AUGMENTATIONS[name]() for name in names)) if names else None
