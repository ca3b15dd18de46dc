"""Images that cannot be read, as one error or as a list."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from keras_deephash.files import write_atomically
from keras_deephash.text import count, printable

_SHOWN = 20


class ImageErrors:
    """Notes which of some paths cannot be read, for the `on_error` of `encode`.

    Args:
        paths: list of str.
        strict: bool. Whether an unreadable image is an error. Defaults to `False`: it
            is noted and left out.

    Attributes:
        on_error: what `encode` takes; `None` if `strict`.

    Example:

    >>> errors = ImageErrors(paths)
    >>> codes = model.encode(paths, on_error=errors.on_error)
    >>> len(codes) == len(errors.readable)
    True
    """

    def __init__(self, paths: Sequence[str], strict: bool = False):
        self._paths, self._problems = paths, {}
        self.on_error: Callable[[int, Exception], None] | None = (
            None if strict else self._problems.__setitem__
        )

    @property
    def readable(self) -> list[str]:
        """The paths of the codes, in their order."""
        return [p for n, p in enumerate(self._paths) if n not in self._problems]

    @property
    def unreadable(self) -> dict[str, str]:
        """The other paths, and what is wrong."""
        return {self._paths[n]: str(error) for n, error in self._problems.items()}

    def refuse_none(self) -> None:
        """Raises ValueError if no image could be read."""
        if not self.readable:
            first = next(iter(self._problems.values()), "")
            images = count(len(self._paths), "image")
            raise ValueError(f"None of {images} can be read. {first}".rstrip())


def error_for(problems: Mapping[int, Exception], count: int | None = None) -> Exception:
    """One error that names every unreadable image.

    Args:
        problems: dict of the images' numbers to what `read_image` raised. At least
            one.
        count: int. Images in all. Defaults to `None`, unknown.

    Returns:
        A FileNotFoundError if all the files are missing, else a ValueError.
    """
    missing = all(isinstance(each, FileNotFoundError) for each in problems.values())
    kind = FileNotFoundError if missing else ValueError
    lines = [f"Image {number}: {error}" for number, error in problems.items()]
    if len(lines) == 1:
        return kind(lines[0])
    if len(lines) > _SHOWN:
        lines[_SHOWN:] = [f"... and {len(lines) - _SHOWN} more."]
    of_all = "" if count is None else f" of {count}"
    return kind("\n".join([f"{len(problems)}{of_all} images cannot be read:", *lines]))


def write_report(path: str | os.PathLike, unreadable: Mapping[str, str]) -> None:
    """Writes a line `path<TAB>why` for each unreadable image.

    A path with control characters, such as a line end, or that is not UTF-8 is written
    as a JSON string, in quotes. Without unreadable images, the file of an earlier run
    is removed.

    Args:
        path: str. The file to write.
        unreadable: dict of paths to what is wrong.
    """
    if not unreadable:
        with suppress(FileNotFoundError):
            os.remove(path)
        return
    with write_atomically(path) as file:
        for image, why in unreadable.items():
            plain = printable(image) == image and not image.startswith('"')
            name = image if plain else json.dumps(image)
            file.write(f"{name}\t{printable(why)}\n".encode())
