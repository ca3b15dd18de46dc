"""Saving and loading presets."""

import json
import os
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.presets.registry import EMBEDDED
from keras_deephash.presets.saving import check_savable


@pytest.fixture
def model(make_model):
    preprocessor = kdh.Preprocessor(32, 36, 2, "bgr", (10, 20, 30), 0.02)
    return make_model(
        bits=24,
        gamma=4.0,
        quantization_weight=0.5,
        distance="squared_euclidean",
        pair_weighting=None,
        quantization="squared",
        preprocessor=preprocessor,
    )


@pytest.fixture
def preset(model, tmp_path):
    folder = tmp_path / "mine"
    model.save_to_preset(
        folder,
        dataset="noise",
        label_names=["cat", "dog"],
        training={"seed": 3, "split": "all"},
        metrics={"map": 0.25, "radius": 2},
    )
    return folder


def test_round_trip(model, preset, images):
    for load in (kdh.from_preset, kdh.DCH.from_preset):
        again = load(preset)
        assert type(again) is kdh.DCH
        assert again.get_config() == model.get_config()
        np.testing.assert_array_equal(model.encode(images), again.encode(images))
        for one, two in zip(model.get_weights(), again.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)


def test_directory_and_metadata(model, preset):
    assert sorted(os.listdir(preset)) == [
        "README.md",
        "config.json",
        "metadata.json",
        "model.weights.h5",
        "preprocessor.json",
    ]
    metadata = json.loads((preset / "metadata.json").read_text())
    assert metadata["format_version"] == 1
    assert metadata["keras_deephash_version"] == kdh.__version__
    assert metadata["keras_version"] == keras.__version__
    assert metadata["method"] == "DCH" and metadata["bits"] == 24
    assert metadata["parameters"] == model.count_params()
    assert metadata["label_names"] == ["cat", "dog"]
    assert metadata["training"] == {"seed": 3, "split": "all"}
    assert metadata["metrics"] == {"map": 0.25, "radius": 2}
    assert set(metadata["files"]) == {
        "config.json",
        "model.weights.h5",
        "preprocessor.json",
    }
    card = (preset / "README.md").read_text()
    assert "| MAP | 0.2500 |" in card and "cat, dog" in card


def test_weights_file_layout_is_pinned(make_alexnet, tmp_path):
    kdh.DCH(make_alexnet(), bits=24).save_to_preset(tmp_path / "alexnet")
    paths = set()
    with h5py.File(tmp_path / "alexnet" / "model.weights.h5") as file:
        file.visititems(
            lambda name, item: paths.add(name) if hasattr(item, "dtype") else None
        )
    expected = {"hash_layer/vars/0", "hash_layer/vars/1"}
    for layer in ("grouped_conv2d", "dense"):
        for number in range(5 if layer == "grouped_conv2d" else 2):
            suffix = f"_{number}" if number else ""
            expected |= {f"backbone/layers/{layer}{suffix}/vars/{i}" for i in (0, 1)}
    for number in range(7):
        suffix = f"_{number}" if number else ""
        expected |= {
            f"backbone/layers/batch_normalization{suffix}/vars/{i}" for i in range(4)
        }
    assert paths == expected


def test_a_trained_model_is_saved_without_its_optimizer(
    make_model, images, labels, tmp_path
):
    model = make_model()
    model.compile()
    model.fit(images, labels, verbose=0)
    model.save_to_preset(tmp_path / "mine")
    with h5py.File(tmp_path / "mine" / "model.weights.h5") as file:
        assert set(file) == {"backbone", "hash_layer"}
    again = kdh.from_preset(tmp_path / "mine")
    np.testing.assert_array_equal(model.encode(images), again.encode(images))
    again.compile()
    again.fit(images, labels, verbose=0)


def test_saving_twice_gives_the_same_bytes(model, preset, tmp_path):
    model.save_to_preset(tmp_path / "again")
    for name in ("config.json", "model.weights.h5", "preprocessor.json"):
        assert (preset / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_float16_halves_the_weights(model, preset, tmp_path, images):
    model.save_to_preset(tmp_path / "half", weights_dtype="float16")
    again = kdh.from_preset(tmp_path / "half")
    for one, two in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one.astype("float16").astype("float32"), two)
    again.save_to_preset(tmp_path / "half2", weights_dtype="float16")
    half, half2 = (
        (tmp_path / name / "model.weights.h5").read_bytes()
        for name in ("half", "half2")
    )
    assert half == half2
    model.hash_layer.bias.assign(np.full(24, 1e5))
    with pytest.raises(ValueError, match="not finite in float16"):
        model.save_to_preset(tmp_path / "half", weights_dtype="float16")
    assert (tmp_path / "half" / "model.weights.h5").read_bytes() == half
    assert sorted(os.listdir(tmp_path)) == ["half", "half2", "mine"]


