"""zoo/make_lists.py, and what makes its data, on small data sets."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import check_splits, read_splits

SMALL = ["--train", "6", "--query", "4"]


@pytest.fixture
def script(load_script):
    return load_script("make_lists")


def write_image(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (number, 0, 0)).save(path)


@pytest.fixture
def coco(tmp_path):
    """10 images in each part: even ones show a zebra, all but the last a cat."""
    for p, part in enumerate(("train2014", "val2014")):
        images, annotations = [], []
        for i in range(10):
            name = f"COCO_{part}_{i:012}.jpg"
            write_image(tmp_path / part / name, 20 * i + 10 * p)
            images.append({"id": 100 * p + i, "file_name": name})
            shown = [7] * 2 * (i % 2 == 0) + [3] * (i < 9)
            annotations += [{"image_id": 100 * p + i, "category_id": c} for c in shown]
        categories = [{"id": 7, "name": "zebra"}, {"id": 3, "name": "hot dog"}]
        everything = dict(images=images, annotations=annotations, categories=categories)
        file = tmp_path / "annotations" / f"instances_{part}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(everything))
    return tmp_path


@pytest.fixture
def nuswide(tmp_path):
    """20 images, of which one has no label and one no file."""
    labels = np.random.default_rng(0).integers(0, 2, (20, 3))
    labels[:, 0] = 1
    labels[5] = 0
    for folder in ("ConceptsList", "ImageList", "Groundtruth/AllLabels"):
        (tmp_path / folder).mkdir(parents=True)
    names = ["airport", "animal", "beach"]
    (tmp_path / "ConceptsList" / "Concepts81.txt").write_text("\n".join(names) + "\n")
    paths = [f"actor\\{i:04}_{i}.jpg" for i in range(20)]
    (tmp_path / "ImageList" / "Imagelist.txt").write_text("\r\n".join(paths) + "\r\n")
    for name, column in zip(names, labels.T, strict=True):
        file = tmp_path / "Groundtruth" / "AllLabels" / f"Labels_{name}.txt"
        file.write_text("\n".join(map(str, column)) + "\n")
    for i in range(19):
        write_image(tmp_path / "Flickr" / "actor" / f"{i:04}_{i}.jpg", 12 * i)
    return tmp_path, labels


def test_coco(script, coco, capsys):
    assert script.main(["coco", str(coco), *SMALL]) == 0
    assert "Without a label or a file: 2 images" in capsys.readouterr().out
    splits = read_splits(coco)
    assert [len(part) for part in splits] == [6, 4, 8]
    assert splits.train.label_names == ["hot dog", "zebra"]
    assert check_splits(*splits).ok
    for part in splits:
        for path, row in zip(part.images, part.labels, strict=True):
            number = int(Path(path).stem[-12:])
            np.testing.assert_array_equal(row, [1, number % 2 == 0])


def test_nuswide(script, nuswide, capsys):
    root, labels = nuswide
    assert script.main(["nuswide", str(root), *SMALL, "--seed", "3"]) == 0
    assert "Without a label or a file: 2 images" in capsys.readouterr().out
    splits = read_splits(root)
    assert [len(part) for part in splits] == [6, 4, 8]
    for part in splits:
        for path, row in zip(part.images, part.labels, strict=True):
            np.testing.assert_array_equal(row, labels[int(Path(path).stem[:4])])


def test_training_images_in_the_database(script, coco):
    assert script.main(["coco", str(coco), *SMALL, "--train-in-database"]) == 0
    train, query, database = read_splits(coco)
    assert len(database) == 14 and set(train.images) < set(database.images)
    assert check_splits(query=query, database=database).ok


def test_the_seed_decides_the_lists(script, coco):
    lists = []
    for seed in ("0", "0", "1"):
        for file in coco.glob("*.txt"):
            file.unlink()
        assert script.main(["coco", str(coco), *SMALL, "--seed", seed]) == 0
        lists.append((coco / "train.txt").read_text())
    assert lists[0] == lists[1] != lists[2]


def test_errors(script, coco, capsys):
    assert script.main(["nuswide", str(coco)]) == 2
    assert "Concepts81.txt" in capsys.readouterr().err
    assert script.main(["coco", str(coco)]) == 2
    assert "more than 10000 + 5000 images" in capsys.readouterr().err
    assert script.main(["coco", str(coco), "--train", "-3", "--query", "5"]) == 2
    assert "must be at least 1. Received: -3 and 5" in capsys.readouterr().err
    assert not (coco / "train.txt").exists()
    assert script.main(["coco", str(coco), *SMALL]) == 0
    assert script.main(["coco", str(coco), *SMALL]) == 2
    assert "is there already" in capsys.readouterr().err


def test_cifar10_keeps_its_own_split(script, tmp_path):
    for part, count in (("train", 5), ("test", 2)):
        for c, name in enumerate(("dog", "cat")):
            for i in range(count):
                write_image(tmp_path / part / name / f"{i}.png", 40 * i + c)
    assert script.main(["cifar10", str(tmp_path)]) == 0
    train, query, database = read_splits(tmp_path)
    assert train.label_names == ["cat", "dog"]
    assert (len(train), len(query)) == (10, 4)
    assert train.images == database.images
    assert all(Path(p).parts[-3] == "test" for p in query.images)
    for images in (train, query):
        for path, row in zip(images.images, images.labels, strict=True):
            assert images.label_names[row.argmax()] == Path(path).parent.name
            assert row.sum() == 1


def test_cifar10_without_images_is_refused(script, tmp_path, capsys):
    assert script.main(["cifar10", str(tmp_path)]) == 2
    assert "must hold images in train/CLASS/" in capsys.readouterr().err


def test_lists_of_named_images(script, coco, tmp_path_factory, capsys):
    names = tmp_path_factory.mktemp("names")
    chosen = [f"val2014/COCO_val2014_{i:012}.jpg" for i in (4, 2, 7)]
    (names / "test.txt").write_text("\n".join(chosen[:1]) + "\n")
    (names / "train.txt").write_text("\n".join(chosen[1:]) + "\n")
    assert script.main(["coco", str(coco), "--names", str(names)]) == 0
    train, query, database = read_splits(coco)
    assert query.images == [str(coco / chosen[0])]
    assert train.images == [str(coco / name) for name in chosen[1:]]
    np.testing.assert_array_equal(train.labels, [[1, 1], [1, 0]])
    # 18 images have a label and a file: the rest is the database.
    assert len(database) == 18 - 3
    assert check_splits(train, query, database).ok
    assert script.main(["coco", str(coco), "--names", str(names)]) == 2
    assert "remove the old lists" in capsys.readouterr().err


def test_named_images_must_be_there(script, coco, tmp_path_factory, capsys):
    names = tmp_path_factory.mktemp("names")
    (names / "train.txt").write_text("val2014/none.jpg\n")
    assert script.main(["coco", str(coco), "--names", str(names)]) == 2
    assert "Missing: 'val2014/none.jpg'" in capsys.readouterr().err
    assert not list(coco.glob("*.txt"))


def test_older_label_names_are_left_alone(script, coco, capsys):
    (coco / "labels.txt").write_text("mine\n")
    assert script.main(["coco", str(coco), *SMALL]) == 2
    assert "labels.txt is there already" in capsys.readouterr().err
    assert (coco / "labels.txt").read_text() == "mine\n"


LISTS = Path(__file__).parents[2] / "data" / "lists"


@pytest.mark.parametrize(
    "name, lengths", [("cifar10", [5000, 1000]), ("coco_mini", [2000, 500, 3668])]
)
def test_the_lists_of_the_figures_are_disjoint(name, lengths):
    names = [
        (LISTS / name / f"{part}.txt").read_text().split()
        for part in ("train", "test", "database")[: len(lengths)]
    ]
    assert [len(part) for part in names] == lengths
    assert len(set().union(*names)) == sum(lengths)
    if name == "cifar10":
        for part, count in zip(names, (500, 100), strict=True):
            classes = [path.split("/")[1] for path in part]
            assert {classes.count(c) for c in classes} == {count}


def test_cifar10_is_saved_as_files(load_script, script, tmp_path, monkeypatch):
    saving, generator = load_script("save_cifar10"), np.random.default_rng(0)
    parts = [
        (
            generator.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
            np.arange(count)[:, None] % 3,
        )
        for count in (7, 4)
    ]
    monkeypatch.setattr(saving.keras.datasets.cifar10, "load_data", lambda: parts)
    saving.main([str(tmp_path / "cifar10")])
    files = sorted(p for p in (tmp_path / "cifar10").rglob("*") if p.is_file())
    assert [str(f.relative_to(tmp_path / "cifar10")) for f in files] == [
        f"{part}/{name}/{number:04}.jpg"
        for part, counts in (("test", (2, 1, 1)), ("train", (3, 2, 2)))
        for name, count in zip(("airplane", "automobile", "bird"), counts, strict=True)
        for number in range(count)
    ]
    # The second automobile is the fifth image.
    buffer = io.BytesIO()
    Image.fromarray(parts[0][0][4]).save(buffer, "JPEG", quality=75)
    path = tmp_path / "cifar10" / "train" / "automobile" / "0001.jpg"
    assert path.read_bytes() == buffer.getvalue()


def test_tiny_imagenet_is_packed(load_script, tmp_path):
    source, numbers = tmp_path / "tiny-imagenet-200", {}
    for c, wnid in enumerate(("n02", "n01")):
        for i in range(2):
            numbers[wnid, i] = 50 * c + 10 * i
            path = source / "train" / wnid / "images" / f"{wnid}_{i}.png"
            write_image(path, numbers[wnid, i])
    for i in range(3):
        write_image(source / "val" / "images" / f"val_{i}.png", 200 + i)
    lines = [f"val_{i}.png\tn0{1 + i % 2}\t0\t0\t62\t62\n" for i in range(3)]
    (source / "val" / "val_annotations.txt").write_text("".join(lines))
    load_script("pack_tiny_imagenet").main([str(source), str(tmp_path / "packed")])
    tiny = load_script("tiny_imagenet")
    images, labels = tiny.load(str(tmp_path / "packed"), "train", None)
    np.testing.assert_array_equal(labels, [0, 0, 1, 1])
    np.testing.assert_array_equal(images[:, 0, 0, 0], [50, 60, 0, 10])
    images, labels = tiny.load(str(tmp_path / "packed"), "val", None)
    np.testing.assert_array_equal(labels, [0, 1, 0])
    np.testing.assert_array_equal(images[:, 0, 0, 0], [200, 201, 202])
