"""Models that were quantized or adapted by LoRA, in presets and `.keras` files."""

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

pytestmark = pytest.mark.filterwarnings("ignore:.*`quantize` method")


def functional():
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, activation="relu")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(24, activation="relu", name="one")(x)
    return keras.Model(inputs, keras.layers.Dense(16, name="two")(x))


@keras.saving.register_keras_serializable(package="changed_layers_tests")
class Fixed(kdh.Backbone):
    """A backbone that gives neither dtype nor names to its layers."""

    def __init__(self, dtype=None, **kwargs):
        inputs = keras.Input((32, 32, 3))
        x = keras.layers.GlobalAveragePooling2D()(inputs)
        outputs = keras.layers.Dense(4)(x)
        super().__init__(inputs, outputs, {}, dtype=dtype, **kwargs)


def make(backbone, method):
    if method == "DTQ":
        return kdh.DTQ(backbone(), subcodebooks=3, subcenters=8, dim=12)
    return kdh.DCH(backbone(), bits=16)


def adapt(model):
    generator = np.random.default_rng(0)
    for layer in list(model._flatten_layers()):
        if isinstance(layer, keras.layers.Dense):
            layer.enable_lora(2)
            shape = layer.lora_kernel_b.shape
            layer.lora_kernel_b.assign(generator.normal(0, 0.3, shape))


@pytest.mark.parametrize(
    "backbone, method, change",
    [
        (TinyBackbone, "DCH", "int8"),
        (TinyBackbone, "DTQ", "int8"),
        (TinyBackbone, "DCH", "int4"),
        (TinyBackbone, "DCH", "lora"),
        (functional, "DCH", "int8"),
        (functional, "DCH", "lora"),
        (Fixed, "DCH", "int8"),
    ],
)
@pytest.mark.parametrize("kind", ["preset", "keras"])
@pytest.mark.usefixtures("eagerly")
def test_a_changed_model_comes_back(backbone, method, change, kind, images, tmp_path):
    model = make(backbone, method)
    plain = model.continuous_codes(images)
    if method == "DTQ":
        model.fit_codebook(plain)
    if change == "lora":
        adapt(model)
    else:
        model.quantize(change)
    codes = model.continuous_codes(images)
    assert np.abs(codes - plain).max() > 1e-6
    if kind == "preset":
        model.save_to_preset(tmp_path / "preset")
        again = kdh.from_preset(tmp_path / "preset")
    else:
        model.save(tmp_path / "model.keras")
        again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.continuous_codes(images), codes, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
    kernels = [layer.kernel.dtype for layer in dense_layers(model)]
    assert kernels == [layer.kernel.dtype for layer in dense_layers(again)]
    assert not any(layer.lora_enabled for layer in dense_layers(again))
    if kind == "preset":  # Nothing of the change is lost on the way.
        again.save_to_preset(tmp_path / "twice")
        first, second = (
            (tmp_path / folder / "config.json").read_bytes()
            for folder in ("preset", "twice")
        )
        assert first == second


def dense_layers(model):
    return [x for x in model._flatten_layers() if isinstance(x, keras.layers.Dense)]


def test_a_quantized_model_can_be_quantized_further(images, tmp_path):
    model = make(TinyBackbone, "DCH")
    model.quantize("int8", filters="fc6")
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    again.quantize("int8", filters="hash_layer")
    model.quantize("int8", filters="hash_layer")
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
    again.save_to_preset(tmp_path / "preset")
    np.testing.assert_array_equal(
        kdh.from_preset(tmp_path / "preset").encode(images), model.encode(images)
    )


def own_quantizers(model):
    quantizer = keras.quantizers.AbsMaxQuantizer(value_range=(-7, 7))
    model.quantize(
        config=keras.quantizers.Int8QuantizationConfig(activation_quantizer=quantizer)
    )


def small_blocks(model):
    config = keras.quantizers.Int4QuantizationConfig(block_size=4)
    model.quantize(config=config)


@pytest.mark.parametrize(
    "backbone, change, message",
    [
        (TinyBackbone, own_quantizers, "a custom quantizer"),
        (functional, own_quantizers, "a custom quantizer"),
        (TinyBackbone, small_blocks, "its configuration (describes|gives) 1,816"),
    ],
)
def test_what_could_not_be_loaded_is_refused_before_writing(
    backbone, change, message, tmp_path
):
    model = make(backbone, "DCH")
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    change(model)
    for save in (
        lambda: model.save_to_preset(tmp_path / "preset"),
        lambda: model.save(tmp_path / "model.keras"),
    ):
        with pytest.raises(ValueError, match=message):
            save()
    after = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert after == before


def test_lora_is_trained_and_merged(images, labels, tmp_path):
    model = make(TinyBackbone, "DCH")
    model.backbone.get_layer("fc6").enable_lora(2)
    kernel = model.backbone.get_layer("fc6").kernel.numpy()
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(images, labels, batch_size=24, epochs=2, verbose=0)
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    merged = again.backbone.get_layer("fc6").kernel.numpy()
    assert np.abs(merged - kernel).max() > 1e-6
    np.testing.assert_array_equal(merged, model.backbone.get_layer("fc6").kernel)
    np.testing.assert_array_equal(again.encode(images), model.encode(images))
