"""Randomness that depends only on the number of the epoch."""

import keras
import numpy as np

from keras_deephash.checks import check_integer


class EpochSeeds(keras.callbacks.Callback):
    """Draws data and dropout of an epoch only from a seed and the epoch's number.

    A training that is killed and resumed, for example with `TrainingBackup`, then gives
    the same weights as one without interruption. Pass this callback to `image_dataset`,
    for the order, crops and augmentations, and also to `fit`, where it sets the epoch
    and reseeds the model's dropout layers, whose state is not in weights files.

    Keras must begin a new iteration over the dataset every epoch, as it does without
    `steps_per_epoch`. A second `fit` that starts from epoch 0 again sees the same
    data again: give it another seed.

    Args:
        seed: int, >= 0. Defaults to `0`.

    Attributes:
        epoch: int, the current epoch of the training; None while no training runs: the
            dataset then has another order in every iteration.

    Raises:
        ValueError: for a seed that is not an integer >= 0.

    Example:

    >>> seeds = EpochSeeds(1)
    >>> dataset = image_dataset(train, model.preprocessor, training=True, seed=seeds)
    >>> model.compile()
    >>> backup = TrainingBackup("backup")
    >>> first = backup.restore(model)
    >>> model.fit(dataset, epochs=10, initial_epoch=first, callbacks=[seeds, backup])
    """

    def __init__(self, seed: int = 0):
        super().__init__()
        self.seed = check_integer("seed", seed, minimum=0)
        self.epoch = None

    def generator(self, iteration: int = 0, purpose: int = 0) -> np.random.Generator:
        """Returns the random generator of the epoch.

        Args:
            iteration: int, >= 0. Used in place of the epoch while no training runs.
                Defaults to `0`.
            purpose: int, >= 0. Generators for different purposes are independent.
                Defaults to `0`, the data.
        """
        number = iteration if self.epoch is None else self.epoch
        return np.random.default_rng([self.seed, int(number), purpose])

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        generator = self.generator(purpose=1)
        for state in _seed_states(self.model):
            state.assign([int(generator.integers(2**31)), 0])

    def on_train_end(self, logs=None):
        self.after_training()

    def after_training(self) -> None:
        """Called by `fit` of the models, even if a training is interrupted."""
        self.epoch = None


def _seed_states(model: keras.Model) -> list:
    """The states of the seed generators of all layers: seed and count."""
    weights = {id(variable) for variable in model.weights}
    return [variable for variable in model.variables if id(variable) not in weights]
