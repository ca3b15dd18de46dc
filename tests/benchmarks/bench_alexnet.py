"""Speed of AlexNet on this machine; prints figures, asserts nothing.

python tests/benchmarks/bench_alexnet.py --batch 32 --steps 5
"""

import argparse
import time

import keras
import numpy as np
import tensorflow as tf

from keras_deephash import AlexNetBackbone
from keras_deephash.backbones import GroupedConv2D


def seconds_per_step(step, steps: int) -> float:
    """The median time of a step, after one to compile it."""
    step()
    times = []
    for _ in range(steps):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def random_input(*shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(0).normal(size=shape), "float32")


def bench_model(title: str, model: keras.Model, batch: int, steps: int) -> None:
    """Prints images per second, forward and in a step of SGD."""
    x = random_input(batch, *model.input_shape[1:])
    optimizer = keras.optimizers.SGD(1e-6, momentum=0.9)
    optimizer.build(model.trainable_variables)

    @tf.function
    def forward():
        return model(x, training=False)

    @tf.function
    def train():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(model(x, training=True)))
        variables = model.trainable_variables
        optimizer.apply_gradients(
            zip(tape.gradient(loss, variables), variables, strict=True)
        )
        return loss

    for name, function in (("forward", forward), ("training", train)):
        seconds = seconds_per_step(lambda f=function: f().numpy(), steps)
        rate = batch / seconds
        print(f"{title}, {name}: {rate:.0f} images/s ({seconds * 1e3:.0f} ms a step)")


def bench_conv2(layer: keras.layers.Layer, batch: int, steps: int) -> None:
    """Prints the time of conv2 of the Caffe form, forward and with gradients."""
    x = random_input(batch, 27, 27, 96)
    layer.build(x.shape)
    weights = [variable.value for variable in layer.trainable_variables]

    @tf.function
    def forward():
        return tf.reduce_sum(layer(x))

    @tf.function
    def gradients():
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.square(layer(x)))
        return [tf.reduce_sum(g) for g in tape.gradient(loss, [x, *weights])]

    for name, function in (("forward", forward), ("with gradients", gradients)):
        seconds = seconds_per_step(
            lambda f=function: tf.nest.flatten(f())[0].numpy(), steps
        )
        print(f"conv2 by {type(layer).__name__}, {name}: {seconds * 1e3:.0f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=32, help="images, Caffe form")
    parser.add_argument("--small-batch", type=int, default=128, help="small form")
    parser.add_argument("--steps", type=int, default=3, help="steps to time")
    parser.add_argument("--dtype", default="float32", help="dtype policy of the models")
    args = parser.parse_args()

    print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {args.dtype}")
    small = AlexNetBackbone.small(32, dtype=args.dtype)
    bench_model("small form, 32 px", small, args.small_batch, args.steps)
    bench_conv2(GroupedConv2D(256, 5, groups=2), args.batch, args.steps)
    keras_layer = keras.layers.Conv2D(256, 5, padding="same", groups=2)
    bench_conv2(keras_layer, args.batch, args.steps)
    caffe = AlexNetBackbone(dtype=args.dtype)
    bench_model("Caffe form, 227 px", caffe, args.batch, args.steps)


if __name__ == "__main__":
    main()
