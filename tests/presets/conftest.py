"""Helpers for presets that are damaged on purpose."""

import json
import shutil

import keras
import pytest

import keras_deephash as kdh
from keras_deephash.files import describe_file


@pytest.fixture(scope="session")
def same_presets(make_alexnet, tmp_path_factory):
    """A folder with presets of a DCH and a CSQ of 16 bits; do not change them."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("same")
    kdh.DCH(make_alexnet(), bits=16).save_to_preset(
        folder / "DCH", label_names=["a", "b"]
    )
    kdh.CSQ(make_alexnet(), bits=16, classes=4).save_to_preset(folder / "CSQ")
    return folder


@pytest.fixture
def preset(same_presets, tmp_path):
    """The preset of a DCH of 16 bits, to be damaged."""
    return shutil.copytree(same_presets / "DCH", tmp_path / "mine")


@pytest.fixture
def vouch():
    """A function that makes the metadata describe the files as they are now."""

    def vouch(folder):
        metadata = json.loads((folder / "metadata.json").read_text())
        for name in metadata["files"]:
            metadata["files"][name] = describe_file(folder / name)
        (folder / "metadata.json").write_text(json.dumps(metadata))

    return vouch


@pytest.fixture
def refused():
    """A function that checks that a preset is refused with a message."""

    def refused(folder, message, **arguments):
        with pytest.raises(kdh.PresetError, match=message):
            kdh.from_preset(folder, **arguments)

    return refused


@pytest.fixture
def without_exchange(monkeypatch):
    """A system that cannot exchange two names, such as Windows."""
    name = "keras_deephash.presets.replacing.exchange"
    monkeypatch.setattr(name, lambda first, second: False)
