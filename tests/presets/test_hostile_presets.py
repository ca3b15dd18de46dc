"""Nothing in a preset runs code, reads or writes elsewhere, or fills the memory."""

import json
import os
import resource
import shutil
import zlib

import h5py
import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.files import describe_file
from keras_deephash.presets import loading_checks
from keras_deephash.presets.format.config import check_entry
from keras_deephash.presets.format.parameter_count import measure_model
from keras_deephash.presets.format.weights_check import count_weights
from keras_deephash.presets.loading import load_preset
from keras_deephash.presets.location import PresetLocation


@pytest.fixture
def change(vouch):
    """A function that changes a JSON file of a preset, metadata and all."""

    def change(folder, name, edit):
        content = json.loads((folder / name).read_text())
        edit(content)
        (folder / name).write_text(json.dumps(content))
        vouch(folder)

    return change


@pytest.fixture
def refused_from_the_hub():
    """A function that checks that a stranger's preset is refused with a message."""

    def refused(folder, message):
        location = PresetLocation("hf://a/b", str(folder), trusted=False)
        with pytest.raises(kdh.PresetError, match=message):
            load_preset(location, True, {})

    return refused


# === Weights ===
def replace_first_kernel(folder, put):
    """Removes a dataset of the weights and puts something in its place."""
    with h5py.File(folder / "model.weights.h5", "r+") as file:
        group = file["hash_layer/vars"]
        shape = group["0"].shape
        del group["0"]
        put(group, "0", shape)


def test_external_links_are_refused(preset, tmp_path, vouch, refused):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros((16, 16), "float32")
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.__setitem__(
            key, h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")
        ),
    )
    vouch(preset)
    refused(preset, "more than plain weights, .* '/hash_layer/vars/0' is a link")


def test_soft_links_are_refused(preset, vouch, refused):
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.__setitem__(key, h5py.SoftLink("/backbone")),
    )
    vouch(preset)
    refused(preset, "'/hash_layer/vars/0' is a link")


def test_a_cycle_of_groups_is_refused(preset, vouch, refused):
    with h5py.File(preset / "model.weights.h5", "r+") as file:
        file["hash_layer/again"] = file["hash_layer"]
    vouch(preset)
    refused(preset, "has a second name")


def test_data_in_another_file_is_refused(preset, tmp_path, vouch, refused):
    (tmp_path / "secret").write_bytes(b"\0" * 4096)
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.create_dataset(
            key, shape, "float32", external=[(str(tmp_path / "secret"), 0, 4096)]
        ),
    )
    vouch(preset)
    refused(preset, "the numbers of '/hash_layer/vars/0' lie in another file")


def test_virtual_data_are_refused(preset, tmp_path, vouch, refused):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["x"] = np.zeros((16, 16), "float32")

    def put(group, key, shape):
        layout = h5py.VirtualLayout(shape, "float32")
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "x", shape=shape)
        group.create_virtual_dataset(key, layout)

    replace_first_kernel(preset, put)
    vouch(preset)
    refused(preset, "lie in another file")


@pytest.mark.parametrize(
    "arguments",
    [
        {"shape": (1 << 20, 1 << 20)},  # Four terabytes that are not in the file.
        {"shape": (1 << 14, 1 << 14), "chunks": True, "compression": "gzip"},
        {"shape": (16, 16), "chunks": (16, 16)},
    ],
)
def test_absurd_shapes_are_refused(preset, vouch, refused, arguments):
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.create_dataset(
            key, dtype="float32", **arguments
        ),
    )
    assert (preset / "model.weights.h5").stat().st_size < 1e6
    vouch(preset)
    refused(preset, "is not stored as it is")


SHAPE = (64, 64)
NOISE = np.random.default_rng(0).bytes(64 * 64 * 4)


@pytest.mark.parametrize(
    "block, mask",
    [
        (zlib.compress(bytes(1 << 28), 9), 0),  # Much more than the shape says.
        (zlib.compress(bytes(64 * 64 * 4), 9), 0),  # Less than a fourth.
        (zlib.compress(NOISE[:-4]) + NOISE[:64], 0),
        (zlib.compress(NOISE)[:-8], 0),
        (zlib.compress(NOISE + bytes(4)), 0),
        (NOISE, 0),
        (NOISE, 3),  # Says that no filter was applied.
    ],
)
def test_deflated_weights_of_another_size_are_refused(
    preset, vouch, refused, block, mask
):
    def put(group, key, shape):
        item = group.create_dataset(
            key, SHAPE, "float32", chunks=SHAPE, shuffle=True, compression="gzip"
        )
        item.id.write_direct_chunk((0, 0), block, mask)

    replace_first_kernel(preset, put)
    vouch(preset)
    refused(preset, "is not stored as it is")


