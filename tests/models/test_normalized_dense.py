"""The normalized layer against its formula, on one replica and on two."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.models.layers.normalized_dense import NormalizedDense


@pytest.fixture
def inputs():
    """Features of 10 images, of which those of the second half differ much."""
    features = np.random.default_rng(0).normal(size=(10, 6)).astype("float32")
    features[5:] = 3 * features[5:] + 4
    return features


@pytest.fixture
def make():
    """A function that makes a layer whose every weight has an effect."""

    def make():
        layer = NormalizedDense(4)
        layer.build((None, 6))
        generator = np.random.default_rng(1)
        layer.kernel.assign(generator.normal(size=(6, 4)))
        layer.gamma.assign([0.5, 1, -2, 3])
        layer.bias.assign([0, 1, -1, 0.3])
        layer.moving_mean.assign([1, -2, 0.5, 0])
        layer.moving_deviation.assign([0.5, 1, 2, 4])
        return layer

    return make


def naive(layer, features, mean, deviation):
    """Product, normalization, scale and shift, one after the other."""
    outputs = np.float64(features) @ np.array(layer.kernel)
    return (outputs - mean) / deviation * np.array(layer.gamma) + np.array(layer.bias)


def test_inference_is_the_unfolded_formula(make, inputs):
    layer = make()
    expected = naive(layer, inputs, layer.moving_mean, layer.moving_deviation)
    np.testing.assert_allclose(layer(inputs), expected, rtol=1e-4, atol=1e-5)
    one_by_one = np.concatenate([layer(row[None]) for row in inputs])
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-4, atol=1e-5)


def test_training_is_the_formula_of_the_batch(make, inputs):
    layer = make()
    before = np.array(layer.moving_mean), np.array(layer.moving_deviation)
    outputs = np.float64(inputs) @ np.array(layer.kernel)
    mean, deviation = outputs.mean(axis=0), np.sqrt(outputs.var(axis=0) + 1e-5)
    found = layer(inputs, training=True)
    expected = naive(layer, inputs, mean, deviation)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for moving, old, new in (
        (layer.moving_mean, before[0], mean),
        (layer.moving_deviation, before[1], deviation),
    ):
        np.testing.assert_allclose(moving, 0.9 * old + 0.1 * new, rtol=1e-5)


def test_inference_comes_near_to_training(make, inputs):
    layer = make()
    for _ in range(200):
        trained = layer(inputs, training=True)
    np.testing.assert_allclose(layer(inputs), trained, rtol=1e-3, atol=1e-4)


def test_one_image_is_normalized_by_the_running_statistics(make, inputs):
    layer = make()
    before = layer.get_weights()
    expected = naive(layer, inputs[:1], layer.moving_mean, layer.moving_deviation)
    found = layer(inputs[:1], training=True)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    for one, two in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_direction_of_one_image_has_no_huge_gradient(make, inputs):
    def largest_gradient(count):
        layer = make()
        layer.bias.assign([0] * 4)  # As a new layer has it.
        with tf.GradientTape() as tape:
            codes = keras.ops.normalize(layer(inputs[:count], training=True), axis=1)
            loss = -tf.reduce_mean(codes[:, 0])
        gradients = tape.gradient(loss, layer.trainable_variables)
        return max(np.abs(gradient).max() for gradient in gradients)

    assert largest_gradient(1) < 20 * largest_gradient(10)


def test_it_computes_in_float32_after_half_precision(make, inputs):
    layer = make()
    expected = layer(inputs)
    found = layer(tf.cast(inputs, tf.float16))
    assert found.dtype == tf.float32
    np.testing.assert_allclose(found, expected, atol=0.1)


def test_config_round_trip(make, inputs):
    layer = make()
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(inputs), layer(inputs))


@pytest.mark.parametrize("split", [5, 7, 10])
def test_two_replicas_normalize_as_one(two_replicas, make, inputs, split):
    wanted = np.random.default_rng(2).normal(size=(10, 4)).astype("float32")

    def step(layer, features, wanted):
        with tf.GradientTape() as tape:
            outputs = layer(features, training=True)
            loss = tf.reduce_sum(tf.square(outputs - wanted))
        return outputs, *tape.gradient(loss, layer.trainable_variables)

    alone = make()
    expected, *gradients = step(alone, tf.constant(inputs), wanted)

    with two_replicas.scope():
        layer = make()
    local = two_replicas.experimental_local_results

    def distribute(array):
        parts = np.split(array, [split])
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    arguments = distribute(inputs), distribute(wanted)
    run = tf.function(
        lambda: two_replicas.run(lambda *args: step(layer, *args), args=arguments)
    )
    outputs, *shares = (local(each) for each in run())
    close = {"rtol": 1e-4, "atol": 1e-5}
    np.testing.assert_allclose(np.concatenate(outputs), expected, **close)
    for gradient, each in zip(gradients, shares, strict=True):
        # The largest gradients are of hundreds.
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(
            sum(share.numpy() for share in each) / scale, gradient / scale, atol=1e-5
        )
    for one, two in zip(alone.get_weights(), layer.get_weights(), strict=True):
        np.testing.assert_allclose(one, two, **close)
    if split == 5:  # Each half by itself would give something else.
        halves = make(), make()
        parts = [
            half(inputs[i * 5 :][:5], training=True) for i, half in enumerate(halves)
        ]
        assert np.abs(np.concatenate(parts) - expected).max() > 0.5
