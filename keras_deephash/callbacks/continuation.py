"""Outputs that become steeper from epoch to epoch."""

import math

import keras

# A step every 20 of 150 epochs, as in swuxyj/DeepHash-pytorch.
_STEP, _EPOCHS = 20, 150


class Continuation(keras.callbacks.Callback):
    """Sets the model's `beta` to sqrt(1 + step) at the beginning of each epoch.

    The step depends only on the number of the epoch, so that a resumed training
    continues with the same one.

    Args:
        epochs: int. Number of epochs for each step. Defaults to `None`: 20 of 150
            epochs, scaled to the length of the training.
    """

    def __init__(self, epochs: int | None = None):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if self.epochs is None:
            step = epoch * _EPOCHS // (_STEP * self.params["epochs"])
        else:
            step = epoch // self.epochs
        self.model.beta.assign(math.sqrt(1 + step))