def test_bfloat16_rounds_to_eight_bits(model, tmp_path):
    model.save_to_preset(tmp_path / "third", weights_dtype="bfloat16")
    again = kdh.from_preset(tmp_path / "third")
    for one, two in zip(model.get_weights(), again.get_weights(), strict=True):
        significand, exponent = np.frexp(one.astype("float16").astype("float64"))
        digits = np.sign(significand) * np.floor(np.abs(significand) * 256 + 0.5)
        rounded = np.ldexp(digits / 256, exponent)
        large = np.abs(one) > 1e-3  # Below, float16 has fewer digits.
        np.testing.assert_array_equal(rounded[large], two[large])
        np.testing.assert_allclose(two, one, rtol=2**-8 + 2**-11, atol=1e-6)
    again.save_to_preset(tmp_path / "third2", weights_dtype="bfloat16")
    for name in ("config.json", "model.weights.h5"):
        third, third2 = (
            (tmp_path / f / name).read_bytes() for f in ("third", "third2")
        )
        assert third == third2
    model.hash_layer.bias.assign(np.full(24, 65504))
    with pytest.raises(ValueError, match="not finite in bfloat16"):
        model.save_to_preset(tmp_path / "third", weights_dtype="bfloat16")


def test_smaller_types_make_smaller_files(tmp_path):
    model = kdh.DCH(kdh.AlexNetBackbone.small(32), 48)
    sizes = {}
    for dtype in ("float32", "float16", "bfloat16"):
        model.save_to_preset(tmp_path / dtype, weights_dtype=dtype)
        sizes[dtype] = (tmp_path / dtype / "model.weights.h5").stat().st_size
    assert sizes["float16"] < 0.48 * sizes["float32"]
    assert sizes["bfloat16"] < 0.4 * sizes["float32"]


@pytest.mark.parametrize("weights_dtype", ["float32", "float16", "bfloat16"])
def test_a_bfloat16_model_comes_back(model, tmp_path, weights_dtype, images):
    model.save_to_preset(tmp_path / "first")
    low = kdh.from_preset(tmp_path / "first", dtype="bfloat16")
    low.save_to_preset(tmp_path / "preset", weights_dtype=weights_dtype)
    again = kdh.from_preset(tmp_path / "preset")
    for new, old in zip(again.get_weights(), low.get_weights(), strict=True):
        np.testing.assert_allclose(
            new.astype("float32"), old.astype("float32"), rtol=2**-7, atol=1e-7
        )


def test_a_model_that_could_not_be_loaded_is_not_saved(make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "preset")
    before = sorted((p, p.stat().st_size) for p in tmp_path.rglob("*"))
    backbone = make_model().backbone
    words = kdh.DVSQ(backbone, np.ones((2700, 300), np.float32) / 3)
    with pytest.raises(kdh.PresetError, match="cannot be saved.*longer than any file"):
        words.save_to_preset(tmp_path / "preset")
    broken = make_model()
    broken.backbone.get_layer("conv1").kernel.assign(
        np.full(broken.backbone.get_layer("conv1").kernel.shape, np.nan)
    )
    with pytest.raises(ValueError, match="not finite"):
        broken.save_to_preset(tmp_path / "preset")
    assert sorted((p, p.stat().st_size) for p in tmp_path.rglob("*")) == before


def test_any_name_of_a_directory_will_do(model, tmp_path, images):
    folder = tmp_path / "my.weights.h5" / "it.weights.h5"
    model.save_to_preset(folder)
    np.testing.assert_array_equal(
        kdh.from_preset(folder).encode(images), model.encode(images)
    )


