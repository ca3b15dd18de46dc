"""Learning-rate multipliers, by scaling gradients ahead of the optimizer.

For SGD, with or without momentum, this equals a learning rate for each variable,
and leaves `optimizer.learning_rate` to schedules and callbacks.
"""

import keras


def check_multipliers(multipliers, optimizer) -> None:
    """Raises ValueError unless multipliers are None or 4 floats for an SGD."""
    if multipliers is None:
        return
    if len(multipliers) != 4 or not all(value >= 0 for value in multipliers):
        raise ValueError(
            "`learning_rate_multipliers` must be None or 4 numbers >= 0: backbone "
            "kernels, backbone biases, last kernel, last bias. "
            f"Received: learning_rate_multipliers={multipliers}."
        )
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(inner, keras.optimizers.SGD):
        raise ValueError(
            "`learning_rate_multipliers` need an SGD optimizer: an adaptive one "
            "divides them out again. Use `keras.optimizers.SGD` or None. "
            f"Received: optimizer={type(inner).__name__}."
        )


def scale_gradients(gradients, variables, output_layer, multipliers):
    """The gradients, each times the multiplier of its variable."""
    if multipliers is None:
        return gradients
    kernels, biases, output_kernel, output_bias = multipliers

    def multiplier(variable):
        if variable is output_layer.kernel:
            return output_kernel
        if variable is output_layer.bias:
            return output_bias
        return biases if variable.name == "bias" else kernels

    return [
        None if gradient is None else gradient * multiplier(variable)
        for gradient, variable in zip(gradients, variables, strict=True)
    ]
