"""Changed copies of a picture, which a calibration must find."""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont

_WATERMARKS = ("SAMPLE", "PREVIEW", "(c) 2026", "photo stock")


def resized(image: Image.Image, scale: float) -> Image.Image:
    """Resizes an image: each side becomes `scale` times as long."""
    size = [max(1, round(scale * side)) for side in image.size]
    return image.resize(size, Image.Resampling.BICUBIC)


def compressed(image: Image.Image, quality: int) -> Image.Image:
    """Compresses an image as a JPEG of a quality from 1 to 95."""
    file = io.BytesIO()
    image.save(file, format="jpeg", quality=quality)
    return Image.open(io.BytesIO(file.getvalue())).convert("RGB")


def cropped(image: Image.Image, share: float, left=0.5, top=0.5) -> Image.Image:
    """Crops to a `share` of each side, at the place `left` and `top`, from 0 to 1."""
    width, height = (max(1, round(share * side)) for side in image.size)
    x = round(left * (image.width - width))
    y = round(top * (image.height - height))
    return image.crop((x, y, x + width, y + height))


def turned(image: Image.Image, degrees: float, fill=(0, 0, 0)) -> Image.Image:
    """Turns an image about its centre, with the colour `fill` in new corners."""
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=fill)


def brightened(image: Image.Image, factor: float) -> Image.Image:
    """Multiplies every value by `factor`."""
    return ImageEnhance.Brightness(image).enhance(factor)


def watermarked(
    image: Image.Image, text: str = "SAMPLE", opacity: float = 0.6, top: float = 0.5
) -> Image.Image:
    """Writes white text across the picture, at the height `top`, from 0 to 1."""
    size = max(4, round(0.9 * image.width / len(text)))
    font = ImageFont.load_default(size)
    mask = Image.new("L", image.size)
    draw = ImageDraw.Draw(mask)
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    place = ((image.width - (x1 - x0)) / 2, top * max(0, image.height - (y1 - y0)))
    draw.text(place, text, fill=round(255 * opacity), font=font)
    marked = image.copy()
    marked.paste(Image.new("RGB", image.size, "white"), mask=mask)
    return marked


# The kinds of changes. The strength of each is drawn for each copy.
COPIES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "resized": lambda image, draw: resized(image, draw.uniform(0.35, 0.75)),
    "compressed": lambda image, draw: compressed(image, int(draw.integers(15, 61))),
    "cropped": lambda image, draw: cropped(
        image, draw.uniform(0.85, 0.97), draw.random(), draw.random()
    ),
    "turned": lambda image, draw: turned(
        image,
        draw.uniform(2, 7) * draw.choice([-1, 1]),
        (int(draw.choice([0, 128, 255])),) * 3,
    ),
    "brightened": lambda image, draw: brightened(
        image, draw.choice([draw.uniform(0.65, 0.87), draw.uniform(1.15, 1.5)])
    ),
    "watermarked": lambda image, draw: watermarked(
        image, str(draw.choice(_WATERMARKS)), draw.uniform(0.4, 0.9), draw.random()
    ),
}
