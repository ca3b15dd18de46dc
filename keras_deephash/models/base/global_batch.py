"""Training on losses over the global batch: compile, fit, evaluate and predict."""

import keras
import tensorflow as tf

from keras_deephash.callbacks.divergence import StopWhenDiverged
from keras_deephash.models.base.batch_checks import check_arrays
from keras_deephash.models.base.freezing import (
    FreezingMixin,
    freezing_config,
    restore_freezing,
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
    PUBLISHED,
    check_multipliers,
    check_schedule,
    new_multipliers,
)
from keras_deephash.models.base.loss_scale import has_float16_layers, with_loss_scale
from keras_deephash.models.base.replica_checks import (
    batches_explained,
    check_compilation,
    check_optimizer,
    check_scope,
)
from keras_deephash.presets.savable import warn_unless_savable
from keras_deephash.progress import keras_verbosity


class GlobalBatchTraining(FreezingMixin, GlobalBatchSteps):
    """The training of a model whose loss is over the global batch.

    A subclass has a `backbone`, a `preprocessor` and an `output_layer`, the layer
    after the backbone, and implements `loss_terms`.
    """

    # === What a subclass defines ===

    # Learning-rate multipliers of `compile()` with SGD; None for a single rate.
    default_multipliers = PUBLISHED

    @classmethod
    def default_learning_rate(cls):
        """The published learning rate, of SGD with momentum 0.9.

        `compile()` uses it with the multipliers 1, 2, 10 and 20 for the backbone's
        kernels and biases and the last layer's kernel and bias. A method that was
        published with another optimizer defines `default_optimizer` instead.

        Returns:
            float, or a `keras.optimizers.schedules.LearningRateSchedule`.
        """
        raise ValueError(
            f"`{cls.__name__}` has no default learning rate: define "
            "`default_learning_rate`, or pass an optimizer, as in "
            "`model.compile(keras.optimizers.AdamW(1e-3))`."
        )

    @classmethod
    def default_optimizer(cls) -> keras.optimizers.Optimizer:
        """The optimizer of `compile()`: SGD at the `default_learning_rate`.

        With an optimizer other than SGD, such as Adam, all layers have the same rate.
        """
        return keras.optimizers.SGD(cls.default_learning_rate(), momentum=0.9)

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

    def check_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Raises ValueError for an optimizer that the model cannot be trained with."""
        check_optimizer(self, optimizer)

    # === Training ===

    def compile(
        self,
        optimizer="auto",
        learning_rate_multipliers="auto",
        jit_compile: bool = False,
        steps_per_execution: int = 1,
        **kwargs,
    ):
        """Configures the training; without arguments, for the published recipe.

        Args:
            optimizer: Keras optimizer or its name. Defaults to `"auto"`: the method's
                published optimizer, usually SGD with momentum 0.9.
            learning_rate_multipliers: 4 floats that multiply the learning rate of
                the backbone's kernels and biases and of the last layer's kernel
                and bias, or `None`. They need an SGD optimizer. Defaults to
                `"auto"`: the method's own, usually (1, 2, 10, 20), if
                `optimizer="auto"` is SGD; otherwise `None`.
            jit_compile: bool. Whether to compile with XLA. It does not work with
                several replicas, and the batches of a dataset are then not checked.
                Defaults to `False`.
            steps_per_execution: int. Batches per call of the training function; must
                be 1 with several replicas. Defaults to `1`.
            **kwargs: other arguments of `keras.Model.compile`, such as `metrics` and
                `run_eagerly`. The loss is the model's own. A metric is given the
                multi-hot labels [n, L] and the continuous codes [n, units].

        Example:

        >>> model.compile()
        >>> model.compile(keras.optimizers.AdamW(1e-3))
        """
        if kwargs.pop("loss", None) is not None:
            raise ValueError(
                f"`loss` is part of the model: give {type(self).__name__} its "
                "arguments and call `compile()` without `loss`."
            )
        if kwargs.pop("loss_weights", None) is not None:
            raise ValueError(
                f"The terms of the loss have weights of their own: give them to "
                f"{type(self).__name__}, and leave `loss_weights` out."
            )
        published = isinstance(optimizer, str) and optimizer == "auto"
        check_scope(self)
        if published:
            optimizer = self.default_optimizer()
            published = isinstance(optimizer, keras.optimizers.SGD)
        multipliers = new_multipliers(
            learning_rate_multipliers, self.default_multipliers if published else None
        )
        optimizer = keras.optimizers.get(optimizer)
        self.check_optimizer(optimizer)
        # Keras looks only at the model's own dtype.
        if kwargs.get("auto_scale_loss", True) and has_float16_layers(self):
            optimizer = with_loss_scale(self, optimizer)
        check_multipliers(multipliers, optimizer)
        check_compilation(self, jit_compile, steps_per_execution)
        self.learning_rate_multipliers = multipliers
        self.forget_functions()
        super().compile(
            optimizer=optimizer,
            jit_compile=jit_compile,
            steps_per_execution=steps_per_execution,
            **kwargs,
        )

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

    def forget_functions(self) -> None:
        """Drops the traced functions, so that they are traced for a changed model."""
        self.train_function = self.test_function = self.predict_function = None

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

    def get_compile_config(self):
        config = super().get_compile_config()
        if config:
            config["learning_rate_multipliers"] = self.learning_rate_multipliers
            config.update(freezing_config(self))
        return config

    def compile_from_config(self, config):
        config = dict(config)
        # First, because the optimizer knows only the variables of trainable layers.
        restore_freezing(self, config)
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)
