"""Helpers for presets that are damaged on purpose."""

import json

import pytest

import keras_deephash as kdh
from keras_deephash.files import describe_file


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
