"""What the documentation site and the package page are made of."""

import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
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
            "source": ["%pip install old"],
        },
        {"cell_type": "code", "metadata": {}, "source": ["1 + 1"]},
    ]
    text = links.with_cells(json.dumps({"cells": cells}), "hub.ipynb")
    badge, install, other = json.loads(text)["cells"]
    assert "/blob/main/notebooks/hub.ipynb)" in "".join(badge["source"])
    assert "".join(install["source"]) == links.install_cell("hub")
    assert other == cells[2]
    assert links.with_cells(text, "hub.ipynb") == text


SETTLED = "https://github.com/someone/keras_deephash"
WHEEL = "keras_deephash-0.1-py3-none-any.whl"


@pytest.mark.parametrize(
    "address,files,modules,wanted",
    [
        (SETTLED, [WHEEL, "../keras_deephash/version.py"], [], f' "{WHEEL}"'),
        (SETTLED, ["../keras_deephash/version.py"], [], ' ".."'),
        (SETTLED, [], [], f' "git+{SETTLED}"'),
        ("https://github.com/OWNER/keras_deephash", [], [], None),
        (SETTLED, [], ["keras_deephash"], ""),
    ],
    ids=["wheel", "checkout", "repository", "nothing", "installed"],
)
def test_where_an_install_cell_takes_the_package_from(
    address, files, modules, wanted, docs, tmp_path
):
    cell = docs("make_links").install_cell("hub", address)
    for name in ["notebooks/here", *(f"notebooks/{name}" for name in files)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    done = run_install_cell(cell, tmp_path / "notebooks", modules)
    if wanted is None:
        assert done.returncode and "upload it beside this notebook" in done.stderr
    else:
        assert done.stdout == f'pip install "matplotlib>=3.9"{wanted}\n', done.stderr


def test_an_install_cell_brings_what_else_its_notebook_needs(docs, tmp_path):
    links = docs("make_links")
    for notebook, present, wanted in (
        ("hub", ["matplotlib"], ""),
        ("your_own_method", ["matplotlib"], '"pytest>=8"'),
        ("export", ["matplotlib", "onnx", "tf2onnx"], '"onnxruntime>=1.20"'),
        ("many_gpus_and_millions", ["matplotlib"], ""),  # It does without Ray.
    ):
        cell = links.install_cell(notebook)
        folder = tmp_path / notebook
        done = run_install_cell(cell, folder, ["keras_deephash", *present])
        assert done.returncode == 0, done.stderr
        assert wanted in done.stdout and bool(wanted) == bool(done.stdout)
    cell = links.install_cell("many_gpus_and_millions", SETTLED)
    assert '"ray[data]>=2.40"' in run_install_cell(cell, tmp_path, []).stdout


def run_install_cell(cell, folder, modules):
    """Runs a cell where only these modules are there; prints what pip would do."""
    folder.mkdir(exist_ok=True)
    path = folder.parent / f"{folder.name}.packages"
    path.mkdir()
    for name in modules:
        (path / f"{name}.py").touch()
    cell = re.sub(r"%(pip install) --quiet (.*)", r'print(f"\1 \2")', cell)
    return subprocess.run(
        [sys.executable, "-S", "-c", cell],  # -S: the standard library alone.
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )


def test_what_notebooks_import_comes_with_the_package_or_an_install_cell(docs):
    links = docs("make_links")
    own = {"dsh", "google", "keras_deephash"}  # Of the notebook, and of Colab.
    brought = {"PIL", "faiss", "sklearn", "huggingface_hub"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought |= {re.split(r"[^\w-]", name)[0] for name in project["dependencies"]}
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        code = [
            "".join(cell["source"])
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
            if cell["cell_type"] == "code"
        ]
        found = re.findall(r"^ *(?:import|from) (\w+)", "\n".join(code), re.M)
        stem = path.stem
        allowed = own | brought | {"matplotlib", *links.NEEDED.get(stem, ())}
        if stem in links.OPTIONAL:
            allowed |= {links.OPTIONAL[stem], "pyarrow"}
        assert set(found) - set(sys.stdlib_module_names) <= allowed, stem


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
