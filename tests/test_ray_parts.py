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
