"""Batches of features that were computed once, in several views."""

import numpy as np
import tensorflow as tf

from keras_deephash.callbacks.epoch_seeds import EpochSeeds


def feature_dataset(
    features: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
    seed: int | EpochSeeds = 0,
) -> tf.data.Dataset:
    """Full batches for `fit`, from one view an epoch, in random order.

    Args:
        features: float array [views, n, ...], of `RetrievalModel.frozen_features`. The
            images of a view are cropped, mirrored and augmented in their own way.
        labels: multi-hot array [views, n, L].
        batch_size: int. Images a (global) batch, at most n.
        seed: int, >= 0, or `callbacks.EpochSeeds`, as for `image_dataset`; with an
            int only the first view is used. Defaults to `0`.

    Returns:
        `tf.data.Dataset` of (float16 or float32 [b, ...], float32 [b, L]).
    """
    views, count = features.shape[:2]
    if not 0 < batch_size <= count:
        raise ValueError(
            "`batch_size` must be at least 1 and at most the number of images. "
            f"Received: batch_size={batch_size}, {count} images."
        )
    steps = count // batch_size
    seeds = seed if isinstance(seed, EpochSeeds) else EpochSeeds(seed)

    def batches():
        view = (seeds.epoch or 0) % views
        order = seeds.generator().permutation(count)[: steps * batch_size]
        for rows in order.reshape(steps, batch_size):
            yield features[view, rows], labels[view, rows].astype(np.float32)

    signature = (
        tf.TensorSpec((batch_size, *features.shape[2:]), features.dtype),
        tf.TensorSpec((batch_size, labels.shape[-1]), tf.float32),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.apply(tf.data.experimental.assert_cardinality(steps))
    return dataset.prefetch(2)
