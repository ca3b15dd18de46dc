"""Mixes the images of a batch, and their labels (https://arxiv.org/abs/1710.09412)."""

import tensorflow as tf

from keras_deephash.callbacks import EpochSeeds


def mixed(
    dataset: tf.data.Dataset, alpha: float, batch_size: int, seeds: EpochSeeds
) -> tf.data.Dataset:
    """Each image of a batch, faded into another by a share of Beta(alpha, alpha).

    `dataset` gives uint8 images [n, h, w, 3] and float32 labels [n, L], n at most
    `batch_size`. The shares depend on the epoch's number, as the images' order does.
    """
    steps = int(dataset.cardinality())

    def draw(iteration):
        generator = seeds.generator(iteration, purpose=2)
        return generator.beta(alpha, alpha, (steps, batch_size)).astype("float32")

    def draw_in_graph(iteration):
        shares = tf.numpy_function(draw, [iteration], tf.float32)
        return tf.ensure_shape(shares, (steps, batch_size))

    def mix(batch, shares):
        images, labels = batch
        shares = shares[: tf.shape(labels)[0], None]
        labels = shares * labels + (1 - shares) * labels[::-1]
        shares, pixels = shares[..., None, None], tf.cast(images, tf.float32)
        pixels = tf.round(shares * pixels + (1 - shares) * pixels[::-1])
        return tf.cast(pixels, tf.uint8), labels

    iterations = tf.data.Dataset.random(seeds.seed, rerandomize_each_iteration=True)
    shares = iterations.take(1).map(draw_in_graph).unbatch()
    pairs = tf.data.Dataset.zip(dataset, shares).map(mix)
    return pairs.apply(tf.data.experimental.assert_cardinality(steps)).prefetch(2)
