"""Codes that repeat, as short ones do, beside plain NumPy."""

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index
from keras_deephash.index.faiss.code_table import CodeTable, count_distinct
from keras_deephash.index.faiss.item_lists import ItemLists
from keras_deephash.index.faiss.structures.hamming_flat import HammingFlat
from keras_deephash.index.faiss.structures.hamming_hnsw import HammingHNSW

from .conftest import Quantized, clustered_codes, hamming_distances
from .saved_index import edit_manifest, read_manifest

KINDS = ["flat", "ivf", "hnsw", "hash"]
COUNT = 9000


def repeated_codes(count: int = COUNT, bits: int = 48) -> np.ndarray:
    """Few codes that many items have, and many that one has."""
    generator = np.random.default_rng(0)
    distinct = clustered_codes(6000, bits)
    ranks = np.minimum(generator.zipf(1.3, count) - 1, 5999)
    return distinct[ranks]


def check(index: Index, codes: np.ndarray, ids: np.ndarray, k: int = 30) -> float:
    """Compares searches with naive ones; returns the recall."""
    queries = np.concatenate([codes[:15], clustered_codes(15, 48, seed=7)])
    true = hamming_distances(queries, codes)
    distances, found = index.search(queries, k)
    place = {int(i): row for row, i in enumerate(ids)}
    rows = np.vectorize(place.__getitem__)(found)
    np.testing.assert_array_equal(np.take_along_axis(true, rows, axis=1), distances)
    assert all(len(set(row)) == k for row in found)
    for radius in (0, 6):
        near, inside = index.search(queries, radius=radius)
        for row, apart, some in zip(true, near, inside, strict=True):
            np.testing.assert_array_equal(
                np.sort(some), np.sort(ids[np.flatnonzero(row <= radius)])
            )
            np.testing.assert_array_equal(apart, np.sort(row[row <= radius]))
    np.testing.assert_array_equal(index.codes(ids), codes)
    return (distances == np.sort(true, axis=1)[:, :k]).mean()


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_items_of_equal_codes_are_found_saved_added_and_removed(kind, mmap, tmp_path):
    codes = repeated_codes()
    least = 1 if kind in ("flat", "hash") else 0.97
    index = Index(CodeSpec(48), kind=kind)
    # Alone, some at a time, many at once.
    for part in np.split(codes, [1, 2, 10, 400, 401, 5000]):
        index.add(part)
    assert check(index, codes, np.arange(COUNT)) >= least
    distinct = len(np.unique(codes, axis=0))
    assert len(index._store.structure.structure) == distinct < COUNT / 2

    index.save(tmp_path)
    assert read_manifest(tmp_path)["format_version"] == 2
    index = Index.load(tmp_path, mmap=mmap)
    assert check(index, codes, np.arange(COUNT)) >= least

    gone = np.random.default_rng(1).permutation(COUNT)[:3000]
    assert index.remove(gone) == 3000
    kept = np.setdiff1d(np.arange(COUNT), gone)
    assert check(index, codes[kept], kept) >= least
    # Codes that vanished and codes that did not come back.
    again = index.add(codes[gone[:50]])
    ids = np.concatenate([kept, again])
    rows = np.concatenate([kept, gone[:50]])
    assert check(index, codes[rows], ids) >= least
    index.save(tmp_path)
    assert check(Index.load(tmp_path), codes[rows], ids) >= least
    index.remove(ids)
    assert len(index) == 0 and index.search(codes[:1])[1].shape == (1, 0)


@pytest.mark.parametrize("metric", ["inner_product", "euclidean"])
@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
def test_a_quantizers_items_of_equal_codes(kind, metric, tmp_path):
    data = Quantized(metric, count=900, subcodebooks=4, subcenters=4)
    codes = np.tile(data.codes, (6, 1))[np.random.default_rng(0).permutation(5400)]
    index = Index(data.spec, kind=kind)
    index.add(codes[:4000])
    index.add(codes[4000:])
    index.save(tmp_path)
    true = data.distances(data.queries, codes)
    for each in (index, Index.load(tmp_path), Index.load(tmp_path, mmap=True)):
        distances, ids = each.search(data.queries, 40)
        expected = np.sort(true, axis=1)[:, :40]
        np.testing.assert_allclose(distances, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(
            np.take_along_axis(true, ids, axis=1), expected, rtol=1e-5, atol=1e-5
        )
        assert all(len(set(row)) == 40 for row in ids)
        np.testing.assert_array_equal(each.codes(np.arange(5400)), codes)


def test_the_first_items_of_a_code_are_found_first():
    codes = np.repeat(clustered_codes(3, 48), [40, 2, 1000], axis=0)
    for kind in KINDS:
        index = Index(CodeSpec(48), kind=kind)
        index.add(codes)
        distances, ids = index.search(codes[-1:], k=12)
        np.testing.assert_array_equal(ids[0], np.arange(42, 54))
        np.testing.assert_array_equal(distances, 0)


def test_a_graph_of_few_codes_of_many_items_finds_each():
    codes = np.concatenate(
        [
            np.random.default_rng(0).integers(0, 256, (13, 6), dtype=np.uint8),
            np.zeros((1000, 6), np.uint8),
        ]
    )
    index = Index(CodeSpec(48), kind="hnsw")
    index.add(codes[:13])
    index.add(codes[13:])
    assert (index.search(codes[:13], k=1)[0] == 0).all()


def save_as_before(path, codes, kind_of_structure, manifest_kind):
    """Saves an index as releases did whose structures had one code an item."""
    index = Index(CodeSpec(48), kind=manifest_kind)
    index.add(np.unique(codes, axis=0)[:1])  # For the manifest.
    structure = kind_of_structure(CodeSpec(48))
    structure.add(codes)
    store = index._store
    store.structure, store.ids = structure, type(store.ids)(np.arange(len(codes)))
    index.save(path)
    edit_manifest(path, format_version=1)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "kind, structure", [("hnsw", HammingHNSW), ("flat", HammingFlat)]
)
def test_an_older_index_with_equal_codes_is_read_and_mended(
    kind, structure, mmap, tmp_path
):
    codes = repeated_codes(3000)
    save_as_before(tmp_path, codes, structure, kind)
    index = Index.load(tmp_path, mmap=mmap)
    assert check(index, codes, np.arange(3000)) > 0.97
    new = clustered_codes(20, 48, seed=9)
    index.add(np.concatenate([new, codes[:20]]))
    codes = np.concatenate([codes, new, codes[:20]])
    assert check(index, codes, np.arange(3040)) > 0.97
    index.save(tmp_path)
    assert check(Index.load(tmp_path), codes, np.arange(3040)) > 0.97


