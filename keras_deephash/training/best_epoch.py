"""Early stopping by the held-out MAP."""

import json
import os

import keras

from keras_deephash.files import write_atomically

_FIGURES, _WEIGHTS = "held_out.json", "best.weights.h5"
# The figure that is watched; `RetrievalEvaluation` writes it into the logs.
_FIGURE = "val_map"


class BestEpoch(keras.callbacks.Callback):
    """Stops a training when its held-out MAP stops rising, and keeps the best epoch.

    Put it after `RetrievalEvaluation` and before `TrainingBackup`. With a directory, a
    training that is killed and resumed stops after the same epoch as without the
    interruption.

    Args:
        patience: int, >= 1. Evaluations without a rise after which it stops.
        directory: str. The existing directory of the training's backup. Defaults to
            `None`: the best weights are kept in memory.
    """

    def __init__(self, patience: int, directory: str | os.PathLike | None = None):
        super().__init__()
        self.patience = patience
        self.directory = directory
        # All held-out figures by epoch, from 0.
        self.figures: dict[int, dict] = {}
        self._weights = None

    def resume(self, epochs: int) -> None:
        """Loads the figures of the first `epochs` epochs, which are done."""
        path = self._path(_FIGURES)
        if path is None or not os.path.isfile(path):
            return
        with open(path, encoding="utf-8") as file:
            figures = json.load(file)
        # Epochs that the backup lacks are repeated, with the same figures.
        self.figures = {int(k): v for k, v in figures.items() if int(k) < epochs}

    @property
    def best(self) -> int | None:
        """The first epoch of the highest MAP, from 0; None before an evaluation."""
        return max(self.figures, key=lambda n: self.figures[n][_FIGURE], default=None)

    @property
    def is_over(self) -> bool:
        """Whether the MAP has not risen for `patience` evaluations."""
        later = [epoch for epoch in self.figures if epoch > self.best]
        return len(later) >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        if _FIGURE not in (logs or {}):
            return
        found = {k: float(v) for k, v in logs.items() if k.startswith("val_")}
        self.figures[epoch] = found
        if self.best == epoch:
            self._keep()
        if self.directory is not None:
            with write_atomically(self._path(_FIGURES)) as file:
                file.write(json.dumps(self.figures).encode())
        if self.is_over:
            self.model.stop_training = True

    def take_best(self, model: keras.Model) -> dict:
        """Gives the model the weights of the best epoch, after the training.

        Returns:
            dict of that epoch's figures, and `best_epoch`, from 1; empty if nothing was
            evaluated.
        """
        if self.best is None:
            return {}
        with model.distribute_strategy.scope():
            if self.directory is None:
                model.set_weights(self._weights)
            else:
                model.load_weights(self._path(_WEIGHTS))
        return {**self.figures[self.best], "best_epoch": self.best + 1}

    def _keep(self) -> None:
        if self.directory is None:
            self._weights = self.model.get_weights()
            return
        # Keras requires this ending of the name.
        unfinished = self._path(f"unfinished.{_WEIGHTS}")
        self.model.save_weights(unfinished)
        os.replace(unfinished, self._path(_WEIGHTS))

    def _path(self, name: str) -> str | None:
        return None if self.directory is None else os.path.join(self.directory, name)
