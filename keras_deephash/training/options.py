"""What is checked of the options of `keras-deephash train` before any work."""

from argparse import Namespace

from keras_deephash.checks import check_integer
from keras_deephash.training.model import NEW_BACKBONES
from keras_deephash.training.optimizer import check_rates


def check_options(options: Namespace) -> None:
    """Checks numbers, and that no option is given that would change nothing.

    Raises:
        ValueError: naming the option.
    """
    for name in ("epochs", "batch_size"):
        check_integer(_flag(name), getattr(options, name), minimum=1)
    if options.optimizer != "recipe":
        check_rates(*chosen_rates(options))
    for name in ("views", "top_k", "evaluate_every"):
        if getattr(options, name) is not None:
            check_integer(_flag(name), getattr(options, name), minimum=1)
    if options.optimizer == "recipe":
        wanted = "--optimizer sgd or adamw: the published recipe has its own"
        _check_not_given(options, ("learning_rate", "weight_decay"), wanted)
    if options.freeze_until is None:
        wanted = "--freeze-until, which makes frozen features"
        _check_not_given(options, ("views", "feature_cache"), wanted)
    if not options.hold_out:
        wanted = "--hold-out, which keeps images to evaluate on"
        _check_not_given(options, ("evaluate_every",), wanted)
        if options.no_evaluation:
            _check_not_given(options, ("top_k",), "an evaluation or --hold-out")
    if options.backbone not in NEW_BACKBONES:
        wanted = f"a new backbone, {' or '.join(NEW_BACKBONES)}: this one has its own"
        _check_not_given(options, ("dropout",), wanted)


def chosen_rates(options: Namespace) -> tuple[float, float]:
    """Learning rate and weight decay of a training that has no published recipe."""
    rate = 1e-3 if options.learning_rate is None else options.learning_rate
    return rate, options.weight_decay or 0.0


def _check_not_given(options: Namespace, names: tuple[str, ...], wanted: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise ValueError(
                f"`{_flag(name)}` needs {wanted}. "
                f"Received: {_flag(name)} {getattr(options, name)}."
            )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
