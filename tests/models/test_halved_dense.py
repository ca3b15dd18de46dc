"""The linear layer whose running median is its bias."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.models.layers.halved_dense import HalvedDense


@pytest.fixture
def features():
    return np.random.default_rng(1).normal(2, 1, (9, 6)).astype("float32")


def test_in_training_it_is_linear(features):
    layer = HalvedDense(4)
    outputs = layer(features, training=True)
    np.testing.assert_allclose(outputs, features @ layer.kernel, rtol=1e-5, atol=1e-6)


def test_the_bias_is_minus_the_running_median(features):
    layer = HalvedDense(4)
    layer.build((None, 6))
    expected = np.zeros(4)
    for batch in (features[:4], features[4:], features):
        outputs = batch @ np.asarray(layer.kernel)
        expected = 0.9 * expected - 0.1 * np.median(outputs, axis=0)
        layer(batch, training=True)
        np.testing.assert_allclose(layer.bias, expected, rtol=1e-4, atol=1e-6)
    found = layer(features)
    np.testing.assert_allclose(
        found, features @ np.asarray(layer.kernel) + expected, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(layer.bias, expected, rtol=1e-4, atol=1e-6)


def test_one_image_leaves_the_median_as_it_is(features):
    layer = HalvedDense(4)
    layer(features, training=True)
    before = np.array(layer.bias)
    layer(features[:1] + 100, training=True)
    np.testing.assert_array_equal(layer.bias, before)


def test_in_inference_half_of_the_images_have_each_bit(features):
    layer = HalvedDense(4)
    for _ in range(150):
        layer(features[:8], training=True)
    ones = (np.asarray(layer(features[:8])) >= 0).sum(axis=0)
    np.testing.assert_array_equal(ones, 4)


def test_two_replicas_have_the_median_of_both(two_replicas, features):
    alone = HalvedDense(4)
    alone(features, training=True)
    with two_replicas.scope():
        layer = HalvedDense(4)
        layer.build((None, 6))
        layer.kernel.assign(alone.kernel)
    parts = np.split(features, [3])
    values = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    run = tf.function(
        lambda: two_replicas.run(lambda x: layer(x, training=True), args=(values,))
    )
    run()
    np.testing.assert_allclose(layer.bias, alone.bias, rtol=1e-5, atol=1e-7)


def test_no_gradient_flows_through_the_median(features):
    layer = HalvedDense(4)
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(layer(features, training=True))
    (gradient,) = tape.gradient(value, layer.trainable_variables)
    expected = np.tile(features.sum(axis=0)[:, None], 4)
    np.testing.assert_allclose(gradient, expected, rtol=1e-5)


def test_config_round_trip(features):
    layer = HalvedDense(4, name="halved")
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    again(features)
    assert again.get_config() == layer.get_config()
    assert again.compute_output_shape((5, 6)) == (5, 4)
