"""A split that the library makes: its shares, near-duplicates, and its lists."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import (
    ImageSet,
    from_folder,
    group_near_duplicates,
    read_splits,
    split_images,
    write_lists,
)
from keras_deephash.datasets.list_writing import write_indices
from keras_deephash.datasets.parts import check_apart, parts_of
from keras_deephash.datasets.sources import read_query_and_database

RNG = np.random.default_rng(0)


def blobs(count: int, size: int = 48) -> list[Image.Image]:
    """Smooth pictures, each different."""
    small = RNG.integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)
    resample = Image.Resampling.BICUBIC
    return [Image.fromarray(each).resize((size, size), resample) for each in small]


def image_set(counts, **arguments) -> ImageSet:
    """Noise images in memory, so many of each class."""
    images = RNG.integers(0, 256, (sum(counts), 24, 24, 3), dtype=np.uint8)
    classes = np.repeat(np.arange(len(counts)), counts)
    return ImageSet(images, np.eye(len(counts), dtype=np.uint8)[classes], **arguments)


def test_copies_in_other_sizes_and_compressions_are_one_group(tmp_path):
    paths = []
    for number, picture in enumerate(blobs(6)):
        for name, image in (
            ("a.png", picture),
            ("b.jpg", picture),
            ("c.png", picture.resize((96, 80))),
        ):
            paths.append(str(tmp_path / f"{number}{name}"))
            image.save(paths[-1])
    groups = group_near_duplicates(paths)
    np.testing.assert_array_equal(groups[::3], groups[1::3])
    np.testing.assert_array_equal(groups[::3], groups[2::3])
    assert len(set(groups)) == 6
    assert list(group_near_duplicates([])) == []


def test_colours_alone_tell_images_apart():
    flat = np.zeros((4, 8, 8, 3), np.uint8)
    flat[1, ..., 0], flat[2, ..., 1], flat[3, ..., 0] = 200, 200, 201
    assert list(group_near_duplicates(flat)) == [0, 1, 2, 1]


def test_every_image_of_a_large_group_is_found():
    images = np.repeat(np.stack([np.asarray(b) for b in blobs(2)]), 50, axis=0)
    images = np.clip(images + RNG.integers(-1, 2, images.shape), 0, 255)
    assert len(set(group_near_duplicates(images.astype(np.uint8)))) == 2


def test_a_split_is_stratified_and_seeded():
    images = image_set([100, 40, 20])
    split = np.array(split_images(images).split)
    for label, count in enumerate((100, 40, 20)):
        of_label = split[images.labels[:, label] == 1]
        shares = [(of_label == p).mean() for p in ("train", "query", "database")]
        np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=1 / count)
    assert split_images(images, seed=0).split == list(split)
    assert split_images(images, seed=1).split != list(split)
    other = split_images(images, query=0.25, database=0.5).split
    assert (other.count("query"), other.count("database")) == (40, 80)


def test_near_duplicates_stay_together():
    pictures = np.stack([np.asarray(b) for b in blobs(30)])
    # Of one class 15 pictures in 6 copies each, of the other 15 as they are.
    images = np.concatenate([np.repeat(pictures[:15], 6, axis=0), pictures[15:]])
    labels = np.eye(2, dtype=np.uint8)[np.repeat([0, 1], [90, 15])]
    split = np.array(split_images(ImageSet(images, labels)).split)
    for copies in split[:90].reshape(15, 6):
        assert len(set(copies)) == 1
    assert {"train", "query", "database"} == set(split[:90]) == set(split[90:])


@pytest.mark.parametrize(
    "count, expected",
    [(1, {"train"}), (2, {"train", "database"}), (3, {"train", "query", "database"})],
)
def test_classes_of_few_images(count, expected):
    images = image_set([20, count])
    split = np.array(split_images(images).split)[20:]
    assert set(split) == expected and len(split) == count


def test_what_has_no_label_is_trained_on_alone():
    images = image_set([20, 20])
    labels = images.labels.copy()
    labels[::4] = 0
    split = np.array(split_images(ImageSet(images.images, labels)).split)
    assert set(split[::4]) == {"train"}
    assert "10 have no label: they are similar to no other" in str(
        ImageSet(images.images, labels)
    )


def test_what_cannot_be_split():
    with pytest.raises(ValueError, match="at least three different images"):
        split_images(image_set([2, 2]))
    same = np.repeat(RNG.integers(0, 256, (1, 24, 24, 3), dtype=np.uint8), 9, axis=0)
    with pytest.raises(ValueError, match="at least three different images"):
        split_images(ImageSet(same, np.ones((9, 1), np.uint8)))
    with pytest.raises(ValueError, match="must leave images to train on"):
        split_images(image_set([20]), query=0.5, database=0.5)


@pytest.fixture
def folder(tmp_path):
    """Ten images of each of three classes."""
    for name in ("cat", "dog", "traffic light"):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number, picture in enumerate(blobs(10, 16)):
            picture.save(tmp_path / "set" / name / f"{number} {name}.png")
    return tmp_path / "set"


@pytest.mark.parametrize("place", ["set", "lists", "deep/er/lists"])
def test_lists_are_read_as_they_were_written(folder, tmp_path, place):
    parts = parts_of(split_images(from_folder(folder)))
    write_lists(parts, tmp_path / place)
    again = read_splits(tmp_path / place)
    for part, images in zip(("train", "query", "database"), again, strict=True):
        assert images.images == parts[part].images
        np.testing.assert_array_equal(images.labels, parts[part].labels)
        assert images.label_names == ["cat", "dog", "traffic light"]
    assert (tmp_path / place / "root.txt").exists() == (place != "set")
    # Both moved together.
    moved = tmp_path / "moved"
    os.rename(tmp_path / place.split("/")[0], tmp_path / "kept")
    if place == "lists":
        moved.mkdir()
        os.rename(folder, moved / "set")
        os.rename(tmp_path / "kept", moved / "lists")
        assert len(read_splits(moved / "lists").train) == len(parts["train"])


def test_lists_of_several_labels_and_of_none(folder, tmp_path):
    images = from_folder(folder)
    labels = images.labels.copy()
    labels[:2] = 0
    single = ImageSet(images.images, labels, images.label_names)
    write_lists({"train": single}, tmp_path / "lists", folder)
    text = (tmp_path / "lists" / "train.txt").read_text()
    assert text.startswith("cat/0 cat.png -1\ncat/1 cat.png -1\ncat/2 cat.png 0\n")
    assert "traffic light/9 traffic light.png 2\n" in text
    labels[3] = 1
    several = ImageSet(images.images, labels, images.label_names)
    write_lists({"query": several}, tmp_path / "lists", folder)
    assert not (tmp_path / "lists" / "train.txt").exists()
    text = (tmp_path / "lists" / "test.txt").read_text()
    assert text.startswith("cat/0 cat.png 0 0 0\ncat/1 cat.png 0 0 0\ncat/2 cat.png 1")
    for found in (single, several):
        parts = {
            "query": found.subset(range(15)),
            "database": found.subset([*range(15, 30)]),
        }
        write_lists(parts, tmp_path / "again", folder)
        query, database = read_query_and_database(tmp_path / "again")
        np.testing.assert_array_equal(
            np.concatenate([query.labels, database.labels]), found.labels
        )


@pytest.mark.parametrize("name", ["a\nb.png", " a.png", "a 3", "a\x1b.png"])
def test_a_path_that_no_line_can_hold(tmp_path, name):
    images = ImageSet([str(tmp_path / name)], np.ones((1, 1), np.uint8))
    with pytest.raises(ValueError, match="cannot hold the path of this image: rename"):
        write_lists({"train": images}, tmp_path / "lists", tmp_path)
    assert not (tmp_path / "lists").exists()


def test_lists_are_of_files():
    with pytest.raises(ValueError, match="these images are not files"):
        write_lists({"train": image_set([3])}, "lists")


@pytest.mark.parametrize("text", ["//host/share", "a\nb", "\\\\host\\share"])
def test_a_root_of_another_machine(folder, text):
    (folder / "train.txt").write_text("cat/0 cat.png 0\n")
    (folder / "root.txt").write_text(text)
    with pytest.raises(ValueError, match="root.txt' must name the one dir"):
        read_splits(folder)


def parts_set(tmp_path, names) -> ImageSet:
    split = {"a": "train", "b": "query", "c": "database", "d": "validation"}
    paths = [str(tmp_path / name) for name in names]
    labels = np.ones((len(names), 1), np.uint8)
    return ImageSet(paths, labels, None, [split[name[0]] for name in names])


def test_parts_that_share_images(tmp_path):
    pictures = blobs(4, 16)
    for name, number in (("a1", 0), ("a2", 1), ("b1", 2), ("c1", 1), ("d1", 3)):
        pictures[number].save(tmp_path / f"{name}.bmp")
    # The training images may be a part of the database.
    names = ["a1.bmp", "a2.bmp", "b1.bmp", "c1.bmp", "d1.bmp"]
    parts = parts_of(parts_set(tmp_path, names))
    assert {part: len(x) for part, x in parts.items()} == {
        "train": 2,
        "validation": 1,
        "query": 1,
        "database": 1,
    }
    pictures[0].save(tmp_path / "b2.bmp")
    with pytest.warns(UserWarning, match="train and query share 1 image, .*a1.bmp"):
        parts = parts_of(parts_set(tmp_path, [*names, "b2.bmp"]))
    assert len(parts["query"]) == 2  # Nothing is dropped.
    (tmp_path / "b3.bmp").symlink_to(tmp_path / "a1.bmp")
    with pytest.raises(ValueError, match="must not be in train and query.*1 in both"):
        parts_of(parts_set(tmp_path, [*names, "b3.bmp"]))


@pytest.mark.parametrize(
    "one, other",
    [
        ("train", "query"),
        ("query", "database"),
        ("train", "validation"),
        ("validation", "query"),
        ("validation", "database"),
    ],
)
def test_every_two_parts_are_compared(tmp_path, one, other):
    pixels = RNG.integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    paths = [str(tmp_path / f"{number}.png") for number in range(8)]
    for path, each in zip(paths, pixels, strict=True):
        Image.fromarray(each).save(path)
    rows = {"train": [0, 1], "validation": [2, 3], "query": [4, 5], "database": [6, 7]}

    def parts(images):
        labels = np.ones((len(images), 1), np.uint8)
        return {name: ImageSet(images, labels).subset(r) for name, r in rows.items()}

    check_apart(parts(paths))
    check_apart(parts(pixels))
    rows[other] = [rows[other][0], rows[one][1]]
    with pytest.raises(ValueError, match=f"in {one} and {other}.*1 in both, '.*png'"):
        check_apart(parts(paths))
    shared = f"{one} and {other} share 1 image, .*image 1 of {one} and image 1 of"
    with pytest.warns(UserWarning, match=shared):
        check_apart(parts(pixels))
    as_bytes = [Path(path).read_bytes() for path in paths]
    with pytest.warns(UserWarning, match=shared):
        check_apart(parts(as_bytes))


def test_training_images_may_be_in_the_database(tmp_path):
    images = image_set([4, 4])
    check_apart({"train": images, "database": images})


def test_many_shared_images_are_counted():
    images = image_set([9])
    with pytest.warns(UserWarning, match="share 9 images, .*image 2 of query, 6 more"):
        check_apart({"train": images, "query": images})


def test_lists_must_not_share_images(folder, tmp_path):
    parts = parts_of(split_images(from_folder(folder)))
    write_lists(parts, folder)
    read_query_and_database(folder)
    with pytest.raises(ValueError, match="--label-column is for a table"):
        read_query_and_database(folder, label_column="label")
    parts["query"] = parts["query"].subset([0, 1])
    parts["database"] = parts["database"].subset([0])
    parts["database"].images[0] = parts["query"].images[1]
    write_lists(parts, folder)
    name = os.path.basename(parts["query"].images[1])
    with pytest.raises(ValueError, match=f"in query and database.*1 in both, .*{name}"):
        read_query_and_database(folder)


def test_indices_are_those_of_the_split(folder, tmp_path):
    split = split_images(image_set([10, 10])).split
    place = tmp_path / "lists"
    write_lists({"train": from_folder(folder)}, place)
    write_indices(split, place)
    assert sorted(path.name for path in place.iterdir()) == [
        "database_indices.txt",
        "query_indices.txt",
        "train_indices.txt",
    ]
    for part in ("train", "query", "database"):
        found = np.loadtxt(place / f"{part}_indices.txt", int)
        assert list(found) == [n for n, name in enumerate(split) if name == part]


def test_parts_that_are_missing(tmp_path):
    for name, picture in zip(("a1", "a2", "d1"), blobs(3, 16), strict=True):
        picture.save(tmp_path / f"{name}.png")
    parts = parts_of(parts_set(tmp_path, ["a1.png", "a2.png", "d1.png"]))
    assert parts.keys() == {"train", "query", "database"}
    assert parts["database"].images == parts["train"].images
    assert parts["query"].name_of(0).endswith("d1.png")


def test_an_evaluation_of_a_folder(folder, tmp_path):
    with pytest.raises(ValueError, match="have no such split. Give the lists"):
        read_query_and_database(folder)
    (tmp_path / "parts").mkdir()
    folder.rename(tmp_path / "parts" / "train")
    (tmp_path / "parts" / "test" / "cat").mkdir(parents=True)
    blobs(1)[0].save(tmp_path / "parts" / "test" / "cat" / "a.png")
    query, database = read_query_and_database(tmp_path / "parts")
    assert (len(query), len(database)) == (1, 30)
    with pytest.raises(ValueError, match="--label-column is for a table"):
        read_query_and_database(tmp_path / "parts", label_column="label")
    (tmp_path / "a.zip").write_bytes(b"")
    for place in ("a.zip", "nowhere"):
        with pytest.raises(ValueError, match="The data must be a folder with one"):
            read_query_and_database(tmp_path / place)
