"""Every kind of an index of quantizer codes, beside plain AQD."""

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index
from keras_deephash.codebooks import asymmetric_scores
from keras_deephash.index.faiss.structures.product_form import half_norm_bounds

from .conftest import Quantized

METRICS = ["inner_product", "euclidean"]


def check_search(index, data, k=20):
    distances, ids = index.search(data.queries, k)
    true = data.distances(data.queries, data.codes)
    np.testing.assert_allclose(distances, np.sort(true, axis=1)[:, :k], rtol=1e-5)
    np.testing.assert_allclose(
        np.take_along_axis(true, ids, axis=1), distances, rtol=1e-5
    )
    assert all(len(set(row)) == k for row in ids)


def test_flat_equals_plain_aqd(quantized):
    index = Index(quantized.spec)
    index.add(quantized.codes)
    check_search(index, quantized)


def test_distances_are_minus_the_scores_of_the_model(quantized):
    index = Index(quantized.spec)
    index.add(quantized.codes)
    distances, ids = index.search(quantized.queries, k=300)
    scores = asymmetric_scores(
        quantized.queries,
        quantized.codes,
        quantized.spec.centers,
        quantized.spec.metric,
    )
    np.testing.assert_allclose(
        distances, -np.take_along_axis(scores, ids, axis=1), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("subcenters", [2, 17, 200])
@pytest.mark.parametrize("metric", METRICS)
def test_any_number_of_centres(metric, subcenters):
    data = Quantized(metric, subcenters=subcenters, subcodebooks=3)
    index = Index(data.spec)
    index.add(data.codes)
    distances, _ = index.search(data.queries, 20)
    true = np.sort(data.distances(data.queries, data.codes), axis=1)[:, :20]
    np.testing.assert_allclose(distances, true, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("metric", METRICS)
def test_ivf_with_all_lists_is_exact_and_grows(metric):
    data = Quantized(metric, count=5000)
    index = Index(data.spec, kind="ivf", probes=4096)
    for part in np.split(data.codes, [100, 4500]):
        index.add(part)
    check_search(index, data)


@pytest.mark.parametrize("metric", METRICS)
def test_ivf_looks_into_more_lists_for_many_neighbours(metric):
    data = Quantized(metric, count=5000)
    index = Index(data.spec, kind="ivf", lists=64, probes=1)
    index.add(data.codes)
    _, ids = index.search(data.queries, 4999)
    assert all(len(set(row)) == 4999 and row.min() >= 0 for row in ids)


@pytest.mark.parametrize("metric", METRICS)
def test_fast_scan_is_exact_among_its_candidates(metric):
    data = Quantized(metric, count=2000, subcodebooks=8, subcenters=16)
    index = Index(data.spec, kind="fast_scan")
    index.add(data.codes[:1500])
    index.add(data.codes[1500:])
    check_search(index, data)


@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_radius_is_inclusive_and_finds_all(metric, kind):
    data = Quantized(metric, count=5000, subcodebooks=8, subcenters=16)
    index = Index(data.spec, kind=kind)
    index.add(data.codes)
    true = data.distances(data.queries, data.codes)
    # Halfway between two distances, so that rounding plays no part.
    ordered = np.unique(true)
    for place in (0, 40, 900):
        radius = float(ordered[place : place + 2].mean())
        distances, ids = index.search(data.queries, radius=radius)
        for row, found, apart in zip(true, ids, distances, strict=True):
            np.testing.assert_array_equal(np.sort(found), np.flatnonzero(row <= radius))
            np.testing.assert_allclose(apart, np.sort(row[row <= radius]), rtol=1e-4)


@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
@pytest.mark.parametrize("metric", METRICS)
def test_removed_codes_are_not_found(metric, kind):
    data = Quantized(metric, count=5000, subcodebooks=8, subcenters=16)
    index = Index(data.spec, kind=kind)
    index.add(data.codes)
    gone = np.random.default_rng(3).choice(5000, 2000, replace=False)
    index.remove(gone)
    distances, ids = index.search(data.queries, 20)
    assert not np.isin(ids, gone).any()
    true = data.distances(data.queries, data.codes)
    np.testing.assert_allclose(
        np.take_along_axis(true, ids, axis=1), distances, rtol=1e-4
    )
    kept = np.setdiff1d(np.arange(5000), gone)
    np.testing.assert_array_equal(index.codes(kept), data.codes[kept])


def test_coded_queries_are_their_reconstructions(quantized):
    index = Index(quantized.spec)
    index.add(quantized.codes)
    sums = np.array(
        [
            sum(quantized.spec.centers[m, b] for m, b in enumerate(code))
            for code in quantized.codes[:5]
        ]
    )
    np.testing.assert_array_equal(
        index.search(quantized.codes[:5], 9)[0], index.search(sums, 9)[0]
    )


def test_half_norms_lie_within_their_bounds(quantized):
    low, high = half_norm_bounds(quantized.spec.centers)
    zero = np.zeros((1, quantized.spec.centers.shape[2]))
    data = Quantized("euclidean")
    norms = data.distances(zero, quantized.codes) / 2
    assert low <= norms.min() and norms.max() <= high


def test_norms_of_zero_have_no_step_of_zero():
    spec = CodeSpec(16, "euclidean", np.zeros((2, 4, 3), "float32"))
    index = Index(spec)
    index.add(np.zeros((5, 2), np.uint8))
    distances, _ = index.search(np.ones((1, 3), "float32"), 5)
    np.testing.assert_allclose(distances, 3.0)


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("count", [3, 10, 100, 400])
def test_fast_scan_finds_as_many_as_are_wanted(count, removed):
    data = Quantized("inner_product", count, subcodebooks=2, subcenters=16, dim=8)
    index = Index(data.spec, kind="fast_scan")
    index.add(data.codes)
    kept = np.arange(count)
    if removed:
        index.remove([1])
        kept = np.delete(kept, 1)
    queries = np.vstack([data.queries, np.zeros((1, 8), np.float32)])
    distances, ids = index.search(queries, k=len(kept))
    true = data.distances(queries, data.codes)
    np.testing.assert_allclose(
        distances, np.sort(true[:, kept], axis=1), rtol=1e-5, atol=1e-5
    )
    for row in ids:
        np.testing.assert_array_equal(np.sort(row), kept)


def test_fast_scan_refuses_large_codebooks(quantized):
    with pytest.raises(ValueError, match="at most 16 centres. Received: 256"):
        Index(quantized.spec, kind="fast_scan")


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_an_empty_index_finds_nothing(quantized, kind):
    index = Index(quantized.spec, kind=kind)
    distances, ids = index.search(quantized.queries, 5)
    assert distances.shape == ids.shape == (7, 0)
    assert [len(row) for row in index.search(quantized.queries, radius=1)[1]] == [0] * 7
    assert len(index.add(quantized.codes[:0])) == 0 == len(index)
