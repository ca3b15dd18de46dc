"""DHN, DQN, DVSQ and DTQ: recipes, losses and configuration."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_deephash as kdh
from keras_deephash import losses

QUANTIZERS = ["DQN", "DVSQ", "DTQ"]
# Red, green, blue, and yellow.
COLORS = np.array([[180, 0, 0], [0, 180, 0], [0, 0, 180], [180, 180, 0]], np.uint8)


@pytest.fixture
def make(make_backbone, make_quantizer):
    def make(name, normalization="batch", **arguments):
        if name == "DHN":
            return kdh.DHN(make_backbone(normalization), 16, **arguments)
        return make_quantizer(name, normalization, **arguments)

    return make


@pytest.mark.parametrize(
    "name, rate, decay",
    [
        ("DHN", 5e-5, (5000, 0.5)),
        ("DQN", 2e-3, (500, 0.5)),
        ("DVSQ", 2e-2, (500, 0.5)),
        ("DTQ", 3e-5, None),
    ],
)
def test_default_recipe_is_the_published_one(make, name, rate, decay):
    model = make(name)
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    assert model.optimizer.momentum == 0.9
    assert model.learning_rate_multipliers == (1, 2, 10, 20)
    schedule = model.default_learning_rate()
    if decay is None:
        assert schedule == rate
    else:
        steps, factor = decay
        for number in range(3):  # In stairs.
            for step in (number * steps, (number + 1) * steps - 1):
                assert float(schedule(step)) == pytest.approx(rate * factor**number)


def test_dhn_loss_is_that_of_the_naive_formula(make, images, labels):
    model = make("DHN", alpha=0.5, quantization_weight=0.2)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    codes = model.predict(images, verbose=0)
    pair = losses.PairwiseLogisticLoss(0.5)(codes, labels)
    quantization = losses.LogCoshQuantizationLoss()(codes)
    assert logs["loss"] == pytest.approx(float(pair + 0.2 * quantization), rel=1e-4)


def test_dhn_in_the_released_form(make):
    model = make(
        "DHN",
        alpha=10,
        similarity="cosine",
        pair_weighting="one_sided",
        quantization="squared",
    )
    assert model.pair_loss.get_config()["similarity"] == "cosine"
    assert isinstance(model.quantization_loss, losses.SquaredQuantizationLoss)


@pytest.mark.parametrize("name", QUANTIZERS)
@pytest.mark.usefixtures("eagerly")
def test_quantizer_loss_is_that_of_its_parts(make, images, labels, name):
    model = make(name, quantization_weight=0.2)
    model.fit_codebook(images)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    features = model.predict(images, verbose=0)
    similarity = float(model.similarity_loss(features, labels))
    error = features - model.decode(model.codebook.encode(features))
    if name == "DVSQ":
        error = error @ model.word_vectors.T
    quantization = np.mean(np.sum(error**2, axis=1))
    assert logs["similarity_loss"] == pytest.approx(similarity, rel=1e-4)
    assert logs["quantization_loss"] == pytest.approx(quantization, rel=1e-3)
    assert logs["loss"] == pytest.approx(similarity + 0.2 * quantization, rel=1e-4)


@pytest.mark.parametrize("name", ["DHN", *QUANTIZERS])
def test_learns_classes(make, images, name):
    labels = np.eye(4)[np.arange(24) % 4]
    images = images // 4 + np.tile(COLORS, (6, 1))[:, None, None]
    # Twelve dimensions have no room for the margin of 300.
    model = make(name, "lrn", **({"margin": 4.0} if name == "DTQ" else {}))
    # The rate falls to zero: what has been learned is not lost in the last steps.
    rate = keras.optimizers.schedules.CosineDecay(5e-3, 150)
    model.compile(keras.optimizers.Adam(rate))
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(24)
    model.fit(dataset.repeat(15), epochs=10, verbose=0)
    codes = model.continuous_codes(images)
    metrics = model.retrieval_metrics(codes, labels, codes, labels)
    assert metrics["map"] > 0.95
    if name != "DHN":
        assert metrics["map_symmetric"] > 0.95
        assert metrics["map_features"] > 0.95


@pytest.mark.parametrize("name", ["DHN", "DTQ"])
def test_a_step_is_traced_once(make, images, labels, monkeypatch, name):
    model, traces = make(name), []
    step = type(model).train_step

    def train_step(self, data):
        traces.append(name)
        return step(self, data)

    monkeypatch.setattr(type(model), "train_step", train_step)
    model.compile(keras.optimizers.AdamW(1e-3))
    model.fit(images, labels, batch_size=8, epochs=2, verbose=0)
    assert traces == [name]


@pytest.mark.parametrize("name", QUANTIZERS)
def test_word_vectors_are_used_at_length_one(make, name):
    if name == "DVSQ":
        model = make(name)
        np.testing.assert_allclose(np.linalg.norm(model.word_vectors, axis=1), 1)
        assert model.dim == 12


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("DHN", dict(alpha=3.0, clip=15.0, quantization="squared")),
        ("DHN", dict(similarity="cosine", pair_weighting=None)),
        ("DQN", dict(pair_weighting="balanced", quantization_start=5)),
        ("DVSQ", dict(margin=0.4, quantization_weight=0.5)),
        ("DTQ", dict(margin=3.0, mining="hard", orthogonality_weight=0.1, seed=4)),
        ("DTQ", dict(search_metric="inner_product")),
    ],
)
def test_every_argument_is_in_the_config(make, name, arguments):
    model = make(name, preprocessor=kdh.Preprocessor(32, 40), **arguments)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    for key, value in arguments.items():
        assert getattr(again, key) == value


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("DHN", {"quantization": "cauchy"}, "`quantization` must be one of"),
        ("DHN", {"alpha": -1}, "`alpha` must be finite and > 0"),
        ("DQN", {"dim": 0}, "`dim` must be an integer >= 1"),
        ("DQN", {"dim": 2}, "needs a dimension of the features"),
        (
            "DQN",
            {"quantization_weight": -1},
            "quantization_weight` must be finite and >=",
        ),
        ("DQN", {"quantization_start": -1}, "`quantization_start` must be an integer"),
        ("DQN", {"subcenters": 300}, "`subcenters` must be an integer from 2 to 256"),
        ("DVSQ", {"word_vectors": np.zeros((4, 12))}, "zeros at label 0"),
        ("DVSQ", {"margin": -1}, "`margin` must be finite and >= 0"),
        ("DTQ", {"mining": "easy"}, "`mining` must be one of"),
        ("DTQ", {"search_metric": "cosine"}, "`search_metric` must be one of"),
        (
            "DTQ",
            {"orthogonality_weight": -1},
            "`orthogonality_weight` must be finite and >= 0",
        ),
    ],
)
def test_bad_arguments(make, name, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(name, **arguments)


def test_labels_without_a_word_vector_are_refused(make, images):
    with pytest.raises(ValueError, match="one column per word vector"):
        make("DVSQ").fit(images, np.eye(5)[np.arange(24) % 5], verbose=0)
