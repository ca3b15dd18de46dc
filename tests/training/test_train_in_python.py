"""`kdh.train`: what the command does, without it."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh

# A few batches each: not worth a graph.
pytestmark = pytest.mark.usefixtures("eagerly")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data directory of 48 images in two classes that colours tell apart."""
    folder = tmp_path_factory.mktemp("data")
    generator = np.random.default_rng(0)
    lines = []
    for i in range(48):
        pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., i % 2] += 180
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        lines.append(f"{i:02}.png {i % 2}")
    for name, part in (
        ("train", lines[:24]),
        ("test", lines[24:32]),
        ("database", lines[32:]),
    ):
        (folder / f"{name}.txt").write_text("\n".join(part) + "\n")
    (folder / "labels.txt").write_text("red\ngreen\n")
    return str(folder)


@pytest.fixture
def train(data, make_model):
    """A function that trains a tiny DCH of 16 bits."""

    def train(**options):
        values = {"backbone": make_model().backbone, "bits": 16, "batch_size": 8}
        values |= {"epochs": 2, "optimizer": "adamw"}
        return kdh.train(kdh.TrainingOptions(**{"data": data, **values, **options}))

    return train


def test_the_record_goes_into_the_preset(train, data, tmp_path):
    model = train(weights_dtype="float16", dataset_name="colours", hold_out=0.5)
    record = model.training_record
    training = record["training"]
    assert (training["epochs"], training["learning_rate"]) == (2, 1e-3)
    assert training["held_out"] == 12
    assert training["command"].startswith("kdh.train(kdh.TrainingOptions(data=")
    assert type(record) is dict and type(record["label_names"]) is list
    model.save_to_preset(tmp_path / "mine")
    metadata = json.loads((tmp_path / "mine" / "metadata.json").read_text())
    for name in ("dataset", "label_names", "weights_dtype", "training", "metrics"):
        assert metadata[name] == record[name]
    assert metadata["dataset"] == "colours" and metadata["weights_dtype"] == "float16"

    # What was measured is what the preset gives.
    query, database = kdh.datasets.read_lists(data, ["test", "database"])
    again = kdh.from_preset(tmp_path / "mine")
    codes = [again.continuous_codes(images.images) for images in (query, database)]
    for one, images in zip(codes, (query, database), strict=True):
        np.testing.assert_array_equal(model.continuous_codes(images.images), one)
    metrics = again.retrieval_metrics(codes[0], query.labels, codes[1], database.labels)
    assert metrics["map"] == record["metrics"]["map"]

    # What is given has precedence.
    model.save_to_preset(tmp_path / "other", dataset="others", metrics={"map": 0.5})
    metadata = json.loads((tmp_path / "other" / "metadata.json").read_text())
    assert metadata["dataset"] == "others" and metadata["metrics"] == {"map": 0.5}
    assert metadata["training"] == training


def test_an_output_is_written_as_by_the_command(train, tmp_path):
    model = train(output=tmp_path / "out", no_evaluation=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    metadata = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert metadata["training"] == model.training_record["training"]
    assert metadata["metrics"] == model.training_record["metrics"] == {}


def test_what_does_not_fit_the_data_is_said_before_the_work(train, data, capsys):
    batch = "`batch_size` must be at most .*, 24: lower it. Received: batch_size=25"
    for options, message in (
        ({"batch_size": 25}, batch),
        ({"batch_size": 25, "freeze_until": "pool1"}, batch),
        ({"patience": 2}, "`patience` needs images to evaluate on.*give hold_out=0.2"),
        ({"evaluate_every": 2}, "`evaluate_every` needs .*or data with a part `valid"),
        ({"label_column": "x"}, "`label_column` or --label-column is for a table.*'x'"),
    ):
        with pytest.raises(ValueError, match=message):
            train(**options)
    assert "Epoch" not in capsys.readouterr().out


def test_sets_that_share_images_are_named(train, data):
    splits = kdh.datasets.read_splits(data)
    shared = kdh.datasets.Splits(splits.train, splits.query, splits.query)
    with pytest.raises(ValueError, match="in query and database.*8 in both, .*24.png"):
        train(data=shared)
    pixels = np.zeros((24, 32, 32, 3), np.uint8)
    pixels[:] = np.arange(24)[:, None, None, None]
    train_set = kdh.datasets.ImageSet(pixels, splits.train.labels)
    query = train_set.subset([3, 5])
    shared = kdh.datasets.Splits(train_set, query, train_set)
    with pytest.warns(UserWarning, match="train and query share 2 .*image 3 of train"):
        train(data=shared, epochs=1)


def test_validation_images_may_be_evaluated_on(train, data, tmp_path):
    splits = kdh.datasets.read_splits(data)
    parts = {"train": splits.train, "validation": splits.query.subset(range(4))}
    parts |= {"query": splits.query.subset(range(4, 8)), "database": splits.database}
    kdh.datasets.write_lists(parts, tmp_path / "lists")
    options = {"recipe": "published", "evaluate_every": 1, "patience": 1}
    model = train(data=str(tmp_path / "lists"), epochs=3, **options)
    assert "best_epoch" in model.training_record["training"]


def test_a_further_training_takes_the_record_away(train, images, labels, tmp_path):
    model = train(no_evaluation=True, epochs=1)
    assert model.training_record is not None
    model.compile()
    model.fit(images, labels, verbose=0)
    assert model.training_record is None
    model.save_to_preset(tmp_path / "mine")
    assert kdh.presets.read_preset_metadata(tmp_path / "mine")["training"] == {}


def test_a_method_may_be_its_class(data, make_model):
    @keras.saving.register_keras_serializable(package="tests_training")
    class Plain(kdh.DHN):
        pass

    options = kdh.TrainingOptions(
        data,
        method=Plain,
        backbone=make_model().backbone,
        bits=8,
        epochs=1,
        batch_size=8,
        no_evaluation=True,
    )
    model = kdh.train(options)
    assert type(model) is Plain
    assert "method=Plain" in model.training_record["training"]["command"]


def test_what_could_not_be_saved_is_not_trained(data, make_model, capsys):
    class Unregistered(kdh.DCH):
        pass

    backbone = make_model().backbone
    options = kdh.TrainingOptions(data, method=Unregistered, backbone=backbone, bits=8)
    with pytest.raises(kdh.PresetError, match="`Unregistered` cannot be saved"):
        kdh.train(options)
    assert "Epoch" not in capsys.readouterr().out


def test_a_method_without_labels_passes_over_the_images_once(train, data, tmp_path):
    closed = {"method": "ITQ", "bits": 8, "epochs": 30, "batch_size": 128}
    closed |= {"optimizer": "recipe"}  # The defaults.
    model = train(**closed, hold_out=0.5, output=tmp_path / "itq")
    training = model.training_record["training"]
    assert training["optimizer"] == "closed form" and "epochs" not in training
    assert 0 <= training["val_map"] <= 1 and training["held_out"] == 12
    assert model.training_record["metrics"]["map"] > 0.4
    loaded = kdh.from_preset(tmp_path / "itq")
    train_images = kdh.datasets.read_lists(data, ["train"])[0].images
    np.testing.assert_array_equal(
        model.encode(train_images), loaded.encode(train_images)
    )
    for name, value in (("epochs", 3), ("optimizer", "adamw"), ("augment", ["color"])):
        with pytest.raises(ValueError, match=f"leave {name} out"):
            train(**{**closed, name: value})
