"""Networks that change after they have encoded, and what leaves as another file."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_deephash as kdh
from keras_deephash.backbones.statistics import freeze_statistics


@pytest.mark.filterwarnings("ignore:.*`quantize` method")
@pytest.mark.parametrize("change", ["lora", "lora and fit", "quantize", "backbone"])
def test_codes_are_those_of_the_changed_network(
    change, make_model, make_backbone, images, labels
):
    model = make_model()
    if change == "quantize":  # Keras quantizes what has been trained.
        model.fit(images, labels, verbose=0)
    before = model.continuous_codes(images)
    if change == "quantize":
        model.quantize("int8")
    elif change == "backbone":
        model.backbone = make_backbone()
    else:
        model.hash_layer.enable_lora(2)
        model.hash_layer.lora_kernel_b.assign(np.full((2, 16), 0.5))
    if change == "lora and fit":
        model.compile("sgd")
        model.fit(images, labels, epochs=2, verbose=0)
    after = model.continuous_codes(images)
    assert np.abs(after - before).max() > 1e-4
    inputs = tf.constant(images)
    np.testing.assert_allclose(after, model(inputs, training=False), atol=1e-5)


@pytest.mark.parametrize("name", ["DCH", "DTQ"])
def test_export_after_training(
    name, make_model, make_quantizer, images, labels, tmp_path
):
    model = make_model() if name == "DCH" else make_quantizer(name, subcodebooks=2)
    model.compile()
    model.fit(images, labels, verbose=0)
    model.export(tmp_path / "served", verbose=False)
    served = tf.saved_model.load(tmp_path / "served")
    codes = served.serve(tf.constant(images))
    np.testing.assert_allclose(codes, model.continuous_codes(images), atol=1e-5)


def test_a_keras_file_keeps_what_is_trainable(make_model, images, labels, tmp_path):
    model = make_model()
    freeze_statistics(model.backbone)
    model.backbone.get_layer("conv1").trainable = False
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9))
    model.fit(images, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    names = [[v.path for v in m.trainable_variables] for m in (model, again)]
    assert len(names[0]) == len(names[1]) < len(make_model().trainable_variables)
    for one in (model, again):
        one.fit(images, labels, verbose=0)
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-6)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda x: keras.Model(x, [x[:, 0, 0], x[:, 1, 1]]), "a feature vector"),
        (lambda x: keras.Model(x, x), "a feature vector"),
    ],
)
def test_networks_of_other_outputs_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        kdh.DCH(make(keras.Input((8, 8, 3))), bits=8)


def test_networks_of_grey_images_are_refused():
    network = keras.applications.MobileNetV2(
        (32, 32, 1), weights=None, include_top=False, pooling="avg", alpha=0.35
    )
    with pytest.raises(ValueError, match="must take RGB images.*for 1 channels"):
        kdh.DCH(network, bits=8)


class SampleLoss(keras.layers.Layer):
    """Adds the norm of each sample to the loss."""

    def call(self, inputs):
        self.add_loss(keras.ops.norm(inputs, axis=-1))
        return inputs


def test_losses_of_the_backbone_are_summed(images, labels):
    inputs = keras.Input((32, 32, 3))
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(
        4, kernel_regularizer="l2", activity_regularizer="l2", dtype="mixed_float16"
    )(x)
    model = kdh.DCH(keras.Model(inputs, SampleLoss(dtype="float32")(x)), bits=8)
    model.compile()
    logs = model.evaluate(images, labels, batch_size=24, verbose=0, return_dict=True)
    features = model.backbone(model.preprocessor.normalize(images[:]))
    kernel = model.backbone.layers[2].kernel.numpy()
    features = keras.ops.convert_to_numpy(features).astype("float64")
    expected = logs["pair_loss"] + np.linalg.norm(features, axis=1).sum()
    # Keras divides activity regularizers by the number of images.
    expected += 0.01 * (kernel**2).sum() + 0.01 * (features**2).sum() / 24
    np.testing.assert_allclose(logs["loss"], expected, rtol=1e-2)
