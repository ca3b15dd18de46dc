"""The pages load nothing from other hosts; the build says so where one does."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

# What a browser fetches by itself: not the links that a reader follows.
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc=["'](?:https?:)?//
    |<link\b(?![^>]*rel=["'](?:canonical|next|prev)["'])[^>]*\bhref=["'](?:https?:)?//
    |@import\s+(?:url\()?["']?(?:https?:)?//
    |\burl\(\s*["']?(?:https?:)?//""",
    re.VERBOSE,
)


def setup(app: Sphinx) -> dict:
    app.connect("doctree-read", replace_remote_images)
    app.connect("build-finished", check_pages)
    return {"parallel_read_safe": True}


def replace_remote_images(app: Sphinx, doctree: nodes.document) -> None:
    """Badges of other hosts become their words."""
    for image in list(doctree.findall(nodes.image)):
        if re.match("https?://", image["uri"]):
            image.replace_self(nodes.Text(image.get("alt", "")))


def check_pages(app: Sphinx, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    for path in loading_pages(Path(app.outdir)):
        logging.getLogger(__name__).warning(f"{path} loads something of another host.")


def loading_pages(folder: Path) -> list[Path]:
    """Pages and style sheets of a folder that load something from another host."""
    paths = sorted([*folder.rglob("*.html"), *folder.rglob("*.css")])
    return [p for p in paths if LOADED.search(p.read_text(encoding="utf-8"))]
