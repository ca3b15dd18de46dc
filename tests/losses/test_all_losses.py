"""What must hold for every loss: degenerate batches, precision, replicas, config."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash import losses

LOSSES = {
    "cauchy": lambda dim, labels: losses.PairwiseCauchyLoss(20.0),
    "logistic": lambda dim, labels: losses.PairwiseLogisticLoss(),
    "logistic, released": lambda dim, labels: losses.PairwiseLogisticLoss(
        10, "cosine", "one_sided"
    ),
    "cosine": lambda dim, labels: losses.PairwiseCosineLoss(),
    "adaptive margin": lambda dim, labels: losses.AdaptiveMarginLoss(
        np.random.default_rng(0).normal(size=(labels, dim))
    ),
    "triplet, margin": lambda dim, labels: losses.TripletLoss(30.0, "margin"),
    "triplet, hard": lambda dim, labels: losses.TripletLoss(30.0, "hard"),
    "triplet, all": lambda dim, labels: losses.TripletLoss(30.0, "all"),
    "triplet, logistic": lambda dim, labels: losses.LogisticTripletLoss(),
}
DEGENERATE = {
    "one class": (np.tanh(np.arange(12.0).reshape(3, 4)), np.ones((3, 1))),
    "no similar pair": (np.tanh(np.arange(12.0).reshape(3, 4)), np.eye(3)),
    "no label": (np.tanh(np.arange(12.0).reshape(3, 4)), np.zeros((3, 2))),
    "one image": (np.ones((1, 4)), np.ones((1, 2))),
    "no image": (np.ones((0, 4)), np.ones((0, 2))),
    "saturated codes": (np.float64([[1, 1], [-1, 1], [1, 1]]), np.eye(3)),
    "identical codes": (np.full((4, 8), 0.3), np.eye(2)[[0, 1, 0, 1]]),
    "zero codes": (np.zeros((4, 8)), np.eye(2)[[0, 1, 0, 1]]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", LOSSES)
def test_degenerate_batches_stay_finite(name, case):
    codes, labels = (np.float32(array) for array in DEGENERATE[case])
    loss = LOSSES[name](codes.shape[1], labels.shape[1])
    variable = tf.Variable(codes)
    with tf.GradientTape() as tape:
        value = loss(variable, labels)
    gradient = tape.gradient(value, variable).numpy()
    assert np.isfinite(float(value)) and np.isfinite(gradient).all()


@pytest.mark.parametrize("case", DEGENERATE)
def test_quantization_losses_stay_finite(case):
    codes = np.float32(DEGENERATE[case][0])
    vectors = np.ones((2, codes.shape[1]))
    for loss in (
        lambda x: losses.LogCoshQuantizationLoss()(x),
        lambda x: losses.SquaredQuantizationLoss()(x),
        lambda x: losses.CauchyQuantizationLoss()(x),
        lambda x: losses.CosineQuantizationLoss()(x),
        lambda x: losses.CubicQuantizationLoss()(x),
        lambda x: losses.EuclideanCodebookLoss()(x, codes),
        lambda x: losses.InnerProductCodebookLoss(vectors)(x, codes),
    ):
        variable = tf.Variable(codes)
        with tf.GradientTape() as tape:
            value = loss(variable)
        assert np.isfinite(float(value))
        assert np.isfinite(tape.gradient(value, variable).numpy()).all()


@pytest.mark.parametrize("name", LOSSES)
def test_runs_in_float32_under_mixed_precision(codes, labels, name):
    expected = LOSSES[name](16, 5)(codes, labels)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        value = LOSSES[name](16, 5)(codes, labels)
    finally:
        keras.config.set_dtype_policy("float32")
    assert value.dtype == tf.float32
    assert float(value) == float(expected)


@pytest.mark.parametrize("name", LOSSES)
def test_config_round_trip(codes, labels, name):
    loss = LOSSES[name](16, 5)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert float(again(codes, labels)) == float(loss(codes, labels))


@pytest.mark.parametrize("split", [5, 7])
@pytest.mark.parametrize("name", LOSSES)
def test_shares_of_two_replicas_add_up(two_replicas, codes, labels, name, split):
    loss = LOSSES[name](16, 5)
    variable = tf.Variable(codes)
    with tf.GradientTape() as tape:
        expected = loss(variable, labels)
    expected_gradient = tape.gradient(expected, variable).numpy()

    def distribute(array):
        parts = np.split(array, [split])
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    def step(codes, labels):
        with tf.GradientTape() as tape:
            tape.watch(codes)
            share = loss(codes, labels)
        return share, tape.gradient(share, codes)

    with two_replicas.scope():
        loss = LOSSES[name](16, 5)
    arguments = distribute(codes), distribute(labels)
    run = tf.function(lambda: two_replicas.run(step, args=arguments))
    shares, gradients = (two_replicas.experimental_local_results(x) for x in run())
    np.testing.assert_allclose(sum(map(float, shares)), float(expected), rtol=1e-5)
    np.testing.assert_allclose(
        np.concatenate([gradient.numpy() for gradient in gradients]),
        expected_gradient,
        atol=1e-6,
        rtol=1e-4,
    )


@pytest.mark.parametrize("name", LOSSES)
def test_class_indices_are_refused(codes, name):
    with pytest.raises(ValueError, match="multi-hot.*to_categorical"):
        LOSSES[name](16, 5)(codes, np.arange(10))
