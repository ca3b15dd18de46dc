"""Where the repository lives: the one place that says it.

`python docs/make_links.py` writes it into pyproject.toml and the notebooks. While the
owner is not settled it reads OWNER, and nothing contacts it.
"""

import os
import posixpath
import re
from collections.abc import Callable
from pathlib import Path

ADDRESS = "https://github.com/OWNER/keras_deephash"
BRANCH = "main"
ROOT = Path(__file__).resolve().parent.parent
# The target of a link or an image in Markdown: `](target)` or `](target#anchor)`.
_LINK = re.compile(r"(!?)(\[[^\]\[]*\]\()\s*([^)\s#]+)(#[^)\s]*)?\)")


def settled(address: str = ADDRESS) -> bool:
    """Whether the address is one that can be visited."""
    return "OWNER" not in address


def address_of(path: str, image: bool = False) -> str:
    """The address of a file or folder of the repository, given by its path in it."""
    kind = "raw" if image else "tree" if os.path.isdir(ROOT / path) else "blob"
    return f"{ADDRESS}/{kind}/{BRANCH}/{path}"


def colab_address(notebook: str) -> str:
    """The address that opens a notebook of `notebooks/` in Colab."""
    path = ADDRESS.removeprefix("https://github.com/")
    return (
        f"https://colab.research.google.com/github/{path}/blob/{BRANCH}/"
        f"notebooks/{notebook}"
    )


def change_links(text: str, source: str, change: Callable[[str, bool], str]) -> str:
    """A page with each link to a file of the repository changed.

    Args:
        text: str, in Markdown.
        source: str. The path of the page in the repository, which its links begin at.
        change: function of the path of the linked file in the repository, and whether
            it is an image, to the link that stands in its place.
    """

    def changed(match: re.Match) -> str:
        mark, words, target, anchor = match.groups()
        if re.match(r"[a-z]+:|/", target):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
        if not (ROOT / path).exists():
            return match[0]
        return f"{mark}{words}{change(path, bool(mark))}{anchor or ''})"

    return _LINK.sub(changed, text)
