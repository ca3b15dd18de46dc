"""The losses of codes and vectors of classes against naive loops over the images."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deephash import losses
from keras_deephash.losses.linear_codes import _DISTANCES, largest_distance
from keras_deephash.losses.target_codes import target_codes

CENTERS = np.random.default_rng(5).choice([-1.0, 1.0], (5, 16)).astype("float32")
PROXIES = np.random.default_rng(6).normal(size=(5, 16)).astype("float32")


def cosine(a, b):
    return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))


def own_labels(row):
    return [c for c, has in enumerate(row) if has]


def naive_target(own, centers, seed=0):
    """Signs of the sums of centres; ties as those of an image without a label."""
    nothing = np.zeros((1, len(centers)), "float32")
    ties = np.array(target_codes(nothing, np.float32(centers), seed))[0]
    sums = [sum(centers[c][k] for c in own) for k in range(centers.shape[1])]
    return [
        ties[k] if total == 0 else math.copysign(1, total)
        for k, total in enumerate(sums)
    ]


def naive_cosine_center(codes, labels, centers, scale=8.0, margin=0.2):
    found = []
    for code, row in zip(codes, labels, strict=True):
        own = own_labels(row)
        if not own:
            continue
        logits = [
            scale * (cosine(code, center) - margin * (c in own))
            for c, center in enumerate(centers)
        ]
        normalizer = sum(math.exp(logit) for logit in logits)
        found.append(
            sum(-math.log(math.exp(logits[c]) / normalizer) for c in own) / len(own)
        )
    return np.mean(found)


def naive_central_similarity(codes, labels, centers):
    found = []
    for code, row in zip(codes, labels, strict=True):
        own = own_labels(row)
        if not own:
            continue
        target = naive_target(own, centers)
        terms = []
        for u, t in zip(code, target, strict=True):
            p, wanted = (math.tanh(u) + 1) / 2, (t + 1) / 2
            terms.append(-wanted * math.log(p) - (1 - wanted) * math.log(1 - p))
        found.append(np.mean(terms))
    return np.mean(found)


def naive_polarization(codes, labels, centers, margin=1.0, square_weight=0.1):
    found = []
    for code, row in zip(codes, labels, strict=True):
        own = own_labels(row)
        if own:
            target = naive_target(own, centers)
            found.append(
                np.mean(
                    [
                        max(0, margin - u * t) + square_weight * u**2
                        for u, t in zip(code, target, strict=True)
                    ]
                )
            )
    return np.mean(found)


def naive_hybrid_proxy(codes, labels, proxies, pair_weight=0.5):
    # A code of 16 bits for each of 5 classes carries 3 bits, at a distance of 8.
    margin = max(0, 1 - 2 * 8 / 16)
    own, others, pairs = [], [], []
    for i, (code, row) in enumerate(zip(codes, labels, strict=True)):
        if not any(row):
            continue
        for has, proxy in zip(row, proxies, strict=True):
            if has:
                own.append(1 - cosine(code, proxy))
            else:
                others.append(max(0, cosine(code, proxy) - margin))
        for j, other in enumerate(labels):
            both = sum(row) > 1 and sum(other) > 1
            shared = any(a and b for a, b in zip(row, other, strict=True))
            if i != j and both and not shared:
                pairs.append(max(0, cosine(code, codes[j]) - margin))
    assert pairs
    return np.mean(own) + np.mean(others) + pair_weight * np.mean(pairs)


LOSSES = {
    "OrthoHash": (losses.CosineCenterLoss, naive_cosine_center, CENTERS),
    "CSQ": (losses.CentralSimilarityLoss, naive_central_similarity, CENTERS),
    "DPN": (losses.PolarizationLoss, naive_polarization, CENTERS),
    "HyP2": (losses.HybridProxyLoss, naive_hybrid_proxy, PROXIES),
}


@pytest.fixture
def labels():
    """Multi-hot labels of 10 images, 5 labels; one image has none, three have two."""
    labels = np.eye(5, dtype="float32")[[0, 1, 2, 3, 0, 4, 0, 1, 3, 2]]
    labels[4] = 0
    labels[[1, 5, 7], [2, 3, 4]] = 1
    return labels


@pytest.mark.parametrize("name", LOSSES)
def test_equals_the_naive_loop(codes, labels, name):
    cls, naive, vectors = LOSSES[name]
    value = cls()(codes, labels, vectors=vectors)
    assert float(value) == pytest.approx(naive(codes, labels, vectors), rel=1e-5)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("OrthoHash", {"scale": 10.0, "margin": 0.5}),
        ("DPN", {"margin": 0.3, "square_weight": 2.0}),
        ("HyP2", {"pair_weight": 3.0}),
    ],
)
def test_arguments_are_those_of_the_formula(codes, labels, name, arguments):
    cls, naive, vectors = LOSSES[name]
    value = cls(**arguments)(codes, labels, vectors=vectors)
    expected = naive(codes, labels, vectors, **arguments)
    assert float(value) == pytest.approx(expected, rel=1e-5)
    assert float(value) != pytest.approx(naive(codes, labels, vectors), rel=1e-2)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(codes, labels, check_gradient, name):
    cls, naive, vectors = LOSSES[name]
    loss = cls()
    check_gradient(
        lambda codes, labels: loss(codes, labels, vectors=vectors),
        lambda codes, labels: naive(codes, labels, np.float64(vectors)),
        codes,
        labels,
    )


def test_gradient_of_the_proxies(codes, labels, check_gradient):
    loss, labels = losses.HybridProxyLoss(), labels[:, :5]
    proxies = np.concatenate([PROXIES, PROXIES])  # Ten rows, as `check_gradient` wants.
    rows = np.concatenate([labels, np.zeros_like(labels)], axis=1)
    rows[:, 9] = labels[:, 4]

    def naive(proxies, labels):
        own, others = [], []
        for code, row in zip(codes, labels, strict=True):
            for has, proxy in zip(row, proxies, strict=True):
                if has:
                    own.append(1 - cosine(code, proxy))
                elif any(row):
                    # 10 classes carry 4 bits, at a distance of 8 of 16.
                    others.append(max(0, cosine(code, proxy)))
        return np.mean(own) + np.mean(others)

    check_gradient(
        lambda proxies, labels: loss(codes, labels, vectors=proxies),
        naive,
        proxies,
        rows,
    )


@pytest.mark.parametrize("seed", [0, 3])
def test_targets_of_several_labels(seed):
    centers = np.float32([[1, 1, -1, -1], [1, -1, -1, 1], [1, 1, 1, 1]])
    rows = [[1, 0, 0], [1, 1, 0], [1, 1, 1], [0, 1, 1], [0, 0, 0]]
    targets = np.array(target_codes(np.float32(rows), centers, seed))
    ties = targets[4]
    assert set(np.abs(ties)) == {1}
    np.testing.assert_array_equal(targets[0], centers[0])
    np.testing.assert_array_equal(targets[1], [1, ties[1], -1, ties[3]])
    np.testing.assert_array_equal(targets[2], [1, 1, -1, 1])
    np.testing.assert_array_equal(targets[3], [1, ties[1], ties[2], 1])


def test_ties_are_drawn_by_the_seed():
    nothing, centers = np.zeros((1, 2), "float32"), np.ones((2, 64), "float32")
    one, again, other = (
        np.array(target_codes(nothing, centers, seed)) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert 10 < np.sum(one != other) < 54 and 10 < np.sum(one > 0) < 54


@pytest.mark.parametrize("name", ["CSQ", "DPN"])
def test_wrong_bits_of_any_size_have_a_gradient(name):
    # From the values of tanh, a loss could not tell them: float32 has 1 for tanh(9).
    loss = LOSSES[name][0]()
    codes = tf.Variable([[-1e4, 30.0, -9.5, 9.5]])
    with tf.GradientTape() as tape:
        value = loss(
            codes, np.float32([[1, 0]]), vectors=np.float32([[1] * 4, [-1] * 4])
        )
    assert np.isfinite(float(value))
    gradient = tape.gradient(value, codes).numpy()[0]
    assert (gradient[[0, 2]] < -0.2).all()


@pytest.mark.parametrize(
    "bits, classes, margin", [(48, 10, 0), (48, 100, 1 / 12), (8, 200, 0.75)]
)
def test_the_margin_of_the_proxies(bits, classes, margin):
    proxies = np.zeros((classes, bits), "float32")
    proxies[0, 0] = proxies[1, 1] = 1
    code, label = np.zeros((1, bits), "float32"), np.zeros((1, classes), "float32")
    code[0, 0], code[0, 1], label[0, 1] = 3, 4, 1
    # Cosines of 0.8 to its own proxy, 0.6 to another, and 0 to all of length 0.
    value = losses.HybridProxyLoss()(code, label, vectors=proxies)
    expected = 0.2 + max(0, 0.6 - margin) / (classes - 1)
    assert float(value) == pytest.approx(expected, rel=1e-4)


def test_distances_obey_the_bound_of_griesmer():
    for bits, row in _DISTANCES.items():
        assert row[0] == bits and row[1] == bits * 2 // 3
        assert list(row) == sorted(row, reverse=True)
        for carried, distance in enumerate(row, start=1):
            assert sum(-(-distance // 2**i) for i in range(carried)) <= bits


@pytest.mark.parametrize(
    "classes, bits, expected",
    [
        (2, 48, 48),
        (3, 48, 32),
        (4, 48, 32),
        (5, 48, 27),
        (100, 48, 22),
        (128, 48, 22),
        (129, 48, 22),
        (257, 48, 20),
        # As many bits for each as of the nearest shorter length.
        (100, 88, 38 * 1.1),
        (100, 512, 256),
        (100, 4, 1),
        # Beyond the table, its last entry.
        (10**5, 8, 1),
        (10**5, 64, 25),
    ],
)
def test_distances_of_any_length_and_number(classes, bits, expected):
    assert largest_distance(classes, bits) == pytest.approx(expected)


DEGENERATE = {
    "one class": (np.tanh(np.arange(12.0).reshape(3, 4)), np.ones((3, 1))),
    "images of one class": (np.tanh(np.arange(12.0).reshape(3, 4)), np.eye(2)[[0] * 3]),
    "no similar pair": (np.tanh(np.arange(12.0).reshape(3, 4)), np.eye(3)),
    "no label": (np.tanh(np.arange(12.0).reshape(3, 4)), np.zeros((3, 2))),
    "all labels": (np.tanh(np.arange(12.0).reshape(3, 4)), np.ones((3, 2))),
    "one image": (np.ones((1, 4)), np.float64([[1, 0]])),
    "no image": (np.ones((0, 4)), np.ones((0, 2))),
    "zero codes": (np.zeros((4, 8)), np.eye(2)[[0, 1, 0, 1]]),
    "large codes": (np.full((4, 8), 1e6), np.eye(2)[[0, 1, 0, 1]]),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", LOSSES)
def test_degenerate_batches_stay_finite(name, case):
    codes, labels = (np.float32(array) for array in DEGENERATE[case])
    vectors = LOSSES[name][2][: labels.shape[1], : codes.shape[1]]
    codes, vectors = tf.Variable(codes), tf.Variable(vectors)
    with tf.GradientTape() as tape:
        value = LOSSES[name][0]()(codes, labels, vectors=vectors)
    assert np.isfinite(float(value))
    if case in ("no label", "no image"):
        assert float(value) == 0
    for gradient in tape.gradient(value, [codes, vectors]):
        assert gradient is None or np.isfinite(gradient.numpy()).all()


@pytest.mark.parametrize("name", LOSSES)
def test_images_without_a_label_change_nothing(codes, labels, name):
    cls, _, vectors = LOSSES[name]
    labelled = labels.any(axis=1)
    value = cls()(codes, labels, vectors=vectors)
    without = cls()(codes[labelled], labels[labelled], vectors=vectors)
    assert float(value) == pytest.approx(float(without), rel=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_runs_in_float32_under_mixed_precision(codes, labels, name):
    cls, _, vectors = LOSSES[name]
    expected = cls()(codes, labels, vectors=vectors)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        value = cls()(codes, labels, vectors=vectors)
    finally:
        keras.config.set_dtype_policy("float32")
    assert value.dtype == tf.float32
    assert float(value) == float(expected)


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("OrthoHash", {"scale": 10.0, "margin": 0.5}),
        ("CSQ", {"seed": 7}),
        ("DPN", {"margin": 0.5, "square_weight": 0.3, "seed": 7}),
        ("HyP2", {"pair_weight": 2.0}),
    ],
)
def test_config_round_trip(codes, labels, name, arguments):
    cls, _, vectors = LOSSES[name]
    loss = cls(**arguments)
    config = keras.saving.serialize_keras_object(loss)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is cls and again.get_config() == loss.get_config()
    assert arguments.items() <= again.get_config().items()
    values = [float(each(codes, labels, vectors=vectors)) for each in (loss, again)]
    assert values[0] == values[1]


@pytest.mark.parametrize("split", [5, 7])
@pytest.mark.parametrize("name", LOSSES)
def test_shares_of_two_replicas_add_up(two_replicas, codes, labels, name, split):
    cls, _, vectors = LOSSES[name]
    variables = tf.Variable(codes), tf.Variable(vectors)
    with tf.GradientTape() as tape:
        expected = cls()(variables[0], labels, vectors=variables[1])
    of_codes, of_vectors = tape.gradient(expected, variables)

    def distribute(array):
        parts = np.split(array, [split])
        return two_replicas.experimental_distribute_values_from_function(
            lambda context: tf.constant(parts[context.replica_id_in_sync_group])
        )

    def step(codes, labels):
        given = tf.constant(vectors)
        with tf.GradientTape() as tape:
            tape.watch([codes, given])
            share = loss(codes, labels, vectors=given)
        return share, *tape.gradient(
            share, [codes, given], unconnected_gradients="zero"
        )

    with two_replicas.scope():
        loss = cls()
    arguments = distribute(codes), distribute(labels)
    run = tf.function(lambda: two_replicas.run(step, args=arguments))
    shares, codes_shares, vectors_shares = (
        [each.numpy() for each in two_replicas.experimental_local_results(x)]
        for x in run()
    )
    assert sum(shares) == pytest.approx(float(expected), rel=1e-5)
    close = {"atol": 1e-6, "rtol": 1e-4}
    np.testing.assert_allclose(np.concatenate(codes_shares), of_codes, **close)
    if name == "HyP2":  # Centres do not learn.
        np.testing.assert_allclose(sum(vectors_shares), of_vectors, **close)


@pytest.mark.parametrize(
    "build, message",
    [
        (lambda: losses.CosineCenterLoss(scale=0), "`scale` must be finite and > 0"),
        (lambda: losses.CosineCenterLoss(margin=-1), "`margin` must be finite and >="),
        (lambda: losses.CentralSimilarityLoss(-1), "`seed` must be an integer >= 0"),
        (lambda: losses.PolarizationLoss(0), "`margin` must be finite and > 0"),
        (lambda: losses.PolarizationLoss(1, -1), "`square_weight` must be finite"),
        (lambda: losses.HybridProxyLoss(-1), "`pair_weight` must be finite and >= 0"),
    ],
)
def test_bad_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("name", LOSSES)
def test_class_indices_are_refused(codes, name):
    cls, _, vectors = LOSSES[name]
    with pytest.raises(ValueError, match="`labels` .batch, labels., multi-hot"):
        cls()(codes, np.arange(10) % 5, vectors=vectors)
    with pytest.raises(ValueError, match="is not a function of codes and labels"):
        cls()(np.eye(5), codes, None)  # As Keras calls the loss of `compile`.
