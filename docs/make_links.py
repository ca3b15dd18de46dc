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
import tomllib
from itertools import chain
from string import Template

from address import ADDRESS, ROOT, address_of, colab_address, settled

PYPROJECT = ROOT / "pyproject.toml"
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"
URLS = f"""\
[project.urls]
Repository = "{ADDRESS}"
Documentation = "{address_of("docs")}"
Issues = "{ADDRESS}/issues"
Changelog = "{address_of("CHANGELOG.md")}"
"""
INSTALL = Template(
    """\
# Installs what is missing of what this notebook imports: keras_deephash from a wheel
# beside this notebook, or else from its code.
from glob import glob
from importlib.util import find_spec
from pathlib import Path

needed = {
$needed}
missing = [package for module, package in needed.items() if not find_spec(module)]
if not find_spec("keras_deephash"):
    wheels = sorted(glob("keras_deephash-*.whl"))
    if wheels:
        missing.append(wheels[-1])
    elif Path("../keras_deephash/version.py").exists():
        missing.append("..")
    else:
        $last$also
if missing:
    packages = " ".join(f'"{package}"' for package in missing)
    %pip install --quiet {packages}\
"""
)
NOWHERE = """\
raise FileNotFoundError(
            "keras_deephash is not installed, and there is nothing to install it from. "
            "Expected: a wheel beside this notebook, or the checkout around it. Make a "
            "wheel in a checkout by `pip wheel --no-deps .`, upload it beside this "
            "notebook (on Colab: the folder at the left), and run this cell again."
        )"""
# What notebooks import that `pip install keras-deephash` does not bring: modules, by
# the packages that pyproject.toml names for its extras. All draw with matplotlib.
NEEDED = {
    "export": ("ai_edge_litert", "onnx", "onnxruntime", "tf2onnx"),
    "your_own_method": ("pytest",),
}
# What a notebook leaves out without: it comes with a new installation alone.
OPTIONAL = {"many_gpus_and_millions": "ray"}


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
        if "badge" in tags:
            new = f"[![Open in Colab]({BADGE})]({colab_address(name)})"
        elif "install" in tags:
            new = install_cell(name.removesuffix(".ipynb"))
        else:
            continue
        cell["source"] = new.splitlines(keepends=True)
    if notebook == json.loads(text):
        return text
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def install_cell(notebook: str, address: str = ADDRESS) -> str:
    """The cell that installs what a notebook lacks, if need be from the address."""
    modules = "matplotlib", *NEEDED.get(notebook, ())
    last, also = NOWHERE, ""
    if settled(address):
        last = f'missing.append("git+{address}")'
    if notebook in OPTIONAL:
        also = f'\n    missing.append("{requirement(OPTIONAL[notebook])}")'
    return INSTALL.substitute(
        needed="".join(f'    "{m}": "{requirement(m)}",\n' for m in modules),
        last=last,
        also=also,
    )


def requirement(module: str) -> str:
    """The package of a module, with its bounds, from the extras of pyproject.toml."""
    extras = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    for package in chain.from_iterable(extras.values()):
        if re.split(r"[^\w-]", package)[0].replace("-", "_") == module:
            return package
    raise ValueError(f"No extra of pyproject.toml brings the module {module!r}.")


if __name__ == "__main__":
    sys.exit(main())