@pytest.mark.parametrize(
    "filters",
    [
        {"compression": "gzip"},
        {"compression": "lzf", "shuffle": True},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "gzip", "shuffle": True, "chunks": (32, 64)},
    ],
)
def test_other_filters_are_refused(preset, vouch, refused, filters):
    values = np.frombuffer(NOISE, "uint8").astype("float32")[: 64 * 64]
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.create_dataset(
            key, data=values.reshape(SHAPE), **{"chunks": SHAPE, **filters}
        ),
    )
    vouch(preset)
    refused(preset, "is not stored as it is")


def test_float64_weights_beyond_float32_are_refused(preset, vouch, refused):
    """They would be infinite in the model."""
    replace_first_kernel(
        preset,
        lambda group, key, shape: group.create_dataset(key, data=np.full(shape, 1e300)),
    )
    vouch(preset)
    refused(preset, "'/hash_layer/vars/0' .* is not finite")


def test_weights_beyond_the_dtype_of_the_model_are_refused(preset, vouch, refused):
    with h5py.File(preset / "model.weights.h5", "r+") as file:
        for layer in file["backbone/layers"].values():
            if "vars" in layer and layer["vars/0"].ndim == 4:
                layer["vars/0"][...] = 1e5
    vouch(preset)
    assert kdh.from_preset(preset).bits == 16
    refused(preset, "is not finite in float16. .* another `dtype`", dtype="float16")


def test_a_float64_model_that_could_not_be_loaded_is_not_saved(tmp_path):
    backbone = kdh.AlexNetBackbone.small(
        filters=(4, 8, 8, 8, 8), hidden_dim=16, dtype="float64"
    )
    model = kdh.DCH(backbone, 16)
    model.save_to_preset(tmp_path / "mine")
    kdh.from_preset(tmp_path / "mine")
    kernel = backbone.get_layer("conv1").kernel
    kernel.assign(np.full(kernel.shape, 1e300))
    with pytest.raises(ValueError, match="is not finite in float32"):
        model.save_to_preset(tmp_path / "mine")


def test_objects_in_the_weights_are_refused(preset, vouch, refused):
    replace_first_kernel(
        preset, lambda group, key, shape: group.__setitem__(key, "a string")
    )
    vouch(preset)
    refused(preset, "'/hash_layer/vars/0' is of type object")


def test_weights_that_are_not_finite_are_refused(preset, vouch, refused):
    with h5py.File(preset / "model.weights.h5", "r+") as file:
        file["hash_layer/vars/1"][3] = np.nan
    vouch(preset)
    refused(preset, "The weight '/hash_layer/vars/1' .* is not finite")


# === Configuration ===
@pytest.mark.parametrize(
    "edit, message",
    [
        (lambda c: c["config"].update(bits=1 << 40), "`bits` .* beyond all sizes"),
        (lambda c: c["config"].update(bits=8000), "parameters, .* holds"),
        (lambda c: c["config"].update(bits=10**4000), "`bits` .* a huge number"),
        (lambda c: c["config"].update(gamma=[[[[[[[[[[0]]]]]]]]]]), "must be a number"),
        (lambda c: c["backbone"]["config"].update(hidden_dim=8192), "parameters, "),
        (
            lambda c: c["backbone"]["config"].update(
                filters=[8192] * 5, groups=1, hidden_dim=8192
            ),
            r"describes [\d,]{11,} parameters",
        ),
        (
            lambda c: c["backbone"]["config"].update(image_shape=[10**6, 10**6, 3]),
            "`image_shape` .* beyond all sizes",
        ),
        (
            lambda c: c["config"].update(backbone="keras:VGG16"),
            "`backbone` .* must not",
        ),
        (lambda c: c["config"].update(preprocessor={}), "`preprocessor` .* must not"),
        (
            lambda c: c["backbone"].update(backbone=dict(c["backbone"])),
            "no backbone of its",
        ),
        (lambda c: c.update(backbone=3), "must hold a class and its config"),
    ],
)
def test_absurd_configurations_are_refused(preset, change, refused, edit, message):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    change(preset, "config.json", edit)
    refused(preset, message)
    refused(preset, message, load_weights=False)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 1.5e6  # Kilobytes.


