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
# Not options of a method: the training creates them, or has an option of that name.
_OTHERS = {"backbone", "preprocessor", "word_vectors", "name", "trainable"}
# Names that the command itself uses.
_OTHERS |= {"arguments", "dry_run", "help", "imports", "parser", "recipe", "resume"}
_OTHERS |= {"run"}


@dataclass(frozen=True)
class MethodOption:
    """An argument of a method that can be given on the command line.

    Attributes:
        name: str.
        kinds: tuple of `int`, `float`, `str` and `bool`: the types that it accepts.
        choices: tuple of str, the allowed strings; empty if all are.
        or_none: bool. Whether it can be None, written `none`.
        text: str, its text in the docstring.
        is_list: bool. Whether it is a list of such values, separated by commas.
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
        """Converts a word to a value; a ValueError names the argument."""
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
    """Returns the options of a method, from its constructor and docstring.

    Only numbers, strings, bools and lists of them can be given on the command line.

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
    """Returns the options of several methods, merged by name.

    Args:
        methods: dict that maps names to classes.

    Returns:
        dict that maps the name of each option to the form of its value, and to the
        texts of the docstrings, such as `"DCH, DHN: Length of a code."`.
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
    """Returns the class whose constructor defines an argument."""
    for owner in cls.__mro__:
        own = vars(owner).get("__init__")
        if own is not None and name in inspect.signature(own).parameters:
            return owner
    return cls


def _types(owner: type, parameter: inspect.Parameter) -> tuple:
    """Returns kinds, choices, whether it can be None, and whether it is a list.

    There are no kinds if the argument cannot be given on the command line.
    """
    try:
        hint = get_type_hints(owner.__init__).get(parameter.name)
    except Exception:  # A hint may name a type that exists only for type checkers.
        hint = None
    if hint is None:  # Use the type of the default.
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
    """Returns the text of each argument in the `Args` of a class, in one line."""
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
    """Removes the type, which is shown beside the text, and Markdown."""
    text = re.sub(r"^(int|float|str|bool)( or None)?[.,:] ", "", text)
    return text.replace("`", "").strip()
