"""Mutated presets end in a PresetError or in the model that their files describe."""

import copy
import json
import random
import shutil

import h5py
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.presets.format.config import model_to_config

VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    7,
    16,
    8192,
    10**12,
    10**400,
    0.0,
    -0.5,
    1e-320,
    1e308,
    "",
    "x",
    "../x",
    "float16",
    "mixed_bfloat16",
    "keras_deephash>DHN",
    "keras_deephash>DTQ",
    "\u0000\ud800",
    [],
    [1],
    [0, 0, 0],
    [32, 32, 3],
    [[1.0, 2.0]],
    {},
    {"class_name": "Lambda", "config": {}, "module": "keras.layers"},
    {"bytes": -1, "sha256": ""},
]
JSON_FILES = ("config.json", "metadata.json", "preprocessor.json")
FILES = (*JSON_FILES, "model.weights.h5")


def places(value):
    """All (container, key) below a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(items):
        yield value, key
        if isinstance(item, (dict, list)):
            yield from places(item)


def mutate_json(generator, content: bytes) -> bytes:
    value = json.loads(content)
    for _ in range(generator.choice((1, 1, 1, 2))):
        found = list(places(value))
        container, key = generator.choice(found)
        action = generator.choice(("set", "set", "set", "delete", "add", "swap"))
        if action == "set":
            container[key] = copy.deepcopy(generator.choice(VALUES))
        elif action == "delete":
            del container[key]
        elif action == "swap":
            other, at = generator.choice(found)
            if at in other if isinstance(other, dict) else at < len(other):
                container[key] = copy.deepcopy(other[at])
        elif isinstance(container, dict):
            container[generator.choice(("x", "weights", "dtype", "../y", ""))] = 1
        else:
            container.append(copy.deepcopy(generator.choice(VALUES)))
    return json.dumps(value).encode()


def mutate_bytes(generator, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(generator.choice((1, 1, 2, 8))):
        # The beginning of an HDF5 file is its structure, most of the rest numbers.
        end = generator.choice((len(data), 2048, 96))
        at = generator.randrange(max(1, min(end, len(data))))
        length = generator.choice((1, 1, 4, 64))
        action = generator.choice(("flip", "flip", "fill", "delete", "insert", "cut"))
        if action == "flip":
            data[at : at + 1] = bytes(
                x ^ 1 << generator.randrange(8) for x in data[at : at + 1]
            )
        elif action == "fill":
            piece = bytes([generator.choice((0, 1, 127, 255))]) * length
            data[at : at + length] = piece[: len(data) - at]
        elif action == "delete":
            del data[at : at + length]
        elif action == "insert":
            data[at:at] = generator.randbytes(length)
        else:
            del data[at + 1 :]
    return bytes(data)


def check_described(model, folder):
    """Checks that a model is the one that the files in a directory describe."""
    entry = json.loads((folder / "config.json").read_text())
    found = json.loads(json.dumps(model_to_config(model)))
    for part, built in ((entry, found), (entry["backbone"], found["backbone"])):
        assert part["class"] == built["class"]
        for key, value in part["config"].items():
            if value is not None:
                assert built["config"][key] == value, key
    stored = {}
    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                stored.update({name: item[()]}) if hasattr(item, "shape") else None
            )
        )
    for layer in (model.hash_layer, model.backbone.layers[-1]):
        for weight in layer.get_weights():
            assert any(
                value.shape == weight.shape and (value == weight).all()
                for value in stored.values()
            )
    total = sum(value.size for value in stored.values())
    assert total >= model.count_params()


def fuzz(seed, count, source, folder, vouch):
    """Loads mutations; returns how many were loaded and how many refused."""
    generator = random.Random(seed)
    original = {name: (source / name).read_bytes() for name in FILES}
    codes = kdh.from_preset(source).encode(np.zeros((1, 32, 32, 3), "uint8"))
    loaded = refused = 0
    shutil.copytree(source, folder)
    for _ in range(count):
        for name, content in original.items():
            (folder / name).write_bytes(content)
        name = generator.choice(FILES)
        if name in JSON_FILES and generator.random() < 0.7:
            content = mutate_json(generator, original[name])
        else:
            content = mutate_bytes(generator, original[name])
        (folder / name).write_bytes(content)
        vouched = name != "metadata.json" and generator.random() < 0.8
        if vouched:
            vouch(folder)
        try:
            model = kdh.from_preset(folder)
        except kdh.PresetError as error:
            assert str(error)
            refused += 1
            continue
        loaded += 1
        check_described(model, folder)
        if not vouched and content != original[name]:
            # Of what is not vouched for, only the metadata's words can differ.
            assert name == "metadata.json"
            found = model.encode(np.zeros((1, 32, 32, 3), "uint8"), verbose=0)
            np.testing.assert_array_equal(found, codes)
    return loaded, refused


@pytest.fixture
def small(make_model, tmp_path):
    make_model(bits=8).save_to_preset(tmp_path / "small", metrics={"map": 0.5})
    return tmp_path / "small"


def test_mutated_presets(small, tmp_path, vouch):
    loaded, refused = fuzz(0, 60, small, tmp_path / "mutated", vouch)
    assert loaded > 2 and refused > 30


@pytest.mark.slow
def test_many_mutated_presets(small, tmp_path, vouch):
    loaded, refused = fuzz(1, 2200, small, tmp_path / "mutated", vouch)
    assert loaded > 100 and refused > 1200
