"""Binary codes with the gradient of the continuous ones."""

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash.losses import halves, signs, straight_through


def test_values_are_binary_and_the_gradient_is_that_of_the_codes():
    codes = np.float32([[0.3, -1e-12, 0.0], [1e6, -0.7, -3.3]])
    variable = tf.Variable(codes)
    factors = np.float32([[1, 2, 3], [4, 5, 6]])
    with tf.GradientTape() as tape:
        binary = straight_through(variable, signs(variable))
        value = tf.reduce_sum(factors * binary)
    # A code of 0 has the bit 1, as in packed codes.
    np.testing.assert_array_equal(binary, [[1, -1, 1], [1, -1, -1]])
    np.testing.assert_array_equal(tape.gradient(value, variable), factors)


def test_halves_are_the_upper_and_the_lower_half_of_each_bit():
    codes = np.float32([[1, 0, 5], [2, 0, -5], [3, 1, 0.1], [4, 0, 0.2]])
    expected = [[-1, -1, 1], [-1, -1, -1], [1, 1, -1], [1, 1, 1]]
    np.testing.assert_array_equal(halves(codes), expected)


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_halves_are_exact_where_codes_are_equal(count):
    generator = np.random.default_rng(0)
    for codes in (
        np.zeros((count, 8), "float32"),
        generator.integers(0, 3, (count, 8)).astype("float32"),
    ):
        binary = np.asarray(halves(codes))
        assert set(binary.ravel()) <= {-1.0, 1.0}
        np.testing.assert_array_equal((binary > 0).sum(axis=0), count - count // 2)
        for column, bits in zip(codes.T, binary.T, strict=True):
            lower = column[bits < 0].max(initial=-np.inf)
            assert column[bits > 0].min() >= lower


def test_no_image_has_no_half():
    assert halves(np.zeros((0, 8), "float32")).shape == (0, 8)


@pytest.mark.parametrize("split", [4, 7])
def test_halves_are_those_of_the_global_batch(two_replicas, codes, split):
    parts = np.split(codes, [split])
    values = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(parts[context.replica_id_in_sync_group])
    )
    run = tf.function(lambda: two_replicas.run(halves, args=(values,)))
    found = two_replicas.experimental_local_results(run())
    np.testing.assert_array_equal(np.concatenate(found), halves(codes))