@pytest.mark.parametrize(
    "values, message",
    [
        ({"classes": 1 << 40}, "`classes` .* beyond all sizes, .* 100000"),
        ({"classes": 10**4000}, "`classes` .* a huge number"),
        ({"classes": 100_000}, r"describes [\d,]{7,} parameters, .* holds"),
        ({"classes": 5}, "parameters, .* holds"),
        ({"classes": None}, "`parameters` in .* does not fit its configuration"),
        ({"classes": -4}, "`classes` must be an integer from 2"),
        ({"classes": "4"}, "`classes` must be an integer from 2"),
        ({"classes": [4]}, "`classes` must be an integer from 2"),
        ({"seed": -1}, "`seed` must be an integer >= 0"),
        ({"lengths": [8, 16]}, "parameters, .* holds"),
        ({"lengths": [8] * 1_000_000}, "`lengths` must be a list .{,300}$"),
        ({"lengths": [16, 8]}, "`lengths` must be a list of multiples of 8 that rise"),
        ({"lengths": [[8], [16]]}, "`lengths` must be a list"),
        ({"lengths": [8, [16]]}, "`lengths` must be|inhomogeneous"),
        ({"lengths": "16"}, "`lengths` must be a list"),
        ({"lengths": {"8": 16}}, "`lengths` in .* must be a number, a string or a"),
        (
            {"bits": 8192, "classes": 100_000, "lengths": list(range(256, 8193, 256))},
            r"describes [\d,]{14,} parameters",
        ),
        (
            {"bits": 8192, "lengths": list(range(8, 8193, 8))},
            "`lengths` must be a list of at most 32 lengths",
        ),
    ],
)
def test_absurd_classes_and_lengths_are_refused(
    same_presets, tmp_path, change, refused, values, message
):
    shutil.copytree(same_presets / "CSQ", tmp_path / "mine")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    change(tmp_path / "mine", "config.json", lambda c: c["config"].update(values))
    refused(tmp_path / "mine", message)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 1.5e6  # Kilobytes.


def test_no_file_and_no_network_on_behalf_of_a_configuration(preset, change, refused):
    application = {
        "class": "keras_deephash>ApplicationBackbone",
        "config": {
            "application": "MobileNetV2",
            "image_shape": [32, 32, 3],
            "weights": "/etc/passwd",
        },
    }
    change(preset, "config.json", lambda c: c.update(backbone=application))
    refused(preset, "`weights` in .* must not be given. .* '/etc/passwd'")
    application["config"]["weights"] = "imagenet"
    change(preset, "config.json", lambda c: c.update(backbone=application))
    refused(preset, "`weights` in .* must not be given. .* 'imagenet'")


def test_weights_left_out_are_not_fetched(tmp_path, monkeypatch, vouch):
    backbone = kdh.ApplicationBackbone("MobileNetV2", (32, 32, 3), weights=None)
    backbone.save_to_preset(tmp_path / "mobile")
    path = tmp_path / "mobile" / "config.json"
    entry = json.loads(path.read_text())
    del entry["config"]["weights"]
    path.write_text(json.dumps(entry))
    vouch(tmp_path / "mobile")
    monkeypatch.setattr(keras.utils, "get_file", None)  # Whoever calls it fails.
    again = kdh.from_preset(tmp_path / "mobile", load_weights=False)
    assert again.count_params() == backbone.count_params()


def test_a_dtype_is_a_name(preset, change, refused):
    policy = {"module": "os", "class_name": "system", "config": {"name": "x"}}
    change(
        preset, "config.json", lambda c: c["backbone"]["config"].update(dtype=policy)
    )
    refused(preset, "`dtype` in .* objects are not built from a preset")


def test_classes_of_others_are_refused_from_the_hub():
    @keras.saving.register_keras_serializable(package="hostile")
    class Loud(keras.Model):
        pass

    entry = {"class": "hostile>Loud", "config": {}}
    check_entry(entry, only_own_classes=False)
    with pytest.raises(kdh.PresetError, match="classes of keras_deephash alone"):
        check_entry(entry, only_own_classes=True)


@pytest.mark.parametrize("key", ["image_size", "resize_size", "padding"])
def test_absurd_preprocessing_is_refused(preset, change, refused, key):
    change(preset, "preprocessor.json", lambda p: p.update({key: 10**9}))
    refused(preset, f"`{key}` in `preprocessor.json` is beyond all sizes")


def test_sizes_that_are_large_together_are_refused(preset, change, refused):
    sizes = {"resize_size": 4000, "padding": 3999}
    change(preset, "preprocessor.json", lambda p: p.update(sizes))
    refused(preset, "makes images of 11998 pixels squared")


@pytest.mark.parametrize(
    "sizes", [{"resize_size": 65}, {"padding": 20}, {"resize_size": 4096}]
)
def test_canvases_that_are_absurd_for_their_network_must_be_trusted(
    preset, change, refused_from_the_hub, sizes
):
    change(preset, "preprocessor.json", lambda config: config.update(sizes))
    assert kdh.from_preset(preset).preprocessor.canvas_size > 64
    refused_from_the_hub(preset, "for a network that sees 32. .* if you trust it")


def test_images_that_are_absurd_must_be_trusted(preset, change, refused_from_the_hub):
    sizes = {"image_size": 1025, "resize_size": 1025}
    change(preset, "preprocessor.json", lambda config: config.update(sizes))
    refused_from_the_hub(preset, "that sees 1025. .* must see at most 1024")