def test_a_directory_and_a_preset_of_one_name(make_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_model(bits=8).save_to_preset("dch_cifar10_48")
    with pytest.raises(kdh.PresetError, match="Two presets have this name"):
        kdh.from_preset("dch_cifar10_48")
    assert kdh.from_preset("./dch_cifar10_48").bits == 8
    assert kdh.from_preset(os.path.abspath("dch_cifar10_48")).bits == 8
    os.rename("dch_cifar10_48", "other")
    os.mkdir("dch_cifar10_48")  # No preset, so nothing to confuse.
    assert kdh.from_preset("dch_cifar10_48").bits == 48


def test_the_padding_keeps_its_proportion(make_model, tmp_path, images):
    model = make_model()
    model.preprocessor = kdh.Preprocessor(32, padding=4)
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset", image_size=32)
    assert again.preprocessor.get_config() == model.preprocessor.get_config()


def test_overrides(preset, images):
    model = kdh.from_preset(preset, gamma=9.0, name="other")
    assert model.gamma == 9.0 and model.name == "other"
    model = kdh.from_preset(preset, dtype="mixed_bfloat16")
    assert model.backbone.get_layer("conv1").compute_dtype == "bfloat16"
    model = kdh.from_preset(preset, preprocessor=kdh.Preprocessor(32, 64))
    assert model.preprocessor.resize_size == 64
    with pytest.raises(kdh.PresetError, match="no argument 'gama'"):
        kdh.from_preset(preset, gama=1)


def test_bits_must_fit(preset):
    with pytest.raises(kdh.PresetError, match="24 bits. Received: bits=32"):
        kdh.from_preset(preset, bits=32)
    with pytest.raises(kdh.PresetError, match="`DTQ` has no argument 'bits'"):
        kdh.from_preset("dtq_cifar10_32", bits=64)
    model = kdh.from_preset(preset, load_weights=False, bits=32)
    assert model.bits == 32 and model.gamma == 4.0


def test_without_weights_they_are_random(model, preset):
    again = kdh.from_preset(preset, load_weights=False)
    assert (again.get_weights()[0] != model.get_weights()[0]).any()


def test_backbone_presets(make_model, images, tmp_path):
    backbone = make_model().backbone
    backbone.preprocessor = kdh.Preprocessor(32, channel_order="bgr")
    backbone.save_to_preset(tmp_path / "bb")
    again = type(backbone).from_preset(tmp_path / "bb")
    x = images.astype("float32")
    np.testing.assert_array_equal(again.predict(x), backbone.predict(x))
    assert again.preprocessor.channel_order == "bgr"
    model = kdh.DCH.from_preset(tmp_path / "bb", bits=16, gamma=3.0)
    assert model.bits == 16 and model.gamma == 3.0
    assert model.preprocessor.channel_order == "bgr"
    np.testing.assert_array_equal(model.backbone.predict(x), backbone.predict(x))
    assert kdh.DCH(again, bits=8).preprocessor.channel_order == "bgr"


def test_a_backbone_needs_the_arguments_of_the_method(make_model, tmp_path):
    make_model().backbone.save_to_preset(tmp_path / "bb")
    with pytest.raises(kdh.PresetError, match="needs its own arguments: .*word_vec"):
        kdh.DVSQ.from_preset(tmp_path / "bb")
    with pytest.raises(kdh.PresetError, match="needs its own arguments: .*bits"):
        kdh.DCH.from_preset(tmp_path / "bb")


def test_class_must_match(preset):
    with pytest.raises(kdh.PresetError, match="is a DCH, not a EfficientNetLite"):
        kdh.EfficientNetLiteBackbone.from_preset(preset)


def test_unknown_names_list_the_close_ones(tmp_path):
    with pytest.raises(kdh.PresetError, match="Did you mean 'dch_cifar10_48'"):
        kdh.from_preset("dch_cifar_48")
    with pytest.raises(kdh.PresetError, match=r"`list_presets\(\)` shows all names"):
        kdh.from_preset("zzz")
    with pytest.raises(kdh.PresetError, match="no such preset directory"):
        kdh.from_preset("./dch_cifar10_48")
    with pytest.raises(kdh.PresetError, match="has no `metadata.json`"):
        kdh.from_preset(tmp_path)


def test_listing():
    infos = {info.name: info for info in kdh.list_presets()}
    zoo = Path(__file__).parents[2] / "zoo" / "presets"
    assert sorted(infos) == sorted(os.listdir(EMBEDDED) + os.listdir(zoo))
    info = infos["dch_cifar10_48"]
    assert info.method == "DCH" and info.bits == 48 and 0 < info.map < 1
    assert info.size <= 12e6
    assert "dch_cifar10_48" in kdh.DCH.presets
    assert "dch_cifar10_48" not in kdh.AlexNetBackbone.presets
    methods = {info.method for info in infos.values() if info.bits}
    heads = {"GreedyHash", "HashNet", "OrthoHash"}
    assert methods == {"DCH", "DHN", "DQN", "DVSQ", "DTQ", "ITQ", "RQ"} | heads
    backbone = infos["efficientnet_lite0_imagenet"]
    assert backbone.method == "EfficientNetLiteBackbone" and backbone.size <= 12e6
    # The limits of the zoo's package and of the wheel.
    for names, most in ((os.listdir(zoo), 120e6), (os.listdir(EMBEDDED), 18e6)):
        assert sum(infos[name].size for name in names) <= most
    assert kdh.list_presets(method="no such") == []


def test_presets_of_a_directory_load_by_name(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kdh.PresetError, match="where KERAS_DEEPHASH_PRESETS names"):
        kdh.from_preset("my_own")
    os.rename(preset, tmp_path / "my_own")
    (tmp_path / "notes.txt").write_text("no preset")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    roots = os.pathsep.join([str(tmp_path / "nowhere"), str(tmp_path)])
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", roots)
    assert kdh.from_preset("my_own").bits == 24
    assert "my_own" in {info.name for info in kdh.list_presets()}
    # A name in the package comes first.
    os.rename(tmp_path / "my_own", tmp_path / "dch_cifar10_48")
    assert kdh.from_preset("dch_cifar10_48").bits == 48


def test_presets_of_the_working_directory_load_by_name(preset, tmp_path, monkeypatch):
    folder = tmp_path / "clone" / "zoo" / "presets" / "my_own"
    folder.parent.mkdir(parents=True)
    os.rename(preset, folder)
    monkeypatch.chdir(tmp_path / "clone")
    assert kdh.from_preset("my_own").bits == 24


def test_saving_replaces_a_preset_but_nothing_else(
    model, preset, tmp_path, monkeypatch
):
    (preset / "README.md").write_text("old")
    model.save_to_preset(preset)
    assert (preset / "README.md").read_text() != "old"
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("years of work")
    (tmp_path / "full" / "metadata.json").write_text('{"title": "mine"}')
    with pytest.raises(FileExistsError, match="is not a preset: it holds 'thesis.txt'"):
        model.save_to_preset(tmp_path / "full")
    assert (tmp_path / "full" / "thesis.txt").exists()
    monkeypatch.chdir(preset)
    with pytest.raises(FileExistsError, match="is the working directory"):
        model.save_to_preset(".")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    with pytest.raises(FileExistsError, match="is not a preset"):
        model.save_to_preset(tmp_path / "file")
    (tmp_path / "empty").mkdir()
    model.save_to_preset(tmp_path / "empty")
    kdh.from_preset(tmp_path / "empty")
    (tmp_path / "link").symlink_to(preset)
    model.save_to_preset(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    names = ["empty", "file", "full", "link", "mine"]
    assert sorted(os.listdir(tmp_path)) == names


def test_failed_saving_leaves_the_old_preset(model, preset, tmp_path):
    before = (preset / "metadata.json").read_bytes()
    with pytest.raises(ValueError, match="plain JSON values"):
        model.save_to_preset(preset, metrics={"map": float("nan")})
    with pytest.raises(ValueError, match="`weights_dtype` must be one of"):
        model.save_to_preset(preset, weights_dtype="int8")
    assert (preset / "metadata.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["mine"]
    kdh.from_preset(preset)


def test_a_move_that_fails_brings_the_old_preset_back(
    model, preset, tmp_path, monkeypatch, without_exchange
):
    rename = os.rename

    def failing(source, target):
        # As on Windows, where something is opened, or anything is at the target.
        if os.path.lexists(target):
            raise FileExistsError(target)
        if target == str(preset) and "-old-" not in source:
            raise PermissionError(target)
        rename(source, target)

    before = (preset / "metadata.json").read_bytes()
    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(PermissionError):
        model.save_to_preset(preset, dataset="another")
    assert (preset / "metadata.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["mine"]


@pytest.mark.parametrize("moment", [1, 2])
def test_an_interruption_between_the_moves_leaves_a_whole_preset(
    model, preset, tmp_path, monkeypatch, without_exchange, moment
):
    rename, count = os.rename, 0

    def rename_then_interrupted(source, target):
        nonlocal count
        rename(source, target)
        count += 1
        if count == moment:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", rename_then_interrupted)
    with pytest.raises(KeyboardInterrupt):
        model.save_to_preset(preset, dataset="another")
    assert os.listdir(tmp_path) == ["mine"]
    dataset = json.loads((preset / "metadata.json").read_text())["dataset"]
    assert (dataset == "another") == (moment == 2)
    kdh.from_preset(preset)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"dataset": 5}, "`dataset` must be None or of type str"),
        ({"label_names": "cat"}, "`label_names` must be None or of type list"),
        ({"label_names": [1, 2]}, "`label_names` .* must be strings"),
        ({"training": [1]}, "`training` must be None or of type dict"),
        ({"metrics": {"map": "good"}}, "`map` .* must be a number"),
    ],
)
def test_metadata_that_could_not_be_loaded_is_not_saved(
    model, preset, arguments, message
):
    with pytest.raises(ValueError, match=message):
        model.save_to_preset(preset, **arguments)
    assert kdh.from_preset(preset).bits == 24


