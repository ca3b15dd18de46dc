"""The losses of codes and features against naive loops over pairs."""

import itertools

import keras
import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from keras_deephash.losses import SimilarityDistributionLoss, SimilarityPreservingLoss
from keras_deephash.losses.similarity_distribution import beta_quantiles

LOSSES = {
    "preserving": lambda: SimilarityPreservingLoss(),
    "preserving, centred": lambda: SimilarityPreservingLoss(center_targets=True),
    "distribution": lambda: SimilarityDistributionLoss(),
    "distribution, whole": lambda: SimilarityDistributionLoss(2, orthogonal=False),
}


@pytest.fixture
def features():
    """Features of 10 images as after a ReLU."""
    values = np.random.default_rng(4).normal(0.5, 1, (10, 12))
    return np.maximum(values, 0).astype("float32")


def cosine(a, b):
    return float(a @ b) / np.sqrt(float(a @ a) * float(b @ b))


def naive_loss(name, codes, features):
    codes, features = np.float64(codes), np.float64(features)
    if "centred" in name:
        features = features - features.mean(axis=0)
    pairs = list(itertools.combinations(range(len(codes)), 2))
    found = [cosine(codes[i], codes[j]) for i, j in pairs]
    wanted = [cosine(features[i], features[j]) for i, j in pairs]
    if "preserving" in name:
        return np.mean(np.square(np.subtract(found, wanted)))
    a = 2 if "whole" in name else 5
    losses = []
    for rank, number in enumerate(np.argsort(wanted), start=1):
        level = (2 * rank - 1) / (2 * len(pairs))
        target = 2 * scipy.stats.beta.ppf(level, a, a) - 1
        if "whole" not in name:
            target = max(target, 0)
        losses.append(abs(found[number] - target))
    return np.mean(losses)


@pytest.mark.parametrize("name", LOSSES)
def test_equals_the_naive_loop(codes, features, name):
    value = LOSSES[name]()(codes, features)
    assert float(value) == pytest.approx(naive_loss(name, codes, features), rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(codes, features, check_gradient, name):
    def naive(codes, features):
        return naive_loss(name, codes, features)

    check_gradient(LOSSES[name](), naive, codes, features)


@pytest.mark.parametrize("name", LOSSES)
def test_no_gradient_reaches_the_features(codes, features, name):
    variable = tf.Variable(features)
    with tf.GradientTape() as tape:
        value = LOSSES[name]()(codes, variable)
    assert tape.gradient(value, variable) is None


@pytest.mark.parametrize(
    "codes, features",
    [
        (np.ones((1, 4)), np.ones((1, 3))),
        (np.ones((0, 4)), np.ones((0, 3))),
        (np.zeros((4, 8)), np.ones((4, 3))),
        (np.ones((4, 8)), np.zeros((4, 3))),
        (np.full((5, 8), -0.3), np.arange(15.0).reshape(5, 3)),
    ],
)
@pytest.mark.parametrize("name", LOSSES)
def test_degenerate_batches_stay_finite(name, codes, features):
    variable = tf.Variable(np.float32(codes))
    with tf.GradientTape() as tape:
        value = LOSSES[name]()(variable, np.float32(features))
    gradient = tape.gradient(value, variable).numpy()
    assert np.isfinite(float(value)) and np.isfinite(gradient).all()
    if len(codes) < 2:
        assert float(value) == 0


@pytest.mark.parametrize("name", LOSSES)
def test_half_precision_is_of_the_inputs_alone(codes, features, name):
    halves = tf.cast(codes, "bfloat16"), tf.cast(features, "bfloat16")
    value = LOSSES[name]()(*halves)
    expected = LOSSES[name]()(*(tf.cast(each, "float32") for each in halves))
    assert value.dtype == tf.float32 and float(value) == float(expected)


@pytest.mark.parametrize("name", LOSSES)
def test_config_round_trip(codes, features, name):
    loss = LOSSES[name]()
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == loss.get_config()
    assert float(again(codes, features)) == float(loss(codes, features))


@pytest.mark.parametrize("split", [5, 7])
@pytest.mark.parametrize("name", LOSSES)
def test_shares_of_two_replicas_add_up(two_replicas, codes, features, name, split):
    variable = tf.Variable(codes)
    with tf.GradientTape() as tape:
        expected = LOSSES[name]()(variable, features)
    expected_gradient = tape.gradient(expected, variable).numpy()

    def distribute(array):
        parts = np.split(array, [split])
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    with two_replicas.scope():
        loss = LOSSES[name]()

    def step(codes, features):
        with tf.GradientTape() as tape:
            tape.watch(codes)
            share = loss(codes, features)
        return share, tape.gradient(share, codes)

    arguments = distribute(codes), distribute(features)
    run = tf.function(lambda: two_replicas.run(step, args=arguments))
    shares, gradients = (two_replicas.experimental_local_results(x) for x in run())
    np.testing.assert_allclose(sum(map(float, shares)), float(expected), rtol=1e-5)
    found = np.concatenate([gradient.numpy() for gradient in gradients])
    np.testing.assert_allclose(found, expected_gradient, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("a", [1, 2, 5, 20])
def test_quantiles_are_those_of_the_beta_distribution(a):
    levels = (np.arange(8128) + 0.5) / 8128  # The pairs of 128 images.
    expected = scipy.stats.beta.ppf(levels, a, a)
    found = beta_quantiles(np.float32(levels), a)
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.parametrize("concentration", [0, 21, 5.0, None])
def test_bad_concentration(concentration):
    with pytest.raises(ValueError, match="`concentration` must be an integer from 1"):
        SimilarityDistributionLoss(concentration)
