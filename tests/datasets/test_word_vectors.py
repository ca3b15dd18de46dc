"""Word vectors: every file format, the look-up of labels, and damaged files."""

import bz2
import codecs
import gzip
import json
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from keras_deephash.datasets import word_vectors

ROOT = Path(__file__).parents[2]
WORDS = [
    *("cat", "car", "Paris", "traffic", "light", "hot_dog", "hot", "dog", "hair"),
    *("drier", "12", "t-shirt", "café"),
]
VALUES = np.random.default_rng(0).normal(size=(len(WORDS), 5)).astype(np.float32)
ROW = dict(zip(WORDS, VALUES, strict=True))


def text(words=WORDS, values=VALUES, header=True):
    first = f"{len(words)} {values.shape[1]}\n" if header else ""
    rows = zip(words, values, strict=True)
    lines = [f"{word} {' '.join(map(repr, v.tolist()))}\n" for word, v in rows]
    return (first + "".join(lines)).encode()


def binary(words=WORDS, values=VALUES, end=b""):
    content = f"{len(words)} {values.shape[1]}\n".encode()
    for word, row in zip(words, values, strict=True):
        content += word.encode() + b" " + struct.pack(f"<{len(row)}f", *row) + end
    return content


def glove(words=WORDS, values=VALUES):
    return text(words, values, header=False)


def assert_unit(vectors, *rows):
    """Checks that the vectors are the rows, scaled to length 1."""
    rows = np.float64(rows)
    expected = rows / np.sqrt((rows**2).sum(axis=1))[:, None]
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


@pytest.fixture
def write(tmp_path):
    """A function that writes a file of vectors and gives its path."""

    def write(content=None, name="vectors.txt"):
        (tmp_path / name).write_bytes(text() if content is None else content)
        return tmp_path / name

    return write


@pytest.mark.parametrize("compression", [None, gzip, bz2])
@pytest.mark.parametrize(
    "content",
    [
        pytest.param(text(), id="text"),
        pytest.param(text().replace(b"\n", b"\r\n"), id="windows"),
        pytest.param(text().replace(b"\n", b" \n"), id="trailing_space"),
        pytest.param(glove(), id="glove"),
        pytest.param(codecs.BOM_UTF8 + text(), id="text_of_windows"),
        pytest.param(codecs.BOM_UTF8 + glove(), id="glove_of_windows"),
        pytest.param(glove().rstrip(), id="no_last_line_end"),
        pytest.param(binary(), id="binary"),
        pytest.param(binary(end=b"\n"), id="binary_lines"),
    ],
)
def test_every_format(write, content, compression):
    if compression:
        content = compression.compress(content)
    path = write(content, {gzip: "a.gz", bz2: "a.bz2"}.get(compression, "a"))
    vectors = word_vectors.load(["café", "cat", "12"], str(path))
    assert_unit(vectors, ROW["café"], ROW["cat"], ROW["12"])


@pytest.mark.parametrize("content", [text, glove, binary])
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_any_dimension(write, content, size):
    values = np.random.default_rng(size).normal(size=(3, size)).astype(np.float32)
    path = write(content(["a", "b", "c"], values))
    assert_unit(word_vectors.load(["c", "a"], path), values[2], values[0])


@pytest.mark.parametrize("content", [text, glove, binary])
def test_look_up_of_labels(write, content):
    expected = {
        "Paris": ROW["Paris"],  # As it is.
        "CAT": ROW["cat"],  # In lower case.
        "T-Shirt": ROW["t-shirt"],
        "hot dog": ROW["hot_dog"],  # A phrase, rather than the mean of its words.
        "Hot-Dog": ROW["hot_dog"],
        "traffic light": (ROW["traffic"] + ROW["light"]) / 2,
        "hair_drier": (ROW["hair"] + ROW["drier"]) / 2,
        "Hair-Light-Paris": (ROW["hair"] + ROW["light"] + ROW["Paris"]) / 3,
    }
    assert_unit(word_vectors.load(expected, write(content())), *expected.values())


def test_substitutes(write):
    names, path = ["automobile", "cat", "lamp"], write()
    substitutes = {"lamp": "traffic light", "automobile": "car"}
    vectors = word_vectors.load(names, path, substitutes)
    assert_unit(vectors, ROW["car"], ROW["cat"], ROW["traffic"] + ROW["light"])
    with pytest.raises(ValueError, match="labels in `label_names`.*'automobil'"):
        word_vectors.load(names, path, {"automobil": "car"})
    with pytest.raises(ValueError, match=r"1 without: \['lamp \(as bulb\)'\]"):
        word_vectors.load(names, path, substitutes | {"lamp": "bulb"})


@pytest.mark.parametrize("content", [text, glove, binary])
@pytest.mark.parametrize("known", [[], ["cat"]])
def test_all_unknown_labels_are_named(write, content, known):
    names = [*known, "automobile", "traffic sign", "-"]
    message = r"3 without: \['automobile', 'traffic sign', '-'\].*`substitutes="
    with pytest.raises(ValueError, match=message):
        word_vectors.load(names, write(content()))


@pytest.mark.parametrize("content", [text, glove, binary])
def test_limit(write, content):
    path = write(content())
    assert_unit(word_vectors.load(["car"], path, limit=2), ROW["car"])
    with pytest.raises(ValueError, match=r"1 without: \['Paris'\].*`limit`"):
        word_vectors.load(["cat", "Paris"], path, limit=2)
    with pytest.raises(ValueError, match="`limit` must be .* Received: limit=0"):
        word_vectors.load(["cat"], path, limit=0)


