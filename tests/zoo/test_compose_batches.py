"""How the batches are composed that `zoo/compose_batches.py` compares."""

import numpy as np
import pytest


@pytest.fixture
def script(load_script):
    return load_script("compose_batches")


@pytest.mark.parametrize("per_batch", [1, 2, 5, 10])
def test_batches_hold_so_many_classes_alike_and_no_image_twice(script, per_batch):
    classes = np.random.default_rng(0).permutation(np.repeat(np.arange(10), 40))
    generator = np.random.default_rng(1)
    batches = script.batches_of_classes(classes, 20, per_batch, generator)
    assert batches.shape == (20, 20)  # All images.
    assert len(set(batches.ravel())) == 400
    for batch in batches:
        counts = np.bincount(classes[batch], minlength=10)
        assert sorted(counts[counts > 0]) == [20 // per_batch] * per_batch


def test_batches_of_classes_of_unequal_size(script):
    classes = np.repeat([0, 1, 2], [30, 9, 9])
    batches = script.batches_of_classes(classes, 6, 2, np.random.default_rng(0))
    assert len(batches) == 6  # Of three rows of each of the two small classes.
    assert len(set(batches.ravel())) == batches.size


def test_random_batches_take_no_image_twice(script):
    batches = script.random_batches(50, 8, np.random.default_rng(0))
    assert batches.shape == (6, 8)
    assert len(set(batches.ravel())) == 48


def test_too_few_images_of_each_class(script):
    with pytest.raises(ValueError, match="must hold 4 images of each of 2 classes"):
        script.batches_of_classes(np.arange(10) % 5, 8, 2, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--compositions", "few"],
            "\"random\" or numbers of classes. Received: 'few'",
        ),
        (["--compositions", "0"], "Received: '0'"),
        (["--compositions", "7"], "Received: --batch-size 60, 7 classes"),
    ],
)
def test_bad_compositions_are_named_first(script, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        script.main([str(tmp_path), "none", "--freeze-until", "none", *options])
