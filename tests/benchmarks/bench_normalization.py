"""Local response normalization by two square roots against a general power.

Run with `python tests/benchmarks/bench_normalization.py`. Times the layer alone, at the
two places of the Caffe AlexNet, and a training step of the whole network, with both
forms in turn. Nothing is asserted.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from keras import ops

import keras_deephash as kdh
from keras_deephash.backbones.layers import LocalResponseNormalization

SHAPES = ((27, 27, 96), (13, 13, 256))


class ByPower(LocalResponseNormalization):
    """The layer as it computes every exponent."""

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        channels = np.arange(inputs.shape[-1])
        near = np.abs(channels[:, None] - channels[None, :]) <= self.radius
        window_sum = ops.matmul(ops.square(x), near.astype("float32"))
        y = x * ops.power(self.k + self.alpha * window_sum, -self.beta)
        return ops.cast(y, self.compute_dtype)


def layer_step(layer, x):
    @tf.function
    def step():
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, x)

    return step


def network_step(layer_class, batch: int, dtype: str):
    """A step of SGD on random images of the Caffe AlexNet with a layer of classes."""
    from keras_deephash.backbones import alexnet

    alexnet.LocalResponseNormalization = layer_class
    try:
        backbone = kdh.AlexNetBackbone(dtype=dtype)
    finally:
        alexnet.LocalResponseNormalization = LocalResponseNormalization
    model = keras.Sequential([backbone, keras.layers.Dense(10, dtype="float32")])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    generator = np.random.default_rng(0)
    images = generator.normal(size=(batch, 227, 227, 3)).astype("float32")
    labels = generator.integers(0, 10, batch)
    return lambda: model.train_on_batch(images, labels)


def compare(name: str, steps: dict, rounds: int, clock) -> None:
    """Prints the median times of two steps that run in turn, and their ratio."""
    times = {form: [] for form in steps}
    for step in steps.values():
        step()  # Traces.
    for _ in range(rounds):
        for form, step in steps.items():
            start = clock()
            np.asarray(step())
            times[form].append(1e3 * (clock() - start))
    power, roots = (np.median(times[form]) for form in ("power", "roots"))
    print(f"| {name} | {power:.1f} | {roots:.1f} | {power / roots:.2f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--dtypes", nargs="*", default=["float32", "mixed_bfloat16"])
    parser.add_argument("--processor-time", action="store_true")
    options = parser.parse_args()
    clock = time.process_time if options.processor_time else time.perf_counter
    generator = np.random.default_rng(0)
    print("| With gradients | Power, ms | Roots, ms | Ratio |\n|---|---|---|---|")
    for shape in SHAPES:
        x = generator.normal(0, 30, (options.batch_size, *shape))
        x = tf.constant(x, tf.float32)
        steps = {
            "power": layer_step(ByPower(), x),
            "roots": layer_step(LocalResponseNormalization(), x),
        }
        compare(f"layer, {shape}", steps, options.rounds, clock)
    for dtype in options.dtypes:
        steps = {
            "power": network_step(ByPower, options.batch_size, dtype),
            "roots": network_step(
                LocalResponseNormalization, options.batch_size, dtype
            ),
        }
        compare(f"training step, {dtype}", steps, options.rounds, clock)


if __name__ == "__main__":
    main()
