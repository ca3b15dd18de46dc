"""The input pipeline and its augmentations."""

import gc
import weakref

import numpy as np
import pytest
import tensorflow as tf

from keras_deephash import Preprocessor
from keras_deephash.callbacks import EpochSeeds
from keras_deephash.datasets import (
    ImageSet,
    feature_dataset,
    image_dataset,
    read_image_list,
)
from keras_deephash.datasets.augment import chain, color_jitter, cutout


@pytest.fixture
def image_set():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    labels = np.eye(20, dtype=np.uint8)  # The label tells the image.
    return ImageSet(images, labels)


def collect(dataset):
    images, labels = zip(*dataset.as_numpy_iterator(), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def test_evaluation_keeps_order_and_every_image(image_set):
    preprocessor = Preprocessor(6, 8)
    dataset = image_dataset(image_set, preprocessor, batch_size=8)
    images, labels = collect(dataset)
    np.testing.assert_array_equal(labels, image_set.labels)
    expected = [preprocessor.center_crop(image) for image in image_set.images]
    np.testing.assert_array_equal(images, expected)
    assert dataset.element_spec[0].shape == (None, 6, 6, 3)
    assert dataset.element_spec[0].dtype == tf.uint8


@pytest.mark.parametrize("cache", [True, False])
def test_training_takes_random_views_in_full_batches(image_set, cache):
    preprocessor = Preprocessor(6, 8, padding=1)
    dataset = image_dataset(
        image_set, preprocessor, batch_size=6, training=True, cache=cache
    )
    epochs = [collect(dataset) for _ in range(2)]
    for images, labels in epochs:
        assert len(images) == 18  # Three full batches of six.
        shown = labels.argmax(axis=1)
        assert len(set(shown)) == 18
        for image, index in zip(images, shown, strict=True):
            canvas = preprocessor.canvas(image_set.images[index])
            views = [
                view
                for top in range(5)
                for left in range(5)
                for view in (
                    canvas[top : top + 6, left : left + 6],
                    canvas[top : top + 6, left : left + 6][:, ::-1],
                )
            ]
            assert any((image == view).all() for view in views)
    assert (epochs[0][1] != epochs[1][1]).any(), "the order must change"


def test_training_is_the_same_in_every_run(image_set):
    def run(seed):
        dataset = image_dataset(
            image_set,
            Preprocessor(6, 8),
            batch_size=5,
            training=True,
            seed=seed,
            augment=chain(color_jitter(), cutout(3)),
        )
        return [collect(dataset) for _ in range(2)]

    for one, two in zip(run(seed=1), run(seed=1), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])
    assert (run(seed=1)[0][0] != run(seed=2)[0][0]).any()


@pytest.mark.parametrize("cache", [True, False])
def test_an_epoch_is_drawn_from_its_number_alone(image_set, cache):
    def run(seed, epochs):
        seeds = EpochSeeds(seed)
        dataset = image_dataset(
            image_set,
            Preprocessor(6, 8),
            batch_size=5,
            training=True,
            seed=seeds,
            cache=cache,
            augment=color_jitter(),
        )
        found = []
        for seeds.epoch in epochs:
            found.append(collect(dataset))
        return found

    expected = run(1, epochs=range(4))
    tf.random.set_seed(7)
    for epoch, found in zip((3, 1, 1), run(1, epochs=(3, 1, 1)), strict=True):
        np.testing.assert_array_equal(found[0], expected[epoch][0])
        np.testing.assert_array_equal(found[1], expected[epoch][1])
    orders = {labels.tobytes() for _, labels in expected}
    assert len(orders | {run(2, epochs=[0])[0][1].tobytes()}) == 5
    # Where no training runs, every iteration is another one.
    first, second = run(1, epochs=[None, None])
    assert (first[1] != second[1]).any()


@pytest.mark.parametrize("training, steps, rest", [(True, 2, 8), (False, 3, 4)])
def test_length_and_shapes_are_known(image_set, training, steps, rest):
    dataset = image_dataset(image_set, Preprocessor(6, 8), 8, training=training)
    assert dataset.cardinality() == steps == len(list(dataset))
    assert dataset.element_spec[0].shape[1:] == (6, 6, 3)
    assert dataset.element_spec[1].shape[1:] == (20,)
    assert len(list(dataset)[-1][0]) == rest


@pytest.mark.parametrize("cache, times", [(True, 1), (False, 3)])
def test_the_cache_loads_every_image_once(image_set, cache, times):
    loaded = []

    class Counting(Preprocessor):
        def canvas(self, image):
            loaded.append(image.tobytes())
            return super().canvas(image)

    dataset = image_dataset(
        image_set, Counting(6, 8), batch_size=20, training=True, cache=cache
    )
    for _ in range(3):
        collect(dataset)
    assert len(loaded) == 20 * times and len(set(loaded)) == 20


