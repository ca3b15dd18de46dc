"""Retrieval metrics during training."""

import keras

from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.retrieval import evaluate_retrieval

# Fields of `RetrievalMetrics` that are single figures.
FIGURES = {
    "map",
    "map_at_radius",
    "precision_at_radius",
    "recall_at_radius",
    "empty_balls",
    "answered",
}


class RetrievalEvaluation(keras.callbacks.Callback):
    """Evaluates retrieval on held-out images every n epochs.

    The metrics go into the logs as `val_map`, `val_map_at_radius` and so on, as
    any other metric: the progress bar, `History`, `EarlyStopping` and
    `ModelCheckpoint(monitor="val_map", mode="max")` see them, when they come after
    this callback in the list. Hold the images out of the training set: a choice
    made on the query and database images of the final evaluation spoils it.

    Args:
        query: `ImageSet`.
        database: `ImageSet`.
        every: int. Epochs between evaluations. Defaults to `1`.
        batch_size: int. Images a step. Defaults to `128`.
        metrics: names of single figures of `RetrievalMetrics`.
            Defaults to `("map", "map_at_radius")`.
        **kwargs: arguments of `evaluate_retrieval`, such as `top_k` and `radius`.

    Example:

    >>> rest, held_out = train.hold_out(0.1)
    >>> query, database = held_out.hold_out(0.8)
    >>> callback = RetrievalEvaluation(query, database, every=5)
    >>> model.fit(image_dataset(rest, ...), callbacks=[callback])
    """

    def __init__(
        self,
        query: ImageSet,
        database: ImageSet,
        every: int = 1,
        batch_size: int = 128,
        metrics=("map", "map_at_radius"),
        **kwargs,
    ):
        super().__init__()
        if every < 1:
            raise ValueError(f"`every` must be >= 1. Received: every={every}.")
        unknown = sorted(set(metrics) - FIGURES)
        if unknown:
            raise ValueError(
                f"`metrics` must be some of {sorted(FIGURES)}. "
                f"Received: {unknown[0]!r}."
            )
        self.query = query
        self.database = database
        self.every = every
        self.batch_size = batch_size
        self.metrics = tuple(metrics)
        self.arguments = kwargs

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        result = evaluate_retrieval(
            self.model.encode(self.query.images, self.batch_size, verbose=0),
            self.query.labels,
            self.model.encode(self.database.images, self.batch_size, verbose=0),
            self.database.labels,
            **self.arguments,
        )
        if logs is not None:
            for name in self.metrics:
                logs[f"val_{name}"] = getattr(result, name)
