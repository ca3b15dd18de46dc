"""Training on losses over the global batch: fit, evaluate and predict."""

import keras
import tensorflow as tf

from keras_deephash.callbacks.divergence import StopWhenDiverged
from keras_deephash.models.base.batch_checks import check_arrays
from keras_deephash.models.base.compilation import CompileMixin
from keras_deephash.models.base.freezing import (
    FreezingMixin,
)
from keras_deephash.models.base.global_batch_steps import GlobalBatchSteps
from keras_deephash.models.base.label_forms import (
    check_labels,
    check_order,
    check_same_names,
    count_labels,
    known_labels,
)
from keras_deephash.models.base.learning_rates import (
    check_schedule,
)
from keras_deephash.models.base.replica_checks import (
    batches_explained,
    check_scope,
)
from keras_deephash.presets.savable import warn_unless_savable
from keras_deephash.progress import keras_verbosity


class GlobalBatchTraining(FreezingMixin, CompileMixin, GlobalBatchSteps):
    """The training of a model whose loss is over the global batch.

    A subclass has a `backbone`, a `preprocessor` and an `output_layer`, the layer
    after the backbone, and implements `loss_terms`.
    """

    # === What a subclass may define ===

    @classmethod
    def learns_from_labels(cls, arguments: dict) -> bool:
        """Returns whether a model needs labels, before it is built.

        Args:
            arguments: dict, the constructor's arguments by name.
        """
        return cls.needs_labels

    def own_callbacks(self) -> list[keras.callbacks.Callback]:
        """Returns callbacks that every `fit` adds; they run before the user's."""
        return []

    # === Training ===

    def fit(
        self,
        x=None,
        y=None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose="auto",
        callbacks=None,
        classes: int | None = None,
        **kwargs,
    ):
        """Trains the model, like `keras.Model.fit`.

        Args:
            x: `tf.data.Dataset` of (images, labels), such as
                `datasets.image_dataset` makes, or an array [n, h, w, 3] of pixels
                at the network's input size. A batch is the global batch: with
                several replicas its pairs span all of them.
            y: labels if `x` is an array: class indices, ints [n] (-1 for no label),
                or multi-hot [n, L].
            batch_size: int. Images per batch if `x` is an array. Defaults to `32`.
            epochs: int. Defaults to `1`.
            verbose: `"auto"`, 0, 1 or 2. Defaults to `"auto"`: 1 on a terminal, else 2,
                one line for each epoch.
            callbacks: list of `keras.callbacks.Callback`. Defaults to none.
            classes: int. Number of classes, if labels are class indices. Defaults to
                `None`: taken from the dataset's `class_names`, the model's
                `label_names`, or `y`.
            **kwargs: other arguments of `keras.Model.fit`, such as `initial_epoch` and
                `validation_data`.

        Raises:
            ValueError: if labels have no known form, or pixels do not lie between 0
                and 255 (in a dataset, when that batch is reached, unless
                `jit_compile=True`), or if the training diverges, at the first step
                whose loss is not finite.
        """
        check_scope(self)
        self.training_record = self.radius_table = None  # The weights change now.
        warn_unless_savable(self)
        if not self.needs_labels:
            y = None  # Labels that are passed along are ignored.
        else:
            classes = self._know_labels(x, y, classes)
        check_arrays(x, y, "y", self.takes_as_features, classes)
        validation = kwargs.get("validation_data")
        if isinstance(validation, (list, tuple)) and len(validation) > 1:
            if not self.needs_labels:
                validation = kwargs["validation_data"] = (validation[0], None)
            check_arrays(
                *validation[:2], "validation_data", self.takes_as_features, classes
            )
        if isinstance(callbacks, keras.callbacks.Callback):
            callbacks = [callbacks]
        if not isinstance(callbacks, (list, tuple, type(None))):
            raise ValueError(
                "`callbacks` must be a list of Keras callbacks. "
                f"Received: {type(callbacks).__name__}."
            )
        if not self.compiled:
            self.compile()
        if not self.optimizer.built:
            # A step that creates the variables itself is traced twice by TensorFlow.
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)
        if isinstance(x, tf.data.Dataset):
            kwargs.setdefault("shuffle", False)  # Otherwise Keras warns.
        check_schedule(self, callbacks or [])
        callbacks = self.own_callbacks() + list(callbacks or [])
        callbacks.append(StopWhenDiverged())
        try:
            with batches_explained(self):
                return super().fit(
                    x,
                    y,
                    batch_size=batch_size,
                    epochs=epochs,
                    verbose=keras_verbosity(verbose),
                    callbacks=callbacks,
                    **kwargs,
                )
        finally:
            # Keras does not call `on_train_end` when a training is interrupted.
            for callback in callbacks:
                if hasattr(callback, "after_training"):
                    callback.after_training()

    def _know_labels(self, x, y, classes: int | None) -> int | None:
        """Records the names and the number of the labels, and returns the number."""
        names, classes = known_labels(self, x, y, classes)
        check_labels(y, "y", classes)
        if hasattr(self, "class_vectors"):  # Those are in the order of the names.
            check_order(names, self.label_names)
        self.know_classes(count_labels(x, y, classes))
        self.label_names = names
        self._take_classes(classes)
        return classes

    def _take_classes(self, classes: int | None) -> None:
        if classes != self._classes:
            self._classes = classes
            # They were traced with the old number.
            self.train_function = self.test_function = None

    def know_classes(self, classes: int | None) -> None:
        """Called by `fit` and `evaluate` before they start.

        Args:
            classes: int, L; None if the dataset does not say.
        """

    def evaluate(
        self,
        x=None,
        y=None,
        batch_size=None,
        verbose="auto",
        classes: int | None = None,
        **kwargs,
    ):
        """Computes the losses on labelled images, like `keras.Model.evaluate`.

        Labels have the forms that `fit` accepts. For retrieval metrics, encode the
        images and call `keras_deephash.evaluate_retrieval`.

        Raises:
            ValueError: as for `fit`, and if the dataset's `class_names` are not the
                model's `label_names`.
        """
        known = self._classes
        if not self.needs_labels:
            y = None
        elif not kwargs.get("_use_cached_eval_dataset"):  # Set by Keras's `fit`.
            names, classes = known_labels(self, x, y, classes)
            check_same_names(names, self.label_names)
            check_labels(y, "y", classes)
            self.know_classes(count_labels(x, y, classes))
            self._take_classes(classes)
        try:
            with batches_explained(self):
                return super().evaluate(
                    x, y, batch_size, keras_verbosity(verbose), **kwargs
                )
        finally:
            if known is not None:
                self._take_classes(known)

    def predict(self, x, batch_size=None, verbose="auto", **kwargs):
        """Computes continuous codes of pixels or features, like `keras.Model.predict`.

        Raises:
            ValueError: if pixels do not lie between 0 and 255.
        """
        with batches_explained(self):
            return super().predict(x, batch_size, keras_verbosity(verbose), **kwargs)

    def predict_on_batch(self, x):
        with batches_explained(self):
            return super().predict_on_batch(x)
