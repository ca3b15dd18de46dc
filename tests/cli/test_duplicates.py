"""The command that finds copies: its files, its lists, and what it refuses."""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from shared_models import share_models

from keras_deephash.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    share_models(monkeypatch)
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(ROOT / "zoo" / "presets"))


@pytest.fixture
def photos(tmp_path):
    """Three pictures of blots, a smaller copy of one, and a file that is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name in "abc":
        blots = generator.integers(0, 256, (5, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(blots).resize((180, 150), Image.Resampling.BICUBIC)
        picture.save(folder / f"{name}.png")
    picture.resize((90, 75)).save(folder / "c <small>.png")
    (folder / "broken.jpg").write_bytes(b"no image")
    return folder


def test_a_folder_is_searched_and_nothing_is_deleted(photos, capsys):
    before = sorted(os.listdir(photos))
    assert main(["duplicates", "photos", "--output", "found"]) == 0
    assert "1 group, 1 image more" in capsys.readouterr().out
    found = json.loads(Path("found.json").read_text())
    (group,) = found["groups"]
    assert found["images"] == 4 and group["keep"] == os.path.join("photos", "c.png")
    kept, other = group["images"]
    assert (kept["width"], kept["height"]) == (180, 150)
    assert other["path"].endswith("c <small>.png") and other["score"] > 4
    assert list(found["unreadable"]) == [os.path.join("photos", "broken.jpg")]
    assert "broken.jpg" in Path("found.unreadable.txt").read_text()
    page = Path("found.html").read_text()
    assert page.count("<img") == 2 and "keep" in page and "broken.jpg" in page
    assert "c &lt;small&gt;.png" in page and "<small>" not in page
    assert "<script" not in page and not re.search(r"(src|href)=\"(?!data:)", page)
    assert sorted(os.listdir(photos)) == before

    # The next run has the images in the cache.
    stamp = os.stat("found.cache").st_mtime_ns
    shutil.copy(photos / "a.png", photos / "d.png")
    assert main(["duplicates", "photos", "--output", "found"]) == 0
    assert len(json.loads(Path("found.json").read_text())["groups"]) == 2
    assert os.stat("found.cache").st_mtime_ns > stamp
    assert main(["duplicates", "photos", "--strict"]) == 1
    assert "broken.jpg" in capsys.readouterr().err
    assert not os.path.exists("duplicates.json")


def test_leaks_between_lists_and_copies_in_an_index(photos, capsys):
    lists = {"train.txt": "a.png 0\nc.png 1\n", "test.txt": "c <small>.png 1\n"}
    for name, text in lists.items():
        (photos / name).write_text(text)
    assert main(["duplicates", "--leaks", "photos"]) == 0
    (group,) = json.loads(Path("duplicates.json").read_text())["groups"]
    assert [image["source"] for image in group["images"]] == ["train", "query"]
    named = [os.path.join("photos", name) for name in lists]
    assert main(["duplicates", "--leaks", *named]) == 0

    (photos / "broken.jpg").unlink()
    index = ["index", "--preset", "dch_cifar10_48", "--images", "photos"]
    assert main([*index, "--output", "my.index"]) == 0
    os.mkdir("new")
    Image.open(photos / "b.png").save("new/b.jpg", quality=50)
    assert main(["duplicates", "new", "--against", "my.index"]) == 0
    (group,) = json.loads(Path("duplicates.json").read_text())["groups"]
    assert sorted(image["source"] for image in group["images"]) == ["images", "index"]


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "Give either a FOLDER or `--leaks`"),
        (["photos", "--leaks", "a.txt", "b.txt"], "Give either"),
        (["--leaks", "photos"], "`--leaks` must name two or three"),
        (["--leaks", "a.txt"], "`--leaks` must name two or three"),
        (["--leaks", *"abcd"], "`--leaks` must name two or three"),
        (["--leaks", "a.txt", "b.txt"], "no such list file"),
        (["photos", "--preset", "dch_cifar10_48"], "`--preset` is for `--against"),
        (["photos", "--false-positive-rate", "2"], "must be less than 1"),
        (["nowhere"], "FOLDER must be an existing folder"),
    ],
)
def test_what_is_wrong_fails_before_the_work(words, message, photos, capsys):
    assert main(["duplicates", *words]) == 1
    assert message in capsys.readouterr().err
    assert not os.path.exists("duplicates.cache")
