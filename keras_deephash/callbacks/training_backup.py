"""Resuming a training that was killed at any moment."""

import json
import os
import threading
from contextlib import suppress

import h5py
import keras
import numpy as np

from keras_deephash.callbacks.divergence import check_weights
from keras_deephash.disk_room import check_room, disk_errors, weights_size
from keras_deephash.files import try_lock, write_atomically

_OPTIONS, _UNFINISHED = "options.json", "unfinished.weights.h5"
_LATEST, _GIVEN = "latest.weights.h5", "given.json"


def claim_backup(
    directory: str | os.PathLike, settings: dict, given: dict | None = None
) -> None:
    """Marks the directory of a backup with the settings of its training.

    Args:
        directory: str. Created if it does not exist.
        settings: dict of JSON values.
        given: dict of JSON values: the options that repeat the training, for
            `given_options`; they may differ for equal settings. Defaults to `None`.

    Raises:
        ValueError: if the directory is the backup of a training with other settings
            that has finished an epoch, or of one that is still running.
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
            f"({', '.join(changed)}). Repeat those to resume it, or remove the "
            "directory to start again."
        )


def given_options(directory: str | os.PathLike) -> dict:
    """Reads the options of `claim_backup`, which repeat the training of a backup.

    Raises:
        ValueError: if there is no backup of a training that finished an epoch.
    """
    path = os.path.join(directory, _GIVEN)
    if not os.path.isfile(os.path.join(directory, _LATEST)):
        raise ValueError(
            "There is no backup of a training to resume. "
            f"Received: {os.fspath(directory)!r}. Start the training without resuming."
        )
    try:
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"The backup {os.fspath(directory)!r} does not hold its options ({error}): "
            "give them again, without resuming."
        ) from None
    if not isinstance(given, dict):
        raise ValueError(f"{path!r} must hold a JSON object.")
    return given


def _holds_work(directory: str | os.PathLike) -> bool:
    """Returns whether there is more than settings and unfinished files."""
    names = set(os.listdir(directory)) - {_OPTIONS, _GIVEN, _UNFINISHED}
    return any(not name.startswith(".") for name in names)


# The trainings of this process: their thread, and the lock of their directory.
_held: dict[str, tuple[threading.Thread, int]] = {}


def _hold(directory: str | os.PathLike) -> None:
    """Reserves a backup for one training until `_release`, or the process ends.

    A second training in the same thread takes over, because the first must have been
    interrupted. On file systems without directory locks, nothing is reserved.
    """
    path = os.path.realpath(directory)
    message = (
        f"{os.fspath(directory)!r} is the backup of a training that is still running. "
        "Wait for its end, or use another directory."
    )
    if path in _held:
        thread, lock = _held[path]
        if os.path.samestat(os.fstat(lock), os.stat(path)):
            if thread.is_alive() and thread is not threading.current_thread():
                raise ValueError(message)
            _held[path] = threading.current_thread(), lock
            return
        _release(directory)  # The directory was removed, and created again.
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
    """Saves weights and optimizer after every epoch, in a file that is always complete.

    `keras.callbacks.BackupAndRestore` writes in place, and a kill while it writes
    loses the training; this one writes a second file and renames it. With `EpochSeeds`
    a resumed training gives the same weights as one without interruption. Put it last,
    so that it saves the changes of other callbacks. A directory serves one training at
    a time.

    Args:
        directory: str. Created if it does not exist.

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
        # Keras requires this ending of the name.
        self._unfinished = os.path.join(directory, _UNFINISHED)

    def restore(self, model: keras.Model) -> int:
        """Loads the last state of the training into a compiled model.

        Args:
            model: compiled `keras.Model`, created as for the training.

        Returns:
            The number of epochs that are done, 0 without a backup.

        Raises:
            ValueError: if the model is not compiled, or if the backup is of another
                model or of a training that is still running.
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
            # Older backups have no settings, and are not compared.
            theirs = json.loads(file.attrs.get("settings", "null"))
        classes = (theirs or {}).get("classes")
        if hasattr(model, "class_vectors") and model.classes is None and classes:
            model.know_classes(classes)  # As in its training.
        self._check_same(model, theirs)
        with model.distribute_strategy.scope():
            model.optimizer.build(model.trainable_variables)
            model.load_weights(self.path)
        return epochs

    def _check_same(self, model: keras.Model, theirs: dict | None) -> None:
        """Raises ValueError if the backup is of a model with other settings."""
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
            "to resume its training, or remove the directory to start again."
        )

    def on_train_begin(self, logs=None):
        _hold(self.directory)

    def on_train_end(self, logs=None):
        _release(self.directory)

    def on_epoch_end(self, epoch, logs=None):
        if self.model.stop_training and not np.isfinite((logs or {}).get("loss", 0)):
            return  # Stopped by `TerminateOnNaN`: this state must not be resumed.
        check_weights(self.model)
        with disk_errors(self.path):
            with suppress(FileNotFoundError):  # Left by a training that was killed.
                os.unlink(self._unfinished)
            variables = [*self.model.variables, *self.model.optimizer.variables]
            check_room(self._unfinished, weights_size(variables))
            self.model.save_weights(self._unfinished)
            with h5py.File(self._unfinished, "a") as file:
                file.attrs["epochs"] = epoch + 1
                file.attrs["settings"] = json.dumps(_settings(self.model))
            os.replace(self._unfinished, self.path)


def _settings(model: keras.Model) -> dict:
    """Returns the class of a model, and its arguments that are plain values."""
    config = {}
    with suppress(NotImplementedError):  # A user's class without `get_config`.
        config = model.get_config()
    plain = {
        key: value
        for key, value in config.items()
        if isinstance(value, (bool, int, float, str, type(None))) or key == "lengths"
    }
    for key in ("name", "trainable"):  # Keras numbers the names of models.
        plain.pop(key, None)
    return json.loads(json.dumps({**plain, "class": type(model).__name__}))
