"""Labels, read-only inputs and error messages of the evaluation."""

import numpy as np
import pytest

from keras_deephash.retrieval import evaluate_retrieval
from keras_deephash.retrieval.relevance import Relevance

CODES = np.arange(12, dtype=np.uint8).reshape(6, 2)
FEATURES = np.linspace(-1, 1, 18, dtype=np.float32).reshape(6, 3)
LABELS = np.array([0, 1, 2, 0, 1, 2])
MULTI_HOT = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]])


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float16])
def test_multi_hot_labels_of_any_dtype(dtype):
    rows = Relevance(MULTI_HOT.astype(dtype), MULTI_HOT.astype(dtype)).rows(0, 6)
    np.testing.assert_array_equal(rows, MULTI_HOT @ MULTI_HOT.T > 0)


@pytest.mark.parametrize("columns", [1, 8, 9, 81])
@pytest.mark.parametrize("density", [0.02, 0.2])
def test_shared_labels_of_many_columns(columns, density):
    rng = np.random.default_rng(columns)
    labels = (rng.random((40, columns)) < density).astype(int)
    rows = Relevance(labels[:15], labels[15:]).rows(3, 12)
    np.testing.assert_array_equal(rows, labels[3:12] @ labels[15:].T > 0)


def test_class_indices_equal_one_hot_labels():
    one_hot = np.eye(3)[LABELS]
    by_index = evaluate_retrieval(CODES, LABELS, CODES, LABELS.astype(np.uint8))
    by_row = evaluate_retrieval(CODES, one_hot, CODES, one_hot)
    assert by_index.as_dict(curve=True) == by_row.as_dict(curve=True)


@pytest.mark.parametrize("largest", [127, 128, 255, 256, 40_000, 2**40])
def test_large_class_indices_do_not_wrap_around(largest):
    labels = np.array([0, largest - 1, largest, largest % 256, largest % 65_536])
    rows = Relevance(labels, labels).rows(0, 5)
    np.testing.assert_array_equal(rows, labels[:, None] == labels)


def test_unlabelled_items_are_relevant_to_nothing():
    labels = np.array([[0, 0], [1, 0]])
    np.testing.assert_array_equal(
        Relevance(labels, labels).rows(0, 2), [[False, False], [False, True]]
    )


@pytest.mark.parametrize("ties", ["expected", "random", "stable"])
@pytest.mark.parametrize("distance", ["hamming", "inner_product", "euclidean"])
@pytest.mark.parametrize("labels", [LABELS, MULTI_HOT, MULTI_HOT.astype(np.float32)])
def test_inputs_stay_untouched(ties, distance, labels):
    arrays = [CODES, labels, CODES, labels, FEATURES, FEATURES.astype(np.float64)]
    writeable = [array.copy() for array in arrays]
    frozen = [array.copy() for array in arrays]
    for array in frozen:
        array.flags.writeable = False
    results = [
        evaluate_retrieval(
            *given[:4],
            ties=ties,
            distance=distance,
            query_features=given[4],
            database_features=given[5],
        ).as_dict()
        for given in (writeable, frozen)
    ]
    assert results[0] == results[1]
    for array, before in zip(writeable, arrays, strict=True):
        np.testing.assert_array_equal(array, before)


BAD = [
    ({"ties": "average"}, r"`ties` must be one of .*Received: ties='average'"),
    (
        {"distance": "cosine"},
        r"`distance` must be one of .*Received: distance='cosine'",
    ),
    (
        {"unanswered": "drop"},
        r"`unanswered` must be one of .*Received: unanswered='drop'",
    ),
    ({"radius": -1}, r"`radius` must be .*>= 0. Received: radius=-1"),
    ({"radius": 1.5}, r"`radius` must be an integer .*Received: radius=1.5"),
    ({"top_k": 0}, r"`top_k` must be .*>= 1. Received: top_k=0"),
    ({"top_k": True}, r"`top_k` must be an integer .*Received: top_k=True"),
    ({"precision_at": (10, 0)}, r"`precision_at` must be .*>= 1. Received: .*=0"),
    ({"precision_at": 100}, r"`precision_at` must be a sequence .*=100"),
    ({"query_codes": FEATURES}, r"`query_codes` must be packed .*dtype=float32"),
    ({"query_codes": None}, r"`query_codes` must be packed .*dtype=object"),
    ({"database_codes": CODES[0]}, r"`database_codes` must be packed .*\(2,\)"),
    ({"database_codes": CODES[:, :1]}, r"same number of bits. Received: 16 and 8"),
    ({"query_codes": CODES[:4]}, r"`query_codes` and `query_labels` .*: 4 and 6"),
    (
        {"database_labels": LABELS[:5]},
        r"`database_codes` and `database_labels`.*6 and 5",
    ),
    ({"query_labels": []}, r"`query_labels` must not be empty"),
    ({"database_labels": MULTI_HOT[:0]}, r"`database_labels` must not be empty"),
    ({"query_labels": LABELS - 1}, r"`query_labels` as class indices .*index of -1"),
    ({"query_labels": LABELS / 2}, r"`query_labels` must be integer .*float64"),
    (
        {"query_labels": LABELS[:, None]},
        r"`query_labels` as multi-hot .*`labels\[:, 0\]`",
    ),
    ({"query_labels": ["a"] * 6}, r"`query_labels` must be integer .*"),
    ({"query_labels": MULTI_HOT}, r"must both be class indices .*\(6, 2\)"),
    (
        {"query_labels": MULTI_HOT, "database_labels": MULTI_HOT[:, :1]},
        r"same number of columns. Received: .*\(6, 2\).*\(6, 1\)",
    ),
    ({"query_features": FEATURES}, r"together. Received: only `query_features`"),
    ({"database_features": FEATURES}, r"together. Received: only `database_features`"),
    (
        {"query_features": FEATURES[:5], "database_features": FEATURES},
        r"`query_features` and `query_labels` .*: 5 and 6",
    ),
    (
        {"query_features": FEATURES, "database_features": FEATURES[:, :2]},
        r"`database_features` must have the same number of columns.*: 3 and 2",
    ),
    (
        {"query_features": FEATURES, "database_features": FEATURES * np.nan},
        r"`database_features` must be finite. Received: NaN",
    ),
    (
        {"query_features": FEATURES, "database_features": FEATURES + np.inf},
        r"`database_features` must be finite",
    ),
    ({"distance": "euclidean"}, r"`query_codes` must be floating-point .*dtype=uint8"),
]


@pytest.mark.parametrize("changed, message", BAD, ids=range(len(BAD)))
def test_errors_say_what_was_received(changed, message):
    arguments = {
        "query_codes": CODES,
        "query_labels": LABELS,
        "database_codes": CODES,
        "database_labels": LABELS,
    }
    evaluate_retrieval(**arguments)
    with pytest.raises(ValueError, match=message):
        evaluate_retrieval(**{**arguments, **changed})
