"""Presets of the registry that live on the Hub, pinned and checked."""

import json

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.presets.remote_registry import describe_preset, record_entry


@pytest.fixture
def registry(repository, saved, tmp_path, monkeypatch):
    """The file of records, with the small preset under the name `tiny_16`."""
    handle = f"hf://org/tiny@{repository.refs['main']}"
    record = record_entry(describe_preset("tiny_16", handle, str(saved)))
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"tiny_16": record}))
    monkeypatch.setenv("KERAS_DEEPHASH_REGISTRY", str(path))
    return path


def edit(path, **entries):
    records = json.loads(path.read_text())
    records["tiny_16"].update(entries)
    path.write_text(json.dumps(records))


def test_by_name(hub, repository, registry, load, images, codes):
    repository.commit("main", {"model.weights.h5": b"the branch has moved on"})
    model = load("tiny_16")
    np.testing.assert_array_equal(model.encode(images, verbose=0), codes)
    hub.requests.clear()
    load("tiny_16")
    load("tiny_16", local_files_only=True)
    assert hub.requests == []
    with pytest.raises(kdh.PresetError, match="is truncated"):
        load("tiny_16", revision="main")
    with pytest.raises(kdh.PresetError, match="Did you mean 'tiny_16'"):
        load("tiny_1")


def test_listing(registry, hub):
    (info,) = kdh.list_presets(remote=True)
    assert info.name == "tiny_16" and info.bits == 16 and info.map == 0.25
    assert info.size > 10_000
    assert kdh.list_presets("DHN", remote=True) == []
    assert "tiny_16" not in {info.name for info in kdh.list_presets()}
    assert hub.requests == []


def test_the_record_vouches_for_the_files(registry, load):
    files = json.loads(registry.read_text())["tiny_16"]["files"]
    files["metadata.json"]["sha256"] = "0" * 64
    edit(registry, files=files)
    with pytest.raises(kdh.PresetError, match="not the file that the registry vouches"):
        load("tiny_16")


@pytest.mark.parametrize(
    "entries",
    [
        {"handle": "hf://org/tiny@main"},
        {"handle": "hf://org/tiny"},
        {"handle": "tiny"},
        {"files": {}},
        {"more": 1},
    ],
)
def test_a_damaged_record(registry, load, entries):
    edit(registry, **entries)
    with pytest.raises(kdh.PresetError, match="must have a handle pinned to a commit"):
        load("tiny_16")


def test_the_registry_of_the_package_is_well_formed(monkeypatch):
    monkeypatch.delenv("KERAS_DEEPHASH_REGISTRY", raising=False)
    for info in kdh.list_presets(remote=True):
        assert info.size > 0
