"""Going on with a training that was killed at any moment."""

import json
import os
import threading
from contextlib import suppress

import h5py
import keras
import numpy as np

from keras_deephash.callbacks.divergence import check_weights
from keras_deephash.files import (
    check_room,
    disk_errors,
    try_lock,
    weights_size,
    write_atomically,
)

_OPTIONS, _UNFINISHED = "options.json", "unfinished.weights.h5"
_LATEST, _GIVEN = "latest.weights.h5", "given.json"


def claim_backup(
    directory: str | os.PathLike, settings: dict, given: dict | None = None
) -> None:
    """Marks the directory of a backup with the settings of its training.

    Args:
        directory: str. Made if it is missing.
        settings: dict, plain for JSON.
        given: dict, plain for JSON: what repeats the training, for `given_options`;
            it may differ where the settings do not. Defaults to `None`.

    Raises:
        ValueError: if the backup there is of a training with other settings that has
            finished an epoch, or of one that goes on now.
    """
    os.makedirs(directory, exist_ok=True)
    _hold(directory)
    path = os.path.join(directory, _OPTIONS)
    settings = json.loads(json.dumps(settings))
    if not os.path.isfile(path) or not _holds_work(directory):
        with write_atomically(path) as file:
            file.write(json.dumps(settings, indent=2, sort_keys=True).encode())
        if given is not None:
            with write_atomically(os.path.join(directory, _GIVEN)) as file:
                file.write(json.dumps(given, indent=2, sort_keys=True).encode())
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


def given_options(directory: str | os.PathLike) -> dict:
    """The options that repeat the training of a backup, as `claim_backup` had them.

    Raises:
        ValueError: if there is no backup of a training that finished an epoch.
    """
    path = os.path.join(directory, _GIVEN)
    if not os.path.isfile(os.path.join(directory, _LATEST)):
        raise ValueError(
            "There is no backup of a training to go on with. "
            f"Received: {os.fspath(directory)!r}. Begin one without resuming."
        )
    try:
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"The backup {os.fspath(directory)!r} does not say its options ({error}): "
            "repeat them, without resuming."
        ) from None
    if not isinstance(given, dict):
        raise ValueError(f"{path!r} must hold a JSON object.")
    return given


def _holds_work(directory: str | os.PathLike) -> bool:
    """Whether there is more than the settings and what a kill left unfinished."""
    names = set(os.listdir(directory)) - {_OPTIONS, _GIVEN, _UNFINISHED}
    return any(not name.startswith(".") for name in names)


# The trainings of this process: their thread, and the lock of their directory.
_held: dict[str, tuple[threading.Thread, int]] = {}


def _hold(directory: str | os.PathLike) -> None:
    """Keeps a backup to one training until `_release`, or until the process ends.

    Another training in the same thread comes after it: the first one was interrupted.
    Where directories have no locks, nothing is kept.
    """
    path = os.path.realpath(directory)
    message = (
        f"{os.fspath(directory)!r} is the backup of a training that goes on now. Wait "
        "for its end, or give this one a directory of its own."
    )
    if path in _held:
        thread, lock = _held[path]
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            if thread.is_alive() and thread is not threading.current_thread():
                raise ValueError(message)
            _held[path] = threading.current_thread(), lock
            return
        _release(directory)  # The directory was removed, and made again.
    try:
        lock = try_lock(path)
    except BlockingIOError:
        raise ValueError(message) from None
    if lock is not None:
        _held[path] = threading.current_thread(), lock


def _release(directory: str | os.PathLike) -> None:
    _, lock = _held.pop(os.path.realpath(directory), (None, None))
    if lock is not None:
        os.close(lock)


class TrainingBackup(keras.callbacks.Callback):
    """Saves weights and optimizer after every epoch, in one file that is whole.

    `keras.callbacks.BackupAndRestore` writes in place, and a kill while it writes
    loses the training; this one writes beside the file and renames. With `EpochSeeds`
    a training that goes on gives the weights of one that ran through. Put it last: it
    saves what the other callbacks have changed. One training has a directory at a time.

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
        self.directory = directory
        self.path = os.path.join(directory, _LATEST)
        # The name must end as Keras wants it to.
        self._unfinished = os.path.join(directory, _UNFINISHED)

    def restore(self, model: keras.Model) -> int:
        """Takes a compiled model to where the training was.

        Args:
            model: compiled `keras.Model`, built as it was for the training.

        Returns:
            The number of epochs that are done, 0 without a backup.

        Raises:
            ValueError: if the model is not compiled, if the backup is of another one,
                or of a training that goes on now.
        """
        if not model.compiled:
            raise ValueError(
                "`model` must be compiled: call `model.compile()` before `restore`, "
                "which restores the optimizer too."
            )
        _hold(self.directory)
        if not os.path.exists(self.path):
            return 0
        with h5py.File(self.path, "r") as file:
            epochs = int(file.attrs["epochs"])
            # One that was written before there were settings in it is believed.
            theirs = json.loads(file.attrs.get("settings", "null"))
        classes = (theirs or {}).get("classes")
        if hasattr(model, "class_vectors") and model.classes is None and classes:
            model.know_classes(classes)  # As its training did.
        self._check_same(model, theirs)
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.path)
        return epochs

    def _check_same(self, model: keras.Model, theirs: dict | None) -> None:
        """Raises ValueError if a backup is of a model with other settings."""
        settings = _settings(model)
        if theirs is None or theirs == settings:
            return
        if theirs.get("class") != settings["class"]:
            changed = f"a {theirs.get('class')}, not of a {settings['class']}"
        else:
            names = sorted(
                name
                for name in settings.keys() | theirs.keys()
                if settings.get(name) != theirs.get(name)
            )
            changed = f"a model with other arguments ({', '.join(names)})"
        raise ValueError(
            f"{os.fspath(self.directory)!r} is the backup of {changed}. Build that one "
            "to go on with it, or remove the directory to begin anew."
        )

    def on_train_begin(self, logs=None):
        _hold(self.directory)

    def on_train_end(self, logs=None):
        _release(self.directory)

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training and not np.isfinite((logs or {}).get("loss", 0)):
            return  # By `TerminateOnNaN`: what it ends with is not to be gone on from.
        check_weights(self.model)
        with disk_errors(self.path):
            with suppress(FileNotFoundError):  # Of a training that was killed.
                os.unlink(self._unfinished)
            variables = [*self.model.variables, *self.model.optimizer.variables]
            check_room(self._unfinished, weights_size(variables))
            self.model.save_weights(self._unfinished)
            with h5py.File(self._unfinished, "a") as file:
                file.attrs["epochs"] = epoch + 1
                file.attrs["settings"] = json.dumps(_settings(self.model))
            os.replace(self._unfinished, self.path)


def _settings(model: keras.Model) -> dict:
    """The class of a model and its arguments that are plain values."""
    config = {}
    with suppress(NotImplementedError):  # A class of the user without `get_config`.
        config = model.get_config()
    plain = {
        key: value
        for key, value in config.items()
        if isinstance(value, (bool, int, float, str, type(None))) or key == "lengths"
    }
    for key in ("name", "trainable"):  # A name has the number of the model in it.
        plain.pop(key, None)
    return json.loads(json.dumps({**plain, "class": type(model).__name__}))
