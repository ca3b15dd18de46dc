"""The input pipeline: image sets to batches, in tf.data."""

import os
import weakref

import numpy as np
import tensorflow as tf

from keras_deephash.checks import check_integer
from keras_deephash.datasets.epoch_seeds import EpochSeeds
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.preprocessing import Preprocessor

# Canvases of a set are kept in memory up to this many bytes.
_CACHE_LIMIT = 4 * 1024**3
# Images that one call into Python loads. A call costs as much as copying a few images,
# but large chunks would take much memory, because each core works on one.
_CHUNK = 16


def image_dataset(
    images: ImageSet,
    preprocessor: Preprocessor,
    batch_size: int = 128,
    training: bool = False,
    seed: int | EpochSeeds = 0,
    cache: bool | str = "auto",
    flip: bool = True,
    augment=None,
    full_batches: bool = True,
) -> tf.data.Dataset:
    """Creates batches of pixels and labels for `fit`, `evaluate` and `predict`.

    For training, the images are shuffled in each epoch, cropped at random from the
    canvas and flipped at random, and every batch is full. For evaluation they are
    centre-cropped and in order, and the last batch may be smaller.

    Args:
        images: `ImageSet`.
        preprocessor: `Preprocessor` of the model, `model.preprocessor`.
        batch_size: int. Images per (global) batch. Defaults to `128`.
        training: bool. Whether the batches are for training. Defaults to `False`.
        seed: int, >= 0, or `callbacks.EpochSeeds`. Seed of the shuffling, the crops,
            the flips and `augment`. With an int, every iteration over the dataset draws
            other ones; with `EpochSeeds`, they depend only on the number of the epoch,
            even if the training is resumed. Defaults to `0`.
        cache: bool or `"auto"`. Whether to keep decoded and resized images in
            memory; `"auto"` does so up to 4 GiB. Defaults to `"auto"`.
        flip: bool. Whether to mirror half of the training images.
            Defaults to `True`.
        augment: TensorFlow function that maps a uint8 crop [image_size, image_size, 3]
            and a seed, int32 [2], to such a crop, for training. Defaults to `None`.
        full_batches: bool. Whether training leaves out the last images of each epoch if
            they do not fill a batch. Defaults to `True`.

    Returns:
        `tf.data.Dataset` of (uint8 [b, image_size, image_size, 3], float32 [b, L]).

    Raises:
        ValueError: for an empty image set, fewer images than a training batch, or a
            negative seed.

    Example:

    >>> dataset = image_dataset(train, model.preprocessor, training=True)
    >>> model.fit(dataset, epochs=10)
    """
    count = len(images)
    if not count:
        raise ValueError("`images` must hold at least one image. Received: none.")
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    full_batches = full_batches and training
    if full_batches and count < batch_size:
        raise ValueError(
            "Training needs at least one full batch. Received: "
            f"{count} images, batch_size={batch_size}. Lower `batch_size`."
        )
    size, canvas_size = preprocessor.image_size, preprocessor.canvas_size
    stored = preprocessor.canvas if training else preprocessor.center_crop
    stored_size = canvas_size if training else size
    if cache == "auto":
        cache = keeps_canvases(count, stored_size)
    canvases = _Canvases(images, stored, stored_size, keep=cache)

    # Images go in by index: neither paths nor arrays become constants of the graph.
    @tf.autograph.experimental.do_not_convert  # Has nothing to convert; saves time.
    def load_in_graph(indices, *seeds):
        pixels, labels = tf.numpy_function(
            canvases.load, [indices], (tf.uint8, tf.float32), stateful=False
        )
        pixels = tf.ensure_shape(pixels, (None, stored_size, stored_size, 3))
        labels = tf.ensure_shape(labels, (None, images.labels.shape[1]))
        return pixels, labels, *seeds

    if training:
        seeds = seed if isinstance(seed, EpochSeeds) else EpochSeeds(seed)
        dataset = _random_order(count, seeds)
    else:
        dataset = tf.data.Dataset.range(count)
    dataset = dataset.batch(_CHUNK)
    dataset = dataset.map(load_in_graph, num_parallel_calls=os.cpu_count() or 1)
    dataset = dataset.unbatch()
    if training:
        view = _random_view(size, canvas_size, flip, augment)
        dataset = dataset.map(view, num_parallel_calls=tf.data.AUTOTUNE)
    dataset = dataset.batch(batch_size, drop_remainder=full_batches)
    steps = count // batch_size if full_batches else -(-count // batch_size)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    dataset = dataset.prefetch(tf.data.AUTOTUNE)
    # TensorFlow never frees a Python function in a graph, nor the objects it holds.
    # Datasets that are made from this one, and iterators, keep this one alive.
    weakref.finalize(dataset, canvases.release)
    dataset.class_names = images.label_names  # Keras's name for them; `fit` reads it.
    return dataset


def keeps_canvases(count: int, size: int) -> bool:
    """Returns whether `cache="auto"` keeps `count` images of size x size pixels."""
    return count * size**2 * 3 <= _CACHE_LIMIT


class _Canvases:
    """Loads images, and keeps them if asked to."""

    def __init__(self, images: ImageSet, stored, size: int, keep: bool):
        self._images = images.images
        self._labels = images.labels
        self._stored = stored
        self._known = np.zeros(len(images), bool)
        self._kept = None
        if keep:  # Pages of memory are only used once an image is written to them.
            self._kept = np.empty((len(images), size, size, 3), np.uint8)

    def load(self, indices):
        """Loads pixels uint8 [n, size, size, 3] and labels [n, L] of indices [n]."""
        labels, kept = self._labels[indices].astype(np.float32), self._kept
        if kept is None:
            return np.stack([self._stored(self._images[i]) for i in indices]), labels
        for i in indices[~self._known[indices]]:
            kept[i] = self._stored(self._images[i])
            self._known[i] = True  # Last, because other threads read it.
        return kept[indices], labels

    def release(self):
        self._images = self._labels = self._kept = None


def _random_order(count: int, seeds: EpochSeeds):
    """A dataset of every index in random order, each with a random seed, int32 [2]."""

    def draw(iteration):
        generator = seeds.generator(iteration)
        order = generator.permutation(count)
        return order, generator.integers(2**31, size=(count, 2), dtype=np.int32)

    @tf.autograph.experimental.do_not_convert
    def draw_in_graph(iteration):
        order, views = tf.numpy_function(draw, [iteration], (tf.int64, tf.int32))
        return tf.ensure_shape(order, (count,)), tf.ensure_shape(views, (count, 2))

    # One number per iteration, in the order in which iterators are created. As
    # everywhere in TensorFlow, it depends on `keras.utils.set_random_seed` too.
    iterations = tf.data.Dataset.random(seeds.seed, rerandomize_each_iteration=True)
    return iterations.take(1).map(draw_in_graph).unbatch()


def _random_view(size: int, canvas_size: int, flip: bool, augment):
    def view(pixels, label, seed):
        top, left, mirror = tf.unstack(tf.random.stateless_uniform([3], seed))
        span = tf.cast(canvas_size - size + 1, tf.float32)
        start = [tf.cast(top * span, tf.int32), tf.cast(left * span, tf.int32), 0]
        pixels = tf.slice(pixels, start, [size, size, 3])
        if flip:
            pixels = tf.where(mirror < 0.5, tf.reverse(pixels, [1]), pixels)
        if augment is not None:
            pixels = tf.ensure_shape(augment(pixels, seed + 1), (size, size, 3))
        return pixels, label

    return view
