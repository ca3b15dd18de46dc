"""Tiny ImageNet for the pretraining: images, random views and what to learn of them."""

import os

import numpy as np
import tensorflow as tf
from PIL import Image

CLASSES = 200
LABEL_SMOOTHING = 0.1
# Views show at least this share of the image's area, and are not much longer than wide.
LEAST_AREA, LONGEST = 0.5, 1.25
GREY = np.array([0.299, 0.587, 0.114], np.float32)


def load(directory: str, name: str, limit: int | None):
    """Images uint8 [n, 64, 64, 3] of `"train"` or `"val"`, and labels int32 [n]."""
    with np.load(os.path.join(directory, f"{name}.npz")) as file:
        return file["images"][:limit], file["labels"][:limit].astype(np.int32)


def new_targets(
    labels: np.ndarray, teacher: str | None = None, weight: float = 0.0
) -> np.ndarray:
    """The targets of each image, float16 [n, 200]: a probability of every class.

    Classes with label smoothing, and for a part of it the soft labels of a file.
    """
    targets = np.eye(CLASSES, dtype=np.float16)[labels] * (1 - LABEL_SMOOTHING)
    targets += LABEL_SMOOTHING / CLASSES
    if teacher is None:
        return targets
    soft = np.load(teacher)
    if soft.ndim != 2 or len(soft) < len(labels) or soft.shape[1] != CLASSES:
        raise ValueError(
            f"`--teacher` must hold soft labels [{len(labels)}, {CLASSES}]. "
            f"Received: shape {soft.shape}."
        )
    return (1 - weight) * targets + weight * soft[: len(labels)]


def random_boxes(
    count: int, size: int, generator: np.random.Generator, least_area=LEAST_AREA
) -> np.ndarray:
    """Parts of squares of `size` pixels: left, top, right, bottom, [count, 4]."""
    area = generator.uniform(least_area, 1, count)
    aspect = np.exp(generator.uniform(-1, 1, count) * np.log(LONGEST))
    sides = size * np.minimum(np.sqrt(area * np.stack([aspect, 1 / aspect])), 1)
    corners = generator.random((2, count)) * (size - sides)
    return np.concatenate([corners, corners + sides]).T


def recolored(views: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Views uint8 [n, h, w, 3] of other brightness, contrast and saturation [n, 3]."""
    brightness, contrast, saturation = factors.T[..., None, None, None]
    views = views * brightness
    grey = views @ GREY[:, None]
    views = grey.mean((1, 2), keepdims=True) * (1 - contrast) + contrast * (
        grey * (1 - saturation) + saturation * views
    )
    return np.rint(np.clip(views, 0, 255)).astype(np.uint8)


def batches(
    images,
    targets,
    size: int,
    batch_size: int,
    seed,
    mixup: float = 0.0,
    least_area: float = LEAST_AREA,
    color: float = 0.0,
) -> tf.data.Dataset:
    """One epoch of random views, resized to `size` pixels and mirrored at random.

    A view shows at least `least_area` of its image's area, and has 1 - `color` to
    1 + `color` times its brightness, contrast and saturation.
    With `mixup` > 0 each view fades into that of another image, and so do their
    targets, by a share of Beta(mixup, mixup) (https://arxiv.org/abs/1710.09412).
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(images))
    steps = len(images) // batch_size
    boxes = random_boxes(len(images), images.shape[1], generator, least_area)
    mirrors = generator.random(len(images)) < 0.5
    shares = generator.beta(mixup, mixup, len(images)) if mixup else None
    factors = None
    if color:
        factors = generator.uniform(1 - color, 1 + color, (len(images), 3))
        factors = factors.astype(np.float32)

    def load(step):
        places = slice(step * batch_size, (step + 1) * batch_size)
        views = np.empty((batch_size, size, size, 3), np.uint8)
        for view, row, box, mirror in zip(
            views, order[places], boxes[places], mirrors[places], strict=True
        ):
            image = Image.fromarray(images[row])
            pixels = image.resize((size, size), Image.Resampling.BILINEAR, tuple(box))
            view[:] = np.asarray(pixels)[:, ::-1] if mirror else pixels
        if color:
            views = recolored(views, factors[places])
        rows = targets[order[places]].astype(np.float32)
        if mixup:
            share = shares[places, None].astype(np.float32)
            pixels = share[..., None, None] * views
            pixels += (1 - share[..., None, None]) * views[::-1]
            views = np.rint(pixels).astype(np.uint8)
            rows = share * rows + (1 - share) * rows[::-1]
        return views, rows

    # Not `from_generator`: it makes the process give freed memory back at once, which
    # the training steps pay for in processor time.
    def load_in_graph(step):
        kinds = (tf.uint8, tf.float32)
        views, rows = tf.numpy_function(load, [step], kinds, stateful=False)
        views = tf.ensure_shape(views, (batch_size, size, size, 3))
        return views, tf.ensure_shape(rows, (batch_size, CLASSES))

    return tf.data.Dataset.range(steps).map(load_in_graph).prefetch(2)
