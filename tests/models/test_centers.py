"""Hadamard matrices, and centres of classes."""

import numpy as np
import pytest

from keras_deephash.models.centers import hash_centers
from keras_deephash.models.hadamard import hadamard

NO_MATRIX = (184, 232)


def nearest(centers, others=None):
    """The least number of bits in which two centres differ, by counting."""
    rows = [*centers, *([] if others is None else others)]
    return min(
        int(np.sum(rows[i] != rows[j])) for i in range(len(rows)) for j in range(i)
    )


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("order", [1, 2, 4, 12, 20, 28, *range(8, 257, 8)])
def test_matrices_are_of_hadamard(order):
    matrix = hadamard(order)
    if order in NO_MATRIX:
        assert matrix is None
        return
    assert matrix.shape == (order, order) and set(np.unique(matrix)) <= {-1, 1}
    product = matrix.astype(int) @ matrix.astype(int).T
    np.testing.assert_array_equal(product, order * np.eye(order))


@pytest.mark.parametrize("order", [3, 6, 10, 30, 92])
def test_orders_without_a_construction_have_none(order):
    assert hadamard(order) is None


@pytest.mark.parametrize("bits", [8, 16, 24, 48, 64, 96])
def test_up_to_twice_the_bits_half_of_them_differ(bits):
    for classes in (2, bits, bits + 1, 2 * bits):
        centers = hash_centers(classes, bits, generator())
        assert centers.shape == (classes, bits) and centers.dtype == np.float32
        assert set(np.unique(centers)) == {-1, 1}
        differ = (bits - centers @ centers.T) / 2
        others = differ[~np.eye(classes, dtype=bool)]
        assert set(others) <= {bits / 2, bits} and (differ.diagonal() == 0).all()


@pytest.mark.parametrize("bits", NO_MATRIX)
def test_lengths_without_a_matrix(bits):
    assert nearest(hash_centers(20, bits, generator())) >= 0.45 * bits


@pytest.mark.parametrize(
    "classes, bits, distance",
    [
        (10, 16, 7),
        (10, 32, 15),
        (10, 48, 24),
        (10, 64, 32),
        (80, 48, 19),
        (100, 16, 5),
        (100, 32, 12),
        (100, 48, 18),
    ],
)
def test_drawn_centers_are_far_from_each_other(classes, bits, distance):
    # Without a matrix, whatever the length: as those that join others.
    none = np.empty((0, bits))
    found = [
        nearest(hash_centers(classes, bits, generator(seed), none)) for seed in range(3)
    ]
    assert max(found) >= distance and min(found) >= distance - 1
    alone = generator().choice([-1, 1], (classes, bits))
    assert min(found) > nearest(alone)


def test_more_than_twice_the_bits_are_drawn():
    centers = hash_centers(100, 16, generator())
    assert centers.shape == (100, 16) and nearest(centers) >= 5


@pytest.mark.parametrize("classes", [200, 256])
def test_few_bits_are_used_to_the_last_code(classes):
    centers = hash_centers(classes, 8, generator())
    assert len(np.unique(centers, axis=0)) == classes


@pytest.mark.parametrize("bits, classes", [(8, 257), (16, 70_000)])
def test_too_few_bits_are_an_error(bits, classes):
    with pytest.raises(ValueError, match=f"for {classes:,} classes.*bits={bits}"):
        hash_centers(classes, bits, generator())
    with pytest.raises(ValueError, match="`bits` must be large enough"):
        hash_centers(1, bits, generator(), np.ones((classes - 1, bits)))


def test_new_centers_are_far_from_the_signs_of_others():
    others = hash_centers(10, 32, generator())
    scaled = others * generator(1).uniform(0.1, 5, others.shape)
    new = hash_centers(5, 32, generator(2), scaled)
    assert new.shape == (5, 32) and set(np.unique(new)) == {-1, 1}
    assert nearest(new, others) >= 13
    same = hash_centers(5, 32, generator(2), others)
    np.testing.assert_array_equal(new, same)


@pytest.mark.parametrize("classes", [10, 100])
def test_a_seed_draws_the_same(classes):
    one, again, other = (hash_centers(classes, 16, generator(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
