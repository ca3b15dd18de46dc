"""Training on losses over the global batch: compile, fit and the steps."""

import keras
import tensorflow as tf
from keras import ops

from keras_deephash.callbacks.divergence import StopWhenDiverged
from keras_deephash.losses.replicas import count_rows
from keras_deephash.models.base.batch_checks import (
    check_arrays,
    checked_batch,
    checked_pixels,
    images_and_labels,
)
from keras_deephash.models.base.freezing import (
    FreezingMixin,
    freezing_config,
    restore_freezing,
)
from keras_deephash.models.base.learning_rates import (
    check_multipliers,
    check_schedule,
    new_multipliers,
    scale_gradients,
)
from keras_deephash.models.base.loss_scale import has_float16_layers, with_loss_scale
from keras_deephash.models.base.replica_checks import (
    batches_explained,
    check_compilation,
    check_optimizer,
    check_rows,
    check_scope,
)
from keras_deephash.models.base.term_means import TermMeans
from keras_deephash.presets.savable import warn_unless_savable
from keras_deephash.progress import keras_verbosity


class GlobalBatchTraining(FreezingMixin, keras.Model):
    """The training of a model whose loss is over the global batch.

    A subclass has a `backbone`, a `preprocessor` and an `output_layer`, the layer
    after the backbone, and implements `loss_terms`. Each term is in the logs by its
    name.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.learning_rate_multipliers = None
        self._term_means = TermMeans()

    # === What a subclass defines ===

    @property
    def output_layer(self) -> keras.layers.Layer:
        """The layer after the backbone, with learning-rate multipliers of its own."""
        raise NotImplementedError(f"{type(self).__name__} must define `output_layer`.")

    def loss_terms(self, outputs, labels) -> dict:
        """The terms of the loss, by the names that they have in the logs.

        The loss is the sum of the terms, each times its weight. A term is a float32
        scalar: this replica's share of a loss of the global batch, as the loss layers
        of `keras_deephash.losses` give it, or `losses.mean_over_replicas` of a loss for
        each image.

        Args:
            outputs: float32 tensor [n, units], the continuous codes of this replica.
            labels: tensor [n, L], multi-hot. L need not be known where a dataset does
                not tell it.

        Returns:
            dict, name to (weight, term). A weight is a float or a scalar tensor.

        Example:

        >>> def loss_terms(self, outputs, labels):
        ...     return {
        ...         "center_loss": (1.0, self.center_loss(outputs, labels)),
        ...         "quantization_loss": (0.1, self.quantization_loss(outputs)),
        ...     }
        """
        raise NotImplementedError(f"{type(self).__name__} must define `loss_terms`.")

    def watched_figures(self, outputs) -> dict:
        """Figures for the logs that are not part of the loss.

        Args:
            outputs: float32 tensor [n, units], the continuous codes of this replica.

        Returns:
            dict, name to this replica's share of a mean over the global batch.
            Empty if there are none.
        """
        return {}

    @classmethod
    def default_learning_rate(cls):
        """The published learning rate, of SGD with momentum 0.9.

        `compile()` takes it with the multipliers 1, 2, 10 and 20 for the backbone's
        kernels and biases and the last layer's kernel and bias.

        Returns:
            float, or a `keras.optimizers.schedules.LearningRateSchedule`.
        """
        raise ValueError(
            f"`{cls.__name__}` has no learning rate of its own: define "
            "`default_learning_rate`, or name an optimizer, as in "
            "`model.compile(keras.optimizers.AdamW(1e-3))`."
        )

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
            optimizer: Keras optimizer or its name. Defaults to `"auto"`: SGD with
                momentum 0.9 and the method's published learning rate.
            learning_rate_multipliers: 4 floats that multiply the learning rate of
                the backbone's kernels and biases and of the last layer's kernel
                and bias, or `None`. They need an SGD optimizer. Defaults to
                `"auto"`: (1, 2, 10, 20) with `optimizer="auto"`, else `None`.
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
        multipliers = new_multipliers(learning_rate_multipliers, published)
        check_scope(self)
        if published:
            optimizer = keras.optimizers.SGD(self.default_learning_rate(), momentum=0.9)
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
        **kwargs,
    ):
        """Trains the model, as `keras.Model.fit`.

        Args:
            x: `tf.data.Dataset` of (images, labels), such as
                `datasets.image_dataset` makes, or an array [n, h, w, 3] of pixels
                at the network's input size. A batch is the global batch: with
                several replicas its pairs span all of them.
            y: multi-hot labels [n, L] where `x` is an array.
            batch_size: int. Images per batch where `x` is an array. Defaults to `32`.
            epochs: int. Defaults to `1`.
            verbose: `"auto"`, 0, 1 or 2. Defaults to `"auto"`: 1, or 2, a line an
                epoch, where the output is not a terminal.
            callbacks: list of `keras.callbacks.Callback`. Defaults to none.
            **kwargs: `initial_epoch`, `validation_data` and the like of
                `keras.Model.fit`.

        Raises:
            ValueError: for labels that are not multi-hot, or pixels that do not lie
                between 0 and 255; of a dataset, at the batch that has them, but
                for `jit_compile=True`; for a training that diverges, at the first step
                whose loss is not finite.
        """
        check_scope(self)
        self.training_record = self.radius_table = None  # Of weights that change now.
        warn_unless_savable(self)
        check_arrays(x, y, "y", self.takes_as_features)
        validation = kwargs.get("validation_data")
        if isinstance(validation, (list, tuple)) and len(validation) > 1:
            check_arrays(*validation[:2], "validation_data", self.takes_as_features)
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

    def forget_functions(self) -> None:
        """Has `fit`, `evaluate` and `predict` follow a change of the model."""
        self.train_function = self.test_function = self.predict_function = None

    def evaluate(self, x=None, y=None, batch_size=None, verbose="auto", **kwargs):
        """Losses on labelled images, as `keras.Model.evaluate`.

        For retrieval metrics, encode and call `keras_deephash.evaluate_retrieval`.
        """
        with batches_explained(self):
            return super().evaluate(
                x, y, batch_size, keras_verbosity(verbose), **kwargs
            )

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

    def predict_step(self, data):
        images, *_ = keras.utils.unpack_x_y_sample_weight(data)
        if self.takes_as_features(images):
            return self(images, training=False)
        return self(checked_pixels(images), training=False)

    def train_step(self, data):
        images, labels = self._checked_batch(data)
        with tf.GradientTape() as tape:
            outputs = self(images, training=True)
            loss = self._loss_share(outputs, labels)
            scaled_loss = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled_loss, variables)
        gradients = scale_gradients(
            gradients, variables, self.output_layer, self.learning_rate_multipliers
        )
        # Shares of the replicas add up to the global loss, and so do the gradients
        # when the optimizer sums them over the replicas.
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(images, labels, outputs)

    def test_step(self, data):
        images, labels = self._checked_batch(data)
        outputs = self(images, training=False)
        self._loss_share(outputs, labels)
        return self.compute_metrics(images, labels, outputs)

    def _checked_batch(self, data):
        """Images and labels of a batch, which are what they should be."""
        images, labels = images_and_labels(data)
        pixels = not self.takes_as_features(images)
        return checked_batch(check_rows(self, images), labels, pixels)

    def _loss_share(self, outputs, labels):
        """This replica's share of the loss of the global batch."""
        terms = self.loss_terms(outputs, labels)
        loss = sum(weight * share for weight, share in terms.values())
        replicas = self.distribute_strategy.num_replicas_in_sync
        for other in self.losses:  # Regularizers, once for all replicas together.
            loss += ops.sum(ops.cast(other, "float32")) / replicas
        # Shares add up over the replicas, while the trackers average over them.
        weight = count_rows(outputs) / replicas
        self._loss_tracker.update_state(loss * replicas, sample_weight=weight)
        shares = {name: share for name, (_, share) in terms.items()}
        shares |= self.watched_figures(outputs)
        figures = {name: share * replicas for name, share in shares.items()}
        self._term_means.update_state(figures, sample_weight=weight)
        return loss

    @property
    def metrics_names(self) -> list[str]:
        """The names in the logs; those of the loss's terms are known after a step."""
        means = self._term_means
        names = [means.names if m is means else [m.name] for m in self.metrics]
        return [name for each in names for name in each]

    def _flatten_metrics_in_order(self, logs):
        # Keras would put what one metric gives into alphabetical order.
        names = [name for name in ("loss", *self._term_means.names) if name in logs]
        others = {name: value for name, value in logs.items() if name not in names}
        if not others:
            return [logs[name] for name in names]
        others = super()._flatten_metrics_in_order(others)
        others = others if isinstance(others, list) else [others]
        return [logs[name] for name in names] + others

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
