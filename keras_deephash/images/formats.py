"""The image formats that are read, and how large an image may be."""

import importlib.util
from functools import cache
from typing import IO

from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

# Formats that are decoded in this process, at the size that their header states.
# Pillow hands PostScript to another program, and an icon holds images of other sizes
# than it says. TGA has no signature, so it comes last.
FORMATS = (
    *("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF"),
    *("JPEG2000", "PPM", "TGA"),
)
# Files with these extensions are taken from a folder.
EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".bmp", ".gif"),
    *(".webp", ".tif", ".tiff", ".avif", ".heic", ".heif", ".hif", ".jp2"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tga"),
)
# The packages that read extensions which not every installation knows.
REMEDIES = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "install pillow-heif"),
    ".avif": "install a Pillow with AVIF",
}
# Larger images are not read: where Pillow begins to warn of decompression bombs. One
# of this size takes about 1 GB while it is read, as WebP 2 GB.
MAX_PIXELS = 89_478_485
# JPEGs beyond MAX_PIXELS, such as photos of 108 and 200 megapixels, are decoded at
# half their size, a quarter or an eighth. Even so the decoder may hold all of a
# progressive one, at 6 bytes per pixel.
MAX_JPEG_PIXELS = 1 << 28
_HEIC_BRANDS = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}


def open_image(stream: IO[bytes]) -> Image.Image:
    """Opens an image of the known formats; `limit_size` comes before decoding it.

    Raises:
        UnidentifiedImageError: if it has another format.
        ValueError: if Pillow says that it has too many pixels.
    """
    try:
        return Image.open(stream, formats=known_formats())
    except UnidentifiedImageError:
        raise UnidentifiedImageError(_why_unknown(stream)) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow refuses beyond 179 megapixels, before a JPEG can be made smaller.
        stream.seek(0)
        try:
            return JpegImageFile(stream)
        except SyntaxError:
            raise ValueError(f"too large: {error}") from None


def known_formats() -> list[str]:
    """The formats that this Pillow and its plug-ins read."""
    _register_plugins()
    return [name for name in FORMATS if name in Image.OPEN]


def known_extensions() -> tuple[str, ...]:
    """The extensions of files that this Pillow and its plug-ins read."""
    _register_plugins()
    return tuple(set(EXTENSIONS) & set(Image.registered_extensions()))


@cache
def _register_plugins() -> None:
    Image.init()
    if importlib.util.find_spec("pillow_heif") is not None:
        import pillow_heif

        pillow_heif.register_heif_opener()


def limit_size(image: Image.Image, smallest: int | None = None) -> None:
    """Has a large JPEG decoded at a smaller size; a ValueError for another format.

    With `smallest` any JPEG, as long as its sides have this many pixels.
    """
    width, height = image.size
    pixels, limit = width * height, MAX_PIXELS
    if pixels <= limit:
        if smallest is not None:
            image.draft(None, (smallest, smallest))
        return
    if isinstance(image, JpegImageFile):
        limit = MAX_JPEG_PIXELS
        for factor in (2, 4, 8):
            if pixels <= min(limit, MAX_PIXELS * factor**2):
                image.draft(None, (width // factor, height // factor))
                return
    raise ValueError(
        f"{width} x {height} pixels are too many, at most {limit:,} are read: "
        "make the image smaller"
    )


def _why_unknown(stream: IO[bytes]) -> str:
    stream.seek(0)
    start = stream.read(12)
    if start[4:8] == b"ftyp" and start[8:] in _HEIC_BRANDS:
        return 'HEIC needs pillow-heif: pip install "keras-deephash[heif]"'
    return f"it must be one of {', '.join(known_formats())}"
