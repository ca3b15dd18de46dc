"""The notebooks run from top to bottom, each in a kernel of its own.

At the small scale, and their times are listed at the end; `pytest -m slow` runs them in
full, breaks each to see it fail, and runs the first three where TensorFlow alone is
installed, as on Colab.
"""

import importlib.util
import json
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason='no nbclient: pip install ".[notebooks]"')
pytest.importorskip("ipykernel", reason='no ipykernel: pip install ".[notebooks]"')

import nbformat
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location(
    "execute_notebooks", ROOT / "notebooks" / "execute.py"
)
notebooks = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(notebooks)

BACKGROUND = "import numpy as np\nimport keras_deephash as kdh\n"
# Labels that say nothing of the pictures: a training to chance.
CHANCE = """
def drawings(*args, **kwargs):
    data, labels = real(*args, **kwargs), np.random.default_rng(1)
    order = labels.permutation(len(data))
    return kdh.datasets.ImageSet(data.images, data.labels[order], data.label_names)
real, kdh.datasets.drawings = kdh.datasets.drawings, drawings
"""
# A call of the library that is wrong, as a cell before those of the notebook.
BROKEN = {
    "quickstart": """
real = kdh.Index.search
def search(self, *args, **kwargs):
    distances, ids = real(self, *args, **kwargs)
    return distances, [row[::-1] for row in ids] if isinstance(ids, list) else ids[::-1]
kdh.Index.search = search
""",
    "train_your_own": """
real = kdh.from_preset
def from_preset(name, **kwargs):
    return real("dch_cifar10_48" if name == "things_48" else name, **kwargs)
kdh.from_preset = from_preset
""",
    "five_methods": """
kdh.losses.PairwiseCauchyLoss.pair_losses = lambda self, codes, others, similar: (
    kdh.losses.pairwise_distances(codes, others, "hamming") * (similar - 0.5)
)
""",
    "quantization": """
real = kdh.codebooks.asymmetric_scores
kdh.codebooks.asymmetric_scores = lambda *args, **kwargs: 1.1 * real(*args, **kwargs)
""",
    "multi_label_word_vectors": """
real = kdh.datasets.word_vectors.load
kdh.datasets.word_vectors.load = lambda *args, **kwargs: real(*args, **kwargs)[::-1]
""",
    "your_own_method": """
real = kdh.losses.pairwise_distances
kdh.losses.pairwise_distances = lambda *args: 2 * real(*args)
""",
    "hub": """
real = kdh.from_preset
def from_preset(name, **kwargs):
    return real(name.partition("@")[0], **kwargs)  # Not pinned.
kdh.from_preset = from_preset
""",
    "many_gpus_and_millions": """
from keras_deephash.losses import pairwise
pairwise.gather_rows = lambda x: (x, 0)  # Pairs of one device alone.
""",
    "export": """
real = kdh.Encoder.encode
kdh.Encoder.encode = lambda self, *args, **kwargs: ~real(self, *args, **kwargs)
""",
}
TRAINED = ("train_your_own", "five_methods", "multi_label_word_vectors")
TRAINED += ("your_own_method",)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook, tag):
    return [c for c in notebook.cells if tag in c.metadata.get("tags", ())]


def test_all_are_listed():
    found = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert found == set(notebooks.NAMES) == set(BROKEN)


@pytest.mark.parametrize("name", notebooks.NAMES)
def test_it_is_stored_with_small_pictures(name):
    path = ROOT / "notebooks" / f"{name}.ipynb"
    assert path.stat().st_size < 300_000
    notebook = notebooks.read(name)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# ")
    for tag in ("badge", "install", "parameters"):
        assert len(tagged(notebook, tag)) == 1, tag
    pictures = 0
    for cell in code_cells(notebook):
        assert cell.execution_count, "it was stored without being run"
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr"
            if picture := output.get("data", {}).get("image/png"):
                pictures += 1
                assert len(b64decode(picture)) <= notebooks.MOST_BYTES
    assert pictures
    assert not re.search(r"/(tmp|home|root)/", nbformat.writes(notebook))


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory):
    """A folder of all notebooks: one must not stumble over what another leaves."""
    return tmp_path_factory.mktemp("notebooks")


@pytest.mark.parametrize("name", notebooks.NAMES)
def test_it_runs(name, one_folder, record_property):
    seconds = notebooks.run(notebooks.read(name), "small", one_folder)
    record_property("notebook", f"{name}, small: {seconds:.0f} s")


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in notebooks.NAMES for _ in range(2)])
def test_it_runs_again(name, one_folder, record_property):
    seconds = notebooks.run(notebooks.read(name), "small", one_folder)
    record_property("notebook", f"{name}, small, in one folder: {seconds:.0f} s")


@pytest.mark.slow
@pytest.mark.parametrize("name", notebooks.NAMES)
def test_it_runs_in_full(name, tmp_path, record_property):
    seconds = notebooks.run(notebooks.read(name), "full", tmp_path)
    record_property("notebook", f"{name}, full: {seconds:.0f} s")


@pytest.mark.slow
@pytest.mark.parametrize(
    "name,cell",
    [*BROKEN.items(), *((name, CHANCE) for name in TRAINED)],
    ids=[*BROKEN, *(f"{name}-chance" for name in TRAINED)],
)
def test_a_broken_call_and_a_training_to_chance_fail(name, cell, tmp_path):
    notebook = notebooks.read(name)
    place = notebook.cells.index(tagged(notebook, "install")[0]) + 1
    notebook.cells.insert(place, nbformat.v4.new_code_cell(BACKGROUND + cell))
    with pytest.raises(CellExecutionError) as error:
        notebooks.run(notebook, "small", tmp_path)
    assert "AssertionError" in str(error.value) or "assert" in str(error.value)


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """A kernel with TensorFlow and what Colab has, and a wheel of the package."""
    folder = tmp_path_factory.mktemp("colab")
    python = folder / "environment" / "bin" / "python"
    run = {"check": True, "cwd": folder}
    subprocess.run([python_312(), "-m", "venv", folder / "environment"], **run)
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder]
    subprocess.run([*wheel, ROOT], **run)
    packages = ["tensorflow", "ipykernel", "matplotlib", "scikit-learn"]
    subprocess.run([python, "-m", "pip", "install", "-q", *packages], **run)
    kernel = folder / "kernels" / "colab"
    kernel.mkdir(parents=True)
    launch = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": launch, "display_name": "colab", "language": "python"})
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        yield python, next(folder.glob("keras_deephash-*.whl"))


def python_312() -> str:
    """Colab's Python, or this one where it is not there."""
    try:
        subprocess.run(["python3.12", "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return sys.executable
    return "python3.12"


@pytest.mark.slow
@pytest.mark.parametrize("name", notebooks.NAMES[:3])
def test_it_runs_as_on_colab(name, colab, tmp_path, record_property):
    python, wheel = colab
    # What the notebook before has installed.
    remove = [python, "-m", "pip", "uninstall", "-q", "-y", "keras-deephash"]
    subprocess.run(remove, check=True)
    (tmp_path / wheel.name).symlink_to(wheel)
    seconds = notebooks.run(
        notebooks.read(name), "small", tmp_path, "colab", {"PYTHONPATH": ""}
    )
    record_property("notebook", f"{name}, small, as on Colab: {seconds:.0f} s")