def test_numpy_scalars_are_plain_numbers(model, tmp_path):
    metrics = {"map": np.float32(0.5), "queries": np.int64(3)}
    model.save_to_preset(tmp_path / "mine", metrics=metrics, training={1: 2})
    metadata = json.loads((tmp_path / "mine" / "metadata.json").read_text())
    assert metadata["metrics"] == {"map": 0.5, "queries": 3}


def test_an_unregistered_class_cannot_be_saved(images, tmp_path):
    inputs = keras.Input((32, 32, 3))
    outputs = keras.layers.GlobalAveragePooling2D()(inputs)
    outputs = keras.layers.Lambda(lambda x: x)(outputs)

    class Pooling(keras.Model):
        pass

    for cls, message in (
        (keras.Model, "`Functional` model.*registered subclass"),
        (Pooling, "`Pooling` cannot be saved.*not registered"),
    ):
        model = kdh.DCH(cls(inputs, outputs), bits=8)
        assert model.encode(images).shape == (24, 1)
        with pytest.raises(kdh.PresetError, match=message):
            model.save_to_preset(tmp_path / "mine")


def test_the_card_has_small_numbers_too(make_model, tmp_path):
    training = {"learning_rate": 3e-5, "floor": 0.0, "gap": -0.00123, "peak": 0.1}
    make_model().save_to_preset(tmp_path / "a", training=training)
    card = (tmp_path / "a" / "README.md").read_text()
    for row in ("rate | 3e-05", "floor | 0.0000", "gap | -0.0012", "peak | 0.1000"):
        assert f"{row} |" in card


