"""Mutated presets end in a PresetError or in the model that their files describe."""

import copy
import io
import json
import random
import shutil
import warnings
from collections import Counter

import h5py
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.presets.format.config import model_to_config
from keras_deephash.presets.format.metadata import read_metadata
from keras_deephash.presets.format.readme import render_card
from keras_deephash.presets.hub.card import render_hub_card
from keras_deephash.presets.hub.handles import HubHandle
from keras_deephash.presets.loading import load_preset
from keras_deephash.presets.location import PresetLocation

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
    33,
    65,
    4096,
    "",
    "x",
    "../x",
    "float16",
    "mixed_bfloat16",
    "keras_deephash>DHN",
    "keras_deephash>DTQ",
    "\u0000\ud800",
    "<script>x</script>\n## y\u001b[2J",
    "/home/alice/x",
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
HDF5_FILES = ("model.weights.h5", "index.h5")
FILES = (*JSON_FILES, *HDF5_FILES)
NUMBERS = (0, 1, -1, 255, 10**6, 2**62, 0.5, 1e38, 1e39, 1e300, np.inf, -np.inf, np.nan)
DTYPES = ("float64", "float32", "float16", "int64", "int32", "uint8", "bool", "S4")


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


def mutate_arrays(generator, content: bytes) -> bytes:
    """Changes the datasets of an HDF5 file."""
    file = io.BytesIO(content)
    with h5py.File(file, "r+") as group:
        names = []
        group.visititems(
            lambda name, item: names.append(name) if hasattr(item, "shape") else None
        )
        for _ in range(generator.choice((1, 1, 2))):
            name = generator.choice(names)
            if isinstance(group.get(name), h5py.Dataset):
                mutate_array(generator, group, name)
    return file.getvalue()


def mutate_array(generator, group, name: str) -> None:
    values = group[name][()]
    action = generator.choice(("number", "dtype", "shape", "delete", "move", "link"))
    del group[name]
    if action == "number":
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            wide = values.astype(generator.choice(("float64", values.dtype)))
            number = np.asarray(generator.choice(NUMBERS)).astype(wide.dtype)
        flat = wide.reshape(-1)
        flat[: generator.choice((1, flat.size))] = number
        group[name] = wide
    elif action == "dtype":
        with np.errstate(all="ignore"):
            group[name] = values.astype(generator.choice(DTYPES))
    elif action == "shape":
        part = values.reshape(-1)[: values.size // 2]
        group[name] = generator.choice((part, values.reshape(-1), values[None]))
    elif action == "move":
        group[f"{name}_x"] = values
    elif action == "link":
        group[name] = h5py.SoftLink("/")


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
    for weight in model.weights:  # None of them is left as it was drawn.
        weight = np.asarray(weight.value)
        assert any(
            value.shape == weight.shape and (value.astype(weight.dtype) == weight).all()
            for value in stored.values()
        )
    total = sum(value.size for value in stored.values())
    assert total >= model.count_params()


def check_cards(folder):
    """Checks that no metadata that are read become markup, or text that cannot be."""
    try:
        metadata = read_metadata(str(folder))
    except kdh.PresetError:
        return
    for card in (
        render_card("x", metadata),
        render_hub_card(HubHandle("a/b"), metadata, kdh.Preprocessor(32), None),
    ):
        card.encode()
        prose = card.split("---\n")[-1].replace("<!-- Written by keras_deephash", "")
        assert "<" not in prose and "\x1b" not in card


def check_index(model):
    """Checks that an index answers, whatever it holds."""
    index = model.index
    names = index.names(index.ids)
    assert names is None or len(names) == len(index)
    distances, ids = index.search(np.zeros((1, model.bits // 8), "uint8"), k=3)
    assert distances.shape == ids.shape == (1, 3)


def fuzz(seed, count, source, folder, vouch):
    """Loads mutations; returns how many were loaded, and refused, for each file."""
    generator = random.Random(seed)
    original = {name: (source / name).read_bytes() for name in FILES}
    codes = kdh.from_preset(source).encode(np.zeros((1, 32, 32, 3), "uint8"))
    loaded, refused = Counter(), Counter()
    shutil.copytree(source, folder)
    for _ in range(count):
        for name, content in original.items():
            (folder / name).write_bytes(content)
        name = generator.choice(FILES)
        structured = generator.random() < 0.7
        if name in JSON_FILES and structured:
            content = mutate_json(generator, original[name])
        elif structured:
            content = mutate_arrays(generator, original[name])
        else:
            content = mutate_bytes(generator, original[name])
        (folder / name).write_bytes(content)
        vouched = name != "metadata.json" and generator.random() < 0.8
        if vouched:
            vouch(folder)
        check_cards(folder)
        # As from a directory, and as from the Hub.
        location = PresetLocation("x", str(folder), trusted=generator.random() < 0.5)
        with_index = name == "index.h5" or generator.random() < 0.3
        try:
            model = load_preset(location, True, {}, load_index=with_index)
        except kdh.PresetError as error:
            assert str(error)
            refused[name] += 1
            continue
        loaded[name] += 1
        assert all(np.isfinite(np.asarray(w.value)).all() for w in model.weights)
        if with_index:
            check_index(model)
        check_described(model, folder)
        if not vouched and content != original[name]:
            # Of what is not vouched for, only the metadata's words can differ.
            assert name == "metadata.json"
            found = model.encode(np.zeros((1, 32, 32, 3), "uint8"), verbose=0)
            np.testing.assert_array_equal(found, codes)
    return loaded, refused


@pytest.fixture
def small(make_alexnet, tmp_path, images, labels):
    model = kdh.DCH(make_alexnet(), bits=8)
    index = kdh.Index(model)
    index.add(images, labels=labels, names=[f"{i}.png" for i in range(24)])
    model.save_to_preset(tmp_path / "small", metrics={"map": 0.5}, index=index)
    return tmp_path / "small"


def test_mutated_presets(small, tmp_path, vouch):
    loaded, refused = fuzz(0, 30, small, tmp_path / "mutated", vouch)
    assert loaded.total() > 1 and refused.total() > 15


@pytest.mark.slow
def test_many_mutated_presets(small, tmp_path, vouch):
    loaded, refused = fuzz(1, 2200, small, tmp_path / "mutated", vouch)
    for name in FILES:  # Anything but a PresetError has failed by now.
        print(f"{name}: {loaded[name]} loaded as described, {refused[name]} refused")
    assert loaded.total() > 100 and refused.total() > 1200
