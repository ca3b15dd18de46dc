"""The checks of the options of a training, before any work."""

import os

import keras

from keras_deephash.checks import (
    check_integer,
    check_number,
    check_option,
)
from keras_deephash.datasets import ImageSet, Splits
from keras_deephash.training.defaults import PUBLISHED, takes_the_table
from keras_deephash.training.method_checks import check_method_arguments, find_method
from keras_deephash.training.options import (
    AUGMENTATIONS,
    NEW_BACKBONES,
    OF_TABLES,
    OPTIMIZERS,
    WEIGHTS_DTYPES,
    TrainingOptions,
)

# Integers and their least values; then numbers and strings that may be None.
_INTEGERS = {"seed": 0}
_INTEGERS_OR_NONE = {
    "epochs": 1,
    "batch_size": 1,
    "patience": 0,
    "views": 1,
    "top_k": 1,
    "evaluate_every": 1,
    "image_size": 1,
    "resize_size": 1,
    "padding": 0,
}
_NUMBERS_OR_NONE = ("dropout", "learning_rate", "weight_decay")
_WORDS_OR_NONE = (
    "output",
    "word_vectors",
    "freeze_until",
    "feature_cache",
    "dataset_name",
    "command",
    *OF_TABLES,
)
# Options that a method that is fitted in closed form does not use.
OF_GRADIENTS = (
    "augment",
    "dropout",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "freeze_until",
    "views",
    "feature_cache",
    "freeze_statistics",
    "evaluate_every",
    "patience",
)
_FLAGS = ("freeze_statistics", "no_evaluation")
_OPTIONS_OR_NONE = {"recipe": ("published",), "optimizer": OPTIMIZERS}


def check_options(options: TrainingOptions) -> type:
    """Checks values, and that no option is given that would change nothing.

    Returns:
        The class of the method.

    Raises:
        ValueError: naming the option.
    """
    check_values(options)
    # The table freezes layers and holds images out; its other choices depend on data.
    table = takes_the_table(options)
    default = dict.fromkeys(PUBLISHED) if table else PUBLISHED
    cls = find_method(options)
    check_method_arguments(cls, options)
    if cls.is_closed_form:
        check_closed_form(cls, options)
    elif (options.optimizer or default["optimizer"]) == "recipe":
        sgd = options.given("optimizer", "sgd")
        wanted = f"{sgd} or adamw: the published recipe has its own"
        _check_not_given(options, ("learning_rate", "weight_decay"), wanted)
        cls.default_optimizer()  # Raises ValueError if the method has none.
    freezes = table if options.freeze_until is None else options.freeze_until != "none"
    if not freezes:
        wanted = f"{options.named('freeze_until')}, which makes frozen features"
        _check_not_given(options, ("views", "feature_cache"), wanted)
    if options.no_evaluation and not options.hold_out:
        wanted = f"an evaluation or {options.named('hold_out')}"
        _check_not_given(options, ("top_k",), wanted)
    if isinstance(options.data, (ImageSet, Splits)):
        _check_not_given(options, OF_TABLES, "a table: these data are read already")
    if isinstance(options.backbone, keras.Model):
        wanted = "the name of a backbone: this one is built already"
        _check_not_given(options, ("image_size",), wanted)
    if table or (options.backbone or default["backbone"]) not in NEW_BACKBONES:
        wanted = f"a new backbone, {' or '.join(NEW_BACKBONES)}: this one has its own"
        _check_not_given(options, ("dropout",), wanted)
    return cls


def check_for_data(
    told: TrainingOptions, options: TrainingOptions, images: int, held_out: bool
) -> None:
    """Checks the options that depend on the data, before the long work.

    Args:
        told: `TrainingOptions` as the user gave them.
        options: the same, with a value for each option.
        images: int. Number of images to learn from.
        held_out: bool. Whether there are images to evaluate on during the training.
    """
    if find_method(told).is_closed_form:
        return
    if options.batch_size > images:
        raise ValueError(
            f"`{told.named('batch_size')}` must be at most the number of training "
            f"images, {images}: lower it. "
            f"Received: {told.given('batch_size', options.batch_size)}."
        )
    if not held_out:
        wanted = (
            "images to evaluate on during the training: give "
            f"{told.given('hold_out', 0.2)}, or data with a part `validation`"
        )
        never = ("patience",) if told.patience else ()  # 0 never stops.
        _check_not_given(told, ("evaluate_every", *never), wanted)


def check_closed_form(cls: type, options: TrainingOptions) -> None:
    """Raises ValueError for options that only training by gradients uses."""
    for name in OF_GRADIENTS:
        if getattr(options, name) not in (None, PUBLISHED.get(name)):
            raise ValueError(
                f"`{cls.__name__}` passes over the images once, without epochs and "
                f"an optimizer: leave {options.named(name)} out."
            )


def check_values(options: TrainingOptions) -> None:
    """Checks each option alone, except the arguments of the method."""
    named = options.named
    if not isinstance(options.data, (str, os.PathLike, ImageSet, Splits)):
        raise ValueError(
            f"`{named('data')}` must be a folder of class folders, a table, the "
            "directory of the image lists, an `ImageSet` or `Splits`. "
            f"Received: a {type(options.data).__name__}."
        )
    for name, least in _INTEGERS.items():
        check_integer(named(name), getattr(options, name), minimum=least)
    for name, least in _INTEGERS_OR_NONE.items():
        if getattr(options, name) is not None:
            check_integer(named(name), getattr(options, name), minimum=least)
    if check_number(named("hold_out"), options.hold_out or 0.0) >= 1:
        raise ValueError(
            f"`{named('hold_out')}` must be a share below 1. "
            f"Received: {options.given('hold_out')}."
        )
    for name in _NUMBERS_OR_NONE:
        if getattr(options, name) is not None:
            check_number(named(name), getattr(options, name))
    for name in _WORDS_OR_NONE:
        _check_kind(options, name, (str, os.PathLike, type(None)), "a string")
    for name in _FLAGS:
        _check_kind(options, name, (bool, type(None)), "True or False")
    kinds = (str, os.PathLike, keras.Model, type(None))
    _check_kind(options, "backbone", kinds, "a name")
    for name, allowed in _OPTIONS_OR_NONE.items():
        if getattr(options, name) is not None:
            check_option(named(name), getattr(options, name), allowed)
    check_option(named("weights_dtype"), options.weights_dtype, WEIGHTS_DTYPES)
    for name in ("augment", "substitutes"):
        kinds = (list, tuple, type(None)) if name == "augment" else (list, tuple)
        _check_kind(options, name, kinds, "a list of strings")
    for each in options.augment or ():
        check_option(named("augment"), each, AUGMENTATIONS)
    for pair in options.substitutes:
        if not isinstance(pair, str) or not all(pair.partition("=")):
            raise ValueError(
                f"`{named('substitutes')}` must be LABEL=WORD, such as automobile=car. "
                f"Received: {pair!r}."
            )


def _check_kind(
    options: TrainingOptions, name: str, kinds: tuple, expected: str
) -> None:
    value = getattr(options, name)
    if not isinstance(value, kinds):
        raise ValueError(
            f"`{options.named(name)}` must be {expected}. Received: {value!r}."
        )


def _check_not_given(
    options: TrainingOptions, names: tuple[str, ...], wanted: str
) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise ValueError(
                f"`{options.named(name)}` needs {wanted}. "
                f"Received: {options.given(name)}."
            )
