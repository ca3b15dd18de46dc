"""Decoded images of any mode as RGB, upright and on white ground."""

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from keras_deephash.images.pixels import pixels_to_uint8

# Formats that Pillow reads to 32-bit integers where the file has 16-bit grey.
_FORMATS_OF_16_BITS = ("PNG", "PPM")
# The tag of EXIF, and the turn that undoes each orientation.
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUARTER_TURNS = (5, 6, 7, 8)
# Tags of EXIF: where its second part begins, and the sides of the stored image there.
_SECOND_PART, _WIDTH, _HEIGHT = 0x8769, 0xA002, 0xA003
# Tags of TIFF.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _WHITE_IS_ZERO = 258, 262, 0


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB, upright and on white ground."""
    image.load()  # Turns a TIFF, and forgets its orientation.
    turn = _turn(image)
    is_16_bit = image.mode.startswith("I;16") or (
        image.mode == "I" and image.format in _FORMATS_OF_16_BITS
    )
    if is_16_bit:
        image = Image.fromarray(_upper_8_bits(image))
    elif image.mode in ("I", "F"):  # Pillow would clip these to white.
        pixels = pixels_to_uint8(np.asarray(image))
        inverted = image.mode == "F" and _white_is_zero(image)
        image = Image.fromarray(255 - pixels if inverted else pixels)
    if image.has_transparency_data:
        image = _on_white(image)
    elif image.mode != "RGB":
        image = image.convert("RGB")
    return image if turn is None else image.transpose(turn)


def _on_white(image: Image.Image) -> Image.Image:
    """A transparent image laid on white."""
    is_tga = image.format == "TGA"
    if image.mode == "La":
        image = image.convert("LA")
    image = image.convert("RGBA")
    # Programs that know nothing of transparency leave zeros in TGA's fourth channel.
    if is_tga and image.getchannel("A").getextrema() == (0, 0):
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image)
    return ground


def _turn(image: Image.Image) -> Image.Transpose | None:
    """The turn that makes a photo upright, by its EXIF orientation.

    Not by Pillow's `exif_transpose`: it writes all of EXIF anew, and fails for odd
    entries that have nothing to do with the pixels.
    """
    exif = image.getexif()
    orientation = exif.get(_ORIENTATION)
    quarter, is_file = orientation in _QUARTER_TURNS, isinstance(image, ImageFile)
    if quarter and not is_file and _sides_are_swapped(exif, image):
        return None
    return _TURNS.get(orientation)


def _sides_are_swapped(exif: Image.Exif, image: Image.Image) -> bool:
    """Whether a program has turned the image and left the EXIF of the file with it.

    The sides tell: those of the file are in EXIF, or else a sensor is wider than high.
    """
    try:
        second = exif.get_ifd(_SECOND_PART)
    except Exception:  # Malformed entries of any kind.
        second = {}
    width, height = second.get(_WIDTH), second.get(_HEIGHT)
    known = isinstance(width, int) and isinstance(height, int) and width != height
    wide = width > height if known else True
    return image.height > image.width if wide else image.width > image.height


def _white_is_zero(image: Image.Image) -> bool:
    return image.format == "TIFF" and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO


def _upper_8_bits(image: Image.Image) -> np.ndarray:
    grey, bits, inverted = np.asarray(image), 16, False
    if image.format == "TIFF":  # Beyond 8 bits, Pillow does neither.
        bits = image.tag_v2.get(_BITS_PER_SAMPLE, (16,))[0]
        inverted = _white_is_zero(image)
    upper = (grey // 2 ** (bits - 8)).astype(np.uint8)
    if inverted:
        upper = 255 - upper
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        upper[grey == transparent] = 255
    return upper
