"""Writes the pages that are made of other things into `generated`, before the build.

Notebooks and pages that lie outside of `docs` are copied, the gallery is made of the
presets' metadata, the API reference of the public names. Links between pages of the
repository become links within the site, those to other files lead to the repository.
"""

import re
import shutil
from pathlib import Path

from address import ROOT, address_of, change_links
from sphinx.application import Sphinx

from sphinx_ext.api_pages import api_pages
from sphinx_ext.gallery import gallery_page

# Pages outside of `docs`, which the site shows too.
OUTSIDE = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "data/README.md",
    "docs/search.md",  # `search` is a page of Sphinx's own.
    "tests/benchmarks/README.md",
    "zoo/README.md",
    "zoo/alexnet_imagenet.md",
    "zoo/pretraining_story.md",
]
GENERATED = "generated"


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", write_pages)
    app.connect("source-read", link_within_the_site)
    return {"parallel_read_safe": True}


def write_pages(app: Sphinx) -> None:
    folder = Path(app.srcdir) / GENERATED
    shutil.rmtree(folder, ignore_errors=True)
    for path in copied_pages():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    (folder / "presets.md").write_text(gallery_page(), encoding="utf-8")
    (folder / "api").mkdir()
    for name, text in api_pages().items():
        (folder / "api" / name).write_text(text, encoding="utf-8")


def copied_pages() -> list[str]:
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    return [*OUTSIDE, *(f"notebooks/{path.name}" for path in notebooks)]


def link_within_the_site(app: Sphinx, docname: str, source: list[str]) -> None:
    """Changes the links of a page, which are those of the file in the repository."""
    path = str(app.env.doc2path(docname, base=False))
    if path.endswith(".rst"):
        return
    inside = {f"docs/{p.name}": f"/{p.name}" for p in Path(app.srcdir).glob("*.md")}
    inside |= {path: f"/{GENERATED}/{path}" for path in copied_pages()}
    inside["docs/generated/presets.md"] = f"/{GENERATED}/presets.md"
    _, generated, outside = path.partition(f"{GENERATED}/")
    repository_path = outside if generated else f"docs/{path}"

    def change(target: str, image: bool) -> str:
        if image and target.startswith("docs/"):
            return target.replace("docs/", "/", 1)
        return inside.get(target) or address_of(target, image)

    text = change_links(source[0], repository_path, change)
    # A link that only names the file shows the title of the page.
    text = re.sub(r"\[[\w/.]+\.md\]\((/[^)]+)\)", r"[](\1)", text)
    source[0] = without_missing(text, Path(app.srcdir))


def without_missing(text: str, folder: Path) -> str:
    """A page without the patterns of its lists of pages that match no page.

    Some pages come later, such as those that a benchmark writes.
    """

    def kept(match: re.Match) -> str:
        return match[0] if any(folder.glob(match[1] + ".*")) else ""

    return re.sub(r"^([\w/]+\*)\n", kept, text, flags=re.MULTILINE)
