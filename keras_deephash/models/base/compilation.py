"""The compilation of a model: its published optimizer and rates, or others."""

import keras

from keras_deephash.models.base.freezing import freezing_config, restore_freezing
from keras_deephash.models.base.learning_rates import (
    PUBLISHED,
    check_multipliers,
    new_multipliers,
)
from keras_deephash.models.base.loss_scale import has_float16_layers, with_loss_scale
from keras_deephash.models.base.replica_checks import (
    check_compilation,
    check_optimizer,
    check_scope,
)


class CompileMixin:
    """`compile` with a method's published optimizer, for a `GlobalBatchSteps` model.

    It comes before `GlobalBatchSteps` in the bases of a class.
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

    def check_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        """Raises ValueError for an optimizer that the model cannot be trained with."""
        check_optimizer(self, optimizer)

    # === Compiling ===

    def compile(
        self,
        optimizer="auto",
        learning_rate_multipliers="auto",
        jit_compile: bool = False,
        steps_per_execution: int = 1,
        **kwargs,
    ):
        """Configures the training; without arguments, with the published optimizer.

        Rates that fall by the epoch are left to a schedule of your own, since the
        number of epochs is not known here: see docs/methods.md.

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
                On CPUs training takes 1.4 times as long with it: see
                docs/training.md. Defaults to `False`.
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

    def forget_functions(self) -> None:
        """Drops the traced functions, so that they are traced for a changed model."""
        self.train_function = self.test_function = self.predict_function = None

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
