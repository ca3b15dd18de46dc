"""The image files of a folder, and its other files."""

import os
from collections import Counter
from collections.abc import Iterator

from keras_deephash.images.formats import (
    EXTENSIONS,
    REMEDIES,
    known_extensions,
    open_image,
)
from keras_deephash.text import printable

# Lists of images and labels lie beside the images.
_LISTS = ".txt"
_KINDS_SHOWN = 8
_LONGEST_EXTENSION = 12


def image_paths(images):
    """The images that a path stands for: a folder's, or itself; else `images`."""
    if not isinstance(images, (str, os.PathLike)):
        return images
    return find_images(images) if os.path.isdir(images) else [os.fspath(images)]


def find_images(folder: str | os.PathLike) -> list[str]:
    """Paths of all image files below a folder, sorted.

    Links to files and to folders are followed, each folder once. Files `._*`, which
    macOS leaves beside others, are not taken.

    Args:
        folder: str. The folder.

    Returns:
        List of str.

    Raises:
        ValueError: if the folder does not exist or holds no image.
        OSError: if a folder below it cannot be listed.
    """
    return list_folder(folder)[0]


def list_folder(folder: str | os.PathLike) -> tuple[list[str], Counter]:
    """The paths of `find_images`, and the number of other files by extension.

    Args:
        folder: str. The folder.

    Returns:
        Tuple of a sorted list of paths, and a Counter of lower-case extensions,
        without hidden files and lists, `.txt`.
    """
    folder = os.fspath(folder)
    if not os.path.isdir(folder):
        raise ValueError(f"There is no such folder. Received: {folder!r}.")
    extensions = known_extensions()
    paths, others = [], Counter()
    for parent, names in _folders(folder):
        for name in names:
            if name.startswith("._"):
                continue
            path = os.path.join(parent, name)
            if name.lower().endswith(extensions):
                if _is_readable(path):
                    paths.append(path)
            elif not name.startswith(".") and not name.lower().endswith(_LISTS):
                others[os.path.splitext(name)[1].lower()] += 1
    if not paths:
        there = f", but {describe_others(others)}" if others else ""
        raise ValueError(
            f"The folder holds no image ({', '.join(EXTENSIONS)}){there}. "
            f"Received: {folder!r}."
        )
    return sorted(paths), others


def describe_others(others: Counter) -> str:
    """One line: "6 other files: 1 .heic, install pillow-heif; 5 .mp4"."""
    # Kinds that a package would read come first, then the most frequent ones.
    order = sorted(others, key=lambda kind: (kind not in REMEDIES, -others[kind], kind))
    parts = [
        f"{others[kind]} {_name_of(kind)}"
        + (f", {REMEDIES[kind]}" if kind in REMEDIES else "")
        for kind in order[:_KINDS_SHOWN]
    ]
    rest = sum(others[kind] for kind in order[_KINDS_SHOWN:])
    parts += [f"{rest} of other kinds"] if rest else []
    count = others.total()
    return f"{count} other file{'s' if count > 1 else ''}: {'; '.join(parts)}"


def is_image_file(path: str | os.PathLike) -> bool:
    """Whether a file has the extension or the first bytes of an image."""
    if os.fspath(path).lower().endswith(EXTENSIONS):
        return True
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as stream, open_image(stream):
            return True
    except OSError:  # Also what Pillow raises for what it does not know.
        return False
    except Exception:  # A damaged image, then.
        return True


def _folders(top: str) -> Iterator[tuple[str, list[str]]]:
    """Every folder below one, with its files, each once: links may go in circles.

    Folders come before links to them, so that a name does not depend on a link.
    """
    visited, links = set(), [top]
    while links:
        for parent, folders, names in os.walk(links.pop(0), onerror=_raise):
            status = os.stat(parent)
            if (status.st_dev, status.st_ino) in visited:
                folders.clear()
                continue
            visited.add((status.st_dev, status.st_ino))
            paths = (os.path.join(parent, name) for name in sorted(folders))
            links += filter(os.path.islink, paths)
            yield parent, names


def _raise(error: OSError):
    raise error


def _is_readable(path: str) -> bool:
    """Whether a path may be read: reading a pipe would never end."""
    # A broken link passes, so that reading it names it as missing.
    return os.path.isfile(path) or not os.path.exists(path)


def _name_of(extension: str) -> str:
    if not extension:
        return "without extension"
    if len(extension) > _LONGEST_EXTENSION:
        extension = f"{extension[:_LONGEST_EXTENSION]}…"
    return printable(extension)
