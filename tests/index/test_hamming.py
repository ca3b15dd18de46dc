"""Every kind of an index of hash codes, beside bit-by-bit distances."""

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index

from .conftest import clustered_codes, hamming_distances

KINDS = ["flat", "ivf", "hnsw", "hash"]


def build(kind, codes, bits=48, **options):
    index = Index(CodeSpec(bits), kind=kind, **options)
    # In three parts, as a collection grows; "ivf" learns its lists in the second.
    for part in np.split(codes, [100, 4500]):
        index.add(part)
    return index


@pytest.fixture(scope="module")
def codes():
    return clustered_codes(5000, 48)


@pytest.mark.parametrize("bits", [8, 16, 24, 48, 64, 128, 264])
@pytest.mark.parametrize("kind", ["flat", "hash"])
def test_exact_kinds_find_the_nearest_for_any_length(kind, bits):
    codes = clustered_codes(400, bits)
    index = Index(CodeSpec(bits), kind=kind)
    index.add(codes)
    distances, ids = index.search(codes[:20], k=30)
    true = hamming_distances(codes[:20], codes)
    np.testing.assert_array_equal(distances, np.sort(true, axis=1)[:, :30])
    np.testing.assert_array_equal(np.take_along_axis(true, ids, axis=1), distances)
    assert all(len(set(row)) == 30 for row in ids)


@pytest.mark.parametrize("kind, options", [("ivf", {"probes": 4096}), ("hnsw", {})])
def test_the_other_kinds_find_nearly_all(kind, options, codes):
    index = build(kind, codes, **options)
    distances, ids = index.search(codes[:50], k=20)
    true = hamming_distances(codes[:50], codes)
    np.testing.assert_array_equal(np.take_along_axis(true, ids, axis=1), distances)
    found = distances == np.sort(true, axis=1)[:, :20]
    # All lists looked into are all codes; a graph may miss some.
    assert found.mean() == 1 if kind == "ivf" else found.mean() > 0.95


def test_more_probes_find_more(codes):
    true = np.sort(hamming_distances(codes[:50], codes), axis=1)[:, :20]
    recalls = [
        (build("ivf", codes, lists=64, probes=n).search(codes[:50], 20)[0] == true)
        for n in (1, 8, 64)
    ]
    first, second, third = (found.mean() for found in recalls)
    assert first <= second <= third == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("radius", [-1e30, -0.5, 0, 2.9, 11, 1e30])
def test_a_radius_is_inclusive_and_finds_all(kind, radius, codes):
    index = build(kind, codes)
    distances, ids = index.search(codes[:20], radius=radius)
    true = hamming_distances(codes[:20], codes)
    for row, found, apart in zip(true, ids, distances, strict=True):
        np.testing.assert_array_equal(np.sort(found), np.flatnonzero(row <= radius))
        np.testing.assert_array_equal(apart, np.sort(row[row <= radius]))


def test_a_radius_and_k_give_the_first_k_within(codes):
    index = build("flat", codes)
    distances, _ = index.search(codes[:3], k=2, radius=8)
    assert [len(row) for row in distances] == [2, 2, 2]


@pytest.mark.parametrize("kind", KINDS)
def test_removed_codes_are_not_found_and_ids_stay(kind, codes):
    index = build(kind, codes)
    gone = np.random.default_rng(2).choice(5000, 2000, replace=False)
    assert index.remove(gone) == 2000
    assert len(index) == 3000
    kept = np.setdiff1d(np.arange(5000), gone)
    np.testing.assert_array_equal(index.ids, kept)
    np.testing.assert_array_equal(index.codes(kept), codes[kept])
    distances, ids = index.search(codes[:20], k=5)
    assert not np.isin(ids, gone).any()
    true = hamming_distances(codes[:20], codes)
    np.testing.assert_array_equal(np.take_along_axis(true, ids, axis=1), distances)
    # A removed id is not given again by itself.
    np.testing.assert_array_equal(index.add(codes[:1]), [5000])


@pytest.mark.parametrize("kind", KINDS)
def test_k_above_the_number_of_codes_gives_all(kind, codes):
    index = Index(CodeSpec(48), kind=kind)
    index.add(codes[:3])
    distances, ids = index.search(codes[:2], k=10)
    assert distances.shape == ids.shape == (2, 3)
    np.testing.assert_array_equal(np.sort(ids, axis=1), [[0, 1, 2]] * 2)


@pytest.mark.parametrize("kind", ["ivf", "hnsw"])
def test_k_above_what_the_lists_hold_still_gives_k(kind, codes):
    index = build(kind, codes, **({"probes": 1} if kind == "ivf" else {}))
    _, ids = index.search(codes[:5], k=4999)
    assert all(len(set(row)) == 4999 and row.min() >= 0 for row in ids)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_index_finds_nothing(kind, codes):
    index = Index(CodeSpec(48), kind=kind)
    distances, ids = index.search(codes[:2], k=5)
    assert distances.shape == ids.shape == (2, 0)
    distances, ids = index.search(codes[:2], radius=3)
    assert [len(row) for row in ids] == [0, 0]
    assert index.search(codes[:0], k=5)[1].shape == (0, 0)
    assert index.remove([]) == 0
    assert len(index.add(codes[:0])) == 0 == len(index)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_codes_are_all_found(kind):
    codes = np.repeat(clustered_codes(1, 48), 5000, axis=0)
    index = build(kind, codes)
    distances, ids = index.search(codes[:1], radius=0)
    assert len(ids[0]) == 5000
    distances, ids = index.search(codes[:1], k=100)
    assert (distances == 0).all() and len(set(ids[0])) == 100


def test_lists_grow_with_additions_in_small_pieces():
    codes = clustered_codes(40_000, 48, seed=3)
    index, fixed = Index(CodeSpec(48), kind="ivf"), build("ivf", codes[:1], lists=64)
    for start in range(0, 40_000, 2_000):
        for one in (index, fixed):
            one.add(codes[start : start + 2_000])
    lists = {one: one._store.structure.structure.index.nlist for one in (index, fixed)}
    assert lists[index] >= 256 and lists[fixed] == 64
    # Each code is there, once, at its place.
    np.testing.assert_array_equal(index.codes(index.ids), codes)
    distances, ids = index.search(codes[::400], k=1)
    assert (distances == 0).all()
    np.testing.assert_array_equal(index.codes(ids[:, 0]), codes[::400])
    index._store.structure.check()


def test_optimize_learns_lists_for_what_is_there(codes):
    index = Index(CodeSpec(48), kind="ivf", probes=4096)
    index.add(codes[:4096])
    before = index.search(codes[:9], 5)[0]
    index.add(np.tile(codes, (4, 1)))
    index.optimize()
    after = index.search(codes[:9], 5)[0]
    assert len(index) == 24096 and (after <= before).all()
