"""Writes what is made of the repository's address, which docs/address.py has.

  python docs/make_links.py
  python docs/make_links.py --check

These are `[project.urls]` of pyproject.toml, and the badge and the install cell of
each notebook: the cells with the tags "badge" and "install". --check writes nothing and
exits with 1 if something is out of date. The package page has its links from the same
address when it is built.
"""

import argparse
import json
import re
import sys

from address import ADDRESS, ROOT, address_of, colab_address

PYPROJECT = ROOT / "pyproject.toml"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
URLS = f"""\
[project.urls]
Repository = "{ADDRESS}"
Documentation = "{address_of("docs")}"
Issues = "{ADDRESS}/issues"
Changelog = "{address_of("CHANGELOG.md")}"
"""
INSTALL = """\
# Does nothing where keras_deephash is installed. Elsewhere, as on Colab, it takes a
# wheel that lies beside this notebook, or the checkout that the notebook is in.
import importlib.util
from glob import glob

if importlib.util.find_spec("keras_deephash") is None:
    source = next(iter(glob("keras_deephash-*.whl")), "..")
    %pip install --quiet "{source}EXTRAS"\
"""


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; 1 if something is out of date with --check."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    written = {PYPROJECT: with_urls(PYPROJECT.read_text(encoding="utf-8"))}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        written[path] = with_cells(path.read_text(encoding="utf-8"), path.name)
    stale = [p for p, t in written.items() if t != p.read_text(encoding="utf-8")]
    for path in stale:
        if options.check:
            print(f"{path} is out of date: run docs/make_links.py.", file=sys.stderr)
        else:
            path.write_text(written[path], encoding="utf-8")
    return int(options.check and bool(stale))


def with_urls(text: str) -> str:
    """pyproject.toml with the addresses of today."""
    return re.sub(r"\[project\.urls\]\n(?:[A-Z].*\n)*", lambda _: URLS, text)


def with_cells(text: str, name: str) -> str:
    """A notebook with its badge and its install cell; other cells stay as they are."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        tags = cell["metadata"].get("tags", [])
        old = "".join(cell["source"])
        if "badge" in tags:
            new = f"[![Open in Colab]({BADGE})]({colab_address(name)})"
        elif "install" in tags:
            extras = re.search(r'\{source\}(\[[\w,-]+\])?"', old)
            new = INSTALL.replace("EXTRAS", extras[1] or "" if extras else "")
        else:
            continue
        cell["source"] = new.splitlines(keepends=True)
    if notebook == json.loads(text):
        return text
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
