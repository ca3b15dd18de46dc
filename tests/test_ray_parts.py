"""The parts of an encoding by Ray, which need no Ray."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_deephash.ray_encoding.parts import Parts, read_paths


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "photos").mkdir()
    for number in range(3):
        Image.new("RGB", (4, 4)).save(tmp_path / "photos" / f"{number}.png")
    lines = [f"photos/{number}.png 1 0\n" for number in (2, 0)]
    (tmp_path / "list.txt").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "images, numbers", [("photos", [0, 1, 2]), ("list.txt", [2, 0])]
)
def test_parts_are_found_again_from_anywhere(folder, monkeypatch, images, numbers):
    expected = [str(folder / "photos" / f"{number}.png") for number in numbers]
    Parts("out", images).refresh()
    os.rename("out", "moved")
    monkeypatch.chdir(folder.parent)
    again = Parts(os.path.join(folder.name, "moved"), os.path.join(folder.name, images))
    again.refresh()
    (part,) = again.pending()
    paths, ids = read_paths(part)
    assert paths == expected
    np.testing.assert_array_equal(ids, np.arange(len(numbers)))


def test_a_single_image(folder):
    parts = Parts("out", "photos/1.png")
    parts.refresh()
    (part,) = parts.pending()
    assert read_paths(part)[0] == [str(folder / "photos" / "1.png")]


def test_names_that_no_text_can_hold_are_named(folder):
    name = os.fsencode(folder / "photos") + b"/caf\xe9.png"
    os.rename(os.fsencode(folder / "photos" / "0.png"), name)
    with pytest.raises(ValueError, match="must be UTF-8.*udce9.png"):
        Parts("out", "photos").refresh()
    assert not os.path.exists("out")


@pytest.mark.parametrize(
    "columns, message",
    [
        ({"path": ["a.png", None]}, "a `path` in every row. Received: 1 rows"),
        ({"path": ["a", "b"], "id": [0, None]}, "an? `id` in every row"),
        ({"path": ["a", "b"], "id": [0.5, 1.5]}, "ints in its column `id`.*double"),
        ({"path": ["a", "b"], "id": [7, 7]}, "table.parquet.*given twice. .*: 7"),
        ({"path": ["a"], "id": [-1]}, "table.parquet.*between 0 and"),
        ({"path": ["a"], "id": np.array([2**63], np.uint64)}, "between 0 and"),
    ],
)
def test_tables_that_lack_paths_or_ids(tmp_path, columns, message):
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    pq.write_table(pa.table(columns), tmp_path / "table.parquet")
    with pytest.raises(ValueError, match=message):
        Parts(str(tmp_path / "out"), str(tmp_path / "table.parquet")).refresh()


@pytest.mark.parametrize(
    "tables, message",
    [
        ([{"path": ["a"], "id": [5]}, {"path": ["b"], "id": [5]}], "given twice. .*5"),
        (
            [{"path": ["a"], "id": [5]}, {"path": ["b"]}],
            "`id`, or none of them. .*0.*1.parq",
        ),
    ],
)
def test_ids_are_those_of_all_tables(tmp_path, tables, message):
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    (tmp_path / "lists").mkdir()
    for number, columns in enumerate(tables):
        pq.write_table(pa.table(columns), tmp_path / "lists" / f"{number}.parquet")
        if not number:  # The second one comes later.
            Parts(str(tmp_path / "out"), str(tmp_path / "lists")).refresh()
    with pytest.raises(ValueError, match=message):
        Parts(str(tmp_path / "out"), str(tmp_path / "lists")).refresh()


def test_a_table_that_comes_to_an_encoded_folder_is_a_part(folder):
    pa = pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    Parts("out", "photos").refresh()
    pq.write_table(pa.table({"path": ["a.png"]}), folder / "photos" / "more.parquet")
    parts = Parts("out", "photos")
    parts.refresh()
    assert [part.count for part in parts.known] == [3, 1]
