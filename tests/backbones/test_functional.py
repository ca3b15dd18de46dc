"""Plain functional models as backbones, and what a description of layers may hold."""

import json

import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.backbones import FunctionalBackbone, GroupedConv2D
from keras_deephash.presets.format.graph import build_graph, describe_graph


def make_network():
    """Layers, an inner network, operations and a layer of this package."""
    inner_input = keras.Input((15, 15, 4))
    inner = keras.layers.SeparableConv2D(6, 3)(inner_input)
    inner = keras.layers.BatchNormalization()(inner)
    inner = keras.Model(inner_input, keras.layers.Activation("swish")(inner))
    inputs = keras.Input((32, 32, 3))
    x = GroupedConv2D(4, 3, strides=2, padding="valid", name="conv")(inputs)
    x = inner(x * 0.5 + 1.0)
    x = keras.layers.Concatenate()([x, keras.layers.ReLU()(x)])
    x = keras.ops.mean(x, axis=(1, 2))
    outputs = keras.layers.Dense(5, activation="relu", name="dense")(x)
    return keras.Model(inputs, outputs, name="mine")


def test_a_preset_keeps_the_layers(images, labels, tmp_path):
    network = make_network()
    model = kdh.DCH(network, bits=16)
    assert type(model.backbone) is FunctionalBackbone and model.backbone.name == "mine"
    before = network.get_layer("dense").kernel.numpy()
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(images, labels, batch_size=24, verbose=0)
    # The layers are the user's own.
    assert np.abs(network.get_layer("dense").kernel.numpy() - before).max() > 0
    x = model.preprocessor.normalize(images)
    np.testing.assert_allclose(model.backbone(x), network(x), atol=1e-6)

    codes = model.encode(images)
    model.save_to_preset(tmp_path / "preset")
    model.save(tmp_path / "model.keras")
    for again in (
        kdh.from_preset(tmp_path / "preset"),
        keras.models.load_model(tmp_path / "model.keras"),
    ):
        np.testing.assert_array_equal(again.encode(images), codes)
        assert again.backbone.get_config() == model.backbone.get_config()
    with pytest.raises(kdh.PresetError, match="no argument 'dtype'"):
        kdh.from_preset(tmp_path / "preset", dtype="mixed_bfloat16")


def test_a_sequential_model_is_a_functional_one(images, tmp_path):
    network = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Conv2D(4, 3, strides=4),
            keras.layers.GlobalMaxPooling2D(),
        ]
    )
    model = kdh.DHN(network, bits=8)
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.encode(images), model.encode(images))


def test_keras_files_of_plain_models_still_load(images, tmp_path):
    """Of the time when a functional model was kept as it was."""
    model = kdh.DCH(make_network(), bits=8)
    codes = model.encode(images)
    plain = keras.Model(model.backbone.inputs[0], model.backbone.outputs[0])
    model.backbone = plain
    model.save(tmp_path / "old.keras")
    again = keras.models.load_model(tmp_path / "old.keras")
    np.testing.assert_array_equal(again.encode(images), codes)


def code_layer(x):
    return keras.layers.Lambda(lambda y: y + 1)(x)


def unknown_layer(x):
    class Own(keras.layers.Layer):
        def call(self, x):
            return x

    return Own()(x)


def silent_layer(x):
    class Silent(keras.layers.Layer):
        def __init__(self, function):
            super().__init__()
            self.function = function

        def call(self, x):
            return self.function(x)

    return Silent(keras.ops.relu)(x)


@pytest.mark.parametrize(
    "layer, name",
    [(code_layer, "`Lambda`"), (unknown_layer, "`Own`"), (silent_layer, "Silent")],
)
def test_layers_that_are_code_are_named_before_the_training(
    layer, name, images, labels, tmp_path
):
    inputs = keras.Input((32, 32, 3))
    x = layer(keras.layers.AveragePooling2D(8)(inputs))
    network = keras.Model(inputs, keras.layers.Flatten()(x))
    model = kdh.DCH(network, bits=8)
    assert model.backbone is network
    model.compile("sgd")
    with pytest.warns(UserWarning, match=f"(?s)not be saved as a preset.*{name}"):
        model.fit(images, labels, batch_size=24, verbose=0)
    with pytest.raises(kdh.PresetError, match=f"(?s)cannot be saved.*{name}"):
        model.save_to_preset(tmp_path / "preset")
    with pytest.raises(kdh.PresetError, match=f"layer|has a {name}"):
        FunctionalBackbone(network)
    assert not (tmp_path / "preset").exists()


