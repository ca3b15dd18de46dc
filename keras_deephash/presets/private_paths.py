"""Names of files and folders of the computer that made a preset."""

import hashlib
import json
import ntpath
import os
import posixpath
import re
import shlex

from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.index_file import rename_index_file

# From the root, a home or a drive; not the address of a site.
_ROOT = r"(?:file://)?(?:~[\w.-]*[/\\]|[A-Za-z]:[/\\]|\\\\|/(?!/))"
_INNER = r"[^\s\"'`<>|,;*?()\[\]{}]"
_START = re.compile(_ROOT)
# Where a word begins, and without the full stop of a sentence.
_PATH = re.compile(rf"(?<![\w.:/\\~-]){_ROOT}{_INNER}*(?<![.:])")


def without_paths(
    files: dict[str, str], metadata: dict, keep: bool = False
) -> tuple[dict[str, str | bytes], dict, list[str]]:
    """A preset without the absolute paths of its training and its index.

    Args:
        files: dict, the paths of its files by name.
        metadata: dict, as `read_metadata` returns it.
        keep: bool. Whether all stays as it is.

    Returns:
        Tuple of the files, bytes in place of those that change, of the metadata, and of
        the names in the index.
    """
    files, changed = dict(files), dict(metadata)
    indexed = []
    if md.INDEX_FILE in files:
        rename = list if keep else shorten_names
        indexed, content = rename_index_file(files[md.INDEX_FILE], rename)
        if content is not None:
            entry = {
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            changed["files"] = {**metadata["files"], md.INDEX_FILE: entry}
            files[md.INDEX_FILE] = content
    if not keep:
        changed["dataset"] = shorten(metadata["dataset"])
        changed["training"] = shorten(metadata["training"])
    if changed != metadata:
        files[md.METADATA_FILE] = (json.dumps(changed, indent=2) + "\n").encode()
    return files, changed, indexed


def describe_paths(metadata: dict, indexed: list[str], card: str) -> list[str]:
    """A phrase for each place where a preset names files of its author's computer."""
    told = []
    if any(indexed):
        first = next(filter(is_absolute, indexed), next(filter(None, indexed)))
        told.append(f"`{md.INDEX_FILE}` has {len(indexed):,} names, such as {first!r}")
    for what, text in (
        (md.METADATA_FILE, json.dumps(metadata, ensure_ascii=False)),
        (md.README_FILE, card),
    ):
        # A path in JSON is longer by the backslashes before its own.
        paths = find_paths(text.replace("\\\\", "\\"))
        if paths:
            told.append(f"`{what}` has {', '.join(map(repr, _few(paths)))}")
    return told


def _few(paths: list[str]) -> list[str]:
    paths = list(dict.fromkeys(paths))
    more = [f"{len(paths) - 5} more"] if len(paths) > 5 else []
    return paths[:5] + more


def is_absolute(path: str) -> bool:
    """Whether a path, of POSIX or Windows, says where on its computer a file lies."""
    return _START.match(path) is not None


def find_paths(text: str) -> list[str]:
    """The absolute paths that stand in a text."""
    return [match[0] for match in _PATH.finditer(text) if len(match[0]) > 1]


def shorten(value):
    """A value of JSON with the last name alone of each absolute path in its texts.

    A command line keeps its quotes, so that it remains one.
    """
    if isinstance(value, dict):
        return {key: shorten(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shorten(item) for item in value]
    if not isinstance(value, str) or not find_paths(value):
        return value
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    if shlex.join(words) == value:
        return shlex.join(map(_shorten_word, words))
    return _PATH.sub(lambda match: _shorten_word(match[0]), value)


def shorten_names(names: list[str]) -> list[str]:
    """Names of files, the absolute ones relative to the folder that holds them all."""
    absolute = [name for name in names if is_absolute(name)]
    if not absolute:
        return names
    try:
        folder = os.path.commonpath([os.path.dirname(name) for name in absolute])
    except ValueError:  # Of several drives, or of another system.
        folder = None
    if not folder or not all(name.startswith(folder) for name in absolute):
        return [_last_name(name) if is_absolute(name) else name for name in names]
    return [
        name[len(folder) :].lstrip("/\\") if is_absolute(name) else name
        for name in names
    ]


def _shorten_word(word: str) -> str:
    """A word of a command: a path, `--option=path` or anything else."""
    option, equals, path = word.partition("=")
    if equals and is_absolute(path):
        return f"{option}={_last_name(path)}"
    return _last_name(word) if is_absolute(word) else word


def _last_name(path: str) -> str:
    path = path.rstrip("/\\")
    windows = ntpath.basename(path)
    return windows if "\\" in path else posixpath.basename(path)
