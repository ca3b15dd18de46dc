"""Drawn pictures with labels, for examples that need images and no download."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet

# Things are drawn on a square of this many pixels, then scaled.
_CANVAS = 120
_LABEL_NAMES = [
    "sun",
    "crescent moon",
    "pine tree",
    "apple tree",
    "sailing boat",
    "fish",
    "house",
    "traffic light",
]


def drawings(
    count: int, most_labels: int = 1, size: int = 96, seed: int = 0
) -> ImageSet:
    """Draws pictures of eight things, so that an example needs no data set.

    Colours, sizes, angles, places and backgrounds are random, so that neither a colour
    nor a single pixel tells what is in a picture. The labels are drawn in turn: they
    are balanced.

    Args:
        count: int. Number of pictures.
        most_labels: int, 1 to 4. A picture shows one to this many different things.
            Defaults to `1`.
        size: int, >= 16. Height and width in pixels. Defaults to `96`.
        seed: int, >= 0. Defaults to `0`.

    Returns:
        `ImageSet` of uint8 images [count, size, size, 3], with `label_names`.

    Example:

    >>> data = drawings(400)
    >>> data.label_names[1]
    'crescent moon'
    """
    count = check_integer("count", count, minimum=1)
    most_labels = check_integer("most_labels", most_labels, minimum=1, maximum=4)
    size = check_integer("size", size, minimum=16)
    generator = np.random.default_rng(check_integer("seed", seed, minimum=0))
    images = np.empty((count, size, size, 3), np.uint8)
    labels = np.zeros((count, len(_LABEL_NAMES)), np.uint8)
    for number in range(count):
        shown = {number % len(_LABEL_NAMES)}
        wanted = generator.integers(1, most_labels + 1)
        while len(shown) < wanted:
            shown.add(int(generator.integers(len(_LABEL_NAMES))))
        labels[number, list(shown)] = 1
        picture = _background(generator)
        places = _places(len(shown), generator)
        for label, place in zip(sorted(shown), places, strict=True):
            _paste(picture, _thing(_LABEL_NAMES[label], generator), place, generator)
        images[number] = picture.resize((size, size), Image.Resampling.LANCZOS)
    return ImageSet(images, labels, list(_LABEL_NAMES))


def _background(generator) -> Image.Image:
    """A soft texture of two light colours, with noise."""
    colors = generator.integers(120, 256, (2, 3)).astype(np.float32)
    coarse = generator.random((5, 5)).astype(np.float32)
    mask = Image.fromarray(coarse).resize((_CANVAS, _CANVAS), Image.Resampling.BICUBIC)
    mask = np.asarray(mask)[..., None]
    pixels = colors[0] + (colors[1] - colors[0]) * mask
    pixels += generator.normal(0, 5, (_CANVAS, _CANVAS, 3))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _places(count: int, generator) -> list[tuple[float, float, float]]:
    """Left, top and side of the squares that the things of a picture stand in."""
    if count == 1:
        side = generator.uniform(0.6, 0.95) * _CANVAS
        left, top = generator.uniform(0, _CANVAS - side, 2)
        return [(left, top, side)]
    half = _CANVAS / 2
    quarters = generator.permutation(4)[:count]
    return [(quarter % 2 * half, quarter // 2 * half, half) for quarter in quarters]


def _paste(picture, thing, place, generator) -> None:
    left, top, side = place
    thing = thing.rotate(generator.uniform(-20, 20), Image.Resampling.BICUBIC)
    if generator.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    thing = thing.resize((round(side), round(side)), Image.Resampling.LANCZOS)
    picture.paste(thing, (round(left), round(top)), thing)


def _thing(name: str, generator) -> Image.Image:
    """A thing in two random colours, on nothing."""
    image = Image.new("RGBA", (_CANVAS, _CANVAS))
    draw = ImageDraw.Draw(image)
    first, second = (tuple(c) for c in generator.integers(0, 190, (2, 3)).tolist())
    _DRAW[name](draw, first, second)
    return image.filter(ImageFilter.GaussianBlur(generator.uniform(0, 0.8)))


def _sun(draw, first, second):
    for angle in np.arange(12) * np.pi / 6:
        x, y = 60 + 54 * np.cos(angle), 60 + 54 * np.sin(angle)
        draw.line((60, 60, x, y), second, width=5)
    draw.ellipse((30, 30, 90, 90), first)


def _moon(draw, first, second):
    draw.ellipse((18, 10, 108, 110), first)
    draw.ellipse((44, 4, 124, 96), (0, 0, 0, 0))


def _pine(draw, first, second):
    draw.rectangle((54, 88, 66, 114), second)
    for top in (6, 32, 58):
        draw.polygon([(60, top), (22, top + 38), (98, top + 38)], first)


def _apple_tree(draw, first, second):
    draw.rectangle((52, 70, 68, 114), second)
    draw.ellipse((14, 6, 106, 86), first)
    for x, y in ((36, 34), (62, 22), (82, 46), (50, 58), (74, 66)):
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), second)


def _boat(draw, first, second):
    draw.polygon([(10, 84), (110, 84), (90, 108), (30, 108)], first)
    draw.line((58, 8, 58, 84), first, width=4)
    draw.polygon([(62, 10), (62, 78), (102, 78)], second)
    draw.polygon([(54, 20), (54, 78), (22, 78)], second)


def _fish(draw, first, second):
    draw.ellipse((8, 34, 88, 86), first)
    draw.polygon([(78, 60), (114, 32), (114, 88)], first)
    draw.ellipse((22, 48, 34, 60), second)
    draw.arc((34, 36, 64, 84), -70, 70, second, width=4)


def _house(draw, first, second):
    draw.rectangle((22, 54, 98, 112), first)
    draw.polygon([(10, 56), (60, 10), (110, 56)], second)
    draw.rectangle((52, 80, 70, 112), second)
    draw.rectangle((30, 64, 46, 78), second)


def _traffic_light(draw, first, second):
    draw.rectangle((55, 84, 65, 118), second)
    draw.rounded_rectangle((38, 4, 82, 88), 8, first)
    for y in (20, 46, 72):
        draw.ellipse((49, y - 11, 71, y + 11), second)


_DRAW = dict(
    zip(
        _LABEL_NAMES,
        (_sun, _moon, _pine, _apple_tree, _boat, _fish, _house, _traffic_light),
        strict=True,
    )
)
