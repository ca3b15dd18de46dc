"""Fixtures for the tests of the losses."""

import numpy as np
import pytest


@pytest.fixture
def codes():
    return np.tanh(np.random.default_rng(2).normal(size=(10, 16))).astype("float32")


@pytest.fixture
def labels():
    """Multi-hot labels of 10 images, 5 labels; one image has none."""
    labels = (np.random.default_rng(3).random((10, 5)) < 0.3).astype("float32")
    labels[4] = 0
    return labels


@pytest.fixture
def check_gradient():
    """A function that compares a gradient with differences of a naive loss."""
    import tensorflow as tf

    def check(loss, naive, codes, labels, step=1e-5):
        variable = tf.Variable(codes)
        with tf.GradientTape() as tape:
            value = loss(variable, labels)
        gradient = tape.gradient(value, variable).numpy()
        assert np.abs(gradient).max() > 1e-4
        for i, k in [(0, 0), (3, 7), (4, 2), (9, 15)]:
            moved = []
            for sign in (1, -1):
                shifted = np.float64(codes)
                shifted[i, k] += sign * step
                moved.append(naive(shifted, labels))
            expected = (moved[0] - moved[1]) / (2 * step)
            assert gradient[i, k] == pytest.approx(expected, rel=1e-3, abs=1e-5)

    return check