def test_words_with_spaces_are_left_out(write):
    path = write(glove() + b". . . 1 2 3 4 5\nat cat 1 2 3 4 5\nbus 5 4 3 2 1\n")
    assert_unit(word_vectors.load(["bus", "cat"], path), [5, 4, 3, 2, 1], ROW["cat"])


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "first vector must be"),
        (b"cat\ndog\n", "first vector must be"),
        (b"cat,1,2\n", "first vector must be"),
        (bytes(range(256)) * 20, "first vector must be"),
        (gzip.compress(text()), "first vector must be"),  # Without .gz.
        (b"0 5\n", "says 0 words"),
        (b"3 0\ncat\n", "says 3 words of 0"),
        (b"999999999999 300\ncat 1\n", "says 999999999999 words"),
        (b"12 5\n", "first vector must be"),
        (text().replace(b"13 5", b"13 300", 1), "first vector must be"),
        (text().replace(b"13 5", b"14 5", 1), "says 14 words, but there are 13"),
        (text()[:150], "Vector 2 must have 5 values"),
        (glove() + b"bus 0.5\n", "Vector 14 must have 5"),
        (glove() + b"bus 1 2 3 4 x\n", "could not convert"),
        (binary()[:-3], "unexpected end"),
        (text().decode().encode("utf-16"), "UTF-16: save it as UTF-8"),
        (b"2 200000\n" + binary()[5:], "says 2 words of 200000"),
        (b"9 5\n" + b"\0" * 200_000, "Word 1 of the binary file is too long"),
        (glove() + b"b" * (1 << 22) + b" 1 2 3 4 5\n", "Vector 14 is too long"),
    ],
)
def test_damaged_files(write, content, message):
    path = write(content)
    with pytest.raises(ValueError, match=f"`source` must be .*{message}") as error:
        word_vectors.load(["cat", "bus"], path)
    assert str(path) in str(error.value)


def test_what_a_file_unpacks_to_is_not_held(write):
    """Its size is that of a header, a line, or a word, all made up."""
    many = b"700000000 1\n" + b"a \0\0\0\0" * 110_000
    line = bz2.compress(b"a 0.1 0.2\n") + 16 * bz2.compress(b"b" * (1 << 24))
    tracemalloc.start()
    for name, content in (("a.bin", many), ("b.txt.bz2", line)):
        with pytest.raises(ValueError, match="unexpected end|is too long"):
            word_vectors.load(["a"], write(content, name))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_the_first_of_a_repeated_word_counts(write):
    for make in (text, binary, glove):
        path = write(make(["a", "b", "a"], VALUES[:3]))
        assert_unit(word_vectors.load(["a"], path), VALUES[0])


@pytest.mark.parametrize("content", [gzip.compress(text())[:-30], text()])
def test_damaged_gzip(write, content):
    with pytest.raises(ValueError, match="`source` must be .*damaged or incomplete"):
        word_vectors.load(["cat"], write(content, "vectors.gz"))


@pytest.mark.parametrize("content", [text, glove, binary])
@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_zero_and_infinite_vectors(write, content, value):
    values = VALUES.copy()
    values[[0, 3]] = value
    path = write(content(values=values))
    with pytest.raises(ValueError, match=r"finite.*\['traffic', 'cat'\]"):
        word_vectors.load(["car", "traffic", "cat"], path)
    assert_unit(word_vectors.load(["car"], path), ROW["car"])


@pytest.mark.parametrize(
    "names", [[], None, "cat", ["cat", 3], ["cat", " "], ["x"] * 2]
)
def test_bad_label_names(write, names):
    with pytest.raises(ValueError, match="`label_names` must be .* Received"):
        word_vectors.load(names, write())


@pytest.mark.parametrize("source", ["no/such.txt", "such.txt", "", ".", None, 5, ROOT])
def test_no_file(source):
    with pytest.raises(ValueError, match="`source` must be .*, which is not a file"):
        word_vectors.load(["cat"], source)


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """gensim's download folder, without network."""
    from gensim import downloader

    def urlopen(*_):
        raise OSError("no route to host")

    monkeypatch.setattr(downloader, "urlopen", urlopen)
    monkeypatch.setattr(downloader, "BASE_DIR", str(tmp_path))
    return tmp_path


def test_name_without_network(offline, caplog):
    with pytest.raises(ValueError, match="Without network access, give the path"):
        word_vectors.load(["cat"], "word2vec-google-news-300")
    assert not caplog.records  # gensim would log a traceback.


def test_downloaded_vectors_run_no_code(offline):
    known = {"corpora": {}, "models": {"small-5": {"file_name": "small-5.gz"}}}
    (offline / "information.json").write_text(json.dumps(known))
    (offline / "small-5").mkdir()
    (offline / "small-5" / "small-5.gz").write_bytes(gzip.compress(binary()))
    code = f"open({str(offline / 'ran')!r}, 'w')"
    (offline / "small-5" / "__init__.py").write_text(code)
    assert_unit(word_vectors.load(["cat"], "small-5"), ROW["cat"])
    assert not (offline / "ran").exists()
    with pytest.raises(ValueError, match=r"models are \['small-5'\]"):
        word_vectors.load(["cat"], "small-6")


@pytest.mark.parametrize("name", ["cifar10_word2vec300", "coco80_glove300"])
def test_vectors_of_published_data_sets(name):
    path = ROOT.parent / "shared" / "data" / "word_vectors" / f"{name}.txt"
    if not path.is_file():
        pytest.skip(f"needs {path}")
    lines = [line.split() for line in path.read_text().splitlines()[1:]]
    names = [line[0].replace("_", " ") for line in lines]
    assert_unit(word_vectors.load(names, path), *(line[1:] for line in lines))
