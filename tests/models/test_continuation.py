"""HashNet: outputs that become steeper from epoch to epoch."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.callbacks import TrainingBackup


@pytest.fixture
def make():
    def make(**arguments):
        return kdh.HashNet(TinyBackbone(), 16, **arguments)

    return make


class Betas(keras.callbacks.Callback):
    """What `beta` is in each epoch."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        self.found.append(float(keras.ops.convert_to_numpy(self.model.beta)))


def betas(model, images, labels, **arguments):
    callback = Betas()
    model.fit(
        images, labels, batch_size=24, verbose=0, callbacks=[callback], **arguments
    )
    return callback.found


def test_beta_rises_with_the_square_root_of_the_step(make, images, labels):
    expected = np.sqrt([1, 1, 2, 2, 3, 3, 4])
    found = betas(make(continuation=2), images, labels, epochs=7)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("epochs", [1, 2, 15, 30])
def test_the_published_steps_are_scaled_to_the_training(make, images, labels, epochs):
    # Of 150 epochs 20, as many as 2 of 15.
    expected = [np.sqrt(1 + int(epoch / epochs * 7.5)) for epoch in range(epochs)]
    found = betas(make(), images, labels, epochs=epochs)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_training_that_goes_on_has_the_beta_of_its_epoch(
    make, images, labels, tmp_path
):
    def compiled():
        model = make(continuation=2)
        model.compile(keras.optimizers.SGD(1e-2, momentum=0.9))
        return model

    through = compiled()
    start = through.get_weights()
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    through.fit(dataset, epochs=6, verbose=0)

    first, backup = compiled(), TrainingBackup(tmp_path)
    first.set_weights(start)
    first.fit(dataset, epochs=3, verbose=0, callbacks=[backup])
    second, backup = compiled(), TrainingBackup(tmp_path)
    done = backup.restore(second)
    assert done == 3 and float(second.beta) == pytest.approx(np.sqrt(2))
    callback = Betas()
    second.fit(
        dataset,
        epochs=6,
        initial_epoch=done,
        verbose=0,
        callbacks=[callback, backup],
    )
    np.testing.assert_allclose(callback.found[::3], np.sqrt([2, 3, 3]), rtol=1e-6)
    for one, other in zip(through.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_outputs_follow_beta_and_codes_do_not(make, images):
    model = make()
    kernel = model.hash_layer.kernel
    kernel.assign(30 * kernel)
    plain = model.continuous_codes(images)
    codes = model.encode(images)
    linear = model.features(images) @ np.asarray(kernel)
    np.testing.assert_allclose(plain, np.tanh(linear), atol=1e-5)
    model.beta.assign(3.0)
    steep = model.continuous_codes(images)
    np.testing.assert_allclose(steep, np.tanh(3 * linear), atol=1e-5)
    assert np.abs(steep - plain).max() > 0.1
    np.testing.assert_array_equal(codes, model.encode(images))
    np.testing.assert_allclose(model.predict(images, verbose=0), steep, atol=1e-5)


def test_a_preset_keeps_beta(make, images, labels, tmp_path):
    model = make(continuation=1)
    betas(model, images, labels, epochs=3)
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    assert float(again.beta) == pytest.approx(np.sqrt(3))
    np.testing.assert_array_equal(
        again.continuous_codes(images), model.continuous_codes(images)
    )


def test_beta_rises_on_all_replicas(two_replicas, make, images, labels):
    with two_replicas.scope():
        model = make(continuation=1)
        model.compile()
    found = betas(model, images, labels, epochs=3)
    np.testing.assert_allclose(found, np.sqrt([1, 2, 3]), rtol=1e-6)


def test_shorter_codes_have_a_slope_of_their_own(make, images, labels):
    model = make(lengths=[8, 16])
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    outputs = model.continuous_codes(images)
    for bits in (8, 16):
        loss = kdh.losses.PairwiseLogisticLoss(10 / bits)
        expected = float(loss(outputs[:, :bits], labels))
        assert logs[f"pair_loss_{bits}"] == pytest.approx(expected, rel=1e-4)