def test_a_layer_in_two_inner_networks_is_refused():
    shared = keras.layers.Dense(3)
    inputs = keras.Input((8, 8, 3))
    inner = []
    for _ in range(2):
        inner_input = keras.Input((8, 8, 3))
        inner.append(keras.Model(inner_input, shared(inner_input)))
    x = keras.layers.Flatten()(inner[1](inner[0](inputs)))
    with pytest.raises(kdh.PresetError, match="share a layer"):
        describe_graph(keras.Model(inputs, x))
    # Twice in one network it is written once.
    x = keras.layers.Flatten()(shared(shared(inputs)))
    again = build_graph(describe_graph(keras.Model(inputs, x)))
    assert again.count_params() == shared.count_params()


def first(config, name):
    return next(each for each in config["layers"] if each["class_name"] == name)


def as_class(name, module="keras.layers", **config):
    def edit(graph):
        layer = first(graph, "Dense")
        layer.update(class_name=name, module=module)
        layer["config"].update(config)

    return edit


def with_value(key, value):
    def edit(graph):
        first(graph, "Dense")["config"][key] = value

    return edit


def with_argument(value):
    def edit(graph):
        first(graph, "Dense")["inbound_nodes"][0]["args"].append(value)

    return edit


def nested(depth):
    value = {"a": 1}
    for _ in range(depth):
        value = [value]
    return value


LAMBDA = {
    "class_name": "__lambda__",
    "config": {"value": "4wEAAAA=", "defaults": None, "closure": None},
}
FUNCTION = {
    "class_name": "function",
    "config": "system",
    "module": "os",
    "registered_name": "system",
}
TENSOR = {
    "class_name": "__keras_tensor__",
    "config": {"shape": [1], "dtype": "float32", "keras_history": [FUNCTION, 0, 0]},
}


@pytest.mark.parametrize(
    "edit",
    [
        as_class("Lambda", function=LAMBDA),
        as_class("TFSMLayer", filepath="/tmp/x"),
        as_class("StringLookup", vocabulary="/etc/passwd"),
        as_class("DCH", module="keras_deephash.models"),
        as_class("system", module="os"),
        as_class("Dense", module="evil"),
        as_class("Dense", module=None),
        as_class(["Dense"]),
        as_class({"a": 1}),
        with_value("activation", LAMBDA),
        with_value("activation", FUNCTION),
        with_value("activation", "hostile>function"),
        with_value("kernel_initializer", {**FUNCTION, "class_name": "get_file"}),
        with_value("units", 10**9),
        with_value("units", -(10**300)),
        with_value("dtype", {"module": "os", "registered_name": "x"}),
        with_value("name", nested(70)),
        with_argument(TENSOR),
        with_argument(FUNCTION),
        lambda graph: graph.pop("layers"),
        lambda graph: graph.update(layers=3),
        lambda graph: graph.update(input_layers=[["nothing", 0, 0]]),
        lambda graph: first(graph, "Dense").update(registered_name="hostile>Dense"),
        lambda graph: first(graph, "Dense").pop("config"),
    ],
)
def test_hostile_descriptions_are_refused(edit):
    graph = json.loads(describe_graph(make_network()))
    edit(graph)
    with pytest.raises(kdh.PresetError, match="[Nn]etwork"):
        build_graph(json.dumps(graph))


@pytest.mark.parametrize("text", ["", "3", "[]", "{", '{"a": 1}', "[" * 100_000])
def test_what_is_not_a_description_is_refused(text):
    with pytest.raises(kdh.PresetError, match="not valid"):
        build_graph(text)


def test_outputs_that_would_fill_the_memory_are_refused():
    inputs = keras.Input((256, 256, 3))
    x = keras.layers.UpSampling2D(32)(inputs)
    text = describe_graph(keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(x)))
    with pytest.raises(kdh.PresetError, match="makes 201,326,592 values"):
        build_graph(text)
