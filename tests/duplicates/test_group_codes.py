"""Codes grouped within a radius, against a comparison of all pairs."""

import numpy as np
import pytest

from keras_deephash.duplicates import group_codes, hamming_pairs
from keras_deephash.duplicates.code_groups import as_words
from keras_deephash.duplicates.groups import Groups, members


def naive_groups(codes, radius):
    """Labels in the order of first codes, spread from neighbour to neighbour."""
    near = np.bitwise_count(codes[:, None] ^ codes[None]).sum(axis=2, dtype=int)
    near = near <= radius
    labels = np.full(len(codes), -1)
    for start in range(len(codes)):
        if labels[start] >= 0:
            continue
        label, waiting = labels.max() + 1, [start]
        while waiting:
            code = waiting.pop()
            if labels[code] < 0:
                labels[code] = label
                waiting += np.flatnonzero(near[code] & (labels < 0)).tolist()
    return labels


def codes_near_each_other(bits, count, seed=0):
    """Random codes, and copies of them with some bits flipped, mixed."""
    generator = np.random.default_rng(seed)
    origins = generator.integers(0, 2, (count // 4, bits))
    flips = generator.random((4, count // 4, bits)) < 0.05
    flips[0] = False
    codes = (origins ^ flips).reshape(-1, bits)
    return np.packbits(codes[generator.permutation(len(codes))], axis=1)


@pytest.mark.parametrize("bits, radius", [(64, 8), (16, 2), (24, 3), (72, 8), (64, 70)])
@pytest.mark.parametrize("parts", [None, 0, 3, 4, 9])
def test_groups_are_those_of_all_pairs(bits, radius, parts, monkeypatch):
    if parts is not None and radius < 20:
        # However many parts would be cheapest.
        parts = min(parts, radius + 1)
        if parts and -(-64 * -(-bits // 64) // parts) <= 22:
            monkeypatch.setattr(hamming_pairs, "_cheapest_parts", lambda *_: parts)
    codes = codes_near_each_other(bits, 400)
    expected = naive_groups(codes, radius)
    np.testing.assert_array_equal(group_codes(codes, radius), expected)


@pytest.mark.parametrize("parts", [0, 3, 4, 9])
def test_every_pair_comes_once(parts, monkeypatch):
    monkeypatch.setattr(hamming_pairs, "_cheapest_parts", lambda *_: parts)
    monkeypatch.setattr(hamming_pairs, "_BLOCK", 100)
    codes = as_words(codes_near_each_other(64, 240))
    apart = np.bitwise_count(codes ^ codes[:, 0])
    expected = {(i, j) for i, j in zip(*np.nonzero(apart <= 8), strict=True) if i < j}
    found = [
        (min(pair), max(pair))
        for left, right in hamming_pairs.pairs_within(codes, 8)
        for pair in zip(left.tolist(), right.tolist(), strict=True)
    ]
    assert len(found) == len(set(found)) and set(found) == expected


def test_a_dense_group_is_merged_on_the_way(monkeypatch):
    # Of what is in one group already, little is compared again.
    monkeypatch.setattr("keras_deephash.duplicates.groups._FEWEST_PAIRS", 50)
    monkeypatch.setattr(hamming_pairs, "_cheapest_parts", lambda *_: 3)
    monkeypatch.setattr(hamming_pairs, "_BLOCK", 500)
    generator = np.random.default_rng(0)
    near = np.packbits(generator.random((600, 64)) < 0.03, axis=1)
    far = generator.integers(0, 256, (200, 8), dtype=np.uint8)
    codes = generator.permutation(np.concatenate([near, far]))
    expected = naive_groups(codes, 8)
    np.testing.assert_array_equal(group_codes(codes, 8), expected)
    groups = Groups(len(codes))
    compared = 0
    for left, right in hamming_pairs.pairs_within(as_words(codes), 8, groups):
        groups.join(left, right)
        compared += len(left)
    pairs = (np.bitwise_count(codes[:, None] ^ codes[None]).sum(2) <= 8).sum() // 2
    assert compared < pairs / 2


def test_degenerate_codes():
    assert group_codes(np.empty((0, 8), np.uint8), 8).shape == (0,)
    one = np.full((1, 8), 7, np.uint8)
    np.testing.assert_array_equal(group_codes(one, 8), [0])
    np.testing.assert_array_equal(group_codes(one.repeat(5000, 0), 8), [0] * 5000)
    two = np.array([[0] * 8, [255] * 8], np.uint8)
    np.testing.assert_array_equal(group_codes(two, 63), [0, 1])
    np.testing.assert_array_equal(group_codes(two, 64), [0, 0])
    np.testing.assert_array_equal(group_codes(two[[0, 1, 0]], 0), [0, 1, 0])


@pytest.mark.parametrize("codes", [np.zeros((3, 8)), np.zeros(3, np.uint8)])
def test_what_is_no_code_is_refused(codes):
    with pytest.raises(ValueError, match="`codes` must be packed codes"):
        group_codes(codes, 8)


@pytest.mark.parametrize("radius", [-1, 2.5, True])
def test_a_wrong_radius_is_refused(radius):
    with pytest.raises(ValueError, match="`radius` must be an integer"):
        group_codes(np.zeros((3, 8), np.uint8), radius)


def test_members_are_in_order():
    parts = members(np.array([0, 1, 2, 1, 0, 1]))
    assert [part.tolist() for part in parts] == [[0, 4], [1, 3, 5]]
    assert members(np.array([0, 1, 2])) == members(np.array([], int)) == []
