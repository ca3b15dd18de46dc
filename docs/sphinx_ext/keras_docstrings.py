"""Docstrings in Keras's form: what is Markdown in them becomes reStructuredText.

The sections (Args, Returns, ...) are read by `sphinx.ext.napoleon` afterwards.
"""

import inspect
import re

from sphinx.application import Sphinx

_CODE = re.compile(r"(?P<before>\w?)`(?P<code>[^`]+)`(?P<after>\w?)")
_LINK = re.compile(r"\[(?P<words>[^\[\]]+)\]\(\s*(?P<url>https?://[^)\s]+)\s*\)")


def setup(app: Sphinx) -> dict:
    # Before napoleon, which comes at 500.
    app.connect("autodoc-process-docstring", convert, priority=400)
    app.connect("autodoc-process-signature", show_arguments)
    return {"parallel_read_safe": True}


def convert(app, what, name, obj, options, lines: list[str]) -> None:
    lines[:] = to_restructured_text("\n".join(lines)).split("\n")


def show_arguments(app, what, name, obj, options, signature, returns):
    """The arguments of a class are those of `__init__`: Keras hides them."""
    if what != "class" or "__init__" not in vars(obj):
        return None
    shown = inspect.signature(obj.__init__)
    arguments = [
        argument.replace(annotation=argument.empty)
        for argument in list(shown.parameters.values())[1:]
    ]
    shown = shown.replace(parameters=arguments, return_annotation=shown.empty)
    return str(shown), returns


def to_restructured_text(text: str) -> str:
    """The text of a docstring; examples in it stay as they are."""
    parts = re.split(r"(^ *>>> .*(?:\n *(?:>>>|\.\.\.).*)*)", text, flags=re.MULTILINE)
    parts[::2] = map(_convert_prose, parts[::2])
    return "".join(parts)


def _convert_prose(text: str) -> str:
    # Code and links first, so that nothing in them is escaped.
    kept = []

    def keep(written: str) -> str:
        kept.append(written)
        return f"\0{len(kept) - 1}\0"

    def code(match: re.Match) -> str:
        before, after = match["before"], match["after"]
        words = " ".join(match["code"].split())
        written = keep(f"``{words}``")
        return (
            (f"{before}\\ " if before else "")
            + written
            + (f"\\ {after}" if after else "")
        )

    def link(match: re.Match) -> str:
        words = " ".join(match["words"].split())
        return keep(f"`{words} <{match['url']}>`__")

    text = _LINK.sub(link, _CODE.sub(code, text))
    text = re.sub(r"(?<!\*)\*(?!\*)(?=\w)|\|", r"\\\g<0>", text)
    text = re.sub(r"(?<=\w)_(?!\w)", r"\\_", text)
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], text)
