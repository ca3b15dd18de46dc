"""The input pipeline: image sets to batches, in tf.data."""

import os

import numpy as np
import tensorflow as tf

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.preprocessing import Preprocessor

# Canvases of a set are kept in memory up to this many bytes.
_CACHE_LIMIT = 4 * 1024**3


def image_dataset(
    images: ImageSet,
    preprocessor: Preprocessor,
    batch_size: int = 128,
    training: bool = False,
    seed: int = 0,
    cache: bool | str = "auto",
    flip: bool = True,
    augment=None,
) -> tf.data.Dataset:
    """Batches of pixels and labels for `fit`, `evaluate` and `predict`.

    For training, the images are shuffled anew each epoch, cropped at random from
    the canvas, flipped at random, and every batch is full; for evaluation they come
    in order, centre-cropped, with the last batch as long as it is.

    Args:
        images: `ImageSet`.
        preprocessor: `Preprocessor` of the model, `model.preprocessor`.
        batch_size: int. Images a (global) batch. Defaults to `128`.
        training: bool. Defaults to `False`.
        seed: int. Seed of the shuffling, the crops and the flips. Defaults to `0`.
        cache: bool or `"auto"`. Whether to keep decoded and resized images in
            memory; `"auto"` does so up to 4 GiB. Defaults to `"auto"`.
        flip: bool. Whether to mirror half of the training images.
            Defaults to `True`.
        augment: function of a uint8 crop [image_size, image_size, 3] and a seed
            int32 [2] to such a crop, in TensorFlow, for training.
            Defaults to `None`.

    Returns:
        `tf.data.Dataset` of (uint8 [b, image_size, image_size, 3], float32 [b, L]).

    Raises:
        ValueError: for an empty image set, or fewer images than a training batch.

    Example:

    >>> dataset = image_dataset(train, model.preprocessor, training=True)
    >>> model.fit(dataset, epochs=10)
    """
    count = len(images)
    if not count:
        raise ValueError("`images` must hold at least one image. Received: none.")
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be >= 1. Received: batch_size={batch_size}."
        )
    if training and count < batch_size:
        raise ValueError(
            "Training needs at least one full batch. Received: "
            f"{count} images, batch_size={batch_size}. Lower `batch_size`."
        )
    size, canvas_size = preprocessor.image_size, preprocessor.canvas_size
    stored = preprocessor.canvas if training else preprocessor.center_crop
    stored_size = canvas_size if training else size

    # Images go in by index: neither paths nor arrays become constants of the graph.
    def load(index):
        return stored(images.images[int(index)])

    def load_in_graph(index, label):
        pixels = tf.numpy_function(load, [index], tf.uint8, stateful=False)
        return tf.ensure_shape(pixels, (stored_size, stored_size, 3)), label

    labels = images.labels.astype(np.float32)
    dataset = tf.data.Dataset.from_tensor_slices((np.arange(count), labels))
    if cache == "auto":
        cache = count * stored_size**2 * 3 <= _CACHE_LIMIT
    if training and not cache:
        dataset = dataset.shuffle(count, seed=seed)
    dataset = dataset.map(load_in_graph, num_parallel_calls=os.cpu_count() or 1)
    if cache:
        dataset = dataset.cache()
    if training:
        if cache:
            dataset = dataset.shuffle(count, seed=seed)
        dataset = _with_seeds(dataset, seed).map(
            _random_view(size, canvas_size, flip, augment),
            num_parallel_calls=tf.data.AUTOTUNE,
        )
    dataset = dataset.batch(batch_size, drop_remainder=training)
    return dataset.prefetch(tf.data.AUTOTUNE)


def _with_seeds(dataset, seed: int):
    """Adds a seed to every element, new in every epoch.

    As everywhere in TensorFlow, a run repeats another where the global seed is the
    same too: `keras.utils.set_random_seed`.
    """
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    return tf.data.Dataset.zip(dataset, seeds.batch(2, drop_remainder=True))


def _random_view(size: int, canvas_size: int, flip: bool, augment):
    def view(element, seed):
        pixels, label = element
        seed = tf.cast(seed, tf.int32)
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
