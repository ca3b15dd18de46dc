"""The method that the options of a training name, and checks of its arguments."""

import difflib

from keras_deephash.checks import check_lengths, check_option
from keras_deephash.models.methods import METHODS
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.training.method_options import method_options
from keras_deephash.training.options import TrainingOptions, option_names

# Default code length of methods with binary codes.
BITS = 48


def find_method(options: TrainingOptions) -> type:
    """Returns the class of the method that the options name."""
    if isinstance(options.method, type):
        if METHODS.is_member(options.method):
            return options.method
        raise ValueError(
            f"`{options.named('method')}` must be the name or the class of a method. "
            f"Received: {options.method!r}."
        )
    return METHODS.find(options.method, f"`{options.named('method')}`")


def check_method_arguments(cls: type, options: TrainingOptions) -> None:
    """Checks that the method has the given arguments, and is given what it needs."""
    parameters = constructor_parameters(cls)
    plain = method_options(cls)
    given = set(options.arguments)
    if options.word_vectors is not None:
        given.add("word_vectors")
    for name in sorted(given - parameters.keys()):
        close = difflib.get_close_matches(name, option_names() | plain.keys(), n=1)
        hint = f" Did you mean {options.named(close[0])}?" if close else ""
        raise ValueError(
            f"`{cls.__name__}` has no argument `{name}`: leave out "
            f"{options.named(name)}.{hint}"
        )
    for name, value in options.arguments.items():
        choices = plain[name].choices if name in plain else ()
        if choices and isinstance(value, str):
            check_option(options.named(name), value, choices)
    if "lengths" in getattr(cls, "shared_arguments", ()):
        check_lengths(options.arguments.get("lengths"), code_length(options))
    if options.substitutes and options.word_vectors is None:
        raise ValueError(
            f"`{options.named('substitutes')}` needs {options.named('word_vectors')}, "
            "in which the words are looked up."
        )
    if "word_vectors" in parameters and "word_vectors" not in given:
        raise ValueError(
            f"`{cls.__name__}` needs {options.named('word_vectors')}: a word2vec or "
            "GloVe file, or the name of a gensim model."
        )


def code_length(options: TrainingOptions) -> int:
    """Returns the bits of a code; without `bits`, the longest of several `lengths`."""
    lengths = options.arguments.get("lengths")
    several = isinstance(lengths, (list, tuple)) and len(lengths) > 0
    return options.arguments.get("bits", lengths[-1] if several else BITS)
