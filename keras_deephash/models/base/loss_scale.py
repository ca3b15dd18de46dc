"""The scaling of losses whose gradients float16 would round to zero."""

import keras


def has_float16_layers(model: keras.Model) -> bool:
    """Returns whether a layer, at any depth, computes in float16."""
    return any(layer.compute_dtype == "float16" for layer in model._flatten_layers())


def with_loss_scale(model: keras.Model, optimizer) -> keras.optimizers.Optimizer:
    """Returns an optimizer that scales the loss and skips steps that are not finite.

    Raises:
        ValueError: with several replicas, because Keras checks only the first.
    """
    replicas = model.distribute_strategy.num_replicas_in_sync
    if replicas > 1:
        raise ValueError(
            f"With {replicas} replicas a backbone must not compute in float16: steps "
            "that are not finite would be found only on the first replica. Use "
            '`dtype="mixed_bfloat16"`. Received: layers in float16.'
        )
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
