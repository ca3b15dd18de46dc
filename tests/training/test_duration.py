"""The estimate of a training's duration, before it begins."""

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import ImageSet
from keras_deephash.training import duration
from keras_deephash.training.data import TrainingData
from keras_deephash.training.defaults import resolve
from keras_deephash.training.preparation import (
    compile_model,
    new_model,
    training_dataset,
)


def image_set(count: int) -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), np.uint8)
    return ImageSet(pixels, np.eye(2, dtype=np.uint8)[np.arange(count) % 2])


@pytest.fixture
def made(make_model):
    """A function of options: the model of a training, its options and data.

    80 images are learned from, 10 held-out ones search them, and 20 search 30.
    """

    def made(**options):
        train, query = image_set(80), image_set(10)
        data = TrainingData(train, (query, train), (image_set(20), image_set(30)), "")
        values = {"backbone": make_model().backbone, "bits": 16, "epochs": 6}
        values |= {"optimizer": "adamw", "batch_size": 32}
        told = kdh.TrainingOptions(train, **{**values, **options})
        closed = told.method == "ITQ"
        options, _ = resolve(told, train, 80, closed, validation=True)
        return new_model(options, data), options, data

    return made


@pytest.fixture
def one_second_an_image(monkeypatch):
    # 64 images are measured, whatever is done with them.
    monkeypatch.setattr(duration, "_seconds", lambda work: 64.0)


@pytest.mark.parametrize(
    "options, expected",
    [
        # Above a frozen part, an evaluation begins at its features: what was held out
        # goes through the frozen part once. 3 views, 6 evaluations.
        (
            {"freeze_until": "pool1", "views": 3, "evaluate_every": 1},
            (0, 80 * 3 + 90, 6 * 2, 3 * 32, 90 * 6, 0, 2 * 50),
        ),
        # Without one, each evaluation is a full pass. Every fifth epoch, as published.
        ({}, (0, 0, 6 * 2, 3 * 32, 90, 0, 50)),
        (
            {
                "method": "ITQ",
                "bits": 8,
                "epochs": None,
                "batch_size": None,
                "optimizer": None,
            },
            (0, 0, 1, 80, 90, 0, 50),
        ),
    ],
)
def test_what_is_counted(made, one_second_an_image, options, expected):
    found = duration.estimate(*made(**options))
    reading, frozen, steps, step, *others = expected
    assert found == duration.Duration(*map(float, expected))
    assert found.seconds == reading + frozen + steps * step + sum(others)
    assert duration.in_words(found.seconds) in str(found)


def test_an_estimate_changes_no_weight(made, tmp_path):
    output = str(tmp_path / "out")
    model, options, data = made(freeze_until="pool1", output=output, patience=1)
    before = model.get_weights()
    found = duration.estimate(model, options, data)
    assert min(found.frozen, found.step, found.held_out, found.evaluation) > 0
    assert found.saving > 0 and not list(tmp_path.iterdir())
    for one, two in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_features_of_an_earlier_training_are_not_counted(
    made, one_second_an_image, tmp_path
):
    options = {"freeze_until": "pool1", "views": 1, "feature_cache": str(tmp_path)}
    model, options, data = made(**options)
    assert duration.estimate(model, options, data).frozen == 80 + 90
    training_dataset(model, options, data, EpochSeeds(options.seed))
    assert duration.estimate(model, options, data).frozen == 90


def test_a_measured_step_takes_the_place_of_a_guess(made, monkeypatch):
    model, options, data = made()
    compile_model(model, options, steps=1)
    monkeypatch.setattr(duration, "_PASSES", 0)
    assert duration.estimate(model, options, data).step == 0
    assert duration.estimate(model, options, data, measure_step=True).step > 0


@pytest.mark.parametrize(
    "seconds, words", [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5400, "1.5 h")]
)
def test_words(seconds, words):
    assert duration.in_words(seconds) == words
