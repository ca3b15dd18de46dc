"""Every damage to a preset has an error of its own, and nothing in it runs."""

import json

import pytest

import keras_deephash as kdh
from keras_deephash.files import describe_file


def edit(folder, name, change):
    """Changes a JSON file by a function, the metadata's hash of it included."""
    content = json.loads((folder / name).read_text())
    change(content)
    (folder / name).write_text(json.dumps(content))
    if name != "metadata.json":
        metadata = json.loads((folder / "metadata.json").read_text())
        metadata["files"][name] = describe_file(folder / name)
        (folder / "metadata.json").write_text(json.dumps(metadata))


def replace_weights(folder, content):
    """Other weights, and metadata that vouch for them."""
    path = folder / "model.weights.h5"
    path.write_bytes(content)
    described = {path.name: describe_file(path)}
    edit(folder, "metadata.json", lambda m: m["files"].update(described))


def refused(folder, message):
    with pytest.raises(kdh.PresetError, match=message):
        kdh.from_preset(folder)


def test_truncated_weights(preset):
    path = preset / "model.weights.h5"
    path.write_bytes(path.read_bytes()[:-100])
    refused(preset, r"model.weights.h5' is truncated: \d+ of \d+ bytes")


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json"])
def test_changed_bytes(preset, name):
    content = bytearray((preset / name).read_bytes())
    content[len(content) // 2] ^= 1
    (preset / name).write_bytes(content)
    refused(preset, f"{name}' is not the file that the metadata describes")


@pytest.mark.parametrize(
    "name", ["model.weights.h5", "config.json", "preprocessor.json", "metadata.json"]
)
def test_missing_file(preset, name):
    (preset / name).unlink()
    refused(preset, f"has no `{name}`")


@pytest.mark.parametrize("text", ["{", "[]", "\xff", ""])
def test_metadata_that_is_no_json_object(preset, text):
    (preset / "metadata.json").write_bytes(text.encode("latin-1"))
    refused(preset, "not a JSON file|must hold a JSON object")


def test_newer_format(preset):
    edit(preset, "metadata.json", lambda m: m.update(format_version=2))
    refused(preset, "has format 2, this keras_deephash .* Upgrade keras_deephash")


@pytest.mark.parametrize("version", [None, "1", 0, True])
def test_wrong_format_version(preset, version):
    edit(preset, "metadata.json", lambda m: m.update(format_version=version))
    refused(preset, "`format_version` .* must be an integer >= 1")


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("bits", 32, "`bits` in the metadata .* say 32, the configuration gives 16"),
        ("bits", "16", "`bits` .* of the wrong type"),
        ("parameters", 7, "`parameters` in the metadata"),
        ("method", "DHN", "`method` in the metadata"),
        ("weights_dtype", "int8", "`weights_dtype` .* must be one of"),
        ("label_names", [1, 2], "`label_names` .* must be strings"),
        ("metrics", {"map": float("nan")}, "not a JSON file: NaN is not JSON"),
        ("training", None, "`training` .* of the wrong type"),
        ("files", {}, "`files` .* `config.json`"),
        ("keras_version", None, "`keras_version` .* of the wrong type"),
    ],
)
def test_wrong_metadata(preset, field, value, message):
    edit(preset, "metadata.json", lambda m: m.update({field: value}))
    refused(preset, message)


def test_missing_metadata_field(preset):
    edit(preset, "metadata.json", lambda m: m.pop("training"))
    refused(preset, "`training` .* is missing")


def test_unknown_class(preset):
    edit(preset, "config.json", lambda c: c.update({"class": "keras_deephash>XYZ"}))
    refused(preset, "needs the class 'keras_deephash>XYZ', which is not known here")


@pytest.mark.parametrize(
    "name",
    [
        "os>system",
        "builtins>eval",
        "Lambda",
        "keras_deephash>PairwiseCauchyLoss",
        "keras_deephash>Preprocessor",
        None,
        {"class_name": "Lambda"},
    ],
)
@pytest.mark.parametrize("part", ["model", "backbone"])
def test_only_registered_models_are_built(preset, name, part):
    def change(config):
        (config if part == "model" else config["backbone"])["class"] = name

    edit(preset, "config.json", change)
    refused(preset, "which is not known here")


def test_a_serialized_object_in_the_config_is_not_built(preset):
    lambda_layer = {
        "module": "keras.layers",
        "class_name": "Lambda",
        "config": {"name": "x", "function": {"class_name": "__lambda__"}},
        "registered_name": None,
    }
    edit(preset, "config.json", lambda c: c["config"].update(quantization=lambda_layer))
    refused(preset, "`quantization` in .* objects are not built from a preset")
    edit(preset, "config.json", lambda c: c["config"].update(backbone=lambda_layer))
    refused(preset, "`backbone` in .* must not be given")


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c.pop("class"), "must hold a class and its config"),
        (lambda c: c.update(config=[1]), "must hold a class and its config"),
        (lambda c: c["config"].update(colour="red"), "no config entry 'colour'"),
        (lambda c: c["config"].pop("bits"), "configuration is not valid"),
        (lambda c: c["config"].update(bits=13), "`bits` must be a multiple of 8"),
        (lambda c: c["config"].update(gamma="x"), "configuration is not valid"),
        (lambda c: c["backbone"]["config"].update(filters=3), "is not valid"),
    ],
)
def test_wrong_configuration(preset, change, message):
    edit(preset, "config.json", change)
    refused(preset, message)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.pop("image_size"),
        lambda p: p.update(mean="red"),
        lambda p: p.update(channel_order="gbr"),
        lambda p: p.update(extra=1),
    ],
)
def test_wrong_preprocessing(preset, change):
    edit(preset, "preprocessor.json", change)
    refused(preset, "holds no valid preprocessing")


def test_weights_of_another_model(preset, make_alexnet, tmp_path):
    kdh.DCH(make_alexnet(), bits=32).save_to_preset(tmp_path / "other")
    weights = (tmp_path / "other" / "model.weights.h5").read_bytes()
    replace_weights(preset, weights)
    refused(preset, "do not fit `DCH`")


def test_weights_that_are_no_hdf5(preset):
    replace_weights(preset, b"x" * 5000)
    refused(preset, "is damaged, or no weights file")
