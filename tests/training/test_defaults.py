"""What a training has where its options say nothing."""

import json

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.datasets import ImageSet
from keras_deephash.training import training
from keras_deephash.training.best_epoch import BestEpoch
from keras_deephash.training.data import TrainingData, hold_queries_out
from keras_deephash.training.defaults import (
    BACKBONE,
    PUBLISHED,
    ROWS,
    choose,
    resolve,
    takes_the_table,
)


def image_set(count: int, side: int = 40, labels: int = 2) -> ImageSet:
    """Noise, in colours that tell two labels apart."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 60, (count, side, side, 3), dtype=np.uint8)
    for number in range(count):
        pixels[number, ..., number % labels] += 180
    return ImageSet(pixels, np.eye(labels, dtype=np.uint8)[np.arange(count) % labels])


def values(images: int, side: int = 40, **arguments) -> dict:
    return {
        name: value for name, (value, _) in choose(images, side, **arguments).items()
    }


@pytest.mark.parametrize("count", [1, 99, 100, 999, 1_000, 19_999, 20_000, 10**7])
def test_every_size_has_a_row(count):
    limit, epochs, batch_size, rate, views = next(r for r in ROWS if count < r[0])
    chosen = values(count)
    assert (chosen["epochs"], chosen["views"]) == (epochs, views)
    assert (chosen["batch_size"], chosen["learning_rate"]) == (batch_size, rate)
    held = round(count * chosen["hold_out"])
    assert held == (0 if count < 100 else min(round(count / 10), 1_000))
    assert (chosen["backbone"], chosen["freeze_until"]) == (BACKBONE, "block6d_out")
    assert all(why for _, why in choose(count, 40).values())


def test_the_rows_are_in_order_and_hold_for_all_sizes():
    limits = [row[0] for row in ROWS]
    assert limits == sorted(limits) and limits[-1] == np.inf


@pytest.mark.parametrize("side, size", [(1, 128), (160, 128), (161, 224), (4000, 224)])
def test_the_size_of_the_images_decides_that_of_the_networks(side, size):
    assert values(500, side)["image_size"] == size


def test_a_closed_form_takes_the_backbone_alone():
    assert set(values(500, closed_form=True)) == {"backbone", "image_size"}


def test_what_is_given_wins():
    row = values(300)
    given = {"epochs": 3, "hold_out": 0.0, "augment": [], "freeze_statistics": False}
    options, whys = resolve(kdh.TrainingOptions("d", **given), image_set(300), 300)
    for name, value in given.items():
        assert getattr(options, name) == value and name not in whys
    assert (options.backbone, options.batch_size) == (BACKBONE, row["batch_size"])
    assert options.patience is None  # There is nothing to watch.
    free = kdh.TrainingOptions("d", freeze_until="none", optimizer="recipe")
    options, whys = resolve(free, image_set(300), 300)
    assert options.freeze_until is None and options.views is None
    assert options.learning_rate is None and "weight_decay" not in whys


@pytest.mark.parametrize("count, expected", [(5, 5), (120, 108), (400, 128)])
def test_a_batch_is_never_larger_than_what_is_learned_from(count, expected):
    row = values(count)
    options, _ = resolve(kdh.TrainingOptions("d"), image_set(count), count)
    assert options.batch_size == min(row["batch_size"], expected)
    published = kdh.TrainingOptions("d", recipe="published")
    options, _ = resolve(published, image_set(count), count)
    assert options.batch_size == min(count, 128)


@pytest.mark.parametrize("given", [{"recipe": "published"}, {"backbone": "small"}])
def test_the_published_recipe(given):
    options = kdh.TrainingOptions("d", **given)
    assert not takes_the_table(options)
    found, whys = resolve(options, image_set(200), 200)
    assert whys == {}
    changed = {
        name: value
        for name, value in found.as_dict().items()
        if value != getattr(kdh.TrainingOptions("d"), name, None)
    }
    # There is nothing to evaluate on, and nothing is frozen.
    others = ("evaluate_every", "patience", "views")
    expected = {name: PUBLISHED[name] for name in PUBLISHED if name not in others}
    assert changed == {**expected, **given}
    # Those of the first release.
    assert (found.epochs, found.batch_size, found.optimizer) == (30, 128, "recipe")
    assert (found.backbone, found.hold_out, found.freeze_until) == ("small", 0.0, None)


def test_the_command_takes_the_published_recipe(monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train", seen.append)
    arguments = ["train", "--data", "d", "--output", "o", "--recipe", "published"]
    assert main([*arguments, "--no-freeze-statistics", "--patience", "3"]) == 0
    options = seen[0]
    assert (options.recipe, options.patience) == ("published", 3)
    assert options.freeze_statistics is False and options.epochs is None


def test_validation_images_are_not_doubled_by_a_hold_out():
    options, whys = resolve(kdh.TrainingOptions("d"), image_set(300), 300, False, True)
    assert options.hold_out == 0.0 and "validation" in whys["hold_out"]


@pytest.mark.parametrize("alone, share", [(0, 0.1), (90, 0.1), (96, 0.0), (100, 0.0)])
def test_images_that_are_alone_are_not_held_out(alone, share):
    labels = np.eye(102, dtype=np.uint8)[[*range(alone), *[100, 101] * (100 - alone)]]
    images = ImageSet(np.zeros((100, 4, 4, 3), np.uint8), labels[:100])
    options, whys = resolve(kdh.TrainingOptions("d"), images, 100)
    assert options.hold_out == share
    assert ("only one of a label" in whys["hold_out"]) == (not share)
    if not share:
        return
    data = TrainingData(images, None, None, "")
    data = hold_queries_out(data, share, seed=0)
    assert data.alone == alone and len(data.held_out[0]) == round((100 - alone) / 10)
    assert ("not held out: the only one" in str(data)) == (alone > 0)
    assert data.train.labels.any(axis=0).sum() == alone + 2
    assert set(data.held_out[0].labels.argmax(axis=1)) <= {100, 101}


def test_the_best_epoch():
    best = BestEpoch(patience=2)
    best.figures = {0: {"val_map": 0.5}, 2: {"val_map": 0.7}, 4: {"val_map": 0.7}}
    assert best.best == 2 and not best.is_over
    best.figures[6] = {"val_map": 0.6}
    assert best.best == 2 and best.is_over
    assert BestEpoch(1).best is None and not BestEpoch(1).is_over


class _Marks(BestEpoch):
    """Keeps the weights of every epoch."""

    seen = []

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        _Marks.seen.append((logs["val_map"], self.model.get_weights()))


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.usefixtures("eagerly")
def test_a_training_stops_and_keeps_the_best(make_model, tmp_path, monkeypatch, folder):
    monkeypatch.setattr(training, "BestEpoch", _Marks)
    _Marks.seen = []
    options = {"backbone": make_model().backbone, "bits": 16, "batch_size": 8}
    options |= {
        "optimizer": "adamw",
        "epochs": 12,
        "learning_rate": 0.01,
        "patience": 2,
    }
    options |= {"output": tmp_path / "out"} if folder else {}
    model = kdh.train(image_set(80), hold_out=0.5, evaluate_every=1, **options)
    maps = [figure for figure, _ in _Marks.seen]
    best = int(np.argmax(maps))
    assert len(maps) == min(best + 3, 12)
    record = model.training_record["training"]
    assert (record["best_epoch"], record["val_map"]) == (best + 1, maps[best])
    for one, two in zip(_Marks.seen[best][1], model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == (["out", "out.lists"] if folder else [])


@pytest.mark.usefixtures("eagerly")
def test_a_killed_training_stops_where_it_would_have(make_model, tmp_path, monkeypatch):
    make_model().save_to_preset(tmp_path / "start")
    options = {"backbone": str(tmp_path / "start"), "bits": 16, "batch_size": 8}
    options |= {
        "optimizer": "adamw",
        "epochs": 12,
        "learning_rate": 0.01,
        "patience": 2,
    }
    options |= {"hold_out": 0.5, "evaluate_every": 1, "no_evaluation": True}
    data = image_set(80)
    whole = kdh.train(data, output=tmp_path / "whole", **options)
    fit = kdh.DCH.fit

    def killed_at_the_end(self, *arguments, **keywords):
        fit(self, *arguments, **keywords)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(kdh.DCH, "fit", killed_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            kdh.train(data, output=tmp_path / "out", **options)
    again = kdh.train(data, output=tmp_path / "out", **options)
    for one, two in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    records = [model.training_record["training"] for model in (whole, again)]
    assert records[0]["best_epoch"] == records[1]["best_epoch"]


@pytest.mark.usefixtures("eagerly")
def test_one_command_on_a_few_images(tmp_path, capsys):
    """Far fewer than a batch of the published recipe; a class of two images."""
    from PIL import Image

    data = image_set(40)
    for number, pixels in enumerate(data.images):
        name = "blue" if number > 37 else ("red", "green")[number % 2]
        place = tmp_path / "birds" / name
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    output = tmp_path / "mine"
    arguments = ["train", "--data", str(tmp_path / "birds"), "--output", str(output)]
    # The network is large: few pixels, views and epochs are for the test alone.
    quick = ["--image-size", "32", "--views", "1", "--epochs", "2"]
    assert main([*arguments, *quick]) == 0
    printed = capsys.readouterr().out
    assert f"--backbone {BACKBONE}: " in printed and "Expected: about" in printed
    assert "--hold-out 0.0: fewer than 100 images" in printed
    assert "The data have no split: they were split by seed 0" in printed
    assert "--epochs" not in printed.partition("Expected")[0]
    metadata = json.loads((output / "metadata.json").read_text())
    assert metadata["training"]["start"] == BACKBONE
    assert metadata["training"]["optimizer"] == "adamw"
    assert 0 < metadata["metrics"]["map"] <= 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "birds",
        "mine",
        "mine.lists",
    ]
