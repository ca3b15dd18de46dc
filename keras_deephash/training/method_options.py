"""The arguments of methods as options of a command line."""

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Literal, Union, get_args, get_origin, get_type_hints

from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.training.options import option_names

_PLAIN = (int, float, str, bool)
# Not options of a method: the training makes them, or has an option of that name.
_OTHERS = {"backbone", "preprocessor", "word_vectors", "name", "trainable"}
# What the command itself needs.
_OTHERS |= {"arguments", "dry_run", "help", "imports", "parser", "recipe", "resume"}
_OTHERS |= {"run"}


@dataclass(frozen=True)
class MethodOption:
    """An argument of a method that can be written as a word.

    Attributes:
        name: str.
        is_list: bool. Whether it is a list of such values, with commas between.
        kinds: tuple of `int`, `float`, `str` and `bool`: those that it can be.
        choices: tuple of str, the values of a string; empty if any will do.
        or_none: bool. Whether it can be None, written `none`.
        text: str, what the docstring says of it.
    """

    name: str
    kinds: tuple[type, ...]
    choices: tuple[str, ...]
    or_none: bool
    text: str
    is_list: bool = False

    @property
    def expected(self) -> str:
        """The form of a value, such as `INT` or `hard|all|none`."""
        words = list(self.choices) or [kind.__name__.upper() for kind in self.kinds]
        if self.is_list:
            words = [f"{word},..." for word in words]
        return "|".join([*words, *(["none"] if self.or_none else [])])

    def parse(self, word: str, argument: str):
        """The value of a word; a ValueError names the argument."""
        if self.or_none and word == "none":
            return None
        if self.is_list:
            return [self._parse_one(part, argument) for part in word.split(",")]
        return self._parse_one(word, argument)

    def _parse_one(self, word: str, argument: str):
        for kind in self.kinds:
            try:
                value = _parse(kind, word)
            except ValueError:
                continue
            if not self.choices or value in self.choices:
                return value
        raise ValueError(
            f"`{argument}` must be {self.expected.replace('|', ' or ')}. "
            f"Received: {argument} {word}."
        )


def method_options(cls: type) -> dict[str, MethodOption]:
    """The options that a method's constructor gives: name, type and docstring.

    Arguments of other types than numbers, strings and bools are for Python alone.

    Args:
        cls: type. A method.
    """
    taken = _OTHERS | option_names()
    found = {}
    for name, parameter in constructor_parameters(cls).items():
        if name in taken:
            continue
        owner = _owner(cls, name)
        kinds, choices, or_none, is_list = _types(owner, parameter)
        if kinds:
            text = _argument_texts(owner).get(name, "")
            found[name] = MethodOption(name, kinds, choices, or_none, text, is_list)
    return found


def shared_options(methods: dict[str, type]) -> dict[str, tuple[str, str]]:
    """The options of several methods, those of one name together.

    Args:
        methods: dict, name to class.

    Returns:
        dict: name of the option to what a value looks like, and to what the docstrings
        say of it, such as `"DCH, DHN: Length of a code."`.
    """
    expected, told = {}, {}
    for method, cls in methods.items():
        for option in method_options(cls).values():
            words = expected.setdefault(option.name, {})
            words |= dict.fromkeys(option.expected.split("|"))
            texts = told.setdefault(option.name, {})
            texts.setdefault(option.text, []).append(method)
    return {
        name: (
            "|".join(words),
            " ".join(f"{', '.join(who)}: {text}" for text, who in told[name].items()),
        )
        for name, words in expected.items()
    }


def _parse(kind: type, word: str):
    if kind is bool:
        if word not in ("true", "false"):
            raise ValueError(word)
        return word == "true"
    return kind(word)


def _owner(cls: type, name: str) -> type:
    """The class whose constructor has an argument."""
    for owner in cls.__mro__:
        own = vars(owner).get("__init__")
        if own is not None and name in inspect.signature(own).parameters:
            return owner
    return cls


def _types(owner: type, parameter: inspect.Parameter) -> tuple:
    """Kinds, choices, whether it can be None, and whether it is a list; no kinds if it
    is not plain."""
    try:
        hint = get_type_hints(owner.__init__).get(parameter.name)
    except Exception:  # A hint may name what is not there while the program runs.
        hint = None
    if hint is None:  # As its default is.
        kind = type(parameter.default)
        return ((kind,) if kind in _PLAIN else ()), (), False, False
    hints = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds, choices, is_list = [], [], False
    for each in hints:
        if get_origin(each) is Sequence:
            (each,), is_list = get_args(each), True
        if get_origin(each) is Literal:
            choices += [value for value in get_args(each) if isinstance(value, str)]
            kinds.append(str)
        elif each in _PLAIN:
            kinds.append(each)
        elif each is not NoneType:
            return (), (), False, False
    return tuple(dict.fromkeys(kinds)), tuple(choices), NoneType in hints, is_list


def _argument_texts(cls: type) -> dict[str, str]:
    """The text of each argument in the `Args` of a class, in one line."""
    documentation = inspect.getdoc(cls.__init__) or ""
    if "Args:" not in documentation:
        documentation = inspect.getdoc(cls) or ""
    _, _, section = documentation.partition("\nArgs:\n")
    section = re.split(r"\n\S", section)[0]
    texts, names = {}, []
    for line in section.splitlines():
        start = re.match(r" {4}\*{0,2}([\w, ]+): (.*)", line)
        if start:
            names = [name.strip() for name in start[1].split(",")]
            texts |= dict.fromkeys(names, start[2])
        else:
            texts |= {name: f"{texts[name]} {line.strip()}" for name in names}
    return {name: _plain(text) for name, text in texts.items()}


def _plain(text: str) -> str:
    """Without the type, which stands beside, and without Markdown."""
    text = re.sub(r"^(int|float|str|bool)( or None)?[.,:] ", "", text)
    return text.replace("`", "").strip()
