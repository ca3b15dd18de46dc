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

    # What `compile()` multiplies the rate of an SGD by; None for one rate.
    default_multipliers = PUBLISHED

    @classmethod
    def default_learning_rate(cls):
        """The published learning rate, of SGD with momentum 0.9.

        `compile()` takes it with the multipliers 1, 2, 10 and 20 for the backbone's
        kernels and biases and the last layer's kernel and bias. A method that was
        published with another optimizer defines `default_optimizer` in its place.

        Returns:
            float, or a `keras.optimizers.schedules.LearningRateSchedule`.
        """
        raise ValueError(
            f"`{cls.__name__}` has no learning rate of its own: define "
            "`default_learning_rate`, or name an optimizer, as in "
            "`model.compile(keras.optimizers.AdamW(1e-3))`."
        )

    @classmethod
    def default_optimizer(cls) -> keras.optimizers.Optimizer:
        """The optimizer of `compile()`: SGD at the `default_learning_rate`.

        Another one, such as Adam, gives all layers one rate.
        """
        return keras.optimizers.SGD(cls.default_learning_rate(), momentum=0.9)

    @classmethod
    def learns_from_labels(cls, arguments: dict) -> bool:
        """Whether a model of these arguments needs labels, before it is built."""
        return cls.needs_labels

    def own_callbacks(self) -> list[keras.callbacks.Callback]:
        """Callbacks that every training of the method needs, ahead of the user's."""
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
        """Configures the training; without arguments, the published recipe.

        Args:
            optimizer: Keras optimizer or its name. Defaults to `"auto"`: the method's
                published one, for most SGD with momentum 0.9.
            learning_rate_multipliers: 4 floats that multiply the learning rate of
                the backbone's kernels and biases and of the last layer's kernel
                and bias, or `None`. They need an SGD optimizer. Defaults to
                `"auto"`: the method's, for most (1, 2, 10, 20), where
                `optimizer="auto"` is SGD; else `None`.
            jit_compile: bool. XLA compilation; not with several replicas, and
                without the checks of a dataset's batches. Defaults to `False`.
            steps_per_execution: int. Batches a call of the training function; 1
                with several replicas. Defaults to `1`.
            **kwargs: `metrics`, `run_eagerly` and the like of
                `keras.Model.compile`. The loss is the model's own. A metric sees the
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
        # Keras looks at the model's own dtype alone.
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
        """Trains the model, as `keras.Model.fit`.

        Args:
            x: `tf.data.Dataset` of (images, labels), such as
                `datasets.image_dataset` makes, or an array [n, h, w, 3] of pixels
                at the network's input size. A batch is the global batch: with
                several replicas its pairs span all of them.
            y: labels where `x` is an array: class indices, ints [n] (-1: no label),
                or multi-hot [n, L].
            batch_size: int. Images per batch where `x` is an array. Defaults to `32`.
            epochs: int. Defaults to `1`.
            verbose: `"auto"`, 0, 1 or 2. Defaults to `"auto"`: 1, or 2, a line an
                epoch, where the output is not a terminal.
            callbacks: list of `keras.callbacks.Callback`. Defaults to none.
            classes: int. Number of classes of class indices. Defaults to `None`: that
                of the dataset's `class_names`, of the model's `label_names`, or of `y`.
            **kwargs: `initial_epoch`, `validation_data` and the like of
                `keras.Model.fit`.

        Raises:
            ValueError: for labels of no form, or pixels that do not lie
                between 0 and 255; of a dataset, at the batch that has them, but
                for `jit_compile=True`; for a training that diverges, at the first step
                whose loss is not finite.
        """
        check_scope(self)
        self.training_record = self.radius_table = None  # Of weights that change now.
        warn_unless_savable(self)
        if not self.needs_labels:
            y = None  # Which arrays of images may come with.
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
            kwargs.setdefault("shuffle", False)  # Else Keras warns of its default.
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
            # Keras calls no `on_train_end` where a training is interrupted.
            for callback in callbacks:
                if hasattr(callback, "after_training"):
                    callback.after_training()

    def _know_labels(self, x, y, classes: int | None) -> int | None:
        """Learns the names and the number of the labels to come; returns that."""
        names, classes = known_labels(self, x, y, classes)
        check_labels(y, "y", classes)
        if hasattr(self, "class_vectors"):  # They are in the order of the names.
            check_order(names, self.label_names)
        self.know_classes(count_labels(x, y, classes))
        self.label_names = names
        self._take_classes(classes)
        return classes

    def _take_classes(self, classes: int | None) -> None:
        if classes != self._classes:
            self._classes = classes
            self.train_function = self.test_function = None  # They have it inside.

    def know_classes(self, classes: int | None) -> None:
        """Called by `fit` and `evaluate` ahead of their work.

        Args:
            classes: int, L; or None of a dataset that does not tell it.
        """

    def forget_functions(self) -> None:
        """Has `fit`, `evaluate` and `predict` follow a change of the model."""
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
        """Losses on labelled images, as `keras.Model.evaluate`; labels as for `fit`.

        For retrieval metrics, encode and call `keras_deephash.evaluate_retrieval`.

        Raises:
            ValueError: as `fit`, and for a dataset with other `class_names` than the
                model's `label_names`.
        """
        known = self._classes
        if not self.needs_labels:
            y = None
        elif not kwargs.get("_use_cached_eval_dataset"):  # As `fit` calls it.
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
        """Continuous codes of pixels or features, as `keras.Model.predict`.

        Raises:
            ValueError: for pixels that do not lie between 0 and 255.
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
        # First: the optimizer knows the variables of trainable layers alone.
        restore_freezing(self, config)
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)
