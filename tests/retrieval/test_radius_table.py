"""What a radius means, against counting pairs one by one."""

import json

import numpy as np
import pytest

from keras_deephash.retrieval import RadiusTable, calibrate


class Codes:
    """A model whose images are its continuous codes, compared by their signs."""

    code_distance, radius_table = "hamming", None

    def continuous_codes(self, images, batch_size, verbose):
        return np.asarray(images)

    def to_codes(self, continuous):
        return np.packbits(continuous >= 0, axis=1)

    def distances(self, queries, codes):
        different = self.to_codes(queries)[:, None] ^ codes
        return np.unpackbits(different, axis=2).sum(axis=2)


class Distances(Codes):
    """As `Codes`, compared by the squared Euclidean distance, from whole numbers."""

    code_distance = "euclidean"

    def to_codes(self, continuous):
        return np.rint(continuous)

    def distances(self, queries, codes):
        return np.square(queries[:, None] - codes).sum(axis=2).astype("float32")


@pytest.fixture
def labelled():
    """Continuous codes [60, 16] near one of three centres, and classes."""
    generator = np.random.default_rng(0)
    labels = generator.integers(3, size=60)
    centers = generator.normal(size=(3, 16))
    return centers[labels] + 0.8 * generator.normal(size=(60, 16)), labels


def naive(model, images, labels, radius):
    """Precision, recall and false-positive rate by pairs, query by query."""
    packed = model.to_codes(images)
    counts = {True: [0, 0], False: [0, 0]}
    for i in range(len(images)):
        for j in range(len(images)):
            if i != j:
                near = model.distances(images[i : i + 1], packed[j : j + 1])[0, 0]
                same = bool(labels[i] == labels[j])
                counts[same][0] += near <= radius
                counts[same][1] += 1
    (right, relevant), (wrong, others) = counts[True], counts[False]
    precision = right / (right + wrong) if right + wrong >= 100 else None
    return precision, right / relevant, wrong / others


@pytest.mark.parametrize("model", [Codes(), Distances()])
def test_figures_are_those_of_counting_pairs(model, labelled):
    images, labels = labelled
    table = calibrate(model, images, labels)
    assert model.radius_table is table and table.images == 60
    for row in (0, len(table.radii) // 2, -1):
        precision, recall, rate = naive(model, images, labels, table.radii[row])
        assert table.precision[row] == pytest.approx(precision)
        assert table.recall[row] == pytest.approx(recall)
        assert table.false_positive_rate[row] == pytest.approx(rate)
    same = labels[:, None] == labels
    assert table.relevant_share == pytest.approx((same.sum() - 60) / (60 * 59))


def test_the_largest_radius_of_a_precision_or_a_rate(labelled):
    table = calibrate(Codes(), *labelled)
    radius = table.radius(precision=0.8)
    row = table.radii.index(radius)
    assert table.precision[row] >= 0.8
    assert all(p < 0.8 for p in table.precision[row + 1 :])
    radius = table.radius(false_positive_rate=0.01)
    row = table.radii.index(radius)
    assert table.false_positive_rate[row] <= 0.01 < table.false_positive_rate[row + 1]
    rate = max(1e-3, min(table.false_positive_rate))
    assert table.auto_radius() == table.radius(false_positive_rate=rate)
    assert table.expected(radius + 0.5)["recall"] == table.recall[row]


def test_without_labels_there_are_false_positives_alone(labelled):
    table = calibrate(Codes(), labelled[0])
    assert table.precision is None and table.recall is None
    packed = Codes().to_codes(labelled[0])
    apart = Codes().distances(labelled[0], packed)[~np.eye(60, dtype=bool)]
    np.testing.assert_allclose(
        table.false_positive_rate, [(apart <= r).mean() for r in table.radii]
    )
    with pytest.raises(ValueError, match="measured without labels"):
        table.radius(precision=0.9)
    # No radius has 0.001 here: the lowest rate is nearest to it.
    assert table.false_positive_rate[0] > 1e-3 and table.auto_radius() == 0


def test_few_pairs_have_no_precision(labelled):
    table = calibrate(Codes(), *labelled)
    pairs = np.array(table.recall) * table.relevant_share * 60 * 59
    pairs += np.array(table.false_positive_rate) * (1 - table.relevant_share) * 60 * 59
    few = [precision is None for precision in table.precision]
    assert any(few) and few == (pairs < 99.5).tolist()


def test_images_without_labels_are_left_out(labelled):
    images, labels = labelled
    unknown = labels.copy()
    unknown[:20] = -1
    alone = calibrate(Codes(), images[20:], labels[20:])
    assert calibrate(Codes(), images, unknown) == alone
    hot = np.eye(3)[labels]
    hot[:20] = 0
    table = calibrate(Codes(), images, hot)
    assert table == calibrate(Codes(), images[20:], labels[20:])


def test_many_images_are_drawn_from(labelled, monkeypatch):
    monkeypatch.setattr("keras_deephash.retrieval.calibration.MAX_IMAGES", 30)
    table = calibrate(Codes(), *labelled, seed=1)
    assert table.images == 30
    assert table == calibrate(Codes(), *labelled, seed=1)
    assert table != calibrate(Codes(), *labelled, seed=2)


@pytest.mark.parametrize(
    "count, labels, message",
    [
        (1, None, "at least 2"),
        (3, [0, 1, 2], "some images share a label"),
        (3, [0, 0, 0], "some images share none"),
        (3, [0, 1], "one row for each image"),
        (3, [[0, 0]] * 3, "at least 2"),
    ],
)
def test_what_cannot_be_measured_is_said(count, labels, message):
    images = np.random.default_rng(0).normal(size=(count, 16))
    with pytest.raises(ValueError, match=message):
        calibrate(Codes(), images, labels)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "one of both"),
        ({"precision": 0.5, "false_positive_rate": 0.5}, "one of both"),
        ({"precision": 1.5}, "must be from 0 to 1"),
        ({"false_positive_rate": -1}, "must be"),
        ({"precision": 1.0}, "No radius has precision=1.0: the best is"),
    ],
)
def test_a_radius_that_cannot_be_had(labelled, arguments, message):
    images, labels = labelled
    images[0], labels[0] = images[labels == 1][0], 2  # Equal codes of two classes.
    with pytest.raises(ValueError, match=message):
        calibrate(Codes(), images, labels).radius(**arguments)


def test_a_table_is_plain_json_and_checked(labelled):
    table = calibrate(Codes(), *labelled, dataset="blobs")
    fields = json.loads(json.dumps(table.to_json(), allow_nan=False))
    assert RadiusTable.from_json(fields) == table
    for name, value in [
        ("radii", [2.0, 1.0]),
        ("radii", []),
        ("radii", "12"),
        ("radii", 5),
        ("radii", [*range(len(table.radii) - 1), 10**400]),
        ("recall", [2.0] * len(table.radii)),
        ("precision", [float("nan")] * len(table.radii)),
        ("false_positive_rate", None),
        ("distance", "cosine"),
        ("images", True),
        ("relevant_share", "x"),
        ("dataset", 3),
    ]:
        with pytest.raises(ValueError, match="table"):
            RadiusTable.from_json({**fields, name: value})
    for broken in (None, [], {}, {**fields, "more": 1}):
        with pytest.raises(ValueError, match="table"):
            RadiusTable.from_json(broken)
