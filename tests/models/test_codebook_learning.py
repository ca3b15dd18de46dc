"""Codebooks that are learned while the network trains."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.callbacks import EpochSeeds
from keras_deephash.codebooks import Codebook

QUANTIZERS = ["DQN", "DVSQ", "DTQ"]


@pytest.fixture
def make_quantizer(make_quantizer):
    """Two sub-codebooks, where the test says nothing: three take longer to trace."""

    def make(*arguments, **options):
        return make_quantizer(*arguments, **{"subcodebooks": 2, **options})

    return make


@pytest.fixture(scope="module")
def many():
    """600 images of 4 x 4 coloured patches, and random labels."""
    generator = np.random.default_rng(0)
    patches = generator.integers(0, 256, (600, 4, 4, 3), dtype=np.uint8)
    images = patches.repeat(8, axis=1).repeat(8, axis=2)
    return images, np.eye(4, dtype="float32")[generator.integers(4, size=600)]


def frozen(model, images, labels, epochs):
    """Trains the codebook alone: no step moves the network."""
    model.feature_layer.kernel.assign(100 * model.feature_layer.kernel)
    model.compile(keras.optimizers.SGD(0.0))
    return model.fit(images, labels, batch_size=50, epochs=epochs, verbose=0).history


def naive_alternation(features, subcodebooks, subcenters, rounds):
    """Full alternating optimization, in plain NumPy; returns the distortion."""
    generator = np.random.default_rng(1)
    features = np.float64(features)
    n, dim = features.shape
    centers = np.zeros((subcodebooks, subcenters, dim))
    for m, block in enumerate(np.array_split(np.arange(dim), subcodebooks)):
        chosen = generator.choice(n, subcenters, replace=False)
        means = features[chosen][:, block]
        for _ in range(20):  # K-means.
            errors = ((features[:, None, block] - means) ** 2).sum(axis=2)
            nearest = errors.argmin(axis=1)
            for k in range(subcenters):
                if (nearest == k).any():
                    means[k] = features[nearest == k][:, block].mean(axis=0)
        centers[m][:, block] = means

    def assign():
        codes = np.zeros((n, subcodebooks), int)
        parts = np.zeros((subcodebooks, n, dim))
        for _ in range(3):
            for m in range(subcodebooks):
                parts[m] = 0
                residual = features - parts.sum(axis=0)
                errors = ((residual[:, None] - centers[m]) ** 2).sum(axis=2)
                codes[:, m] = errors.argmin(axis=1)
                parts[m] = centers[m][codes[:, m]]
        return codes, np.mean(((features - parts.sum(axis=0)) ** 2).sum(axis=1))

    codes, _ = assign()
    for _ in range(rounds):
        one_hot = np.zeros((n, subcodebooks * subcenters))
        for m in range(subcodebooks):
            one_hot[np.arange(n), m * subcenters + codes[:, m]] = 1
        solved = np.linalg.lstsq(one_hot, features, rcond=None)[0]
        centers = solved.reshape(subcodebooks, subcenters, dim)
        codes, distortion = assign()
    return distortion


def test_distortion_is_that_of_full_alternating_optimization(make_quantizer, many):
    # With dropout: the codebook must be learned from features as they are encoded.
    model = make_quantizer("DTQ", "lrn", dropout=0.5, subcodebooks=3, subcenters=16)
    frozen(model, *many, epochs=12)
    features = model.continuous_codes(many[0])
    found = model.codebook.distortion(features, model.encode(many[0]))
    # Alternation ends in a local minimum; the fair opponent is the typical one.
    assert found < 1.02 * naive_alternation(features, 3, 16, rounds=10)
    alone = Codebook(3, 16).fit(features, rounds=10)
    assert found < 1.02 * alone[-1]


# One stands for all: what they share is in their base class. DVSQ alone has a metric of
# its own.
ONE = [
    "DVSQ",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("DQN", "DTQ")),
]


@pytest.mark.parametrize("name", ONE)
def test_the_quantization_loss_waits_for_its_epoch(make_quantizer, many, name):
    model = make_quantizer(name, "lrn", quantization_start=2, quantization_weight=0.1)
    with pytest.raises(ValueError, match="not fitted yet"):
        model.encode(many[0])
    logs = frozen(model, *many, epochs=4)
    off, on = logs["loss"][:2], logs["loss"][2:]
    np.testing.assert_allclose(off, logs["similarity_loss"][:2], rtol=1e-5)
    expected = np.array(logs["similarity_loss"]) + 0.1 * np.array(
        logs["quantization_loss"]
    )
    np.testing.assert_allclose(on, expected[2:], rtol=1e-5)
    assert min(logs["quantization_loss"][2:]) > 0
    assert len(np.unique(model.encode(many[0]), axis=0)) > 20


def test_from_epoch_zero_the_codebook_is_made_of_the_first_batches(
    make_quantizer, many
):
    # 32 samples per centre start it: 64 images, the first two batches.
    model = make_quantizer("DTQ", "lrn", subcenters=2, quantization_start=0)
    seen = []
    watcher = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.codebook.is_fitted)
    )
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(*many, batch_size=32, callbacks=[watcher], verbose=0)
    assert seen[:3] == [False, True, True]


@pytest.mark.parametrize("epochs", [1, 2])
def test_a_short_training_has_a_codebook_too(make_quantizer, images, labels, epochs):
    model = make_quantizer("DQN", subcenters=32)  # More centres than images.
    model.fit(images, labels, batch_size=8, epochs=epochs, verbose=0)
    assert model.encode(images).max() < 32


def test_averaged_weights_are_refused(make_quantizer):
    with pytest.raises(ValueError, match="`use_ema` must be False for `DTQ`"):
        make_quantizer("DTQ").compile(keras.optimizers.SGD(0.1, use_ema=True))


def test_a_training_that_diverges(make_quantizer, images, labels):
    model = make_quantizer("DQN")
    model.compile(keras.optimizers.SGD(1e30))
    with pytest.raises(ValueError, match="The training has diverged"):
        model.fit(images, labels, epochs=3, verbose=0)
    model = make_quantizer("DQN")
    model.compile(keras.optimizers.SGD(1e30))
    stop = keras.callbacks.TerminateOnNaN()
    history = model.fit(images, labels, batch_size=8, callbacks=[stop], verbose=0)
    assert model.stop_training and not np.isfinite(history.history["loss"][-1])


def test_early_stopping_leaves_a_codebook(make_quantizer, images, labels):
    model = make_quantizer("DTQ")
    stop = keras.callbacks.EarlyStopping(monitor="loss", min_delta=1e9, patience=0)
    model.compile("sgd")
    model.fit(images, labels, epochs=5, callbacks=[stop], verbose=0)
    assert model.encode(images).shape == (24, 2)


def test_memory_does_not_grow_with_the_data(make_quantizer, many):
    model = make_quantizer("DTQ", "lrn")
    frozen(model, *many, epochs=1)
    statistics = vars(model.codebook_statistics).values()
    variables = [v for v in statistics if hasattr(v, "shape")]
    numbers = sum(int(np.prod(variable.shape)) for variable in variables)
    rows, dim = 2 * 8, 12
    assert numbers == rows * rows + rows * dim + 32 * 8 * dim + 1


def test_training_goes_on_with_the_codebook_of_a_preset(make_quantizer, many, tmp_path):
    model = make_quantizer("DTQ", "lrn", quantization_start=0, quantization_weight=0.1)
    frozen(model, *many, epochs=3)
    model.save_to_preset(tmp_path / "preset")
    again = type(model).from_preset(tmp_path / "preset")
    again.compile(keras.optimizers.SGD(0.0))
    logs = again.fit(*many, batch_size=50, verbose=0).history
    assert logs["quantization_loss"][0] > 0
    features = again.continuous_codes(many[0])
    before = model.codebook.distortion(features, model.encode(many[0]))
    after = again.codebook.distortion(features, again.encode(many[0]))
    assert after <= 1.01 * before


@pytest.mark.parametrize("name", ONE)
def test_two_replicas_learn_the_codebook_of_one(
    two_replicas, make_quantizer, images, labels, name
):
    # Enough samples per centre for the sums of an epoch to count.
    images, labels = np.concatenate([images, 255 - images]), np.tile(labels, (2, 1))
    arguments = dict(quantization_start=0, quantization_weight=0.1)
    alone = make_quantizer(name, **arguments)
    alone.feature_layer.kernel.assign(100 * alone.feature_layer.kernel)
    alone.fit_codebook(images)
    before = alone.decode(alone.encode(images))
    with two_replicas.scope():
        together = make_quantizer(name, **arguments)
        together.set_weights(alone.get_weights())
    logs = []
    for model in (alone, together):
        with model.distribute_strategy.scope():
            model.compile(
                keras.optimizers.SGD(1e-4, momentum=0.9), run_eagerly=model is alone
            )
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
        logs.append(model.fit(dataset, epochs=2, verbose=0).history)
    # Reconstructions, for a shift from one sub-codebook to another changes nothing.
    codes = alone.encode(images)
    np.testing.assert_array_equal(codes, together.encode(images))
    np.testing.assert_allclose(alone.decode(codes), together.decode(codes), atol=1e-3)
    assert np.abs(alone.decode(codes) - before).max() > 1e-2
    for layer in ("backbone", "feature_layer"):
        for one, two in zip(
            getattr(alone, layer).get_weights(),
            getattr(together, layer).get_weights(),
            strict=True,
        ):
            np.testing.assert_allclose(one, two, atol=1e-5)
    for key, values in logs[0].items():
        np.testing.assert_allclose(values, logs[1][key], rtol=1e-3, atol=1e-5)


def test_two_replicas_start_a_codebook(two_replicas, make_quantizer, images, labels):
    with two_replicas.scope():
        model = make_quantizer("DTQ")
        model.compile("sgd")
    model.fit(images, labels, batch_size=8, epochs=4, verbose=0)
    assert model.encode(images).shape == (24, 2)


def test_an_interrupted_training_leaves_the_quantization_loss_on(
    make_quantizer, images, labels
):
    model = make_quantizer("DTQ", quantization_start=5, quantization_weight=10)
    model.fit_codebook(images)
    model.compile()
    seeds = EpochSeeds(1)
    expected = model.evaluate(images, labels, verbose=0, return_dict=True)["loss"]

    def interrupt(batch, logs=None):
        raise KeyboardInterrupt

    stop = keras.callbacks.LambdaCallback(on_train_batch_begin=interrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(images, labels, verbose=0, callbacks=[seeds, stop])
    assert float(model.quantization_switch) == 1 and seeds.epoch is None
    found = model.evaluate(images, labels, verbose=0, return_dict=True)["loss"]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", QUANTIZERS)
def test_an_error_before_the_training_is_the_one_that_shows(
    make_quantizer, images, labels, name
):
    with pytest.raises(ValueError, match="cardinality|same (number|length)|sizes"):
        make_quantizer(name).fit(images[:8], labels[:7], verbose=0)