def test_layers_that_are_absurd_for_their_weights_must_be_trusted(
    preset, monkeypatch, refused_from_the_hub
):
    location = PresetLocation("hf://a/b", str(preset), trusted=False)
    load_preset(location, True, {})
    stored = count_weights(str(preset / "model.weights.h5"))
    largest = 100 * stored
    measured = stored, largest
    monkeypatch.setattr(loading_checks, "measure_model", lambda build: measured)
    load_preset(location, True, {})
    monkeypatch.setattr(loading_checks, "_MAX_STRANGE_OUTPUT", stored)
    refused_from_the_hub(preset, f"layer of {largest:,} values for one image")
    assert kdh.from_preset(preset).bits == 16


def test_the_largest_output_of_a_model(make_model):
    def build():
        inputs = keras.Input((40, 40, 3))
        x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
        return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(x))

    assert measure_model(build) == (3 * 3 * 3 * 8 + 8, 40 * 40 * 8)
    assert measure_model(make_model)[1] >= 32 * 32 * 3


def test_deep_networks_are_refused():
    with pytest.raises(ValueError, match="`stage_repeats` must hold 7 numbers from 1"):
        kdh.EfficientNetLiteBackbone(stage_repeats=[10**6] * 7)


def test_a_sketch_takes_no_memory_and_leaves_no_trace(make_model):
    name = keras.layers.Dense(1).name
    model = make_model()
    assert measure_model(make_model)[0] == model.count_params()
    assert measure_model(make_model)[0] == model.count_params()
    number = int(name.rpartition("_")[2]) if "_" in name else 0
    assert keras.layers.Dense(1).name == f"dense_{number + 1}"
    with pytest.raises(ValueError, match="multiple of 8"):
        measure_model(lambda: make_model(bits=3))


# === Files ===
@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/passwd", "a/b", "..", ".hidden", "", "a\\b", "C:x"]
)
def test_files_elsewhere_are_refused(preset, refused, name):
    metadata = json.loads((preset / "metadata.json").read_text())
    metadata["files"][name] = {"bytes": 1, "sha256": "0" * 64}
    (preset / "metadata.json").write_text(json.dumps(metadata))
    refused(preset, "`files` in .* must name files of the preset alone")


@pytest.mark.parametrize(
    "name", ["config.json", "metadata.json", "preprocessor.json", "model.weights.h5"]
)
def test_links_out_of_the_preset_are_refused(preset, tmp_path, refused, name):
    shutil.move(preset / name, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", preset / name)
    refused(preset, "is a link that leads out of the preset")
    os.unlink(preset / name)
    os.symlink(os.path.join("..", "elsewhere"), preset / name)
    refused(preset, "is a link that leads out of the preset")
    shutil.move(tmp_path / "elsewhere", preset / "inside")
    os.unlink(preset / name)
    os.symlink("inside", preset / name)
    assert kdh.from_preset(preset).bits == 16
    os.unlink(preset / name)
    os.symlink(name, preset / name)
    refused(preset, f"has no `{name}`")


def test_a_directory_that_only_looks_like_a_snapshot(preset, tmp_path, refused):
    folder = tmp_path / "clone" / "models--a--b" / "snapshots" / ("0" * 40)
    shutil.copytree(preset, folder)
    shutil.move(folder / "config.json", tmp_path / "config.json")
    os.symlink(tmp_path / "config.json", folder / "config.json")
    refused(folder, "is a link that leads out of the preset")


def test_what_is_no_regular_file_is_not_opened(preset, refused):
    os.unlink(preset / "config.json")
    os.mkfifo(preset / "config.json")
    refused(preset, "has no `config.json`")


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "preprocessor.json"])
def test_oversized_json_is_refused(preset, vouch, refused, name):
    content = (preset / name).read_text()
    (preset / name).write_text(content + " " * (16 << 20))
    if name != "metadata.json":
        metadata = json.loads((preset / "metadata.json").read_text())
        metadata["files"][name] = describe_file(preset / name)
        (preset / "metadata.json").write_text(json.dumps(metadata))
    refused(preset, "is longer than any file of a preset")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '{"x": 1e999}', '{"x": ' + "9" * 9999]
)
def test_json_that_no_one_writes(preset, vouch, refused, text):
    (preset / "config.json").write_text(text)
    vouch(preset)
    refused(preset, "is not a JSON file|must hold a class")


def test_pickled_data_are_no_weights(preset, vouch, refused, tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], object), allow_pickle=True)
    shutil.copy(tmp_path / "objects.npy", preset / "model.weights.h5")
    vouch(preset)
    refused(preset, "is damaged, or no weights file")
