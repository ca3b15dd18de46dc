"""Word vectors of label names, from word2vec and GloVe files."""

import os
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain
from math import inf

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.datasets.vector_file import read_vectors
from keras_deephash.progress import plain_lines

_EXPECTED = (
    "`source` must be a word2vec file, text or binary, or a GloVe file, with the "
    "ending .gz or .bz2 if it is compressed; or a gensim model, such as "
    '"word2vec-google-news-300".'
)


def load(
    label_names: Iterable[str],
    source: str | os.PathLike,
    substitutes: dict[str, str] | None = None,
    limit: int | None = None,
) -> np.ndarray:
    """Loads the word vector of every label name, scaled to length 1.

    A label is looked up as it is, in lower case, then with its words joined by `_`,
    as word2vec writes phrases. Otherwise a label of several words ("traffic light",
    "hair_drier", "dining-table") gets the mean of the vectors of its words.

    Args:
        label_names: list of L different strings.
        source: str. A word2vec file, text or binary, or a GloVe file, which is text
            without a header; each may be compressed, `.gz` or `.bz2`. Or the name of a
            model that gensim downloads once, such as `"word2vec-google-news-300"`.
            gensim's `KeyedVectors.save_word2vec_format` writes word2vec files.
        substitutes: dict of label names to the word or words to look up in their
            place, such as `{"automobile": "car"}`. Defaults to `None`.
        limit: int. Read only the first `limit` words, which are the most common ones in
            most files: 3 million words of 300 values take 3.6 GB. Defaults to `None`,
            all words.

    Returns:
        float32 array [L, D], in the order of `label_names`.

    Raises:
        ValueError: if labels are unknown (the error lists all), repeated or not
            strings; if the file is missing, damaged or has another format; if a vector
            is zero or not finite; if a download fails.

    Example:

    >>> word_vectors.load(["cat", "traffic light"], "glove.6B.50d.txt").shape
    (2, 50)
    """
    words = _words_to_look_up(label_names, substitutes)
    if limit is not None:
        limit = check_integer("limit", limit, minimum=1)
    keys = {key for word in words.values() for key in chain(*_split(word))}
    table = _read(_find_file(source), keys | {key.lower() for key in keys}, limit)
    found = [_look_up(word, table) for word in words.values()]
    _refuse(words, [vector is None for vector in found], "a known word", source)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    valid = (lengths > 0) & (lengths < inf)
    _refuse(words, ~valid, "a finite vector that is not zero", source)
    return (found / lengths).astype(np.float32)


def _refuse(words: dict[str, str], refused, expected: str, source) -> None:
    if np.any(refused):
        shown = [n if n == word else f"{n} (as {word})" for n, word in words.items()]
        wrong = [shown[i] for i in np.flatnonzero(refused)]
        raise ValueError(
            f"Every label must have {expected} in {str(source)!r}. Received "
            f"{len(wrong)} without: {wrong}. Give other words for them, "
            '`substitutes={"label": "word"}`, or use another file or `limit`.'
        )


def _words_to_look_up(label_names, substitutes) -> dict[str, str]:
    listed = isinstance(label_names, Iterable) and not isinstance(label_names, str)
    names = list(label_names) if listed else []
    if not names or not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError(
            f"`label_names` must be non-empty strings. Received: {label_names!r}."
        )
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"`label_names` must be different. Received twice: {twice}.")
    given = {} if substitutes is None else substitutes
    if not isinstance(given, dict) or not all(
        name in names and isinstance(word, str) for name, word in given.items()
    ):
        raise ValueError(
            "`substitutes` must be a dict of labels in `label_names` to words, such as "
            f'{{"automobile": "car"}}. Received: {substitutes!r}.'
        )
    return {name: name for name in names} | given


def _split(label: str) -> tuple[list[str], list[str]]:
    words = [word for word in re.split(r"[\s_-]+", label) if word]
    joined = "_".join(words)
    return [label, label.lower(), joined, joined.lower()], words


def _look_up(label: str, table) -> np.ndarray | None:
    spellings, words = _split(label)
    known = [word if word in table else word.lower() for word in words]
    for keys in (*([spelling] for spelling in spellings), known):
        if keys and all(key in table for key in keys):
            return np.mean([table[key] for key in keys], axis=0, dtype=np.float64)
    return None


def _find_file(source: str | os.PathLike) -> str:
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else ""
    if os.path.isfile(path):
        return os.path.abspath(path)  # gensim would open `scheme://` remotely.
    # A mistyped path must not be looked up online: gensim's names have no dot or slash.
    if os.path.exists(path) or path != source or not re.fullmatch(r"[\w-]+", path):
        raise ValueError(f"{_EXPECTED} Received: {source!r}, which is not a file.")
    return _download(path)


def _download(name: str) -> str:
    from gensim import downloader  # Slow to import, so not at the top.

    downloader.logger.disabled = True  # It prints the traceback of a failure.
    try:
        known = downloader.info(name_only=True)["models"]
        if name not in known:
            raise ValueError(f"gensim's models are {sorted(known)}")
        # Without `return_path`, gensim imports and runs an `__init__.py` that it
        # downloads together with the vectors. The vectors alone are enough.
        with plain_lines():
            return downloader.load(name, return_path=True)
    except Exception as error:  # The downloader raises a plain Exception.
        raise ValueError(
            f"{_EXPECTED} Received: {name!r}, which is neither a file nor downloaded. "
            f"Without network access, give the path of a file. Reason: {error}."
        ) from None
    finally:
        downloader.logger.disabled = False


def _read(path: str, keys: set[str], limit: int | None) -> dict[str, np.ndarray]:
    try:
        return read_vectors(path, keys, limit)
    except Exception as error:  # A damaged file may raise many, such as zlib's.
        raise ValueError(
            f"{_EXPECTED} Received: {path!r}, which is another format, damaged or "
            f"incomplete. Reason: {error}"
        ) from None
