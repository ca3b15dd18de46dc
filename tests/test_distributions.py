"""The wheel and the source distribution: what is in them, and how large they are."""

import subprocess
import sys
import tarfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the package, is not installed")
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_has_its_presets_and_is_small(built):
    (wheel,) = built.glob("*.whl")
    assert wheel.stat().st_size < 20e6
    embedded = ROOT / "keras_deephash" / "presets" / "embedded"
    expected = {str(path.relative_to(ROOT)) for path in embedded.glob("*/*.*")}
    assert any("efficientnet_lite0_imagenet/model.weights.h5" in n for n in expected)
    with zipfile.ZipFile(wheel) as file:
        names = set(file.namelist())
    assert expected | {"keras_deephash/presets/known_names.json"} <= names
    assert all(n.startswith(("keras_deephash/", "keras_deephash-")) for n in names)


def test_the_source_distribution_is_without_the_zoo_and_small(built):
    (source,) = built.glob("*.tar.gz")
    assert source.stat().st_size < 25e6
    with tarfile.open(source) as file:
        names = [name.partition("/")[2] for name in file.getnames()]
    assert "zoo/results_table.py" in names
    assert not any(name.startswith("zoo/presets") for name in names)
