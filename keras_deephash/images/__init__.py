"""Images of any kind - paths, PIL images, arrays - as uint8 RGB arrays."""

from keras_deephash.images.finding import (
    describe_others,
    find_images,
    image_paths,
    is_image_file,
    list_folder,
)
from keras_deephash.images.formats import (
    EXTENSIONS,
    FORMATS,
    MAX_JPEG_PIXELS,
    MAX_PIXELS,
)
from keras_deephash.images.pixels import check_pixels, pixels_to_uint8
from keras_deephash.images.read_ahead import read_ahead, reader_count
from keras_deephash.images.reading import from_rgb, read_image
from keras_deephash.images.unreadable import ImageErrors, error_for, write_report

__all__ = [
    "EXTENSIONS",
    "FORMATS",
    "MAX_JPEG_PIXELS",
    "MAX_PIXELS",
    "ImageErrors",
    "check_pixels",
    "describe_others",
    "error_for",
    "find_images",
    "from_rgb",
    "image_paths",
    "is_image_file",
    "list_folder",
    "pixels_to_uint8",
    "read_ahead",
    "read_image",
    "reader_count",
    "write_report",
]
