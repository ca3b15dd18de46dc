"""`from_table`: CSV, JSON-lines and Parquet, their columns, and what is wrong."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import from_table

ROWS = [("0.png", "cat", "train"), ("1.png", "dog|pet", "train"), ("2.png", "", "val")]
ROWS += [("sub/3.png", "dog", "test")]
LABELS = [[1, 0, 0], [0, 1, 1], [0, 0, 0], [0, 1, 0]]
SPLIT = ["train", "train", "validation", "query"]


@pytest.fixture
def place(tmp_path):
    """A folder of four images."""
    (tmp_path / "sub").mkdir()
    for number, (name, _, _) in enumerate(ROWS):
        pixels = np.full((8, 8, 3), 40 * number, np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return tmp_path


def write_csv(path, names=("Image Path", "Labels", "split"), between=",", start=""):
    lines = [between.join(row) for row in [names, *ROWS]]
    path.write_text(start + "\r\n".join(lines) + "\r\n", encoding="utf-8")
    return path


def write_json_lines(path):
    lines = [
        {"file_name": name, "tags": labels.split("|") if labels else None, "subset": s}
        for name, labels, s in ROWS
    ]
    path.write_text("\n\n".join(map(json.dumps, lines)))
    return path


def write_parquet(path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    names, labels, split = zip(*ROWS, strict=True)
    labels = [each.split("|") if each else [] for each in labels]
    table = pa.table({"path": names, "label": labels, "split": split})
    parquet.write_table(table, path)
    return path


def check(images, place):
    assert images.images == [str(place / name) for name, _, _ in ROWS]
    assert images.label_names == ["cat", "dog", "pet"]
    np.testing.assert_array_equal(images.labels, LABELS)
    assert images.split == SPLIT
    assert "1 have no label" in str(images)


@pytest.mark.parametrize(
    "write",
    [
        lambda place: write_csv(place / "birds.csv"),
        lambda place: write_csv(place / "birds.CSV", between=";", start="\ufeff"),
        lambda place: write_csv(place / "birds.tsv", between="\t"),
        lambda place: write_json_lines(place / "birds.jsonl"),
        lambda place: write_parquet(place / "birds.parquet"),
    ],
    ids=["csv", "semicolons", "tsv", "json-lines", "parquet"],
)
def test_columns_are_found_by_name(place, write):
    check(from_table(write(place)), place)


def test_columns_may_be_named(place):
    table = write_csv(place / "birds.csv", ("a", "b", "c"))
    columns = {"path_column": "a", "label_column": "b", "split_column": "c"}
    check(from_table(table, **columns), place)
    assert from_table(table, **{**columns, "split_column": None}).split is None


def test_a_column_may_be_no_split(place):
    table = write_csv(place / "birds.csv", ("path", "label", "part"))
    text = table.read_text().replace("train", "left").replace("test", "right")
    table.write_text(text)
    with pytest.raises(ValueError, match="'left', in the column 'part'.*=\"none\""):
        from_table(table)
    images = from_table(table, split_column="none")
    assert images.split is None and len(images) == 4
    table = write_csv(place / "two.csv", ("path", "part", "subset"))
    with pytest.raises(ValueError, match='split-column: 2 columns.*give "none"'):
        from_table(table, label_column="subset")
    labelled = from_table(table, label_column="subset", split_column="none")
    assert labelled.label_names == ["test", "train", "val"]


def test_paths_begin_at_the_root(place, tmp_path):
    (place / "lists").mkdir()
    table = write_csv(place / "lists" / "birds.csv")
    check(from_table(table, root=place), place)
    ups = "path,label\n../0.png,a\n" + f"{place / '1.png'},b\n"
    table.write_text(ups)
    assert from_table(table).images == [str(place / "0.png"), str(place / "1.png")]


def test_numbers_are_labels_in_their_order(place):
    lines = [
        {"path": "0.png", "label": 10},
        {"path": "1.png", "label": 9.0},  # As where another row lacks its int.
        {"path": "2.png", "label": float("nan")},
        {"path": "sub/3.png", "label": [9, 2]},
    ]
    table = place / "a.jsonl"
    table.write_text("\n".join(map(json.dumps, lines)))
    images = from_table(table)
    assert images.label_names == ["2", "9", "10"]
    expected = [[0, 0, 1], [0, 1, 0], [0, 0, 0], [1, 1, 0]]
    np.testing.assert_array_equal(images.labels, expected)


def test_training_images_may_be_in_the_database(place):
    table = place / "a.csv"
    lines = ["path,label,split", "0.png,a,train", "0.png,a,database", "1.png,b,test"]
    table.write_text("\n".join(lines))
    assert from_table(table).split == ["train", "database", "query"]
    table.write_text("\n".join([*lines, "0.png,a,test"]))
    with pytest.raises(ValueError, match=r"line 5: the image is already in .*line 2"):
        from_table(table)


def test_label_names_give_the_order(place):
    table = write_csv(place / "birds.csv")
    images = from_table(table, label_names=["pet", "cat", "cow", "dog"])
    assert images.labels[1].tolist() == [1, 0, 0, 1]
    with pytest.raises(ValueError, match="one of `label_names`. Received: 'dog'"):
        from_table(table, label_names=["pet", "cat"])


@pytest.mark.parametrize(
    "text, options, message",
    [
        (
            "path,label\n0.png,a\nno.png,b\nx.png,b\n",
            {},
            "(?s)line 3: there is no such",
        ),
        ("path,label\n//host/share/a.png,b\n", {}, "line 2: there is no such image"),
        (
            "path,label\n0.png,a\n0.png,b\n",
            {},
            "line 3: the image is already in .*line 2",
        ),
        ("path,label\n,a\n", {}, "line 2: the column 'path' must hold the path"),
        ("path,label\n0.png,a,b\n", {}, "line 2: a line must have a value for each"),
        ("path,label\n0.png\n", {}, "line 2: a line must have a value for each"),
        ("path,label\n0.png,\n", {}, "At least one image must have a label"),
        ("path,label\n0.png,Cat\n1.png,cat\n", {}, "'Cat' and 'cat'"),
        ("path,label\n", {}, "at least one row"),
        ("", {}, "at least one row"),
        ("a,label\n0.png,a\n", {}, "Name the column by .*--path-column: no column has"),
        ("path,label,class\n0.png,a,b\n", {}, "--label-column: 2 columns have one"),
        ("path,path\n0.png,a\n", {}, "two columns are called 'path'"),
        (
            "path,label\n0.png,a\n",
            {"label_column": "species"},
            "--label-column must be a column of the table. Received: 'species', and .*"
            "'path', 'label'",
        ),
        ("path,label,split\n0.png,a,third\n", {}, "part of the data set must be named"),
        ("path,label\n0.png,a\n", {"separator": ""}, "`separator` must be a text"),
    ],
)
def test_what_is_wrong_in_a_csv_file(place, text, options, message):
    (place / "a.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        from_table(place / "a.csv", **options)


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.jsonl", b'{"path": "0.png", "label": "a"}\n{', "line 2: "),
        ("a.jsonl", b'["0.png", "a"]', "line 1: a line must be a JSON object"),
        ("a.jsonl", b'{"path": "0.png", "label": {"a": 1}}', "name or a number"),
        ("a.jsonl", b'{"path": 3, "label": "a"}', "must hold the path of an image"),
        ("a.csv", b"path,label\n\xff.png,a\n", "cannot be read.*Save it as UTF-8"),
        ("a.parquet", b"PAR1 and no more", "cannot be read"),
        ("a.xlsx", b"", "must be a file .csv"),
    ],
)
def test_damaged_tables(place, name, content, message):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (place / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        from_table(place / name)


def test_unreadable_images_are_named(place):
    (place / "1.png").write_bytes(b"no image")
    table = write_csv(place / "birds.csv")
    with pytest.raises(ValueError, match="1.png"):
        from_table(table)
    assert len(from_table(table, verify_images=False)) == 4


def test_parquet_without_a_reader(place, monkeypatch):
    table = place / "a.parquet"
    table.write_bytes(b"")
    for name in ("pyarrow", "pyarrow.parquet", "pandas"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'install "keras-deephash\[parquet\]"'):
        from_table(table)


def test_parquet_by_pandas(place, monkeypatch):
    # pandas reads it by pyarrow here, and gives lists as arrays, and NaN.
    pandas = pytest.importorskip("pandas")
    table = write_parquet(place / "a.parquet")
    frame = pandas.read_parquet(table)
    monkeypatch.setattr(pandas, "read_parquet", lambda path: frame)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    check(from_table(table), place)


def test_minus_one_is_no_label_and_multi_hot_vectors_are_refused(place):
    table = place / "table.jsonl"
    rows = [{"path": "0.png", "label": 1}, {"path": "1.png", "label": -1}]
    rows += [{"path": "2.png", "label": 10}]
    table.write_text("\n".join(map(json.dumps, rows)))
    images = from_table(table)
    assert images.label_names == ["1", "10"]
    np.testing.assert_array_equal(images.labels, [[1, 0], [0, 0], [0, 1]])
    rows[0]["label"] = [0, 1, 1]
    table.write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(ValueError, match="must name each label once. For multi-hot"):
        from_table(table)