@pytest.mark.parametrize("kind", KINDS)
def test_few_equal_codes_stay_apart_until_they_are_many(kind, tmp_path):
    codes = clustered_codes(3000, 48)
    codes = np.concatenate([codes, codes[:500]])
    least = 0.85 if kind == "hnsw" else 1  # Far queries are hard for a graph.
    index = Index(CodeSpec(48), kind=kind, **({"probes": 999} if kind == "ivf" else {}))
    index.add(codes)
    index.save(tmp_path)
    version = read_manifest(tmp_path)["format_version"]
    assert version == (1 if kind in ("flat", "ivf") else 2)
    for mmap in (False, True):
        opened = Index.load(tmp_path, mmap=mmap)
        assert check(opened, codes, np.arange(3500)) >= least
        # Twice as many, and more than half of them there.
        opened.add(codes[:2500]), opened.add(codes[1000:])
        grown = np.concatenate([codes, codes[:2500], codes[1000:]])
        assert check(opened, grown, np.arange(8500)) >= least
        distinct = len(np.unique(codes, axis=0))
        assert len(opened._store.structure.structure) == distinct


@pytest.mark.parametrize("length, values", [(1, 256), (6, 3), (6, 256), (33, 2)])
def test_a_table_numbers_codes_as_a_dict_does(length, values):
    generator = np.random.default_rng(0)
    table, seen = CodeTable(length), {}
    for count in (0, 1, 3, 900, 70_000, 2):
        codes = generator.integers(0, values, (count, length), dtype=np.uint8)
        numbers, first = table.add(codes)
        rows = [code.tobytes() for code in codes]
        news = []
        for row in rows:
            news.append(row not in seen)
            seen.setdefault(row, len(seen))
        np.testing.assert_array_equal(numbers, [seen[row] for row in rows])
        np.testing.assert_array_equal(first, news)
        assert count_distinct(codes) == len(set(rows))
    assert len(table) == len(seen)


@pytest.mark.parametrize("places", [(7, 15), (0, 8), (3, 15), (7, 8)])
def test_codes_that_differ_in_two_bytes_are_distinct(places):
    codes = np.zeros((256, 256, 16), np.uint8)
    codes[..., places[0]] = np.arange(256)[:, None]
    codes[..., places[1]] = np.arange(256)
    assert count_distinct(codes.reshape(-1, 16)) == 256 * 256


def test_lists_of_items_are_those_of_a_plain_sort():
    generator = np.random.default_rng(0)
    lists, numbers = ItemLists(), np.empty(0, int)
    for step, count in enumerate((1, 0, 5, 300, 1, 50)):
        # New codes have the next numbers, and each code an item.
        codes = numbers.max(initial=-1) + 1
        fresh = np.concatenate(
            [
                np.arange(codes, codes + min(count, 7)),
                generator.integers(0, codes + min(count, 7), max(0, count - 7)),
            ]
        )
        fresh = generator.permutation(fresh)
        lists.add(fresh.astype(np.int32))
        numbers = np.concatenate([numbers, fresh])
        if step % 2:
            items, ends = lists.sorted()
            np.testing.assert_array_equal(items, np.argsort(numbers, kind="stable"))
            np.testing.assert_array_equal(ends, np.cumsum(np.bincount(numbers)))
    removed = generator.random(len(numbers)) < 0.9
    emptied = lists.remove(removed)
    left = np.unique(numbers[~removed])
    np.testing.assert_array_equal(np.flatnonzero(~emptied), left)
    numbers = np.searchsorted(left, numbers[~removed])
    np.testing.assert_array_equal(lists.numbers, numbers)
    np.testing.assert_array_equal(lists.sorted()[0], np.argsort(numbers, kind="stable"))
    lists.check()
