"""Losses in `compile(loss=)` of networks that are no methods of this library."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash import losses

OF_LABELS = {
    "cauchy": lambda: losses.PairwiseCauchyLoss(20.0),
    "logistic": lambda: losses.PairwiseLogisticLoss(),
    "cosine": lambda: losses.PairwiseCosineLoss(),
    "triplet": lambda: losses.TripletLoss(30.0, "all"),
    "triplet, logistic": lambda: losses.LogisticTripletLoss(),
    "adaptive margin": lambda: losses.AdaptiveMarginLoss(np.eye(5, 16)),
    "pointwise": lambda: SumLoss(),
}
OF_OTHERS = {
    "log-cosh": lambda: losses.LogCoshQuantizationLoss(),
    "squared": lambda: losses.SquaredQuantizationLoss(),
    "cauchy": lambda: losses.CauchyQuantizationLoss(),
    "codebook, euclidean": lambda: losses.EuclideanCodebookLoss(),
    "codebook, inner product": lambda: losses.InnerProductCodebookLoss(np.eye(5, 16)),
    "class": lambda: losses.ClassCrossEntropyLoss(),
    "similarity": lambda: losses.SimilarityDistributionLoss(),
    "orthogonality": lambda: losses.OrthogonalityPenalty(),
}


@keras.saving.register_keras_serializable(package="test_as_keras_loss")
class SumLoss(losses.PointwiseLoss):
    def image_losses(self, codes, labels):
        return keras.ops.sum(codes, axis=-1) * keras.ops.sum(labels, axis=-1)


@pytest.fixture
def network():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(16, activation="tanh", name="codes")]
    )


@pytest.fixture
def images():
    return np.random.default_rng(4).normal(size=(10, 6)).astype("float32")


def naive_cauchy(codes, labels):
    """The Cauchy loss of gamma 20, pair by pair, balanced."""
    total = {True: [], False: []}
    for i, z in enumerate(np.float64(codes)):
        for j, other in enumerate(np.float64(codes)):
            if i == j:
                continue
            cosine = z @ other / np.sqrt((z @ z) * (other @ other))
            d = len(z) / 2 * (1 - cosine)
            similar = bool((labels[i] * labels[j]).any())
            probability = 20 / (20 + d)
            total[similar].append(-np.log(probability if similar else 1 - probability))
    return np.mean(total[True]) + np.mean(total[False])


def test_fit_gives_the_naive_loss(network, images, labels):
    expected = naive_cauchy(network.predict(images, verbose=0), labels)
    network.compile(optimizer="sgd", loss=losses.PairwiseCauchyLoss(20.0))
    history = network.fit(images, labels, batch_size=10, epochs=5, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)
    assert history["loss"][-1] < history["loss"][0]
    expected = naive_cauchy(network.predict(images, verbose=0), labels)
    found = network.evaluate(images, labels, batch_size=10, verbose=0)
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
@pytest.mark.parametrize("name", OF_LABELS)
def test_codes_and_labels_keep_their_places(network, images, labels, name, dtype):
    loss = OF_LABELS[name]()
    expected = float(loss(network.predict(images, verbose=0), labels))
    # One type of the labels in a graph, and the others sooner.
    eager = dtype != "float32"
    network.compile(optimizer="sgd", loss=OF_LABELS[name](), run_eagerly=eager)
    labels = labels.astype(dtype)
    history = network.fit(images, labels, batch_size=10, verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-4)


def test_several_outputs_with_weights(network, images, labels):
    """Beside a loss of Keras, each with its weight."""
    classes = keras.layers.Dense(5, name="classes")(network.outputs[0])
    model = keras.Model(network.inputs, [network.outputs[0], classes])
    codes, logits = model.predict(images, verbose=0)
    expected = 3 * naive_cauchy(codes, labels) + np.mean((logits - labels) ** 2)
    model.compile(
        loss=[losses.PairwiseCauchyLoss(20.0), "mean_squared_error"],
        loss_weights=[3.0, 1.0],
    )
    found = model.evaluate(images, [labels, labels], batch_size=10, verbose=0)
    assert found[0] == pytest.approx(expected, rel=1e-4)


def test_two_replicas_see_the_pairs_of_both(two_replicas, images, labels):
    def build():
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((6,)), keras.layers.Dense(16, "tanh")])
        network.compile(keras.optimizers.SGD(0.5), loss=losses.PairwiseCauchyLoss(20.0))
        return network

    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(10)
    one = build()
    expected = one.fit(data, epochs=2, verbose=0).history["loss"]
    with two_replicas.scope():
        two = build()
    found = two.fit(data, epochs=2, verbose=0).history["loss"]
    assert found == pytest.approx(expected, rel=1e-4)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_compiled_network_is_saved_and_loaded(network, images, labels, tmp_path):
    network.compile(loss=losses.PairwiseCauchyLoss(20.0))
    network.save(tmp_path / "network.keras")
    again = keras.models.load_model(tmp_path / "network.keras")
    assert again.loss.get_config() == network.loss.get_config()
    found, expected = (
        model.evaluate(images, labels, batch_size=10, verbose=0)
        for model in (again, network)
    )
    assert found == pytest.approx(expected, rel=1e-6)
    assert [layer.name for layer in again.layers] == ["codes"]


@pytest.mark.parametrize("name", OF_OTHERS)
def test_losses_without_labels_say_so(network, images, labels, name):
    network.compile(loss=OF_OTHERS[name]())
    with pytest.raises(ValueError, match="cannot be the `loss` of `compile`.*own_meth"):
        network.fit(images, labels, verbose=0)


@pytest.mark.parametrize("shape", [(10,), (10, 1)])
def test_class_indices_are_refused(network, images, shape):
    network.compile(loss=losses.PairwiseCauchyLoss())
    with pytest.raises(ValueError, match="multi-hot.*to_categorical"):
        network.fit(images, np.arange(10).reshape(shape), verbose=0)


@pytest.mark.parametrize(
    "weights", [{"sample_weight": np.ones(10)}, {"class_weight": {0: 1.0, 1: 2.0}}]
)
def test_weights_are_refused(network, images, weights):
    network.compile(loss=losses.PairwiseCauchyLoss())
    with pytest.raises(ValueError, match="does not support sample weights. Pass `fit`"):
        network.fit(images, np.eye(2)[[0, 1] * 5], verbose=0, **weights)
