"""The triplets of DTQ's `mining="margin"`: sorted distances against the cube.

Run with `python tests/benchmarks/bench_triplets.py`. Both forms take a batch of
features with gradients, in turn; the cube is the naive form of the same draw. Nothing
is asserted.
"""

import argparse
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf

from keras_deephash.losses import TripletLoss
from keras_deephash.losses.distances import pairwise_distances
from keras_deephash.losses.pairs import self_pairs, similar_pairs

MARGIN = 30.0


def cube_loss(features, labels):
    """The loss with an array of all triplets, batch^3 numbers."""
    distances = pairwise_distances(features, features, "squared_euclidean")
    similar = similar_pairs(labels, labels)
    others = 1 - self_pairs(features, features, 0)
    positive, negative = similar * others, (1 - similar) * others
    slack = MARGIN + distances[:, :, None] - distances[:, None, :]
    violating = positive[:, :, None] * negative[:, None, :]
    violating *= tf.cast(slack > 0, tf.float32)
    count = tf.reduce_sum(violating, axis=2)
    draws = tf.random.uniform(tf.shape(count))
    drawn = tf.minimum(tf.floor(draws * count) + 1, count)
    numbers = tf.cumsum(violating, axis=2)
    selected = violating * tf.cast(numbers == drawn[:, :, None], tf.float32)
    triplets = tf.maximum(tf.reduce_sum(selected), 1.0)
    return tf.reduce_sum(tf.nn.relu(slack) * selected) / triplets


def with_gradient(loss):
    @tf.function
    def step(features, labels):
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = loss(features, labels)
        return value, tape.gradient(value, features)

    return step


def peak() -> float:
    """The largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[128, 256, 512])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count the processor's time, of all threads, for a machine that is shared",
    )
    options = parser.parse_args()
    clock = time.process_time if options.processor_time else time.perf_counter
    generator = np.random.default_rng(0)
    print("| Batch | Cube, ms | Sorted, ms | Ratio | Cube, MB | Sorted, MB |")
    print("|---|---|---|---|---|---|")
    for batch in options.batch_sizes:
        features = tf.constant(generator.normal(size=(batch, 300)), tf.float32)
        labels = tf.one_hot(generator.integers(0, 10, batch), 10)
        # The new form first: memory is counted by its peak.
        steps = {"sorted": with_gradient(TripletLoss(MARGIN))}
        steps["cube"] = with_gradient(cube_loss)
        memory, seconds = {}, {name: [] for name in steps}
        for name, step in steps.items():
            before = peak()
            step(features, labels)
            memory[name] = peak() - before
        for _ in range(options.rounds):
            for name, step in steps.items():
                start = clock()
                step(features, labels)[1].numpy()
                seconds[name].append(1e3 * (clock() - start))
        cube, new = (np.median(seconds[name]) for name in ("cube", "sorted"))
        print(
            f"| {batch} | {cube:.1f} | {new:.1f} | {cube / new:.1f} | "
            f"{memory['cube']:.0f} | {memory['sorted']:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
