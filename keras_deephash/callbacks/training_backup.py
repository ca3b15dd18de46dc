"""Going on with a training that was killed at any moment."""

import json
import os

import h5py
import keras

from keras_deephash.files import write_atomically

_OPTIONS, _UNFINISHED = "options.json", "unfinished.weights.h5"


def claim_backup(directory: str | os.PathLike, settings: dict) -> None:
    """Marks the directory of a backup with the settings of its training.

    Args:
        directory: str. Made if it is missing.
        settings: dict, plain for JSON.

    Raises:
        ValueError: if the backup there is of a training with other settings that has
            finished an epoch.
    """
    path = os.path.join(directory, _OPTIONS)
    settings = json.loads(json.dumps(settings))
    if not os.path.isfile(path) or not _holds_work(directory):
        with write_atomically(path) as file:
            file.write(json.dumps(settings, indent=2, sort_keys=True).encode())
        return
    with open(path, encoding="utf-8") as file:
        theirs = json.load(file)
    names = sorted(settings.keys() | theirs.keys())
    changed = [name for name in names if theirs.get(name) != settings.get(name)]
    if changed:
        raise ValueError(
            f"{os.fspath(directory)!r} is the backup of a training with other options "
            f"({', '.join(changed)}). Repeat those to go on with it, or remove the "
            "directory to begin anew."
        )


def _holds_work(directory: str | os.PathLike) -> bool:
    """Whether there is more than the settings and what a kill left unfinished."""
    names = set(os.listdir(directory)) - {_OPTIONS, _UNFINISHED}
    return any(not name.startswith(".") for name in names)


class TrainingBackup(keras.callbacks.Callback):
    """Saves weights and optimizer after every epoch, in one file that is whole.

    `keras.callbacks.BackupAndRestore` writes in place, and a kill while it writes
    loses the training; this one writes beside the file and renames. With `EpochSeeds`
    a training that goes on gives the weights of one that ran through. Put it last: it
    saves what the other callbacks have changed.

    Args:
        directory: str. Made if it is missing.

    Example:

    >>> model.compile()
    >>> backup = TrainingBackup("backup")
    >>> first = backup.restore(model)
    >>> model.fit(dataset, epochs=10, initial_epoch=first, callbacks=[backup])
    """

    def __init__(self, directory: str | os.PathLike):
        super().__init__()
        os.makedirs(directory, exist_ok=True)
        self.path = os.path.join(directory, "latest.weights.h5")
        # The name must end as Keras wants it to.
        self._unfinished = os.path.join(directory, _UNFINISHED)

    def restore(self, model: keras.Model) -> int:
        """Takes a compiled model to where the training was.

        Args:
            model: compiled `keras.Model`, built as it was for the training.

        Returns:
            The number of epochs that are done, 0 without a backup.

        Raises:
            ValueError: if the model is not compiled.
        """
        if not model.compiled:
            raise ValueError(
                "`model` must be compiled: call `model.compile()` before `restore`, "
                "which restores the optimizer too."
            )
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
