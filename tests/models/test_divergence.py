"""Trainings that diverge, and what cannot be trained with."""

import keras
import numpy as np
import pytest

import keras_deephash as kdh


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def diverging(model):
    """A model whose first step takes all weights to infinity."""
    model.compile(keras.optimizers.SGD(1e30))
    return model


def test_a_diverged_training_stops_at_once_and_is_not_kept(
    diverging, images, labels, tmp_path
):
    epochs = []
    count = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, _: epochs.append(e))
    backup = kdh.callbacks.TrainingBackup(tmp_path / "backup")
    backup.restore(diverging)
    with pytest.raises(ValueError, match="has diverged.*Lower the learning rate"):
        diverging.fit(
            images, labels, batch_size=8, epochs=5, callbacks=[count, backup], verbose=0
        )
    assert epochs == []
    assert not (tmp_path / "backup" / "latest.weights.h5").exists()


def test_weights_that_are_not_finite_are_not_kept(model, tmp_path):
    # A loss is of the weights before its step: that of the last step may be finite.
    model.compile()
    backup = kdh.callbacks.TrainingBackup(tmp_path / "backup")
    backup.restore(model)
    backup.set_model(model)
    bias = model.hash_layer.bias
    bias.assign(np.full(bias.shape, np.inf))
    with pytest.raises(ValueError, match="the weight '.*bias' is not finite"):
        backup.on_epoch_end(0, {"loss": 1.0})
    assert not (tmp_path / "backup" / "latest.weights.h5").exists()


def test_terminate_on_nan_ends_in_its_way(diverging, images, labels, tmp_path):
    backup = kdh.callbacks.TrainingBackup(tmp_path / "backup")
    backup.restore(diverging)
    callbacks = [keras.callbacks.TerminateOnNaN(), backup]
    history = diverging.fit(
        images, labels, batch_size=8, epochs=5, callbacks=callbacks, verbose=0
    ).history
    assert len(history["loss"]) == 1 and not np.isfinite(history["loss"][0])
    assert not (tmp_path / "backup" / "latest.weights.h5").exists()


@pytest.mark.parametrize("value", ["auto", 0, 1.0, True])
def test_steps_per_execution_is_a_number(model, value):
    with pytest.raises(ValueError, match="`steps_per_execution` must be an integer"):
        model.compile(steps_per_execution=value)


@pytest.mark.parametrize(
    "callback",
    [
        keras.callbacks.LearningRateScheduler(lambda epoch: 1e-3),
        keras.callbacks.ReduceLROnPlateau(monitor="loss"),
    ],
    ids=lambda callback: type(callback).__name__,
)
def test_a_schedule_and_a_callback_do_not_meet(model, images, labels, callback):
    dhn = kdh.DHN(model.backbone, bits=16)
    arguments = dict(batch_size=24, callbacks=[callback], verbose=0)
    name = type(callback).__name__
    with pytest.raises(ValueError, match=f"`{name}` cannot change.*SGD\\(5e-05, mom"):
        dhn.fit(images, labels, **arguments)
    dhn.compile(
        keras.optimizers.SGD(5e-5, momentum=0.9),
        learning_rate_multipliers=(1, 2, 10, 20),
    )
    dhn.fit(images, labels, **arguments)
