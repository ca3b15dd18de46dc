"""`from_folder`: class folders, folders of parts, and what cannot be one."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import from_folder


def picture(path, number: int = 0) -> None:
    """An image of 8 x 8 pixels that differs from those of other numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def birds(tmp_path):
    """Two class folders of three images."""
    for number in range(6):
        name = ("robin", "wren")[number % 2]
        picture(tmp_path / "birds" / name / f"{number}.png", number)
    return tmp_path / "birds"


def classes_of(images) -> list[tuple[str, str]]:
    """File name and class of each image."""
    names = [images.label_names[row.argmax()] for row in images.labels]
    return sorted(zip(map(os.path.basename, images.images), names, strict=True))


def test_a_sub_folder_is_a_class(birds):
    # Any type of image, at any depth, by links too; macOS leaves files of its own.
    picture(birds / "wren" / "nests" / "2024" / "6.jpg", 6)
    picture(birds / "robin" / "7.GIF", 7)
    picture(birds.parent / "elsewhere" / "8.bmp", 8)
    picture(birds.parent / "finches" / "9.webp", 9)
    (birds / "robin" / "more").symlink_to(birds.parent / "elsewhere")
    (birds / "finch").symlink_to(birds.parent / "finches")
    (birds / "wren" / "._6.jpg").write_bytes(b"of macOS")
    (birds / ".cache").mkdir()
    (birds / "__MACOSX").mkdir()
    images = from_folder(birds)
    assert images.label_names == ["finch", "robin", "wren"]
    robins = [(name, "robin") for name in ("0.png", "2.png", "4.png", "7.GIF", "8.bmp")]
    wrens = [(name, "wren") for name in ("1.png", "3.png", "5.png", "6.jpg")]
    assert classes_of(images) == sorted([*robins, *wrens, ("9.webp", "finch")])
    assert all(map(os.path.isabs, images.images)) and images.split is None
    assert "10 images, 3 labels (finch 1, robin 5, wren 4)" in str(images)


@pytest.mark.parametrize(
    "names, parts",
    [
        (("train", "val", "test"), ("train", "validation", "query")),
        (("Training", "validation"), ("train", "validation")),
        (("train", "query", "database"), ("train", "query", "database")),
        (("queries", "gallery"), ("query", "database")),
    ],
)
def test_folders_of_parts(tmp_path, names, parts):
    for number, name in enumerate(names):
        picture(tmp_path / name / "cat" / f"{number}.png", number)
    picture(tmp_path / names[0] / "dog" / "9.png", 9)
    (tmp_path / names[1] / "dog").mkdir()  # A part may lack a class.
    images = from_folder(tmp_path)
    assert images.label_names == ["cat", "dog"]
    found = {
        (Path(path).parts[-3], part)
        for path, part in zip(images.images, images.split, strict=True)
    }
    assert found == set(zip(names, parts, strict=True))


def test_training_images_alone_are_no_split(birds, tmp_path):
    (tmp_path / "set").mkdir()
    birds.rename(tmp_path / "set" / "train")
    images = from_folder(tmp_path / "set")
    assert images.split is None and images.label_names == ["robin", "wren"]


def test_a_class_may_be_called_as_a_part(birds):
    # Of vehicles, say: images lie in it, and no folders.
    picture(birds / "train" / "6.png", 6)
    assert from_folder(birds).label_names == ["robin", "train", "wren"]


def test_other_files_are_named(birds):
    (birds / "wren" / "song.mp3").write_bytes(b"")
    with pytest.warns(UserWarning, match="1 other file: 1 .mp3"):
        assert len(from_folder(birds)) == 6


def empty_class(birds):
    (birds / "finch").mkdir()


def class_of_other_files(birds):
    (birds / "finch").mkdir()
    (birds / "finch" / "song.mp3").write_bytes(b"")


def images_beside_folders(birds):
    picture(birds / "cover.png", 6)


def no_class(birds):
    for name in ("robin", "wren"):
        (birds / name).rename(birds.parent / name)
    picture(birds / "a.png")


def names_of_another_case(birds):
    picture(birds / "Robin" / "6.png", 6)


def damaged_images(birds):
    (birds / "wren" / "3.png").write_bytes(b"no image")
    (birds / "robin" / "4.png").write_bytes(
        (birds / "wren" / "5.png").read_bytes()[:60]
    )


def parts_and_classes(birds):
    picture(birds / "train" / "robin" / "6.png", 6)


def parts_without_classes(birds):
    (birds / "robin").rename(birds / "train")
    (birds / "wren").rename(birds / "test")


def one_part_twice(birds):
    for name in ("robin", "wren"):
        (birds / name).rename(birds.parent / name)
    for number, name in enumerate(("train", "val", "valid")):
        picture(birds / name / "robin" / f"{number}.png", number)


@pytest.mark.parametrize(
    "change, message",
    [
        (empty_class, "Every class must have an image, and 'finch' have none"),
        (class_of_other_files, "holds no image .*but 1 other file: 1 .mp3"),
        (images_beside_folders, "1 images beside the folders in .*'cover.png'. Move"),
        (no_class, "one folder for each class.* 1 images, but no folder"),
        (names_of_another_case, "more than their case. Received: 'Robin' and 'robin'"),
        (damaged_images, r"(?s)2 of 6 images cannot be read:.*4.png.*3.png"),
        (parts_and_classes, "not both. Received: 'train' and 'robin', 'wren'"),
        (parts_without_classes, "one folder for each class.*'test', 'train' have none"),
        (one_part_twice, "'val', 'valid' are the validation images"),
    ],
)
def test_what_is_wrong_is_an_error(birds, change, message):
    change(birds)
    with pytest.raises(ValueError, match=message):
        from_folder(birds)


def test_a_folder_that_there_is_not(tmp_path):
    with pytest.raises(ValueError, match="There is no such folder"):
        from_folder(tmp_path / "birds")


def test_ten_thousand_classes(tmp_path):
    for number in range(10_000):
        folder = tmp_path / f"{number:05}"
        folder.mkdir()
        pixels = bytes([number % 251, number // 251, number % 97])
        (folder / "a.ppm").write_bytes(b"P6 1 1 255\n" + pixels)
    images = from_folder(tmp_path)
    assert images.labels.shape == (10_000, 10_000)
    assert np.array_equal(np.flatnonzero(images.labels[1234]), [1234])
    assert len(str(images)) < 300
