"""The drawn curves are those of a naive count."""

import dataclasses

import numpy as np
import pytest

from keras_deephash import RadiusTable, plots


def lines_of(figure):
    """The drawn curves, without the line of the random order."""
    axes = figure.axes[0]
    return [np.array(line.get_data()) for line in axes.lines[1:]]


def test_precision_and_recall_of_codes(retrieval, distances, similar):
    figure = plots.precision_recall(*retrieval, label="16 bits")
    recall, precision = np.zeros((2, 17))
    for far, good in zip(distances, similar, strict=True):
        for radius in range(17):
            found = far <= radius
            hits = np.sum(found & good)
            precision[radius] += hits / max(found.sum(), 1) / len(distances)
            recall[radius] += hits / max(good.sum(), 1) / len(distances)
    (line,) = lines_of(figure)
    np.testing.assert_allclose(line, [recall, precision])
    axes = figure.axes[0]
    assert axes.get_xlabel() == "recall" and axes.get_ylabel() == "precision"
    assert axes.get_title(loc="left") == "Precision and recall"
    chance = axes.lines[0].get_ydata()
    np.testing.assert_allclose(chance, similar.mean())
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["random order", "16 bits"]


def test_precision_and_recall_of_scores(retrieval, similar):
    scores = np.random.default_rng(1).normal(size=similar.shape)
    labels = (None, retrieval[1], None, retrieval[3])
    figure = plots.precision_recall(*labels, scores=scores)
    ranked = np.take_along_axis(similar, np.argsort(-scores, axis=1), axis=1)
    hits = np.cumsum(ranked, axis=1)
    precision = (hits / np.arange(1, 31)).mean(axis=0)
    recall = (hits / np.maximum(hits[:, -1:], 1)).mean(axis=0)
    (line,) = lines_of(figure)
    ranks = np.unique(np.rint(np.geomspace(1, 30, 100)).astype(int)) - 1
    np.testing.assert_allclose(line, [recall[ranks], precision[ranks]])

    figure = plots.precision_at(*labels, scores=scores, lengths=[5, 1, 30])
    (line,) = lines_of(figure)
    np.testing.assert_allclose(line, [[1, 5, 30], precision[[0, 4, 29]]])


def test_precision_at_of_codes(retrieval, distances, similar):
    figure = plots.precision_at(*retrieval, ties="stable")
    order = np.argsort(distances, axis=1, kind="stable")
    hits = np.cumsum(np.take_along_axis(similar, order, axis=1), axis=1)
    precision = (hits / np.arange(1, 31)).mean(axis=0)
    (line,) = lines_of(figure)
    lengths = line[0].astype(int)
    assert lengths[0] == 1 and lengths[-1] == 30
    np.testing.assert_allclose(line[1], precision[lengths - 1])


@pytest.mark.parametrize("plot", [plots.precision_recall, plots.precision_at])
def test_a_figure_takes_a_second_curve(retrieval, plot):
    one = plot(*retrieval, label="_first")
    features = [
        np.random.default_rng(i).normal(size=(n, 4)) for i, n in ((1, 7), (2, 30))
    ]
    ranked = dict(zip(("query_features", "database_features"), features, strict=True))
    both = plot(*retrieval, distance="euclidean", figure=one, label="$x$", **ranked)
    assert both is one
    alone = plot(*retrieval, distance="euclidean", **ranked)
    assert len(lines_of(both)) == 2
    np.testing.assert_array_equal(lines_of(both)[1], lines_of(alone)[0])
    colors = {line.get_color() for line in both.axes[0].lines}
    assert len(colors) == 3
    names = [text.get_text().strip() for text in both.axes[0].get_legend().get_texts()]
    assert names == ["random order", "_first", r"\$x\$"]


def test_foreign_figures_are_refused(retrieval):
    balance = plots.bit_balance(retrieval[2])
    for figure in (balance, plots.precision_at(*retrieval), "figure"):
        with pytest.raises(ValueError, match="`precision_recall` returned"):
            plots.precision_recall(*retrieval, figure=figure)


def test_no_labels_and_few_items(retrieval):
    query_codes, query_labels, codes, labels = retrieval
    for plot in (plots.precision_recall, plots.precision_at):
        (line,) = lines_of(plot(query_codes, 0 * query_labels, codes, labels))
        assert not line[1].any()
        one = plot(query_codes[:1], [3], codes[:1], [3])
        assert lines_of(one)[0][1][-1] == 1
        one.savefig("/dev/null", format="png")
        with pytest.raises(ValueError, match="must not be empty"):
            plot(query_codes[:0], query_labels[:0], codes, labels)
        with pytest.raises(ValueError, match="same number of rows"):
            plot(query_codes, query_labels, codes[:3], labels)
    with pytest.raises(ValueError, match="at least one integer"):
        plots.precision_at(*retrieval, lengths=[])


def test_radii_draw_what_the_table_says():
    table = RadiusTable(
        distance="hamming",
        radii=(0.0, 1.0, 2.0),
        false_positive_rate=(0.0, 0.1, 0.4),
        precision=(None, 0.8, 0.5),
        recall=(0.0, 0.3, 0.9),
        images=50,
        relevant_share=0.2,
    )
    axes = plots.radii(table).axes[0]
    drawn = {line.get_label(): line.get_ydata() for line in axes.lines}
    np.testing.assert_array_equal(drawn["precision"], [np.nan, 0.8, 0.5])
    np.testing.assert_array_equal(drawn["recall"], table.recall)
    np.testing.assert_array_equal(drawn["false positive rate"], [0.0, 0.1, 0.4])
    alone = dataclasses.replace(table, precision=None, recall=None)
    assert len(plots.radii(alone).axes[0].lines) == 1
