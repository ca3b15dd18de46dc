"""`from_huggingface`, and `encode` of data sets whose images are decoded lazily."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.datasets import (
    from_huggingface,
    group_near_duplicates,
    split_images,
)
from keras_deephash.images import read_image
from keras_deephash.training.data import read_data

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
NAMES = ["cat", "dog", "cow"]


@pytest.fixture
def hf():
    return pytest.importorskip("datasets")


def make(hf, labels, feature, pictures=None):
    """A data set of six images in memory."""
    pictures = [Image.fromarray(p) for p in PIXELS] if pictures is None else pictures
    features = hf.Features({"image": hf.Image(), "label": feature})
    columns = {"image": pictures, "label": labels}
    return hf.Dataset.from_dict(columns, features=features)


def test_class_labels_have_names(hf):
    dataset = make(hf, [2, 0, -1, None, 0, 2], hf.ClassLabel(names=NAMES))
    images = from_huggingface(dataset)
    assert images.label_names == NAMES  # In their order, also those of no image.
    eye = np.eye(3, dtype=np.uint8)
    expected = [eye[2], eye[0], 0 * eye[0], 0 * eye[0], eye[0], eye[2]]
    np.testing.assert_array_equal(images.labels, expected)
    for number, pixels in enumerate(PIXELS):
        np.testing.assert_array_equal(read_image(images.images[number]), pixels)
    subset = images.subset([4, 1])
    np.testing.assert_array_equal(read_image(subset.images[0]), PIXELS[4])
    assert len(subset.images) == 2 and len(set(group_near_duplicates(subset.images)))
    with pytest.raises(IndexError):
        subset.images[2]


@pytest.mark.parametrize("named", [True, False])
def test_lists_are_several_labels(hf, named):
    feature = hf.ClassLabel(names=NAMES) if named else hf.Value("string")
    words = [["dog"], ["cow", "cat"], [], ["cat"], ["dog"], ["dog", "cow"]]
    labels = [[NAMES.index(w) for w in row] for row in words] if named else words
    images = from_huggingface(make(hf, labels, hf.Sequence(feature)))
    assert images.label_names == (NAMES if named else sorted(NAMES))
    found = [
        {images.label_names[i] for i in np.flatnonzero(row)} for row in images.labels
    ]
    assert found == [set(row) for row in words]


def test_splits_have_the_names_of_parts(hf):
    whole = make(hf, [0, 1, 2, 0, 1, 2], hf.ClassLabel(names=NAMES))
    parts = {"train": [0, 1, 2], "validation": [3], "test": [4, 5]}
    dataset = hf.DatasetDict({name: whole.select(i) for name, i in parts.items()})
    images = from_huggingface(dataset)
    assert images.split == ["train"] * 3 + ["validation"] + ["query"] * 2
    np.testing.assert_array_equal(read_image(images.images[4]), PIXELS[4])
    assert from_huggingface(hf.DatasetDict(train=whole)).split is None
    with pytest.raises(ValueError, match="the names are .*Received: .*'extra'"):
        from_huggingface(hf.DatasetDict(train=whole, extra=whole))


def test_splits_that_share_images(hf, make_model):
    dataset = make(hf, [0, 1] * 3, hf.ClassLabel(names=NAMES))
    data = from_huggingface(
        hf.DatasetDict(train=dataset, test=dataset.select([4, 1]).flatten_indices())
    )
    with pytest.warns(
        UserWarning, match="share 2 images, .*image 4 of train and image"
    ):
        data = read_data(kdh.TrainingOptions(data))
    assert len(data.evaluation[0]) == 2


def test_encode_takes_a_data_set_and_its_column(hf, make_model):
    model = make_model()
    dataset = make(hf, list(range(6)), hf.Value("int64"))
    expected = model.encode(PIXELS)
    np.testing.assert_array_equal(model.encode(dataset["image"]), expected)
    np.testing.assert_array_equal(model.encode(dataset), expected)
    images = from_huggingface(dataset)
    np.testing.assert_array_equal(model.encode(images.images), expected)
    np.testing.assert_array_equal(model.encode(images), expected)
    with pytest.raises(ValueError, match="Encode one split.*'train'"):
        model.encode(hf.DatasetDict(train=dataset))
    with pytest.raises(ValueError, match="one column of the type.*none"):
        model.encode(dataset.select_columns(["label"]))


def test_a_training(hf, make_model, tmp_path, capsys):
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 60, (30, 32, 32, 3), dtype=np.uint8)
    pixels[range(30), ..., np.arange(30) % 2] += 180
    dataset = make(
        hf,
        [n % 2 if n % 5 else -1 for n in range(30)],
        hf.ClassLabel(names=["red", "green"]),
        [Image.fromarray(p) for p in pixels],
    )
    data = from_huggingface(dataset)
    backbone = make_model().backbone
    options = {"batch_size": 8, "epochs": 1, "optimizer": "adamw", "bits": 16}
    options |= {"output": tmp_path / "mine", "seed": 3}
    model = kdh.train(data, backbone=backbone, freeze_until="pool1", **options)
    record = model.training_record
    assert record["label_names"] == ["red", "green"]
    assert record["training"]["unlabelled"] == 6
    printed = capsys.readouterr().out
    assert "6 images without a label are left out" in printed

    # The split that was made is said, written and made again.
    assert (
        "they were split by seed 3, as by `datasets.split_images(data, seed=3)`"
        in printed
    )
    assert record["training"]["split"].endswith("of split_images(data, seed=3)")
    split = split_images(data, seed=3).split
    for part in ("train", "query", "database"):
        rows = np.loadtxt(tmp_path / "mine.lists" / f"{part}_indices.txt", int)
        assert rows.tolist() == [n for n, name in enumerate(split) if name == part]


def test_damaged_images_are_named(hf, make_model):
    stream = io.BytesIO()
    Image.fromarray(PIXELS[0]).save(stream, "png")
    files = [{"bytes": stream.getvalue(), "path": None}] * 4
    files += [{"bytes": b"no image", "path": None}]
    files += [{"bytes": None, "path": "http://127.0.0.1:9/a.png"}]
    features = hf.Features({"image": hf.Image(), "label": hf.Value("int64")})
    dataset = hf.Dataset.from_dict(
        {"image": files, "label": [0, 1] * 3},
        features=features,
    )
    bad = {}
    codes = make_model().encode(dataset, on_error=bad.__setitem__)
    assert len(codes) == 4 and sorted(bad) == [4, 5]
    assert "the bytes of a file, 8" in str(bad[4])
    with pytest.raises(ValueError, match="(?s)2 of 6 images cannot be read:.*Image 5"):
        make_model().encode(dataset["image"])


def test_paths_may_be_strings(hf, tmp_path):
    Image.fromarray(PIXELS[0]).save(tmp_path / "a.png")
    columns = {"file": [str(tmp_path / "a.png")], "kind": ["cat"]}
    images = from_huggingface(hf.Dataset.from_dict(columns), "file", "kind")
    assert list(images.images) == columns["file"] and images.label_names == ["cat"]


def test_what_is_wrong(hf):
    dataset = make(hf, [0.5] * 6, hf.Value("float32"))
    with pytest.raises(ValueError, match="must hold ints or strings"):
        from_huggingface(dataset)
    with pytest.raises(ValueError, match="`image` must be a column.*'image', 'label'"):
        from_huggingface(dataset, image="picture")
    with pytest.raises(ValueError, match="`label` must be a column"):
        from_huggingface(dataset, label="labels")
    with pytest.raises(ValueError, match="of the type `datasets.Image`, or of paths"):
        from_huggingface(dataset, image="label", label="image")
    with pytest.raises(ValueError, match="At least one image must have a label"):
        from_huggingface(make(hf, [-1] * 6, hf.ClassLabel(names=NAMES)))
    with pytest.raises(ValueError, match="must be a `datasets.Dataset`"):
        from_huggingface(dataset.to_iterable_dataset())


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ImportError, match=r'install "keras-deephash\[datasets\]"'):
        from_huggingface([])
