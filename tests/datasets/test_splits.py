"""Protocols, splits and the checks of splits."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import (
    ImageSet,
    check_splits,
    cifar10,
    read_image_list,
    read_splits,
    split_by_class,
)


@pytest.fixture
def arrays():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8)
    return images, np.repeat(np.arange(3), 20)


def test_split_by_class_counts_and_is_seeded(arrays):
    splits = split_by_class(*arrays, ["a", "b", "c"], train=5, query=2, seed=1)
    for images, count in zip(splits, (5, 2, 13), strict=True):
        np.testing.assert_array_equal(images.labels.sum(axis=0), [count] * 3)
    assert check_splits(*splits).ok
    same = split_by_class(*arrays, ["a", "b", "c"], train=5, query=2, seed=1)
    np.testing.assert_array_equal(splits.train.images, same.train.images)
    other = split_by_class(*arrays, ["a", "b", "c"], train=5, query=2, seed=2)
    assert (splits.train.images != other.train.images).any()
    with pytest.raises(ValueError, match="The class 'a' must have more than"):
        split_by_class(*arrays, ["a", "b", "c"], train=15, query=5)


def test_subsets_are_by_index_or_by_mask(arrays):
    images, classes = arrays
    whole = ImageSet(images, np.eye(3, dtype=np.uint8)[classes])
    mask = classes == 1
    for chosen in (mask, np.flatnonzero(mask), list(range(20, 40)), mask.tolist()):
        subset = whole.subset(chosen)
        np.testing.assert_array_equal(subset.images, images[20:40])
        np.testing.assert_array_equal(subset.labels.sum(axis=0), [0, 20, 0])
    assert len(whole.subset([])) == 0
    for wrong in (mask[:5], np.array([0.0, 1.5]), ["a"]):
        with pytest.raises(ValueError, match="must be ints, or bools of length 60"):
            whole.subset(wrong)


def test_hold_out_is_stratified_disjoint_and_seeded(arrays):
    images, classes = arrays
    whole = ImageSet(images, np.eye(3, dtype=np.uint8)[classes])
    rest, held_out = whole.hold_out(0.25, seed=3)
    np.testing.assert_array_equal(held_out.labels.sum(axis=0), [5, 5, 5])
    assert len(rest) == 45
    assert check_splits(train=rest, query=held_out).ok
    again = whole.hold_out(0.25, seed=3)[1]
    np.testing.assert_array_equal(held_out.images, again.images)
    with pytest.raises(ValueError, match="`share` must lie between"):
        whole.hold_out(1.0)
    with pytest.raises(ValueError, match="0 of 60 images held out"):
        whole.hold_out(0.005)


def test_hold_out_takes_its_share_of_many_small_classes():
    sizes = np.array([4] * 30 + [10, 7])
    labels = np.eye(32, dtype=np.uint8)[np.repeat(np.arange(32), sizes)]
    rest, held_out = ImageSet(np.zeros((137, 1, 1, 3), np.uint8), labels).hold_out(0.1)
    counts = held_out.labels.sum(axis=0)
    assert len(held_out) == 14 and len(rest) == 123
    assert counts[:30].sum() == 12 and counts[:30].max() == 1
    assert list(counts[30:]) == [1, 1]


def test_the_only_image_of_a_label_can_be_kept():
    # Several labels an image: the last two images are alone with one of theirs.
    labels = np.eye(4, dtype=np.uint8)[[0] * 10 + [1] * 10 + [2, 0]]
    labels[-1, 3] = 1
    images = ImageSet(np.zeros((22, 1, 1, 3), np.uint8), labels)
    assert np.flatnonzero(images.is_alone).tolist() == [20, 21]
    for seed in range(20):
        rest, held_out = images.hold_out(0.3, seed, keep=images.is_alone)
        assert rest.labels[:, 2:].sum() == 2 and len(held_out) == 6
    alone = images.subset([0, 20])
    with pytest.raises(ValueError, match="0 of 2 images held out"):
        alone.hold_out(0.5, keep=alone.is_alone)


def test_check_splits_reports_paths_and_contents(folder):
    images = read_image_list(folder / "train.txt")
    shutil.copy(folder / "images" / "1.png", folder / "images" / "copy.bmp.png")
    Image.open(folder / "images" / "2.png").save(folder / "images" / "again.bmp")
    (folder / "db.txt").write_text(
        "images/0.png 1 0 0\nimages/copy.bmp.png 1 0 0\nimages/again.bmp 1 0 0\n"
    )
    database = read_image_list(folder / "db.txt")
    report = check_splits(query=images, database=database)
    assert not report.ok
    by = {overlap.by: overlap.pairs for overlap in report.overlaps}
    assert [one for one, _ in by["path"]] == [str(folder / "images" / "0.png")]
    assert {other.rsplit("/")[-1] for _, other in by["content"]} == {
        "0.png",
        "copy.bmp.png",
        "again.bmp",
    }
    assert "query and database share 1 images by path" in str(report)
    as_paths = ImageSet([Path(path) for path in images.images], images.labels)
    again = check_splits(query=as_paths, database=database)
    assert {overlap.by: overlap.pairs for overlap in again.overlaps} == by


def test_check_splits_names_what_it_compared(folder):
    images = read_image_list(folder / "train.txt")
    one, other = images.subset([0]), images.subset([1])
    text = str(check_splits(query=one, database=other))
    assert text == "query and database are disjoint"
    with pytest.raises(ValueError, match="at least two of"):
        check_splits(query=one)


def test_check_splits_of_arrays_and_files_together(folder):
    images = read_image_list(folder / "train.txt")
    pixels = np.stack([np.asarray(Image.open(path)) for path in images.images])
    report = check_splits(train=images, database=ImageSet(pixels, images.labels))
    assert [overlap.by for overlap in report.overlaps] == ["content"]
    assert len(report.overlaps[0].pairs) == 6


def test_cifar10_of_a_directory(folder):
    for name in ("test.txt", "database.txt"):
        shutil.copy(folder / "train.txt", folder / name)
    splits = cifar10(folder)
    assert [len(images) for images in splits] == [6, 6, 6]
    (folder / "database.txt").unlink()
    with pytest.raises(ValueError, match="database.txt"):
        read_splits(folder)


def test_lists_of_class_indices_get_the_same_labels(folder):
    (folder / "train.txt").write_text("images/0.png 0\nimages/1.png 3\n")
    (folder / "test.txt").write_text("images/2.png 1\n")
    (folder / "database.txt").write_text("images/3.png 2\n")
    splits = read_splits(folder)
    assert [images.labels.shape[1] for images in splits] == [4, 4, 4]
    assert splits.query.labels.tolist() == [[0, 1, 0, 0]]
    (folder / "test.txt").write_text("images/2.png 1 1\n")
    with pytest.raises(ValueError, match="train.txt: 4, test.txt: 2, database.txt: 3"):
        read_splits(folder)
    # One label each, but in columns of their own.
    (folder / "train.txt").write_text("images/0.png 0 0 1\nimages/1.png 1 0 0\n")
    (folder / "test.txt").write_text("images/2.png 0 1\n")
    (folder / "database.txt").write_text("images/3.png 0 1 0\n")
    with pytest.raises(ValueError, match="train.txt: 3, test.txt: 2, database.txt: 3"):
        read_splits(folder)


def test_cifar10_through_keras(monkeypatch, tmp_path):
    # 60,000 images in the form that Keras gives them, which it may have to download.
    import keras

    generator = np.random.default_rng(0)
    classes = np.arange(60_000) % 10
    images = generator.integers(0, 256, (60_000, 2, 2, 3), dtype=np.uint8)
    parts = (
        (images[:50_000], classes[:50_000, None]),
        (images[50_000:], classes[50_000:, None]),
    )
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: parts)
    splits = cifar10()
    for split, count in zip(splits, (500, 100, 5400), strict=True):
        np.testing.assert_array_equal(split.labels.sum(axis=0), [count] * 10)
    assert splits.train.label_names[:2] == ["airplane", "automobile"]

    def offline():
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.cifar10, "load_data", offline)
    with pytest.raises(ValueError, match="could not be downloaded. Give `root`"):
        cifar10()


def test_image_set_refuses_what_does_not_fit():
    pixels, labels = np.zeros((2, 4, 4, 3), np.uint8), np.eye(2)
    with pytest.raises(ValueError, match="2 images, 1 labels"):
        ImageSet(pixels, labels[:1])
    forms = "class indices.*one-hot.*multi-hot.*to_categorical.*Received: "
    for wrong in (np.arange(2), np.array([["a"], ["b"]]), [[2, 0], [0, 1]]):
        with pytest.raises(ValueError, match=f"`labels` must be multi-hot.*{forms}"):
            ImageSet(pixels, wrong)
    with pytest.raises(ValueError, match="3 names, 2 columns"):
        ImageSet(pixels, labels, ["a", "b", "c"])
    for wrong in ([2], [-3], [[0]], 0):
        with pytest.raises(ValueError, match="`indices` must be"):
            ImageSet(pixels, labels).subset(wrong)


def test_labels_and_names_may_be_lists_or_arrays():
    images = ImageSet(["a.png", "b.png"], [[1, 0], [0, 1]], np.array(["x", "y"]))
    assert images.label_names == ["x", "y"]
    assert images.subset([-1]).images == ["b.png"]
    np.testing.assert_array_equal(images.subset([1, 0]).labels, [[0, 1], [1, 0]])


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"classes": np.arange(12) % 4}, "indices of the 3 label names.* 0 to 3"),
        ({"classes": np.arange(12) % 3 - 1}, "classes from -1 to 1"),
        ({"classes": np.arange(11) % 3}, "one for each of 12 images"),
        ({"train": -1}, "`train` must be an integer >= 0"),
        ({"query": 4}, "more than train . query = 5 images. Received: 4"),
    ],
)
def test_split_by_class_loses_no_image(changes, message):
    arguments = {"classes": np.arange(12)[:, None] % 3, "train": 1, "query": 1}
    images, names = np.zeros((12, 2, 2, 3), np.uint8), ["a", "b", "c"]
    sets = split_by_class(images, label_names=names, **arguments)
    assert [len(part) for part in sets] == [3, 3, 6]
    with pytest.raises(ValueError, match=message):
        split_by_class(images, label_names=names, **{**arguments, **changes})
