"""Presets that share the weights of a backbone, and are whole wherever they go."""

import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash import extensions
from keras_deephash.presets import registry
from keras_deephash.presets.format.weights_check import count_weights
from keras_deephash.presets.hub.handles import parse_hub_handle
from keras_deephash.presets.location import locate_preset
from keras_deephash.presets.sharing import whole_weights
from keras_deephash.presets.upload_files import prepare_upload


@pytest.fixture
def script(load_script):
    return load_script("pack_presets")


@pytest.fixture(scope="module")
def made(tmp_path_factory, load_script):
    """Presets that load by name, and the weights of `tiny_16`, a DCH.

    `tiny` is its backbone. `whole_16` is the same before it was packed.
    """
    root = tmp_path_factory.mktemp("presets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(registry.PRESETS_VARIABLE, str(root))
        keras.utils.set_random_seed(0)
        TinyBackbone().save_to_preset(root / "tiny", weights_dtype="float16")
        model = kdh.DCH("tiny", bits=16)
        model.save_to_preset(root / "whole_16", weights_dtype="float16")
        shutil.copytree(root / "whole_16", root / "tiny_16")
        script = load_script("pack_presets")
        assert script.main(["tiny", str(root / "tiny_16")]) == 0
        return root, kdh.from_preset("whole_16").get_weights()


@pytest.fixture
def root(made, tmp_path, monkeypatch):
    """A copy of their directory, to be changed."""
    root = shutil.copytree(made[0], tmp_path / "presets")
    monkeypatch.setenv(registry.PRESETS_VARIABLE, str(root))
    monkeypatch.chdir(tmp_path)
    return root


@pytest.fixture
def weights(made):
    return made[1]


@pytest.fixture
def trusted(monkeypatch):
    """The backbone of these tests is one that presets of the Hub may name."""
    known = {"keras_deephash", TinyBackbone.__module__}
    monkeypatch.setattr(extensions, "_trusted", known)


def assert_same(model, weights):
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def edit_metadata(folder, **fields):
    path = folder / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_packed_preset_is_small_and_loads_as_before(root, weights, images):
    metadata = json.loads((root / "tiny_16" / "metadata.json").read_text())
    assert metadata["backbone"]["preset"] == "tiny"
    assert count_weights(root / "tiny_16" / "model.weights.h5") == 16 * 16 + 16
    model = kdh.from_preset("tiny_16")
    assert_same(model, weights)
    assert_same(kdh.from_preset(root / "tiny_16"), weights)
    backbone = TinyBackbone.from_preset("tiny_16")
    assert_same(backbone, model.backbone.get_weights())
    assert model.encode(images).shape == (24, 2)
    assert kdh.from_preset("tiny_16", load_weights=False).bits == 16


def test_weights_that_differ_stay_in_the_preset(script, root):
    model = kdh.from_preset("whole_16")
    kernel = model.backbone.get_layer("conv1").kernel
    kernel.assign(kernel + 1)
    model.save_to_preset(root / "tuned_16", weights_dtype="float16")
    weights = kdh.from_preset(root / "tuned_16").get_weights()
    script.pack_preset(root / "tuned_16", "tiny")
    stored = count_weights(root / "tuned_16" / "model.weights.h5")
    assert stored == 16 * 16 + 16 + np.prod(kernel.shape)
    assert_same(kdh.from_preset("tuned_16"), weights)


def test_a_whole_file_of_the_two_is_always_the_same(root):
    location = locate_preset("tiny_16")
    files = []
    for _ in range(2):
        with whole_weights(location, location.read_metadata()) as path:
            files.append(Path(path).read_bytes())
    assert files[0] == files[1] and not os.path.exists(path)


def test_a_loaded_preset_is_saved_whole(root, weights, tmp_path):
    kdh.from_preset("tiny_16").save_to_preset(tmp_path / "mine")
    metadata = json.loads((tmp_path / "mine" / "metadata.json").read_text())
    assert "backbone" not in metadata
    shutil.rmtree(root)
    assert_same(kdh.from_preset(tmp_path / "mine"), weights)


def test_a_preset_is_published_whole(root, weights, trusted, tmp_path):
    files, _ = prepare_upload(parse_hub_handle("hf://me/mine"), "tiny_16")
    shutil.rmtree(root)
    (tmp_path / "sent").mkdir()
    for name, content in files.items():
        (tmp_path / "sent" / name).write_bytes(content)
    assert_same(kdh.from_preset(tmp_path / "sent"), weights)


def test_a_preset_from_elsewhere_shares_nothing(root, tmp_path, monkeypatch):
    shutil.copytree(root / "tiny_16", tmp_path / "copy")
    for load_weights in (True, False):
        with pytest.raises(kdh.PresetError, match="package and the zoo alone may"):
            kdh.from_preset(tmp_path / "copy", load_weights=load_weights)
    with pytest.raises(kdh.PresetError, match="package and the zoo alone may"):
        prepare_upload(parse_hub_handle("hf://me/mine"), tmp_path / "copy")
    # Nor does a link to one, or to the directory of the others.
    os.symlink(tmp_path / "copy", root / "linked")
    with pytest.raises(kdh.PresetError, match="package and the zoo alone may"):
        kdh.from_preset("linked")
    monkeypatch.delenv(registry.PRESETS_VARIABLE)
    with pytest.raises(kdh.PresetError, match="package and the zoo alone may"):
        kdh.from_preset(root / "tiny_16")


def test_the_backbone_must_be_the_one_that_is_named(root):
    keras.utils.set_random_seed(2)
    TinyBackbone().save_to_preset(root / "tiny", weights_dtype="float16")
    with pytest.raises(kdh.PresetError, match="weights of 'tiny' whose sha256"):
        kdh.from_preset("tiny_16")
    shutil.rmtree(root / "tiny")
    with pytest.raises(kdh.PresetError, match="weights of 'tiny' whose sha256"):
        kdh.from_preset("tiny_16")


def test_a_backbone_that_was_changed_is_not_loaded(root):
    path = root / "tiny" / "model.weights.h5"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(kdh.PresetError, match="its sha256 differs"):
        kdh.from_preset("tiny_16")


@pytest.mark.parametrize(
    "backbone",
    [
        "tiny",
        {"preset": "tiny"},
        {"preset": "../tiny", "sha256": "0"},
        {"preset": "hf://org/tiny", "sha256": "0"},
        {"preset": "tiny", "sha256": 0},
        {"preset": "tiny", "sha256": "0", "revision": "main"},
    ],
)
def test_a_wrong_entry_is_refused(root, backbone):
    edit_metadata(root / "tiny_16", backbone=backbone)
    with pytest.raises(kdh.PresetError, match="`backbone` in .* must name a preset"):
        kdh.from_preset("tiny_16")


def test_a_backbone_shares_none(root):
    metadata = json.loads((root / "tiny_16" / "metadata.json").read_text())
    edit_metadata(root / "tiny", backbone=metadata["backbone"])
    with pytest.raises(kdh.PresetError, match="must be a whole one"):
        kdh.from_preset("tiny_16")


def test_what_cannot_be_packed(script, root, capsys):
    assert script.main(["tiny", str(root / "tiny_16")]) == 1
    assert "is packed already" in capsys.readouterr().err
    keras.utils.set_random_seed(2)
    for name, backbone, message in (
        ("random", TinyBackbone(), "hardly any of them"),
        ("other", TinyBackbone(normalization="lrn"), "which lacks"),
    ):
        kdh.DHN(backbone, 16).save_to_preset(root / name, weights_dtype="float16")
        before = {path.name: path.read_bytes() for path in (root / name).iterdir()}
        assert script.main(["tiny", str(root / name)]) == 1
        assert message in capsys.readouterr().err
        assert before == {p.name: p.read_bytes() for p in (root / name).iterdir()}


def test_the_zoo_is_published_whole(load_script, root, trusted, monkeypatch):
    publish = load_script("publish")
    table = publish.results_table
    monkeypatch.setattr(table, "FOLDERS", (root,))
    monkeypatch.setattr(table, "README", root / "README.md")
    table.README.write_text(table.results(table.read_presets(table.FOLDERS)))
    lines = []
    publish.publish_all("org", send=False, report=lines.append)
    sizes = {line.partition(": ")[0]: line.partition(" of ")[2] for line in lines}
    assert sizes["hf://org/tiny_16"] == sizes["hf://org/whole_16"]
