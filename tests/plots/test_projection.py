"""Codes in a plane."""

import numpy as np
import pytest

from keras_deephash import plots


def points_of(figure):
    return [np.asarray(part.get_offsets()) for part in figure.axes[0].collections]


def names_of(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def naive_pca(vectors):
    """The first two principal components, by the eigenvectors of the covariances."""
    centered = vectors - vectors.mean(axis=0)
    values, vectors = np.linalg.eigh(centered.T @ centered)
    return centered @ vectors[:, [-1, -2]], values[[-1, -2]] / values.sum()


def test_pca_equals_the_eigenvectors(retrieval):
    codes = retrieval[2]
    figure = plots.projection(codes, method="pca")
    (drawn,) = points_of(figure)
    expected, shares = naive_pca(2.0 * np.unpackbits(codes, axis=1) - 1)
    expected = np.unique(expected.round(9), axis=0)
    for axis in (0, 1):  # A component is known up to its sign.
        one, two = np.sort(drawn[:, axis]), np.sort(expected[:, axis])
        assert np.allclose(one, two) or np.allclose(one, np.sort(-two))
    label = figure.axes[0].get_xlabel()
    assert label == f"component 1 ({100 * shares[0]:.0f} % of the variance)"


def test_tsne_separates_what_is_far_apart():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(40, 5)) + 50 * (np.arange(40)[:, None] % 2)
    labels = np.arange(40) % 2
    figure = plots.projection(features, labels, label_names=["even", "odd"])
    even, odd = points_of(figure)
    assert names_of(figure) == ["even", "odd"] and len(even) == len(odd) == 20
    between = np.linalg.norm(even.mean(axis=0) - odd.mean(axis=0))
    assert between > 3 * np.linalg.norm(even - even.mean(axis=0), axis=1).mean()
    again = plots.projection(features, labels, label_names=np.array([8, 9]))
    assert names_of(again) == ["8", "9"]
    again = points_of(again)
    np.testing.assert_array_equal(even, again[0])


def test_equal_codes_are_one_larger_point():
    codes = np.repeat(np.arange(5, dtype=np.uint8), (1, 1, 4, 1, 9))[:, None]
    figure = plots.projection(codes, method="pca")
    sizes = np.sort(figure.axes[0].collections[0].get_sizes())
    np.testing.assert_allclose(sizes, 18 * np.sqrt([1, 1, 1, 4, 9]))


def test_first_labels_samples_and_the_unlabelled(retrieval):
    codes, labels = retrieval[2], retrieval[3]
    figure = plots.projection(codes, labels, method="pca")
    first = [list(row).index(1) if row.any() else None for row in labels]
    shown = [str(label) for label in sorted(set(first) - {None})]
    assert names_of(figure) == ["no label", *shown]
    assert len(points_of(figure)[1]) <= first.count(0)
    figure = plots.projection(codes, labels, method="pca", most=10)
    assert sum(map(len, points_of(figure))) <= 10
    figure = plots.projection(codes, 0 * labels, method="pca")
    assert names_of(figure) == ["no label"]


def test_more_labels_than_colours():
    features = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.concatenate([np.arange(30), np.arange(30)])
    figure = plots.projection(features, labels, method="pca")
    assert len(names_of(figure)) == 22 and names_of(figure)[0] == "other or none"


@pytest.mark.parametrize("method", ["tsne", "pca"])
def test_few_and_equal_codes(method):
    equal = np.zeros((9, 2), np.uint8)
    assert points_of(plots.projection(equal, method=method))[0].shape == (1, 2)
    two = equal.copy()
    two[3:] = 255
    figure = plots.projection(two, method=method)
    (points,) = points_of(figure)
    assert points.shape == (2, 2) and np.isfinite(points).all()
    assert figure.axes[0].get_title(loc="left") == "PCA of the codes"
    figure.savefig("/dev/null", format="png")


@pytest.mark.parametrize(
    "codes, arguments, message",
    [
        (np.zeros((2, 2), np.uint8), {}, "at least 3 packed codes"),
        (np.zeros((5, 1)), {}, "D >= 2"),
        (np.full((5, 2), np.nan), {}, "must be finite"),
        (np.zeros((5, 2)), {"labels": [1, 2]}, "Received: 5 and 2"),
        (
            np.zeros((3, 2)),
            {"labels": [0, 1, 2], "label_names": ["a", "b"]},
            "2 names, label 2",
        ),
        (np.zeros((5, 2)), {"method": "umap"}, "`method` must be one of"),
        (np.zeros((5, 2)), {"most": 2}, "`most` must be an integer >= 3"),
    ],
)
def test_bad_input(codes, arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.projection(codes, **arguments)
