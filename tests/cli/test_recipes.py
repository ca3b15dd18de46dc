"""Every recipe is read by the command, value by value."""

import json
from pathlib import Path

import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.training import training

ROOT = Path(__file__).parents[2]
DATA_RECIPES = sorted((ROOT / "data" / "recipes").glob("*.json"))
RECIPES = [*sorted((ROOT / "zoo" / "recipes").glob("*.json")), *DATA_RECIPES]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_command_takes_every_value(path, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "train", seen.append)
    assert main(["train", "--recipe", str(path), "--data", "x", "--output", "y"]) == 0
    recipe = json.loads(path.read_text())
    options = seen[0].as_dict()
    assert {name: options[name] for name in recipe} == recipe
    kept = kdh.TrainingOptions.from_recipe(path, data="x", output="y").as_dict()
    assert {**options, "command": None} == kept


@pytest.mark.parametrize("path", DATA_RECIPES, ids=lambda path: path.stem)
def test_recipes_of_data_sets(path):
    recipe = json.loads(path.read_text())
    method, _, bits = path.stem.split("_")
    assert recipe["method"] == method.upper()
    assert recipe.get("bits", 8 * recipe.get("subcodebooks", 0)) == int(bits)
    assert recipe["backbone"] in {preset.name for preset in kdh.list_presets()}
    assert path.name in (ROOT / "data" / "README.md").read_text()
