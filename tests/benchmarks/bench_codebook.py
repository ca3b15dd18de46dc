"""Encoding of 54,000 x 300 features into 4 x 256 additive codes: time and distortion.

  python tests/benchmarks/bench_codebook.py [--features FILE.npy] [--rows 54000]

Against the one-hot iterated conditional modes of the released code (batches of 500, a
difference tensor [500, 256, 300] a sub-codebook, 3 sweeps), with the same centres; and
against faiss's quantizers of the same code length, trained on the same 5,000 rows.
Without a file, the features are tanh of 12 random factors with noise.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import faiss
import numpy as np
import tensorflow as tf

from keras_deephash.codebooks import Codebook

SUBCODEBOOKS, SUBCENTERS, TRAINING_ROWS = 4, 256, 5000


def make_features(rows: int) -> np.ndarray:
    generator = np.random.default_rng(0)
    factors = generator.normal(size=(rows, 12)) @ generator.normal(size=(12, 300))
    noise = 0.3 * generator.normal(size=(rows, 300))
    return np.tanh(factors / 2 + noise).astype("float32")


@tf.function(reduce_retracing=True)
def one_hot_icm(features, centers):
    """The released code's way, a batch at a time."""
    subcodebooks, subcenters, _ = centers.shape
    codes = [tf.zeros((tf.shape(features)[0], subcenters))] * subcodebooks
    for _ in range(3):
        for m in range(subcodebooks):
            others = [
                tf.matmul(codes[o], centers[o]) for o in range(subcodebooks) if o != m
            ]
            residual = features - tf.add_n(others)
            differences = residual[:, None, :] - centers[m][None]
            errors = tf.reduce_sum(tf.square(differences), axis=2)
            codes[m] = tf.one_hot(tf.argmin(errors, axis=1), subcenters)
    return tf.stack([tf.argmax(code, axis=1) for code in codes], axis=1)


def measure(function):
    started = time.perf_counter()
    result = function()
    return result, time.perf_counter() - started


def distortion(features, reconstructions) -> float:
    error = np.sum(np.square(features - reconstructions, dtype="float64"), axis=1)
    return float(error.mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--features", help="float array [n, D] in a .npy file")
    parser.add_argument("--rows", type=int, default=54_000)
    options = parser.parse_args()
    if options.features:
        features = np.load(options.features)[: options.rows].astype("float32")
    else:
        features = make_features(options.rows)
    training = features[:TRAINING_ROWS]

    codebook = Codebook(SUBCODEBOOKS, SUBCENTERS)
    _, training_time = measure(lambda: codebook.fit(training))
    codebook.encode(features[:500])  # Traces the function.
    codes, ours = measure(lambda: codebook.encode(features))
    rows = [("ours", training_time, ours, codebook.distortion(features, codes))]

    centers = tf.constant(codebook.centers)
    one_hot_icm(tf.constant(features[:500]), centers)

    def released():
        parts = [
            one_hot_icm(tf.constant(features[start : start + 500]), centers).numpy()
            for start in range(0, len(features), 500)
        ]
        return np.concatenate(parts).astype("uint8")

    codes, theirs = measure(released)
    error = codebook.distortion(features, codes)
    rows.append(("released code's ICM, our centres", None, theirs, error))

    dim = features.shape[1]
    for name, quantizer in (
        ("faiss ProductQuantizer", faiss.ProductQuantizer(dim, SUBCODEBOOKS, 8)),
        ("faiss ResidualQuantizer", faiss.ResidualQuantizer(dim, SUBCODEBOOKS, 8)),
        (
            "faiss LocalSearchQuantizer",
            faiss.LocalSearchQuantizer(dim, SUBCODEBOOKS, 8),
        ),
    ):
        _, training_time = measure(lambda q=quantizer: q.train(training))
        codes, encoding = measure(lambda q=quantizer: q.compute_codes(features))
        error = distortion(features, quantizer.decode(codes))
        rows.append((name, training_time, encoding, error))

    print(f"{len(features):,} x {dim}, {SUBCODEBOOKS} x {SUBCENTERS}")
    print(f"{'':34}{'train, s':>10}{'encode, s':>11}{'distortion':>12}")
    for name, training_time, encoding, error in rows:
        trained = "-" if training_time is None else f"{training_time:.2f}"
        print(f"{name:34}{trained:>10}{encoding:>11.2f}{error:>12.4f}")
    print(f"ours against the released code's: {theirs / ours:.1f} times as fast")


if __name__ == "__main__":
    main()
