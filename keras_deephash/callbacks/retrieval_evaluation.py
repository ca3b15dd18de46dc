"""Retrieval metrics during training."""

import re

import keras

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.retrieval.evaluate_model import check_arguments, evaluate_model

# The single figures of a model's `retrieval_metrics`. A model with several code lengths
# also has figures such as `map_16`.
FIGURES = {
    "map",
    "map_symmetric",
    "map_features",
    "map_at_radius",
    "map_at_radius_reranked",
    "map_at_radius_released",
    "precision_at_radius",
    "recall_at_radius",
    "empty_balls",
    "answered",
    "answered_at_radius",
}


class RetrievalEvaluation(keras.callbacks.Callback):
    """Evaluates retrieval on held-out images every n epochs.

    The metrics are added to the logs as `val_map`, `val_map_at_radius` and so on, like
    any other metric: the progress bar, `History`, `EarlyStopping` and
    `ModelCheckpoint(monitor="val_map", mode="max")` see them if they come after this
    callback in the list. Hold the images out of the training set: choices made on the
    query and database images of the final evaluation would spoil it.

    Args:
        query: `ImageSet`.
        database: `ImageSet`.
        every: int. Epochs between evaluations. Defaults to `1`.
        batch_size: int. Images per step. Defaults to `128`.
        metrics: names of single figures of the model's `retrieval_metrics`; those that
            a method does not have are left out. A model with `lengths` also has
            figures such as `map_16`, for 16 bits. Defaults to
            `("map", "map_at_radius", "map_features")`.
        **kwargs: arguments of `evaluate_retrieval`, such as `top_k` and `radius`, and
            `crops` of `encode`.

    Raises:
        ValueError: if an argument or a metric does not exist, or if query and database
            have different labels; at the beginning of the training, if there is a
            `radius` and the method has no binary codes.

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
        metrics=("map", "map_at_radius", "map_features"),
        **kwargs,
    ):
        super().__init__()
        self.every = check_integer("every", every, minimum=1)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        if isinstance(metrics, str):
            raise ValueError(
                f"`metrics` must be a list of names. Received: metrics={metrics!r}."
            )
        for name in metrics:
            if name not in FIGURES and not re.fullmatch("map_[0-9]+", str(name)):
                raise ValueError(
                    f"`metrics` must be some of {sorted(FIGURES)}, or a name such as "
                    f"`map_16`, for 16 bits. Received: {name!r}."
                )
        check_arguments(kwargs)
        labels = query.labels.shape[1], database.labels.shape[1]
        if labels[0] != labels[1]:
            raise ValueError(
                "`query` and `database` must have the same labels. "
                f"Received: {labels[0]} and {labels[1]} columns."
            )
        self.query = query
        self.database = database
        self.metrics = tuple(metrics)
        self.arguments = kwargs

    def on_train_begin(self, logs=None):
        if "radius" in self.arguments and self.model.is_quantizer:
            raise ValueError(
                "`radius` is a Hamming radius, for methods with binary codes: leave it "
                f"out. Received: radius={self.arguments['radius']}, a "
                f"{type(self.model).__name__}."
            )

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        result = evaluate_model(
            self.model,
            self.query,
            self.database,
            batch_size=self.batch_size,
            verbose=0,
            **self.arguments,
        )
        if logs is not None:
            for name in self.metrics:
                if name in result:
                    logs[f"val_{name}"] = result[name]
