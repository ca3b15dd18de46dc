"""The directory of a page: what may be replaced, and how."""

import json
import os
import re
import shutil
from importlib.resources import files

from keras_deephash.files import take_name
from keras_deephash.text import printable
from keras_deephash.web.site.runtime import page_names

SITE, MODEL, CODES, CENTERS = "site.json", "model.onnx", "codes.bin", "centers.bin"
THUMBNAILS, RUNTIME = "thumbnails", "runtime"
_THUMBNAIL = re.compile(r"[0-9]+\.jpg")


def assets() -> list:
    """The files of the package that each page has."""
    folder = files("keras_deephash.web").joinpath("assets")
    found = [*folder.iterdir(), *folder.joinpath("site").iterdir()]
    return [file for file in found if file.is_file()]


def check_output(output: str) -> None:
    """Checks that a page may take the place of what is there.

    Args:
        output: str. A path without links.

    Raises:
        FileExistsError: if it is not a page, or has other files than those of one.
    """
    if not os.path.exists(output):
        return
    if not os.path.isdir(output) or (os.listdir(output) and not _has_site(output)):
        raise FileExistsError(
            f"{output!r} exists and is not a page. Choose another directory, or "
            "remove it."
        )
    if (foreign := _foreign(output)) is not None:
        raise FileExistsError(
            f"{output!r} has another file than those of a page, which would be lost: "
            f"{printable(foreign)!r}. Choose another directory, or move the file away."
        )


def move_into_place(folder: str, output: str) -> None:
    """Gives a new page the name of an earlier one, which goes."""
    check_output(output)  # Files may have come since the page was begun.
    aside = f"{folder}-old"
    try:
        take_name(folder, output, aside)
    finally:
        if os.path.lexists(output):  # Else the earlier page is all there is.
            shutil.rmtree(aside, ignore_errors=True)


def _has_site(folder: str) -> bool:
    """Whether a directory has the description of a page, not another `site.json`."""
    try:
        with open(os.path.join(folder, SITE), encoding="utf-8") as file:
            return {"title", "spec", "preprocessing", "names"} <= set(json.load(file))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _foreign(output: str) -> str | None:
    """The path, from a directory on, of an entry that is not one of a page."""
    own = {SITE, MODEL, CODES, CENTERS, *(file.name for file in assets())}
    for entry in os.scandir(output):
        if entry.name in (THUMBNAILS, RUNTIME) and entry.is_dir(follow_symlinks=False):
            for name in os.listdir(entry.path):
                is_own = (
                    _THUMBNAIL.fullmatch(name)
                    if entry.name == THUMBNAILS
                    else name in page_names()
                )
                if not is_own:
                    return os.path.join(entry.name, name)
        elif entry.name not in own:
            return entry.name
    return None
