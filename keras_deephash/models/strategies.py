"""Clear errors for a model, an optimizer and a scope that do not belong together."""

import tensorflow as tf

_RECIPE = (
    "Create the model and compile it in the same scope: "
    "`with strategy.scope(): model = ...; model.compile(...)`."
)


def check_scope(model) -> None:
    """Raises ValueError inside the scope of a strategy that is not the model's."""
    current = tf.distribute.get_strategy() if tf.distribute.has_strategy() else None
    if current is not None and current is not model.distribute_strategy:
        raise ValueError(
            f"`{type(model).__name__}` was created outside the scope of the "
            f"{type(current).__name__} that is active now. {_RECIPE}"
        )


def check_optimizer(model, optimizer) -> None:
    """Raises ValueError if the optimizer was made under another strategy."""
    strategy = model.distribute_strategy
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    theirs = getattr(inner, "_distribution_strategy", strategy)
    if strategy.num_replicas_in_sync > 1 and theirs is not strategy:
        raise ValueError(
            f"The optimizer `{type(inner).__name__}` was created outside the scope "
            f"of the model's {type(strategy).__name__}. Create it inside the scope, "
            "or name it: `model.compile('sgd')`."
        )
