"""Search by faiss and the picture of neighbours."""

import numpy as np
import pytest

from keras_deephash.plots.neighbor_grid import GREEN, GREY, RED, draw_neighbors
from keras_deephash.retrieval.neighbors import search


def test_search_equals_a_naive_sort():
    generator = np.random.default_rng(0)
    database = generator.integers(0, 256, (50, 6), dtype=np.uint8)
    queries = generator.integers(0, 256, (4, 6), dtype=np.uint8)
    distances, indices = search(queries, database, k=7)
    for query, near, found in zip(queries, distances, indices, strict=True):
        naive = [
            sum(
                bin(a ^ b).count("1")
                for a, b in zip(map(int, query), map(int, code), strict=True)
            )
            for code in database
        ]
        assert near.tolist() == sorted(naive)[:7]
        assert [naive[i] for i in found] == near.tolist()


def test_search_with_few_codes_and_bad_input():
    codes = np.arange(12, dtype=np.uint8).reshape(2, 6)
    distances, indices = search(codes, codes, k=10)
    assert distances.shape == indices.shape == (2, 2)
    assert indices[:, 0].tolist() == [0, 1]
    with pytest.raises(ValueError, match="Received: 48 and 24 bits"):
        search(codes, codes[:, :3], k=1)
    with pytest.raises(ValueError, match="at least one code"):
        search(codes, codes[:0], k=1)
    with pytest.raises(ValueError, match="`query_codes` must be uint8"):
        search(codes.astype(float), codes, k=1)


def test_picture_frames_hits_and_misses():
    white = np.full((4, 4, 3), 255, np.uint8)
    picture = draw_neighbors([white], [[white, white]], [[True, False]], tile=20)
    colors = {color for _, color in picture.getcolors(100_000)}
    assert {GREEN, RED} <= colors
    picture = draw_neighbors([white], [[white]], tile=20)
    colors = {color for _, color in picture.getcolors(100_000)}
    assert GREY in colors and GREEN not in colors
    with pytest.raises(ValueError, match="0 queries, 0 lists"):
        draw_neighbors([], [])
