"""What holds for each hashing method: replicas, precision, presets, odd batches."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash import losses
from keras_deephash.training.method_options import method_options

# Name of the case: the method and its arguments.
METHODS = {
    "BiHalf": ("BiHalf", {}),
    "DPSH": ("DPSH", {}),
    "DTSH": ("DTSH", {}),
    "GreedyHash": ("GreedyHash", {}),
    "GreedyHash, unsupervised": ("GreedyHash", {"supervised": False}),
    "HashNet": ("HashNet", {}),
    "SDC": ("SDC", {}),
}
OTHERS = {  # None of them the default.
    "BiHalf": {"gamma": 3.0},
    "DPSH": {"quantization_weight": 0.5, "pair_weighting": "balanced"},
    "DTSH": {"margin": 2.0, "quantization_weight": 0.5},
    "GreedyHash": {"quantization_weight": 0.5, "classes": 7, "seed": 3},
    "GreedyHash, unsupervised": {"quantization_weight": 0.5},
    "HashNet": {"alpha": 0.5, "continuation": 4},
    "SDC": {"quantization_weight": 0.5, "concentration": 3, "orthogonal": False},
}
# Red, green, blue, and yellow.
COLORS = np.array([[180, 0, 0], [0, 180, 0], [0, 0, 180], [180, 180, 0]], np.uint8)


def made(case, bits=16, dtype=None, **arguments):
    name, own = METHODS[case]
    return getattr(kdh, name)(TinyBackbone(dtype=dtype), bits, **own, **arguments)


@pytest.fixture(params=METHODS)
def case(request):
    return request.param


def naive_terms(case, model, outputs, labels, features):
    """The weighted terms of the loss of one length, from loss layers and NumPy."""
    bits = outputs.shape[1]
    signs = np.where(outputs >= 0, 1, -1).astype("float32")
    centred = features - features.mean(axis=0)
    away = np.abs(np.abs(outputs) - 1)
    if case == "HashNet":
        return [losses.PairwiseLogisticLoss(10 / bits)(outputs, labels)]
    if case == "DPSH":
        loss = losses.PairwiseLogisticLoss(0.5, pair_weighting=None)
        return [loss(outputs, labels), 0.1 * np.mean(away**2)]
    if case == "DTSH":
        triplets = losses.LogisticTripletLoss(bits / 2)(outputs, labels)
        return [triplets, 0.1 * np.mean(away**2)]
    if case == "GreedyHash":
        logits = signs @ np.asarray(model.vectors_for(outputs)).T
        log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        labelled = labels.any(axis=1)
        shares = labels[labelled] / labels[labelled].sum(axis=1, keepdims=True)
        entropy = -(shares * log_softmax[labelled]).sum(axis=1).mean()
        return [entropy, 0.1 * np.mean(away**3)]
    preserving = losses.SimilarityPreservingLoss()
    if case == "GreedyHash, unsupervised":
        return [preserving(signs, centred), 0.1 * np.mean(away**3)]
    if case == "BiHalf":
        upper = np.argsort(np.argsort(outputs, axis=0), axis=0) >= len(outputs) // 2
        binary = np.where(upper, 1, -1).astype("float32")
        pull = 6 / (2 * outputs.size) * np.sum((outputs - binary) ** 2)
        return [preserving(binary, centred), pull]
    cosines = np.abs(outputs).sum(axis=1) / np.linalg.norm(outputs, axis=1)
    similarity = losses.SimilarityDistributionLoss()(outputs, features)
    return [similarity, 1 - np.mean(cosines) / np.sqrt(bits)]


@pytest.mark.parametrize("lengths", [None, (8, 16)])
@pytest.mark.usefixtures("eagerly")
def test_loss_is_that_of_the_naive_formula(case, images, labels, lengths):
    model = made(case, lengths=lengths)
    if hasattr(model, "know_classes"):
        model.know_classes(4)
    model.hash_layer.kernel.assign(20 * model.hash_layer.kernel)
    model.compile(run_eagerly=True)  # Sooner than it is traced.
    logs = model.evaluate(images, labels, batch_size=24, return_dict=True, verbose=0)
    outputs = model.continuous_codes(images)
    features = model.features(images)
    expected = 0.0
    for length in lengths or (16,):
        terms = naive_terms(case, model, outputs[:, :length], labels, features)
        expected += sum(map(float, terms)) / len(lengths or (16,))
    if lengths:
        distillation = losses.SimilarityPreservingLoss()(outputs[:, :8], outputs)
        expected += 0.1 / 2 * float(distillation)
    assert logs["loss"] == pytest.approx(expected, rel=1e-4)


def train(model, images, labels, batch_size=8):
    with model.distribute_strategy.scope():
        model.compile(
            # A small step: large ones amplify rounding differences without bound.
            keras.optimizers.SGD(1e-3, momentum=0.9),
            # One replica needs no graph, which takes longer to trace than to run.
            run_eagerly=model.distribute_strategy.num_replicas_in_sync == 1,
        )
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(batch_size)
    history = model.fit(dataset, epochs=2, verbose=0)
    return model.get_weights(), history.history


# Of methods that are a loss of pairs or triplets one stands for all: the shares of
# each loss are compared in tests/losses.
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow)
        if case in ("DTSH", "HashNet")
        else case
        for case in METHODS
    ],
)
def test_two_replicas_give_the_weights_of_one(case, two_replicas, images, labels):
    # In batches of 8, 23 images end with 7, 4 and 3 on the replicas.
    images, labels = images[:23], labels[:23]
    # The base class runs a loss for each length; where codes are binary in it, for two.
    lengths = [8, 16] if case.startswith(("BiHalf", "GreedyHash")) else None
    alone = made(case, lengths=lengths)
    with two_replicas.scope():
        together = made(case, lengths=lengths)
    for model in (alone, together):
        if model.needs_labels:
            model.know_classes(4)
    start = alone.get_weights()
    together.set_weights(start)
    weights, logs = train(alone, images, labels)
    weights_together, logs_together = train(together, images, labels)
    moved = max(np.abs(a - b).max() for a, b in zip(weights, start, strict=True))
    assert moved > 1e-3
    for one, two in zip(weights, weights_together, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
    for name, values in logs.items():
        np.testing.assert_allclose(values, logs_together[name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "count, rows",
    [
        (6, np.eye(2)[np.zeros(6, int)]),  # One class.
        (6, np.eye(6)),  # No similar pair.
        (6, np.zeros((6, 3))),  # No label at all.
        (1, np.eye(2)[:1]),  # One image.
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_degenerate_batches(case, images, count, rows):
    model = made(case)
    model.compile(keras.optimizers.SGD(1e-2), run_eagerly=True)
    history = model.fit(images[:count], rows, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert model.encode(images[:count]).shape == (count, 2)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.usefixtures("eagerly")
def test_mixed_precision(case, images, labels, policy):
    model = made(case, dtype=policy)
    model.compile(run_eagerly=True)
    history = model.fit(images, labels, batch_size=12, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.predict(images, verbose=0).dtype == np.float32


@pytest.mark.usefixtures("eagerly")
def test_a_preset_gives_the_same_codes(case, images, labels, tmp_path):
    model = made(case, lengths=[8, 16])
    model.check_savable()
    model.compile(run_eagerly=True)
    model.fit(images, labels, batch_size=12, epochs=2, verbose=0)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    for again in (
        kdh.from_preset(tmp_path / "preset"),
        keras.models.load_model(tmp_path / "model.keras"),
    ):
        np.testing.assert_array_equal(
            model.continuous_codes(images), again.continuous_codes(images)
        )
        np.testing.assert_array_equal(
            model.encode(images, bits=8), again.encode(images, bits=8)
        )
        assert again.get_config() == model.get_config()


def test_every_argument_is_in_the_config(case):
    arguments = {**OTHERS[case], "lengths": [8, 16], "distillation_weight": 0.5}
    model = made(case, **arguments)
    again = type(model).from_config(model.get_config())
    assert again.get_config() == model.get_config()
    for name, value in arguments.items():
        found = getattr(again, name)
        assert (list(found) if name == "lengths" else found) == value


def test_arguments_are_options_of_the_command(case):
    options = method_options(type(made(case)))
    # There is one seed for all of the training.
    assert set(OTHERS[case]) - {"seed"} | {"lengths"} <= set(options)
    assert all(option.text for option in options.values())


@pytest.mark.parametrize(
    "case, arguments, message",
    [
        ("BiHalf", {"gamma": -1}, "`gamma` must be finite and >= 0"),
        ("DPSH", {"pair_weighting": "all"}, "`pair_weighting` must be one of"),
        ("DTSH", {"margin": -1}, "`margin` must be finite and >= 0"),
        ("GreedyHash", {"classes": 1}, "`classes` must be an integer from 2"),
        (
            "GreedyHash, unsupervised",
            {"classes": 4},
            "`classes` has no meaning with `supervised=False`",
        ),
        ("HashNet", {"alpha": 0}, "`alpha` must be finite and > 0"),
        ("HashNet", {"continuation": 0}, "`continuation` must be an integer >= 1"),
        ("SDC", {"concentration": 0}, "`concentration` must be an integer from 1"),
        ("SDC", {"quantization_weight": -1}, "`quantization_weight` must be finite"),
    ],
)
def test_bad_arguments(case, arguments, message):
    with pytest.raises(ValueError, match=message):
        made(case, **arguments)


def test_it_learns_classes(case, images):
    numbers = np.arange(24) % 4
    images = images // 4 + COLORS[numbers][:, None, None]
    # Unbalanced, the many dissimilar pairs drive two of the classes together.
    balanced = {"pair_weighting": "balanced"} if case == "DPSH" else {}
    model = made(case, **balanced)
    # The rate falls to zero: what has been learned is not lost in the last steps.
    rate = keras.optimizers.schedules.CosineDecay(5e-3, 150)
    model.compile(keras.optimizers.Adam(rate))
    dataset = tf.data.Dataset.from_tensor_slices((images, np.eye(4)[numbers])).batch(24)
    model.fit(dataset.repeat(15), epochs=10, verbose=0)
    codes = model.encode(images)
    assert kdh.evaluate_retrieval(codes, numbers, codes, numbers).map > 0.95


@pytest.mark.parametrize(
    "name, kind, rate",
    [
        ("BiHalf", keras.optimizers.SGD, 1e-4),
        ("DPSH", keras.optimizers.RMSprop, 1e-5),
        ("DTSH", keras.optimizers.RMSprop, 1e-5),
        ("GreedyHash", keras.optimizers.SGD, 1e-3),
        ("HashNet", keras.optimizers.RMSprop, 1e-5),
        ("SDC", keras.optimizers.Adam, 1e-4),
    ],
)
def test_default_recipe_is_the_published_one(name, kind, rate):
    model = made(name)
    model.compile()
    assert type(model.optimizer) is kind
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)
    # One rate for all layers.
    assert model.learning_rate_multipliers is None
