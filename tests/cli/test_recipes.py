"""Every recipe is read by the command, value by value."""

import json
from pathlib import Path

import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.training import train as training

ROOT = Path(__file__).parents[2]
DATA_RECIPES = sorted((ROOT / "data" / "recipes").glob("*.json"))
RECIPES = [*sorted((ROOT / "zoo" / "recipes").glob("*.json")), *DATA_RECIPES]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_command_takes_every_value(path, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train", lambda options, _: seen.append(options))
    assert main(["train", "--recipe", str(path), "--data", "x", "--output", "y"]) == 0
    recipe = json.loads(path.read_text())
    assert {name: getattr(seen[0], name) for name in recipe} == recipe


@pytest.mark.parametrize("path", DATA_RECIPES, ids=lambda path: path.stem)
def test_recipes_of_data_sets(path):
    recipe = json.loads(path.read_text())
    method, _, bits = path.stem.split("_")
    assert recipe["method"] == method.upper()
    assert recipe.get("bits", 8 * recipe.get("subcodebooks", 0)) == int(bits)
    assert recipe["backbone"] in {preset.name for preset in kdh.list_presets()}
    assert path.name in (ROOT / "data" / "README.md").read_text()
