"""Which files of a folder are images, and what is said of the others."""

import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from keras_deephash.images import (
    describe_others,
    find_images,
    image_paths,
    is_image_file,
    list_folder,
)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def names_in(folder):
    return [os.path.relpath(path, folder) for path in find_images(folder)]


def test_finding_images(pixels, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "deep/er/c.webp"):
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    names = [path[len(str(tmp_path)) + 1 :] for path in find_images(tmp_path)]
    assert names == ["a.png", "b.JPG", "deep/er/c.webp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        find_images(tmp_path / "empty")
    with pytest.raises(ValueError, match="no such folder"):
        find_images(tmp_path / "none")


@pytest.mark.skipif(os.name == "nt", reason="POSIX files")
def test_finding_images_past_what_is_no_file(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "broken.png").symlink_to(tmp_path / "gone.png")
    names = [os.path.basename(path) for path in find_images(tmp_path)]
    assert names == ["a.png", "broken.png"]


def test_a_folder_that_cannot_be_listed_is_named(pixels, tmp_path, monkeypatch):
    Image.fromarray(pixels).save(tmp_path / "a.png")
    (tmp_path / "secret").mkdir()
    list_folder = os.scandir

    def refuse(path):  # Permissions do not hold for root, who may run the tests.
        if os.fspath(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(PermissionError, match="secret"):
        find_images(tmp_path)


@pytest.mark.parametrize("name", ["a.jfif", "b.jpe", "c.mpo", "d.JPEG", "e.pbm"])
def test_rare_names_of_known_formats(pixels, tmp_path, name):
    Image.fromarray(pixels).save(tmp_path / name, format="JPEG")
    assert names_in(tmp_path) == [name] and is_image_file(tmp_path / name)


def test_files_that_macos_leaves_beside_others_are_ignored(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.jpg")
    (tmp_path / "._a.jpg").write_bytes(b"\0\5\x16\7")
    (tmp_path / ".DS_Store").write_bytes(b"Bud1")
    assert list_folder(tmp_path) == ([str(tmp_path / "a.jpg")], Counter())


def test_other_files_are_counted_by_kind(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "a.jpg")
    (tmp_path / "deep").mkdir()
    for name in ("b.MP4", "c.mp4", "deep/d.mp4", "e.pdf", "f", "g.xmp\x1b[1m", "h.txt"):
        (tmp_path / name).write_bytes(b"")
    paths, others = list_folder(tmp_path)
    assert paths == [str(tmp_path / "a.jpg")]
    assert others == {".mp4": 3, ".pdf": 1, "": 1, ".xmp\x1b[1m": 1}
    text = "6 other files: 3 .mp4; 1 without extension; 1 .pdf; 1 .xmp\\x1b[1m"
    assert describe_others(others) == text
    assert describe_others(Counter({".heic": 1, ".mp4": 5})) == (
        "6 other files: 1 .heic, install pillow-heif; 5 .mp4"
    )
    assert describe_others(Counter({".a": 1})) == "1 other file: 1 .a"
    many = describe_others(Counter({f".{number}": 2 for number in range(30)}))
    assert many.startswith("60 other files: 2 .0; ") and "44 of other kinds" in many
    os.remove(tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="no image.*but 6 other files: 3 .mp4"):
        find_images(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="POSIX links")
def test_linked_folders_are_read_once_and_circles_end(pixels, tmp_path):
    photos, album = tmp_path / "photos", tmp_path / "album"
    (photos / "b").mkdir(parents=True)
    album.mkdir()
    for path in (photos / "b" / "1.png", album / "2.png"):
        Image.fromarray(pixels).save(path)
    (photos / "a_link").symlink_to(photos / "b")  # A folder that is there anyway.
    (photos / "b" / "up").symlink_to(photos)
    (album / "back").symlink_to(photos)
    (photos / "z").symlink_to(album)
    (photos / "nothing").symlink_to(tmp_path / "gone")
    assert names_in(photos) == ["b/1.png", "z/2.png"]


def test_a_path_stands_for_its_images(pixels, tmp_path):
    for name in ("a.png", "b.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    both = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    assert image_paths(tmp_path) == image_paths(str(tmp_path)) == both
    assert image_paths(tmp_path / "b.png") == both[1:]
    assert image_paths("gone.png") == ["gone.png"]  # Read in vain, and so named.
    assert image_paths(both) is both and image_paths(pixels) is pixels


def test_what_begins_as_an_image(pixels, tmp_path):
    Image.fromarray(pixels).save(tmp_path / "scan.0001", format="png")
    Image.fromarray(pixels).save(tmp_path / "drawing.txt", format="eps")
    (tmp_path / "list.txt").write_text("a.png 0\n")
    found = [
        is_image_file(tmp_path / n) for n in ("scan.0001", "drawing.txt", "list.txt")
    ]
    assert found == [True, False, False]
    assert not is_image_file(tmp_path) and not is_image_file(tmp_path / "gone")


def test_photos_of_phones(pixels, tmp_path):
    """In another process: the plug-in stays registered."""
    heif = pytest.importorskip("pillow_heif", reason="an extra: pip install '.[heif]'")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 120, 40))).save(path)
    program = (
        "import sys; from keras_deephash.images import find_images, read_image\n"
        "(path,) = find_images(sys.argv[1])\n"
        "print(read_image(path).shape, *read_image(path).mean((0, 1)).round())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    shape, *means = done.stdout.replace("(48, 64, 3)", "shape").split()
    assert shape == "shape"
    assert np.abs(np.array(means, float) - (200, 120, 40)).max() < 6
