"""Presets of installed packages, such as that of `zoo/`, and names not here."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.presets import registry
from keras_deephash.presets.format.metadata import check_files, read_metadata
from keras_deephash.presets.known_names import NAMES

ZOO = Path(__file__).resolve().parents[2] / "zoo"
KNOWN = json.loads(Path(NAMES).read_text(encoding="utf-8"))


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """An empty working directory where the package is installed, and no zoo."""
    monkeypatch.setattr(registry, "_CHECKOUT", str(tmp_path / "site-packages"))
    monkeypatch.setattr(registry, "installed_folders", lambda group: [])
    monkeypatch.delenv(registry.PRESETS_VARIABLE, raising=False)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    return monkeypatch


def install_by_hand(site: Path, name: str, entry: str) -> None:
    """What pip writes of a package with an entry point, but for its files."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[keras_deephash.presets]\nx = {entry}\n")


def test_presets_of_a_package_load_by_name_and_none_of_it_runs(
    alone, make_model, tmp_path
):
    site = tmp_path / "site"
    install_by_hand(site, "others", "others.of_mine")
    make_model().save_to_preset(site / "others" / "of_mine" / "tiny_16")
    (site / "others" / "__init__.py").write_text("raise SystemExit('was run')")
    alone.undo()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.syspath_prepend(site)
        assert kdh.from_preset("tiny_16").bits == 16
        assert "tiny_16" in {info.name for info in kdh.list_presets()}
    assert "others" not in sys.modules


@pytest.mark.parametrize("entry", ["gone", "gone.too", "json.gone", "sys"])
def test_a_package_whose_presets_are_not_there(tmp_path, monkeypatch, entry):
    install_by_hand(tmp_path, "broken", entry)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.warns(UserWarning, match=f"'broken' says that '{entry}' holds presets"):
        assert "dch_cifar10_48" in registry.preset_folders()


def test_the_zoo_is_a_package(make_model, tmp_path):
    if find_spec("hatchling") is None:
        pytest.skip("hatchling, which builds the package, is not installed")
    source, site = tmp_path / "zoo", tmp_path / "site"
    package = shutil.copytree(ZOO / "keras_deephash_zoo", source / "keras_deephash_zoo")
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ZOO / name, source)
    make_model().save_to_preset(source / "presets" / "tiny_16", dataset="noise")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-index", "--no-build-isolation", "--target", site, source]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    installed = sorted(os.listdir(site / package.name))
    assert [n for n in installed if n != "__pycache__"] == ["__init__.py", "tiny_16"]
    program = """
import sys
from keras_deephash.presets import list_presets
from keras_deephash.presets.registry import preset_folders
print("tiny_16" in {info.name for info in list_presets()})
print(preset_folders()["tiny_16"])
print({"tensorflow", "keras", "keras_deephash_zoo"} & set(sys.modules))
"""
    paths = [str(site), str(Path(kdh.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    folder = str(site / package.name / "tiny_16")
    assert done.stdout.splitlines() == ["True", folder, "set()"], done.stderr


def test_the_installed_zoo_is_whole(alone, monkeypatch):
    try:
        distribution("keras-deephash-zoo")
    except PackageNotFoundError:
        pytest.skip("keras-deephash-zoo is not installed")
    from keras_deephash.extensions import installed_folders

    monkeypatch.setattr(registry, "installed_folders", installed_folders)
    folders = registry.preset_folders()
    assert KNOWN["zoo"].keys() <= folders.keys()
    for name in KNOWN["zoo"]:
        assert Path(folders[name]).parent.name == "keras_deephash_zoo"
        check_files(folders[name], read_metadata(folders[name]))
    assert kdh.from_preset("dtq_cifar10_32").bits == 32


def test_a_name_of_the_zoo_says_how_to_install_it(alone):
    with pytest.raises(kdh.PresetError, match=r"in the zoo.*pip install \./zoo"):
        kdh.from_preset("dtq_cifar10_32")
    with pytest.raises(kdh.PresetError, match="Did you mean 'dtq_cifar10_32'"):
        kdh.from_preset("dtq_cifar10_31")
    assert kdh.DCH("efficientnet_lite0_imagenet", bits=48).bits == 48


def test_a_name_that_has_gone_names_its_successor(alone):
    with pytest.raises(kdh.PresetError, match="gone. Its successor is 'dch_efficient"):
        kdh.from_preset("dch_cifar10_full_48")


def test_known_names_are_those_of_the_zoo(capsys):
    presets = {info.name: info for info in kdh.list_presets()}
    in_zoo = {path.parent.name for path in (ZOO / "presets").glob("*/metadata.json")}
    assert KNOWN["zoo"].keys() == in_zoo, "run zoo/results_table.py"
    assert not KNOWN["successors"].keys() & presets.keys()
    assert set(KNOWN["successors"].values()) <= presets.keys()
    assert main(["presets"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[-1] == "for"
    for name, info in presets.items():
        assert info.purpose and len(info.purpose) < 90
        assert any(x.startswith(name) and x.endswith(info.purpose) for x in lines)


@pytest.mark.parametrize(
    "recipe", sorted((ZOO / "recipes").glob("*.json")), ids=lambda path: path.stem
)
def test_a_recipe_makes_a_preset_from_a_start_that_is_shipped(recipe):
    presets = {info.name for info in kdh.list_presets()}
    assert {recipe.stem, json.loads(recipe.read_text())["backbone"]} <= presets


def test_the_zoo_stays_below_120_mb():
    files = [path for path in (ZOO / "presets").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 120e6
