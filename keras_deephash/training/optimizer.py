"""The optimizers of `keras-deephash train` other than those of the methods."""

import keras


def check_rates(learning_rate: float, weight_decay: float) -> None:
    """Raises ValueError for rates that an optimizer cannot use."""
    for name, value in (
        ("--learning-rate", learning_rate),
        ("--weight-decay", weight_decay),
    ):
        if not 0 <= value < float("inf"):
            raise ValueError(
                f"`{name}` must be finite and >= 0. Received: {name} {value}."
            )


def chosen_rates(
    learning_rate: float | None, weight_decay: float | None
) -> tuple[float, float]:
    """Returns learning rate and weight decay where there is no published recipe."""
    return 1e-3 if learning_rate is None else learning_rate, weight_decay or 0.0


def new_optimizer(
    name: str, learning_rate: float, weight_decay: float, steps: int
) -> keras.optimizers.Optimizer:
    """Creates an optimizer with linear warm-up and cosine decay of the learning rate.

    Args:
        name: `"sgd"`, with Nesterov momentum 0.9, or `"adamw"`.
        learning_rate: float. The peak, reached after a tenth of the steps.
        weight_decay: float, >= 0.
        steps: int. Number of steps of the training.
    """
    check_rates(learning_rate, weight_decay)
    warmup = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=learning_rate / 100,
        warmup_target=learning_rate,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    if name == "sgd":
        return keras.optimizers.SGD(
            schedule, momentum=0.9, nesterov=True, weight_decay=weight_decay or None
        )
    return keras.optimizers.AdamW(schedule, weight_decay)
