"""Batches of features that were computed once, in several views."""

import weakref
from functools import partial

import numpy as np
import tensorflow as tf

from keras_deephash.checks import check_integer
from keras_deephash.datasets.epoch_seeds import EpochSeeds


def feature_dataset(
    features: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    seed: int | EpochSeeds = 0,
) -> tf.data.Dataset:
    """Creates full batches for `fit`, from one view per epoch, in random order.

    Args:
        features: float array [views, n, ...], of `RetrievalModel.frozen_features`. The
            images of a view are cropped, mirrored and augmented in their own way.
        labels: multi-hot array [views, n, L].
        batch_size: int. Images per (global) batch, at most n.
        seed: int, >= 0, or `callbacks.EpochSeeds`, as for `image_dataset`: with an int,
            every iteration draws another view and order. Defaults to `0`.

    Returns:
        `tf.data.Dataset` of (float16 or float32 [b, ...], float32 [b, L]).
    """
    views, count = features.shape[:2]
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    if batch_size > count:
        raise ValueError(
            "`batch_size` must be at least 1 and at most the number of images. "
            f"Received: batch_size={batch_size}, {count} images."
        )
    steps = count // batch_size
    seeds = seed if isinstance(seed, EpochSeeds) else EpochSeeds(seed)

    arrays = [features, labels]
    kinds = (features.dtype, tf.float32)
    shapes = ((batch_size, *features.shape[2:]), (batch_size, labels.shape[-1]))
    del features, labels  # See below.

    def load(iteration, step):
        # A pure function of the epoch and the step, as cheap as keeping the order.
        view = (iteration if seeds.epoch is None else seeds.epoch) % views
        order = seeds.generator(iteration).permutation(count)
        rows = order[step * batch_size : (step + 1) * batch_size]
        features, labels = arrays
        return features[view, rows], labels[view, rows].astype(np.float32)

    # Not `from_generator`, which makes the process return freed memory at once and so
    # slows down the training steps.
    @tf.autograph.experimental.do_not_convert
    def load_in_graph(iteration, step):
        batch = tf.numpy_function(load, [iteration, step], kinds, stateful=False)
        return tuple(map(tf.ensure_shape, batch, shapes))

    @tf.autograph.experimental.do_not_convert
    def batches(iteration):
        every = tf.data.Dataset.range(steps)
        return every.map(partial(load_in_graph, iteration))

    # One number per iteration, as for `image_dataset`.
    iterations = tf.data.Dataset.random(seeds.seed, rerandomize_each_iteration=True)
    dataset = iterations.take(1).flat_map(batches)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
    # As in `image_dataset`: TensorFlow keeps `load`, and `load` the arrays.
    weakref.finalize(dataset, arrays.clear)
    return dataset
