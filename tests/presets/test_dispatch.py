"""`from_preset` of a class: presets of its own, its base, its subclass, its part."""

import keras
import numpy as np
import pytest

import keras_deephash as kdh


class Renamed(kdh.DCH):
    """A subclass that nobody registered, with an argument of its own."""

    def __init__(self, backbone, bits, remark="", **kwargs):
        super().__init__(backbone, bits, **kwargs)
        self.remark = remark


def test_a_base_class_loads_and_lists_the_presets_of_its_subclasses():
    assert type(kdh.DeepHashing.from_preset("dch_cifar10_48")) is kdh.DCH
    assert type(kdh.DeepQuantization.from_preset("dtq_cifar10_32")) is kdh.DTQ
    names = {info.name: info.method for info in kdh.list_presets()}
    for base, methods in (
        (kdh.DeepHashing, {"DCH", "DHN", "GreedyHash", "HashNet", "OrthoHash"}),
        (kdh.ClassHashing, {"GreedyHash", "OrthoHash"}),
        (kdh.DeepQuantization, {"DQN", "DVSQ", "DTQ"}),
        (kdh.DCH, {"DCH"}),
    ):
        expected = {name for name, method in names.items() if method in methods}
        assert set(base.presets) == expected and expected
    backbones = set(kdh.Backbone.presets)
    assert "efficientnet_lite0_imagenet" in backbones
    assert backbones == {name for name, m in names.items() if m.endswith("Backbone")}


def test_a_subclass_loads_its_parents_preset(make_model, images, tmp_path):
    model = make_model(gamma=7.0)
    model.save_to_preset(tmp_path / "dch")
    again = Renamed.from_preset(tmp_path / "dch", remark="mine")
    assert type(again) is Renamed and again.remark == "mine"
    np.testing.assert_array_equal(again.encode(images), model.encode(images))


def test_a_backbone_is_taken_out_of_a_method(tmp_path):
    backbone = kdh.AlexNetBackbone.from_preset("dch_cifar10_48")
    model = kdh.from_preset("dch_cifar10_48")
    assert type(backbone) is kdh.AlexNetBackbone
    assert backbone.preprocessor.get_config() == model.preprocessor.get_config()
    for one, two in zip(
        backbone.get_weights(), model.backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, two)
    low = kdh.Backbone.from_preset("dch_cifar10_48", dtype="mixed_bfloat16")
    assert low.dtype_name == "mixed_bfloat16"


@pytest.mark.parametrize(
    "cls, preset, options, message",
    [
        (kdh.DHN, "dch_cifar10_48", {}, "is a DCH, not a DHN. Use `DCH.from_preset`"),
        (kdh.DTQ, "dch_cifar10_48", {}, "is a DCH, not a DTQ"),
        (kdh.EfficientNetLiteBackbone, "dch_cifar10_48", {}, "is a DCH, not a Eff"),
        (kdh.AlexNetBackbone, "efficientnet_lite0_imagenet", {}, "not a AlexNet"),
        (kdh.AlexNetBackbone, "dch_cifar10_48", {"dropout": 0.1}, "'dropout'"),
        (kdh.AlexNetBackbone, "dch_cifar10_48", {"load_index": True}, "has no index"),
        (kdh.DeepHashing, "efficientnet_lite0_imagenet", {}, "needs its own arg"),
    ],
)
def test_other_classes_are_refused(cls, preset, options, message):
    with pytest.raises(kdh.PresetError, match=message):
        cls.from_preset(preset, **options)


def test_the_name_of_a_class_says_nothing(images, tmp_path):
    """A method may be called a backbone, and a backbone anything."""

    @keras.saving.register_keras_serializable(package="dispatch_tests")
    class HashBackbone(kdh.DCH):
        pass

    @keras.saving.register_keras_serializable(package="dispatch_tests")
    class Features(kdh.Backbone):
        def __init__(self, dtype=None, **kwargs):
            inputs = keras.Input((32, 32, 3))
            x = keras.layers.AveragePooling2D(8, dtype=dtype)(inputs)
            x = keras.layers.Flatten(dtype=dtype)(x)
            super().__init__(inputs, x, {}, dtype=dtype, **kwargs)

    model = HashBackbone(Features(), bits=8)
    model.save_to_preset(tmp_path / "hash")
    model.backbone.save_to_preset(tmp_path / "features")
    codes = HashBackbone.from_preset(tmp_path / "hash").encode(images)
    np.testing.assert_array_equal(codes, model.encode(images))
    new = HashBackbone.from_preset(tmp_path / "features", bits=16)
    assert type(new) is HashBackbone and new.bits == 16
    assert type(Features.from_preset(tmp_path / "hash")) is Features
    with pytest.raises(kdh.PresetError, match="is a HashBackbone, not a AlexNet"):
        kdh.AlexNetBackbone.from_preset(tmp_path / "hash")
