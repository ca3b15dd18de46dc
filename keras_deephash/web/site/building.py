"""The building of a static page: a network, a gallery, and the files of the page."""

import json
import os
import secrets
import shutil
from collections.abc import Sequence

import numpy as np

from keras_deephash.export.arguments import format_of
from keras_deephash.images import ImageErrors
from keras_deephash.images.thumbnails import read_thumbnail
from keras_deephash.progress import Progress
from keras_deephash.runtime import Encoder
from keras_deephash.text import printable
from keras_deephash.web.site.output import (
    CENTERS,
    CODES,
    MODEL,
    RUNTIME,
    SITE,
    THUMBNAILS,
    assets,
    check_output,
    move_into_place,
)
from keras_deephash.web.site.runtime import copy_runtime

_THUMBNAIL = 256  # Pixels.


def build_site(
    model_file: str,
    images: Sequence[str],
    output: str | os.PathLike,
    title: str = "keras-deephash",
    runtime: str | None = None,
    verbose: int = 1,
) -> dict[str, str]:
    """Writes a page that any web server can serve as it is.

    Args:
        model_file: str. The ONNX file that the browser runs.
        images: list of str. The pictures of the gallery; may be empty. The page has
            their codes, the last parts of their paths, and thumbnails of 256 pixels.
        output: str. Directory, new or of an earlier page, which is replaced when the
            new one is complete. A link stays, and what it points to is replaced.
        title: str. Defaults to `"keras-deephash"`.
        runtime: str. Directory with onnxruntime-web. Defaults to `None`: of npm.
        verbose: 0 or 1. Defaults to `1`.

    Returns:
        dict, the paths of pictures that cannot be read, and why.

    Raises:
        FileExistsError: if the directory has other files than those of a page.
        ValueError: if the model file is not ONNX, or none of the pictures can be read.
    """
    if format_of(model_file) != "onnx":
        raise ValueError(
            "A page runs a model as ONNX. Give a preset, or a file of `keras-deephash "
            f"export --format onnx`. Received: {os.fspath(model_file)!r}."
        )
    output = os.path.realpath(output)
    check_output(output)
    encoder = Encoder(model_file)
    folder = f"{output}-{secrets.token_hex(4)}"
    os.makedirs(folder)
    try:
        copy_runtime(os.path.join(folder, RUNTIME), runtime)
        shutil.copyfile(model_file, os.path.join(folder, MODEL))
        _copy_assets(folder)
        errors = ImageErrors(images)
        codes = np.empty((0, encoder.bits // 8), np.uint8)
        if images:
            codes = encoder.encode(images, on_error=errors.on_error)
            errors.refuse_none()
        _write_gallery(folder, errors.readable, verbose)
        _write_codes(folder, encoder, codes, errors.readable, title)
        move_into_place(folder, output)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return errors.unreadable


def _copy_assets(folder: str) -> None:
    for file in assets():
        _write(folder, file.name, file.read_bytes())


def _write_gallery(folder: str, paths: Sequence[str], verbose: int) -> None:
    thumbnails = os.path.join(folder, THUMBNAILS)
    os.mkdir(thumbnails)
    progress = Progress(len(paths), "thumbnail", bool(verbose and paths))
    for number, path in enumerate(paths):
        picture = read_thumbnail(path, _THUMBNAIL)
        picture.save(os.path.join(thumbnails, f"{number}.jpg"), quality=80)
        progress.add(1)


def _write_codes(folder: str, encoder, codes, paths: Sequence[str], title: str) -> None:
    config = encoder.preprocessor.get_config()
    site = {
        "title": title,
        "spec": {"bits": encoder.bits, "metric": encoder.code_distance},
        "preprocessing": {
            name: config[name] for name in ("image_size", "resize_size", "padding")
        },
        "codebook": None,
        "names": [printable(os.path.basename(path)) for path in paths],
    }
    if encoder.is_quantizer:
        centers = np.ascontiguousarray(encoder.codebook.centers, "<f4")
        site["codebook"] = {"subcenters": centers.shape[1], "dim": centers.shape[2]}
        _write(folder, CENTERS, centers.tobytes())
    _write(folder, CODES, codes.tobytes())
    _write(folder, SITE, json.dumps(site).encode())


def _write(folder: str, name: str, content: bytes) -> None:
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)
