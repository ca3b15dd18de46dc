"""Where a step of the pretraining of the small AlexNet spends its time.

Run with `python tests/benchmarks/bench_pretraining.py --size 56`. Every layer is timed
alone, forward and with gradients, beside the whole step and the product of two large
matrices, which is the peak of the machine in effect. Nothing is asserted.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from bench_alexnet import random_input, seconds_per_step

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "zoo"))
from small_alexnet import build_classifier
from tiny_imagenet import CLASSES, new_targets


def peak_gflops(steps: int, dtype: str, size: int = 4096) -> float:
    matrix = tf.cast(random_input(size, size), dtype)
    product = tf.function(lambda: tf.reduce_sum(matrix @ matrix))
    return 2e-9 * size**3 / seconds_per_step(lambda: product().numpy(), steps)


def multiplications(layer, output_shape) -> int:
    """Multiplications of one image on the way forward."""
    if not hasattr(layer, "kernel"):
        return 0
    return int(np.prod(layer.kernel.shape) * np.prod(output_shape[1:-1]))


def layer_seconds(layer, batch: int, steps: int) -> float:
    """The time of a layer alone, forward and backward."""
    x = random_input(batch, *layer.input.shape[1:])

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(layer(x, training=True))
        wanted = [x, *(variable.value for variable in layer.trainable_variables)]
        return [tf.reduce_sum(g) for g in tape.gradient(loss, wanted)]

    return seconds_per_step(lambda: gradients()[0].numpy(), steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=56, help="pixels")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--steps", type=int, default=5, help="steps to time")
    parser.add_argument(
        "--dtype", default="float32", choices=("float32", "mixed_bfloat16")
    )
    options = parser.parse_args()

    model = build_classifier(options.size, options.dtype)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(1e-6, 0.9, nesterov=True), loss)
    images = np.zeros((options.batch, options.size, options.size, 3), np.uint8)
    targets = new_targets(np.arange(options.batch) % CLASSES)
    whole = seconds_per_step(
        lambda: model.train_on_batch(images, targets), options.steps
    )
    peak = peak_gflops(options.steps, options.dtype.removeprefix("mixed_"))
    print(f"peak by a product of matrices: {peak:.0f} GFLOPS")
    print(f"a step of {options.batch} images: {1e3 * whole:.0f} ms,", end=" ")
    print(f"{options.batch / whole:.0f} images/s\n")
    print("| Layer | ms | Share of the step | GFLOP | Of the peak |")
    print("|---|---|---|---|---|")
    total, flops = 0.0, 0.0
    for layer in model.backbone.layers[1:]:
        seconds = layer_seconds(layer, options.batch, options.steps)
        # Forward, and backward for the input and for the kernel.
        work = 6e-9 * options.batch * multiplications(layer, layer.output.shape)
        total, flops = total + seconds, flops + work
        print(
            f"| {layer.name} | {1e3 * seconds:.0f} | {seconds / whole:.0%} | "
            f"{work:.1f} | {work / seconds / peak:.0%} |",
            flush=True,
        )
    print(
        f"| all alone | {1e3 * total:.0f} | {total / whole:.0%} | {flops:.1f} | "
        f"{flops / whole / peak:.0%} in the step |"
    )


if __name__ == "__main__":
    main()
