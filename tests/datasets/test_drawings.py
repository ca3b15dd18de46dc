"""Drawn pictures with labels."""

import numpy as np
import pytest

from keras_deephash.datasets import drawings


def test_labels_are_balanced_and_pictures_differ():
    data = drawings(32, size=24)
    assert data.images.shape == (32, 24, 24, 3) and data.images.dtype == np.uint8
    assert (data.labels.sum(axis=1) == 1).all()
    assert (data.labels.sum(axis=0) == 4).all()
    assert len(np.unique(data.images.reshape(32, -1), axis=0)) == 32
    assert len(data.label_names) == 8 and " " in data.label_names[1]


def test_a_seed_decides_on_everything():
    one, same, other = (drawings(3, size=16, seed=seed) for seed in (1, 1, 2))
    assert (one.images == same.images).all() and (one.images != other.images).any()
    longer = drawings(5, size=16, seed=1)
    assert (longer.images[:3] == one.images).all()


def test_a_picture_shows_several_things():
    counts = drawings(60, most_labels=3, size=16).labels.sum(axis=1)
    assert set(counts) == {1, 2, 3}
    assert drawings(1, most_labels=4, size=16).labels.sum() >= 1


@pytest.mark.parametrize(
    "arguments", [{"count": 0}, {"most_labels": 5}, {"size": 8}, {"seed": -1}]
)
def test_what_cannot_be_drawn_is_an_error(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        drawings(**{"count": 1, **arguments})
