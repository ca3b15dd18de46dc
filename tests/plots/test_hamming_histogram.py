"""The histogram of distances, pair by pair."""

import numpy as np
import pytest

from keras_deephash import plots


def heights_of(figure):
    similar, dissimilar = figure.axes[0].containers
    return [np.array([bar.get_height() for bar in c]) for c in (similar, dissimilar)]


def test_bars_are_the_shares_of_pairs(retrieval, distances, similar):
    figure = plots.hamming_histogram(*retrieval)
    for heights, kind in zip(heights_of(figure), (similar, ~similar), strict=True):
        chosen = distances[kind]
        expected = [np.mean(chosen == distance) for distance in range(17)]
        np.testing.assert_allclose(heights, expected)
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    near, far = distances[similar], distances[~similar]
    assert texts == [
        f"similar: {len(near)} pairs, mean {near.mean():.1f}",
        f"dissimilar: {len(far)} pairs, mean {far.mean():.1f}",
    ]
    assert figure.axes[0].get_xlabel() == "Hamming distance, bits"


def test_many_blocks(monkeypatch, retrieval):
    whole = heights_of(plots.hamming_histogram(*retrieval))
    monkeypatch.setattr("keras_deephash.retrieval.hamming._BLOCK_BYTES", 60)
    for one, two in zip(
        whole, heights_of(plots.hamming_histogram(*retrieval)), strict=True
    ):
        np.testing.assert_array_equal(one, two)


def test_one_kind_of_pairs(retrieval):
    query_codes, query_labels, codes, labels = retrieval
    for queries, kinds in ((0 * query_labels, (0, 1)), (query_labels, (1, 0))):
        database = labels if not kinds[0] else np.ones_like(labels)
        queries = queries if not kinds[0] else np.ones_like(query_labels)
        figure = plots.hamming_histogram(query_codes, queries, codes, database)
        sums = [heights.sum() for heights in heights_of(figure)]
        np.testing.assert_allclose(sums, kinds)
        figure.savefig("/dev/null", format="png")
        texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert any(text.endswith("no pair") for text in texts)


def test_arrays_that_do_not_fit(retrieval):
    query_codes, query_labels, codes, labels = retrieval
    with pytest.raises(ValueError, match="same number of rows"):
        plots.hamming_histogram(query_codes[:2], query_labels, codes, labels)
    with pytest.raises(ValueError, match="same number of bits"):
        plots.hamming_histogram(query_codes, query_labels, codes[:, :1], labels)
    with pytest.raises(ValueError, match="must not be empty"):
        plots.hamming_histogram(query_codes, query_labels, codes[:0], labels[:0])
