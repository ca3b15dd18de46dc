"""What the documentation site and the package page are made of."""

import importlib
import importlib.util
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import pytest

import keras_deephash as kdh

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MODULES = (
    "losses",
    "codebooks",
    "datasets",
    "callbacks",
    "plots",
    "presets",
    "duplicates",
)


@pytest.fixture
def docs(monkeypatch):
    """A function that imports a module of docs/."""
    monkeypatch.syspath_prepend(str(DOCS))
    yield importlib.import_module
    for name in list(sys.modules):
        if name.startswith(("sphinx_ext", "address", "make_links")):
            del sys.modules[name]


def public_names() -> set[str]:
    names = {f"keras_deephash.{name}" for name in kdh.__all__}
    for module in MODULES:
        for name in importlib.import_module(f"keras_deephash.{module}").__all__:
            names.add(f"keras_deephash.{module}.{name}")
    return names


def test_every_public_name_is_on_a_page_of_the_reference(docs):
    api = docs("sphinx_ext.api_pages")
    text = "\n".join(api.api_pages().values())
    lines = [line.split(":: ")[1] for line in text.split("\n") if ":: keras" in line]
    assert len(lines) == len(set(lines))
    shown = [api.find(line) for line in lines]
    for name in public_names() - {"keras_deephash.__version__"}:
        value = api.find(name)
        if isinstance(value, types.ModuleType):
            assert any(line.startswith(value.__name__) for line in lines), name
        else:
            assert any(value is other for other in shown), name


def test_every_preset_is_in_the_gallery_with_its_figure(docs):
    page = docs("sphinx_ext.gallery").gallery_page()
    folders = ("keras_deephash/presets/embedded", "zoo/presets")
    paths = [path for f in folders for path in (ROOT / f).glob("*/metadata.json")]
    assert page.count("\n### ") == len(paths)
    for path in paths:
        _, _, section = page.partition(f"\n### {path.parent.name}\n")
        section = section.partition("\n### ")[0]
        metrics = json.loads(path.read_text())["metrics"]
        assert "map" not in metrics or f"{metrics['map']:.4f}" in section
    groups = re.split(r"\n## (.*)\n", page)[1:]
    titles = {
        title: text for title, text in zip(groups[::2], groups[1::2], strict=True)
    }
    for name, title in {
        "itq_imagenet_128": "Photos of any kind",
        "hash_net_coco_mini_64": "Scenes with several everyday objects",
        "greedy_hash_tiny_imagenet_64": "200 kinds of things",
        "dch_cifar10_48": "The ten classes of CIFAR-10",
        "alexnet_cifar10": "Backbones to begin from",
    }.items():
        assert f"\n### {name}\n" in titles[title]


def test_docstrings_become_restructured_text(docs):
    pytest.importorskip("sphinx")
    convert = docs("sphinx_ext.keras_docstrings").to_restructured_text
    text = (
        "Some `code\n  here`s, `a_`, a [paper, *x*](\n  https://a.org/b_) and **kwargs."
    )
    assert convert(text) == (
        "Some ``code here``\\ s, ``a_``, a `paper, *x* <https://a.org/b_>`__ "
        "and **kwargs."
    )
    assert convert("|u| and *args of x_:") == "\\|u\\| and \\*args of x\\_:"
    assert convert(">>> f(`x`)\n`x`") == ">>> f(`x`)\n``x``"


@pytest.mark.parametrize(
    ("page", "loads"),
    [
        ('<script src="https://a.org/x.js"></script>', True),
        ('<img alt="x" src="//a.org/x.png">', True),
        ('<link rel="stylesheet" href="https://a.org/x.css">', True),
        ("<style>@import 'https://a.org/x.css'</style>", True),
        ('<a href="https://a.org">x</a><img src="_images/x.png">', False),
        ('<link rel="canonical" href="https://a.org">', False),
    ],
)
def test_what_loads_from_other_hosts_is_noticed(page, loads, docs, tmp_path):
    pytest.importorskip("sphinx")
    (tmp_path / "x.html").write_text(page)
    found = docs("sphinx_ext.own_host").loading_pages(tmp_path)
    assert [path.name for path in found] == ["x.html"] * loads


def test_links_of_the_package_page_lead_to_the_repository(docs):
    address = docs("address")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    page = address.change_links(text, "README.md", address.address_of)
    start = f"{address.ADDRESS}/"
    assert f"]({start}raw/main/docs/pictures/search.jpg)" in page
    assert f"]({start}blob/main/docs/methods.md#quantization)" in page
    assert f"]({start}tree/main/notebooks)" in page
    relative = [
        link.partition(")")[0]
        for link in page.split("](")[1:]
        if not link.startswith("https://")
    ]
    assert not relative  # None that leads nowhere, either.


def test_readme_fits_the_screen_of_a_newcomer():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_what_is_made_of_the_address_is_up_to_date(docs, capsys):
    assert docs("make_links").main(["--check"]) == 0, capsys.readouterr().err


def test_badges_and_install_cells(docs):
    links = docs("make_links")
    cells = [
        {"cell_type": "markdown", "metadata": {"tags": ["badge"]}, "source": ["old"]},
        {
            "cell_type": "code",
            "metadata": {"tags": ["install"]},
            "source": ['%pip install "{source}[plots,ray]"'],
        },
        {"cell_type": "code", "metadata": {}, "source": ["1 + 1"]},
    ]
    text = links.with_cells(json.dumps({"cells": cells}), "hub.ipynb")
    badge, install, other = json.loads(text)["cells"]
    assert "/blob/main/notebooks/hub.ipynb)" in "".join(badge["source"])
    assert "find_spec" in "".join(install["source"])
    assert install["source"][-1].endswith('"{source}[plots,ray]"')
    assert other == cells[2]
    assert links.with_cells(text, "hub.ipynb") == text


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path):
    """`.ci/run` does the same, in 12 seconds of a processor."""
    if not importlib.util.find_spec("furo"):
        pytest.skip("the site needs `pip install keras-deephash[docs]`")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", DOCS, tmp_path]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in ("index", "methods", "generated/presets", "generated/api/losses"):
        assert (tmp_path / f"{name}.html").exists()
