"""The pictures of a server: thumbnails of its items, and what clients send."""

import io
import os
import re
import secrets
import threading
from collections import OrderedDict

import numpy as np

from keras_deephash.files import is_network_path, write_atomically
from keras_deephash.images import read_image
from keras_deephash.images.formats import open_image
from keras_deephash.images.thumbnails import read_thumbnail
from keras_deephash.index.faiss.threads import available_cpus

MAX_BYTES = 20 << 20
MAX_PIXELS = 50_000_000
SIZES = (256, 1024)  # Pixels: of a tile, and of a picture that fills a window.
_CACHE_BYTES = 64 << 20
# A decoded picture takes up to 150 MB, so few are decoded at once.
_decoding = threading.BoundedSemaphore(max(2, available_cpus()))
_EXTENSIONS = {"JPEG": "jpg", "TIFF": "tif", "JPEG2000": "jp2"}


class PictureError(ValueError):
    """A picture that a client sent is not taken; `status` is that of HTTP."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


def read_upload(data: bytes) -> np.ndarray:
    """The pixels, uint8 [h, w, 3], of a picture that a client sent.

    Raises:
        PictureError: for what is not a picture, or one that is too large.
    """
    with _decoding:
        try:
            with open_image(io.BytesIO(data)) as image:
                width, height = image.size
        except Exception:  # `read_image` says what is wrong.
            width = height = 0
        if width * height > MAX_PIXELS:
            raise PictureError(
                413,
                f"A picture may have {MAX_PIXELS:,} pixels. Received: {width} x "
                f"{height}. Make it smaller.",
            )
        try:
            return read_image(data)
        except ValueError as error:
            raise PictureError(415, str(error)) from None


def save_upload(folder: str, data: bytes, name: str) -> str:
    """Writes a picture into a folder under a new name; returns its path.

    Args:
        folder: str.
        data: bytes, which `read_upload` has read.
        name: str. What the client calls it: of that only plain letters are kept.
    """
    with open_image(io.BytesIO(data)) as image:
        extension = _EXTENSIONS.get(image.format, image.format.lower())
    stem = os.path.splitext(re.split(r"[/\\]", name)[-1])[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", stem)[:60].strip("_") or "picture"
    path = os.path.join(folder, f"{stem}-{secrets.token_hex(6)}.{extension}")
    with write_atomically(path) as file:
        file.write(data)
    return path


class Thumbnails:
    """JPEGs of pictures, small and without metadata; the last ones are kept.

    Whatever a path names, only what decodes as a picture is ever returned.
    """

    def __init__(self):
        self._kept: OrderedDict[tuple, bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def jpeg(self, path: str, size: int) -> bytes:
        """The thumbnail of a file.

        Raises:
            FileNotFoundError: if there is none, or on another computer.
            ValueError: if it cannot be read as an image.
        """
        if is_network_path(path):
            raise FileNotFoundError("Pictures on network shares are not shown.")
        status = os.stat(path)
        key = path, size, status.st_mtime_ns, status.st_size
        with self._lock:
            if (jpeg := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return jpeg
        with _decoding:
            file = io.BytesIO()
            read_thumbnail(path, size).save(file, "JPEG", quality=80)
        jpeg = file.getvalue()
        with self._lock:
            if key not in self._kept:
                self._kept[key] = jpeg
                self._bytes += len(jpeg)
            while self._bytes > _CACHE_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return jpeg
