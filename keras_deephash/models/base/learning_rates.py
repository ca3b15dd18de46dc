"""Learning-rate multipliers, by scaling gradients before the optimizer.

For SGD, with or without momentum, this equals a learning rate for each variable,
and leaves `optimizer.learning_rate` to schedules and callbacks. The optimizer's own
clipping sees the multiplied gradients, and its `weight_decay` is not multiplied.
"""

from numbers import Real

import keras
import numpy as np

PUBLISHED = (1, 2, 10, 20)


def new_multipliers(multipliers, default: tuple | None) -> tuple | None:
    """Returns the multipliers as 4 floats or None; `"auto"` gives the default."""
    if isinstance(multipliers, str) and multipliers == "auto":
        return default
    if multipliers is None:
        return None
    several = np.ndim(multipliers) == 1
    numbers = list(multipliers) if several else []
    good = [float(n) for n in numbers if isinstance(n, Real) and 0 <= n < np.inf]
    if len(numbers) != 4 or len(good) != 4:
        raise ValueError(
            '`learning_rate_multipliers` must be "auto", None or 4 numbers >= 0: '
            "backbone kernels, backbone biases, last kernel, last bias. "
            f"Received: learning_rate_multipliers={multipliers!r}."
        )
    return tuple(good)


def check_multipliers(multipliers, optimizer) -> None:
    """Raises ValueError if there are multipliers and the optimizer is not SGD."""
    if multipliers is None:
        return
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(inner, keras.optimizers.SGD):
        raise ValueError(
            "`learning_rate_multipliers` need an SGD optimizer: an adaptive one "
            "cancels them. Use `keras.optimizers.SGD` or None. "
            f"Received: optimizer={type(inner).__name__}."
        )


def check_schedule(model, callbacks) -> None:
    """Raises ValueError for callbacks that change a learning rate with a schedule."""
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    schedules = keras.optimizers.schedules.LearningRateSchedule
    if not isinstance(getattr(optimizer, "_learning_rate", None), schedules):
        return
    changing = (
        keras.callbacks.LearningRateScheduler,
        keras.callbacks.ReduceLROnPlateau,
    )
    for callback in callbacks:
        if isinstance(callback, changing):
            rate = float(optimizer._learning_rate(0))
            raise ValueError(
                f"`{type(callback).__name__}` cannot change the learning rate: this "
                f"{type(model).__name__} is compiled with a schedule, which sets it. "
                "Compile with a constant rate: "
                f"`model.compile(keras.optimizers.SGD({rate:g}, momentum=0.9), "
                f"learning_rate_multipliers={PUBLISHED})`."
            )


def scale_gradients(gradients, variables, backbone, multipliers):
    """Multiplies each gradient by the multiplier of its variable.

    Variables outside the backbone, such as class vectors, have the multipliers of the
    last layer.
    """
    if multipliers is None:
        return gradients
    kernels, biases, output_kernels, output_biases = multipliers
    of_backbone = {id(variable) for variable in backbone.trainable_variables}

    def multiplier(variable):
        is_bias = variable.name == "bias"
        if id(variable) in of_backbone:
            return biases if is_bias else kernels
        return output_biases if is_bias else output_kernels

    return [
        None if gradient is None else gradient * multiplier(variable)
        for gradient, variable in zip(gradients, variables, strict=True)
    ]
