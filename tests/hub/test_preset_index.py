"""A preset that brings the index of its database along."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import Index, PresetError
from keras_deephash.files import describe_file
from keras_deephash.preprocessing import PREPROCESSING_VERSION

NAMES = [f"bild {number} ä.png" for number in range(24)]


@pytest.fixture(scope="module")
def indexed(saved, same_images, same_labels, tmp_path_factory):
    """A preset with an index of 24 images; do not change it."""
    folder = tmp_path_factory.mktemp("indexed") / "tiny"
    shutil.copytree(saved, folder)
    model = kdh.from_preset(folder)
    index = Index(model, kind="hash", flips=2)
    index.add(same_images, ids=np.arange(24) * 7, labels=same_labels, names=NAMES)
    model.save_to_preset(folder, index=index)
    return folder


@pytest.fixture
def folder(indexed, tmp_path):
    """A copy of it."""
    return shutil.copytree(indexed, tmp_path / "tiny")


def rewrite(folder, change):
    """Changes the index file, and lets the metadata vouch for it."""
    with h5py.File(folder / "index.h5", "r+") as file:
        change(file)
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["files"]["index.h5"] = describe_file(folder / "index.h5")
    (folder / "metadata.json").write_text(json.dumps(metadata))


def edit(folder, **fields):
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["index"].update(fields)
    (folder / "metadata.json").write_text(json.dumps(metadata))


def check(model, images, labels):
    index = model.index
    assert index.stats()["kind"] == "hash" and index.stats()["flips"] == 2
    np.testing.assert_array_equal(index.ids, np.arange(24) * 7)
    np.testing.assert_array_equal(index.codes(index.ids), model.encode(images))
    np.testing.assert_array_equal(index.labels(index.ids), labels)
    assert index.names(index.ids) == NAMES
    distances, _ = index.search(images[:3], k=1)
    assert (distances == 0).all()


def test_it_comes_back_from_a_directory(folder, images, labels):
    check(kdh.from_preset(folder, load_index=True), images, labels)
    check(kdh.DCH.from_preset(folder, load_index=True), images, labels)
    assert not hasattr(kdh.from_preset(folder), "index")


def test_it_comes_back_from_the_hub_where_it_is_asked_for(
    hub, folder, load, images, labels, tmp_path
):
    uri = "hf://me/indexed"
    commit = kdh.upload_preset(uri, folder, endpoint=hub.endpoint, token="hf_writer")
    load(uri)
    cached = {name for _, _, names in os.walk(tmp_path / "cache") for name in names}
    assert "model.weights.h5" in cached and "index.h5" not in cached
    check(load(uri, load_index=True), images, labels)
    requests = len(hub.requests)
    check(load(uri, load_index=True, revision=commit), images, labels)
    assert len(hub.requests) == requests


def test_where_there_is_none_it_is_said(saved, repository, load):
    with pytest.raises(PresetError, match="has no index of a database"):
        kdh.from_preset(saved, load_index=True)
    with pytest.raises(PresetError, match="has no index of a database"):
        load(load_index=True)


@pytest.mark.parametrize("arguments", [{"load_weights": False}, {"gamma": 5}])
def test_an_index_is_of_the_weights_as_they_are(folder, arguments):
    with pytest.raises(PresetError, match="codes of the preset's own weights"):
        kdh.from_preset(folder, load_index=True, **arguments)


def test_an_index_of_other_weights_is_refused_and_the_preset_stays(
    folder, make_model, images, labels
):
    other = Index(make_model())
    other.add(images)
    model = kdh.from_preset(folder)
    with pytest.raises(ValueError, match="`index` makes other codes"):
        model.save_to_preset(folder, index=other)
    # Rounding changes the weights that the codes were made with.
    index = Index(model)
    index.add(images)
    with pytest.raises(ValueError, match="`index` makes other codes"):
        model.save_to_preset(folder, weights_dtype="float16", index=index)
    check(kdh.from_preset(folder, load_index=True), images, labels)


@pytest.mark.parametrize("version", [1, 2, 4, "3", "absent"])
def test_an_index_of_another_preprocessing_is_refused(folder, version):
    metadata = json.loads((folder / "metadata.json").read_text())
    assert metadata["index"].pop("preprocessing_version") == PREPROCESSING_VERSION
    if version == "absent":  # Saved before versions were written down.
        (folder / "metadata.json").write_text(json.dumps(metadata))
    else:
        edit(folder, preprocessing_version=version)
    with pytest.raises(PresetError, match="another version.*again"):
        kdh.from_preset(folder, load_index=True)
    assert kdh.from_preset(folder).bits == 16


def test_a_quantizers_index_comes_back(make_model, images, tmp_path):
    backbone = make_model().backbone
    model = kdh.DTQ(backbone, subcodebooks=2, subcenters=8, dim=12)
    model.fit_codebook(images)
    index = Index(model)
    index.add(images)
    model.save_to_preset(tmp_path / "dtq", index=index)
    loaded = kdh.from_preset(tmp_path / "dtq", load_index=True)
    for one, two in zip(
        loaded.index.search(images[:4]), index.search(images[:4]), strict=True
    ):
        np.testing.assert_allclose(one, two, rtol=1e-6)


def test_a_quantizer_is_published_with_its_codebooks(
    hub, make_alexnet, images, load, tmp_path
):
    model = kdh.DTQ(make_alexnet(), subcodebooks=2, subcenters=8, dim=12)
    model.fit_codebook(images)
    model.save_to_preset(tmp_path / "dtq")
    uri = "hf://me/dtq"
    kdh.upload_preset(uri, tmp_path / "dtq", endpoint=hub.endpoint, token="hf_writer")
    shutil.rmtree(tmp_path / "dtq")
    loaded = load(uri)
    np.testing.assert_array_equal(loaded.codebook.centers, model.codebook.centers)
    np.testing.assert_array_equal(loaded.encode(images), model.encode(images))


def test_truncated_and_changed_files_are_refused(folder):
    path = folder / "index.h5"
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(PresetError, match="is truncated"):
        kdh.from_preset(folder, load_index=True)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(PresetError, match="sha256 differs"):
        kdh.from_preset(folder, load_index=True)
    kdh.from_preset(folder)  # It does not need the index.


def link(file):
    del file["ids"]
    file["ids"] = h5py.ExternalLink("/etc/passwd", "/")


def absurd(file):
    del file["codes"]
    file.create_dataset("codes", (1 << 40, 2), "uint8", chunks=(1, 2))


def strings(file):
    del file["names"]
    file["names"] = ["a"] * 24


def replaced(name, value):
    def change(file):
        if name in file:
            del file[name]
        file[name] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        link,
        absurd,
        strings,
        replaced("ids", np.zeros(24, np.int64)),
        replaced("ids", np.arange(23)),
        replaced("codes", np.zeros((24, 3), np.uint8)),
        replaced("name_ends", np.arange(5)),
        replaced("name_ends", np.tile([0, 300], 12)),
        replaced("name_ends", np.full(24, -1)),
        replaced("name_ends", np.arange(24)),
        replaced("name_ends", np.linspace(0, 1, 24)),
        replaced("other", np.arange(5)),
        lambda file: file.pop("codes"),
    ],
)
def test_a_hostile_file_is_refused(folder, change):
    rewrite(folder, change)
    with pytest.raises(PresetError):
        kdh.from_preset(folder, load_index=True)


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 23},
        {"kind": "tree"},
        {"kind": 5},
        {"options": {"backend": "milvus", "uri": "http://127.0.0.1:1"}},
        {"options": {"flips": 1 << 40}},
        {"kind": "hnsw", "options": {"links": 65536}},
        {"options": {"flips": "many"}},
        {"options": [1]},
        {"more": 1},
    ],
)
def test_hostile_metadata_are_refused(folder, fields):
    edit(folder, **fields)
    with pytest.raises(PresetError):
        kdh.from_preset(folder, load_index=True)


def test_what_could_not_be_loaded_is_not_saved(folder, images):
    model = kdh.from_preset(folder)
    index = Index(model, kind="hnsw", links=512)
    index.add(images)
    with pytest.raises(PresetError, match="`links` must be at most 256"):
        model.save_to_preset(folder, index=index)
    assert len(kdh.from_preset(folder, load_index=True).index) == 24


def test_the_index_counts_in_the_size(folder, monkeypatch):
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(folder.parent))
    (size,) = [info.size for info in kdh.list_presets() if info.name == folder.name]
    names = set(os.listdir(folder)) - {"README.md"}
    assert size == sum(os.path.getsize(folder / name) for name in names)


def test_tables_may_be_as_many_as_by_default(make_model, images, tmp_path):
    model = make_model(bits=2048)
    index = Index(model, kind="hash")
    index.add(images)
    assert index.options["tables"] == 128
    model.save_to_preset(tmp_path / "long", index=index)
    loaded = kdh.from_preset(tmp_path / "long", load_index=True)
    assert loaded.index.options == index.options


def test_sizes_are_of_the_files_that_are_there(folder, monkeypatch):
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata["files"]["index.h5"] = {"sha256": "x"}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(folder.parent))
    assert folder.name in {info.name for info in kdh.list_presets()}
