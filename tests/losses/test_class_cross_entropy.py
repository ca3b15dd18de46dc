"""The loss of a linear classifier of codes against naive loops."""

import math

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import ClassCrossEntropyLoss

VECTORS = np.random.default_rng(5).normal(size=(5, 16)).astype("float32")


def naive_loss(codes, labels, vectors=VECTORS):
    losses = []
    for code, row in zip(np.float64(codes), labels, strict=True):
        own = [c for c, label in enumerate(row) if label]
        if not own:
            continue
        logits = [float(code @ vector) for vector in np.float64(vectors)]
        total = math.log(sum(math.exp(logit) for logit in logits))
        losses.append(sum(total - logits[c] for c in own) / len(own))
    return np.mean(losses)


def test_equals_the_naive_loop(codes, labels):
    value = ClassCrossEntropyLoss()(codes, labels, vectors=VECTORS)
    assert float(value) == pytest.approx(naive_loss(codes, labels), rel=1e-5)


def test_gradient(codes, labels, check_gradient):
    loss = ClassCrossEntropyLoss()

    def of_codes(codes, labels):
        return loss(codes, labels, vectors=VECTORS)

    def of_vectors(vectors, labels):
        return loss(codes, labels, vectors=vectors)

    labels[4] = labels[9]  # Whose gradient is looked at.
    check_gradient(of_codes, naive_loss, codes, labels)
    vectors = np.resize(VECTORS, (10, 16))
    labels = np.tile(labels, (1, 2))
    check_gradient(
        of_vectors, lambda v, labels: naive_loss(codes, labels, v), vectors, labels
    )


@pytest.mark.parametrize(
    "codes, labels",
    [
        (np.ones((3, 4)), np.ones((3, 1))),
        (np.ones((3, 4)), np.zeros((3, 2))),
        (np.ones((1, 4)), np.ones((1, 2))),
        (np.ones((0, 4)), np.ones((0, 2))),
        (np.full((2, 4), 1e4), np.eye(2)),
    ],
)
def test_degenerate_batches_stay_finite(codes, labels):
    variable = tf.Variable(np.float32(codes))
    vectors = np.float32([[1, -1, 1, -1], [2, 2, 2, 2]])[: labels.shape[1]]
    with tf.GradientTape() as tape:
        value = ClassCrossEntropyLoss()(variable, np.float32(labels), vectors=vectors)
    gradient = tape.gradient(value, variable).numpy()
    assert np.isfinite(float(value)) and np.isfinite(gradient).all()
    if not labels.any():
        assert float(value) == 0 and not gradient.any()