def test_the_card_has_a_row_an_epoch(make_model, tmp_path):
    log = [{"epoch": 1, "val_accuracy": 0.25}, {"epoch": 2, "val_accuracy": 0.5}]
    make_model().save_to_preset(tmp_path / "a", training={"seed": 0, "log": log})
    card = (tmp_path / "a" / "README.md").read_text()
    assert "| epoch | val accuracy |\n|---|---|\n| 1 | 0.2500 |\n| 2 | 0.5000 |" in card
    # What is no such table is left out.
    for odd in ([], [1], [{}], [{"a": 1}, {"b": 1}], "text"):
        make_model().save_to_preset(tmp_path / "a", training={"seed": 0, "log": odd})
        assert "epoch" not in (tmp_path / "a" / "README.md").read_text()


def test_the_card_is_plain_text(make_model, tmp_path):
    make_model().save_to_preset(
        tmp_path / "a",
        dataset="x\n## injected",
        label_names=["<script>alert(1)</script>"],
        metrics={"a|b": 0.5},
    )
    card = (tmp_path / "a" / "README.md").read_text()
    assert "trained on x ## injected" in card and "<" not in card
    assert "| a\\|b | 0.5000 |" in card


def test_a_backbone_has_no_index(make_model, tmp_path):
    make_model().backbone.save_to_preset(tmp_path / "backbone")
    with pytest.raises(kdh.PresetError, match="is a backbone, which has no index"):
        kdh.DCH.from_preset(tmp_path / "backbone", bits=16, load_index=True)


def test_what_is_no_name_is_said():
    with pytest.raises(kdh.PresetError, match="must be a name, .* Received: None"):
        kdh.from_preset(None)


def test_what_no_preset_can_describe_shows_before_the_training(make_model):
    check_savable(make_model())
    backbone = make_model().backbone
    vectors = np.random.default_rng(0).normal(size=(3000, 300))
    model = kdh.DVSQ(backbone, vectors, subcodebooks=2, subcenters=4)
    with pytest.raises(kdh.PresetError, match="take more than 16,777,216 bytes"):
        check_savable(model)
    wide = kdh.Preprocessor(32, resize_size=5000)
    with pytest.raises(kdh.PresetError, match="makes images of 5000 pixels"):
        check_savable(kdh.DCH(backbone, 16, preprocessor=wide))
    late = kdh.DTQ(backbone, subcodebooks=2, subcenters=4, quantization_start=10**6)
    check_savable(late)
    for arguments in ({"gamma": np.inf}, {"quantization_weight": np.inf}):
        with pytest.raises(ValueError, match="must be finite"):
            kdh.DCH(backbone, 16, **arguments)
