"""Going on with a training that was killed at any moment."""

import os

import h5py
import keras


class TrainingBackup(keras.callbacks.Callback):
    """Saves weights and optimizer after every epoch, in one file that is whole.

    `keras.callbacks.BackupAndRestore` writes in place, and a kill while it writes
    loses the training; this one writes beside the file and renames. With `EpochSeeds`
    a training that goes on gives the weights of one that ran through. Put it last: it
    saves what the other callbacks have changed.

    Args:
        directory: str. Made if it is missing.

    Example:

    >>> backup = TrainingBackup("backup")
    >>> first = backup.restore(model)
    >>> model.fit(dataset, epochs=10, initial_epoch=first, callbacks=[backup])
    """

    def __init__(self, directory: str | os.PathLike):
        super().__init__()
        os.makedirs(directory, exist_ok=True)
        self.path = os.path.join(directory, "latest.weights.h5")
        # The name must end as Keras wants it to.
        self._unfinished = os.path.join(directory, "unfinished.weights.h5")

    def restore(self, model: keras.Model) -> int:
        """Takes a compiled model to where the training was.

        Args:
            model: compiled `keras.Model`, built as it was for the training.

        Returns:
            The number of epochs that are done, 0 without a backup.
        """
        if not os.path.exists(self.path):
            return 0
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.path)
        with h5py.File(self.path, "r") as file:
            return int(file.attrs["epochs"])

    def on_epoch_end(self, epoch, logs=None):
        self.model.save_weights(self._unfinished)
        with h5py.File(self._unfinished, "a") as file:
            file.attrs["epochs"] = epoch + 1
        os.replace(self._unfinished, self.path)
