"""Text from files of others, fit to be shown on a terminal, in a page or a figure."""

import unicodedata

_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")  # Controls, lone surrogates, ends of lines.
# What changes the direction of writing can make a name look like another one.
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e")
_ISOLATES = frozenset("\u2066\u2067\u2068\u2069")
_HIDDEN = _DIRECTIONS | _ISOLATES


def printable(text: str, keep: str = "") -> str:
    """A text with every character that cannot be read written as an escape.

    A terminal obeys such characters, and an encoder or a font may fail at them.

    Args:
        text: str, such as the name of a file or a label.
        keep: str. Characters to leave, such as `"\\n"`. Defaults to `""`.

    Returns:
        str that can be encoded and printed, in one line.

    Example:

    >>> printable("cat\\x1b[2J")
    'cat\\\\x1b[2J'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if character in keep or not _is_hidden(character)
        else character.encode("unicode_escape").decode()
        for character in text
    )


def count(number: int, noun: str) -> str:
    """A number of things: `"1 code"`, `"2 codes"`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _CATEGORIES or character in _HIDDEN
