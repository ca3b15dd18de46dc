"""A model as Keras and converters see it: one network, images to codes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_deephash as kdh


@pytest.mark.parametrize("name", ["DCH", "DTQ"])
def test_shapes_and_symbols(name, make_model, make_quantizer, images):
    model = make_model() if name == "DCH" else make_quantizer(name)
    units = 16 if name == "DCH" else 12
    assert model.input_shape == (None, 32, 32, 3)
    assert model.output_shape == (None, units)
    assert model.compute_output_shape((7, 32, 32, 3)) == (7, units)
    (inputs,), (outputs,) = model.inputs, model.outputs
    assert (inputs.shape, outputs.shape) == (model.input_shape, model.output_shape)
    assert model.input is inputs and model.output is outputs
    # Of the whole model, another one can be made.
    twice = keras.Model(model.inputs, 2 * model.outputs[0])
    np.testing.assert_allclose(
        twice(images.astype("float32")), 2 * model.continuous_codes(images), atol=1e-6
    )


def test_symbols_are_those_of_the_present_network(make_model, make_backbone, images):
    model = make_model()
    before = model.output
    model.backbone = make_backbone()
    model.preprocessor = kdh.Preprocessor(32, scale=0.5)
    assert model.output is not before
    twice = keras.Model(model.inputs, model.outputs)
    np.testing.assert_allclose(
        twice(images.astype("float32")), model.continuous_codes(images), atol=1e-6
    )


def test_tensorflow_lite_gives_the_same_codes(make_model, images):
    model = make_model()
    content = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    interpreter = tf.lite.Interpreter(model_content=content)
    (entry,), (exit,) = (
        interpreter.get_input_details(),
        interpreter.get_output_details(),
    )
    interpreter.resize_tensor_input(entry["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry["index"], images.astype("float32"))
    interpreter.invoke()
    np.testing.assert_allclose(
        interpreter.get_tensor(exit["index"]), model.continuous_codes(images), atol=1e-4
    )


def test_a_dtype_is_the_backbones(make_backbone):
    for cls, arguments in (
        (kdh.DCH, {"bits": 8}),
        (kdh.DTQ, {"subcodebooks": 2, "subcenters": 4}),
    ):
        with pytest.raises(ValueError, match="no `dtype` of its own: pass it to the b"):
            cls(make_backbone(), dtype="mixed_bfloat16", **arguments)


@pytest.mark.filterwarnings("ignore:.*`quantize` method")
def test_quantized_as_loaded(images, make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "preset")
    model = kdh.from_preset(tmp_path / "preset")
    before = model.continuous_codes(images[:4])
    model.quantize("int8")
    for layer in (model.backbone.get_layer("fc6"), model.hash_layer):
        assert layer.quantization_mode == "int8" and layer.kernel.dtype == "int8"
    after = model.continuous_codes(images[:4])
    assert 0 < np.abs(after - before).max() < 0.3

    for filters in ("fc6", ["fc6$"], lambda layer: layer.name == "fc6"):
        model = make_model()
        model.quantize("int8", filters=filters)
        found = {x.name for x in model._flatten_layers() if x.quantization_mode}
        assert found == {"fc6"}