def test_the_cache_goes_with_the_dataset(image_set, monkeypatch):
    kept = []

    class Array(np.ndarray):  # Other than `np.ndarray`, it takes weak references.
        pass

    def empty(*arguments):
        array = np.zeros(*arguments).view(Array)
        kept.append(weakref.ref(array))
        return array

    monkeypatch.setattr(np, "empty", empty)
    dataset = image_dataset(image_set, Preprocessor(6, 8), 8, cache=True).take(1)
    monkeypatch.undo()
    gc.collect()
    assert len(list(dataset)) == 1 and kept[0]() is not None
    del dataset
    gc.collect()
    assert len(kept) == 1 and kept[0]() is None


@pytest.mark.parametrize("kind", ["images", "features"])
def test_arrays_go_with_the_last_iterator(kind):
    class Array(np.ndarray):
        pass

    labels = np.ones((12, 1))
    if kind == "images":
        array = np.zeros((12, 4, 4, 3), np.uint8).view(Array)
        dataset = image_dataset(ImageSet(array, labels), Preprocessor(4), 4)
    else:
        array = np.zeros((1, 12, 5), np.float32).view(Array)
        dataset = feature_dataset(array, labels[None], 4)
    there = weakref.ref(array)
    iterator = iter(dataset.map(lambda images, labels: images))
    del array, dataset
    gc.collect()
    assert len(list(iterator)) == 3 and there() is not None
    del iterator
    gc.collect()
    assert there() is None


def test_crops_and_flips_reach_every_place():
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1).repeat(3, axis=3)
    images = ImageSet(image.repeat(400, axis=0), np.ones((400, 1)))
    dataset = image_dataset(images, Preprocessor(2, 4), 400, training=True)
    views, _ = collect(dataset)
    corners = {(int(v[0, 0, 0]), bool(v[0, 0, 0] > v[0, 1, 0])) for v in views}
    assert len(corners) == 9 * 2
    dataset = image_dataset(images, Preprocessor(2, 4), 400, training=True, flip=False)
    views, _ = collect(dataset)
    assert (views[:, 0, 0, 0] < views[:, 0, 1, 0]).all()


def test_files_and_arrays_give_the_same_batches(folder):
    files = read_image_list(folder / "train.txt")
    preprocessor = Preprocessor(6, 7)
    expected = [preprocessor.center_crop(path) for path in files.images]
    images, labels = collect(image_dataset(files, preprocessor, 4))
    np.testing.assert_array_equal(images, expected)
    np.testing.assert_array_equal(labels, files.labels)


def test_a_file_that_vanishes_is_named(folder):
    files = read_image_list(folder / "train.txt")
    (folder / "images" / "2.png").unlink()
    with pytest.raises(Exception, match=r"no such image file: .*2\.png"):
        collect(image_dataset(files, Preprocessor(6, 7), 4))


def test_bad_arguments(image_set):
    with pytest.raises(ValueError, match="at least one image"):
        image_dataset(image_set.subset([]), Preprocessor(6))
    with pytest.raises(ValueError, match="`batch_size` must be an integer >= 1"):
        image_dataset(image_set, Preprocessor(6), 0)
    with pytest.raises(ValueError, match="20 images, batch_size=32"):
        image_dataset(image_set, Preprocessor(6), 32, training=True)
    with pytest.raises(ValueError, match="`seed` must be an integer >= 0.*-1"):
        image_dataset(image_set, Preprocessor(6), 2, training=True, seed=-1)


@pytest.mark.parametrize("size", [4, 1 / 3])
def test_cutout_covers_one_square(size):
    image = tf.zeros((12, 12, 3), tf.uint8)
    sizes = set()
    for i in range(50):
        found = cutout(size, value=9)(image, tf.constant([i, 0])).numpy()
        rows = np.flatnonzero((found[..., 0] == 9).any(axis=1))
        columns = np.flatnonzero((found[..., 0] == 9).any(axis=0))
        assert (found == 9).sum() == 3 * len(rows) * len(columns)
        sizes.add((len(rows), len(columns)))
    assert max(sizes) == (4, 4) and len(sizes) > 1


def test_chained_augmentations_have_random_numbers_of_their_own():
    seeds = []

    def record(pixels, seed):
        seeds.append(tuple(seed.numpy()))
        return pixels

    for start in ([0, 0], [1, 1], [2, 2]):
        chain(record, record, record)(None, tf.constant(start))
    assert len(set(seeds)) == 9
    # Neither are they those of the parts of an augmentation.
    split = tf.random.experimental.stateless_split(seeds[0], 3).numpy()
    assert not {tuple(row) for row in split} & set(seeds)


def test_color_jitter_changes_colors_within_bounds():
    image = tf.constant(np.random.default_rng(0).integers(0, 256, (6, 6, 3)), tf.uint8)
    views = [color_jitter(0.3)(image, tf.constant([i, 0])).numpy() for i in range(8)]
    assert all(view.dtype == np.uint8 for view in views)
    assert len({view.tobytes() for view in views}) == 8
    means = [view.mean() for view in views]
    assert np.ptp(means) > 10
