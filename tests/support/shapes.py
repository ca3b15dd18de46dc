"""Small pictures of shapes, for the tests of the pages."""

import io

import numpy as np
from PIL import Image, ImageDraw

COUNT = 30
LABELS = [number % 3 for number in range(COUNT)]


def draw(number: int, size=(96, 72)) -> Image.Image:
    """A shape on a coloured ground: circle, square or cross."""
    generator = np.random.default_rng(number)
    ground, colour = (
        tuple(map(int, row)) for row in generator.integers(0, 256, (2, 3))
    )
    image = Image.new("RGB", size, ground)
    box = (size[0] // 4, size[1] // 4, 3 * size[0] // 4, 3 * size[1] // 4)
    pen = ImageDraw.Draw(image)
    if number % 3 == 0:
        pen.ellipse(box, colour)
    elif number % 3 == 1:
        pen.rectangle(box, colour)
    else:
        pen.line(box, colour, 9)
        pen.line((box[0], box[3], box[2], box[1]), colour, 9)
    return image


def png(number: int, size=(96, 72)) -> bytes:
    file = io.BytesIO()
    draw(number, size).save(file, "PNG")
    return file.getvalue()
