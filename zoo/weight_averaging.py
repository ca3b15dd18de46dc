"""The moving average of a training's weights, with batch statistics of its own.

Keras puts the average in the place of the weights at the end of every `fit`. A training
that calls `fit` once an epoch thus begins each epoch from the average before it.
"""

import contextlib
import itertools

import keras
import tensorflow as tf


@contextlib.contextmanager
def settings(layers: list[keras.Layer], name: str, value: float):
    """Within it the layers have this value of an attribute."""
    old = [getattr(layer, name) for layer in layers]
    for layer in layers:
        setattr(layer, name, value)
    try:
        yield
    finally:
        for layer, before in zip(layers, old, strict=True):
            setattr(layer, name, before)


def renew_statistics(model: keras.Model, data: tf.data.Dataset, batches: int) -> None:
    """Sets the statistics of batch normalization to the mean of the first batches.

    Those of a training are of the weights that it went through, and an average of
    these passes other numbers on. Dropout, which spreads them, is left out.
    """
    layers = model.backbone.layers
    normalizations = [
        n for n in layers if isinstance(n, keras.layers.BatchNormalization)
    ]
    dropouts = [d for d in layers if isinstance(d, keras.layers.Dropout)]
    variables = [v for n in normalizations for v in (n.moving_mean, n.moving_variance)]
    sums, count = [0.0] * len(variables), 0
    # With a momentum of 0 a pass leaves the batch's own statistics behind.
    with settings(normalizations, "momentum", 0.0), settings(dropouts, "rate", 0.0):
        for images, _ in itertools.islice(data, batches):
            model(images, training=True)
            sums = [s + v.numpy() for s, v in zip(sums, variables, strict=True)]
            count += 1
    for variable, total in zip(variables, sums, strict=True):
        variable.assign(total / count)


@contextlib.contextmanager
def averaged_weights(model: keras.Model, data: tf.data.Dataset, batches: int = 100):
    """Within it the model has the average that its optimizer keeps (`use_ema`)."""
    trained = model.get_weights()
    try:
        model.optimizer.finalize_variable_values(model.trainable_variables)
        renew_statistics(model, data, batches)
        yield
    finally:
        model.set_weights(trained)
