"""Class indices as labels of `fit` and `evaluate`: what multi-hot labels give."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.datasets import ImageSet, image_dataset

CLASSES = np.array([0, 2, 1, 2, 0, -1, 1, 2])
ONE_HOT = np.where(CLASSES[:, None] == np.arange(3), 1, 0).astype("float32")
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), np.uint8)


def dataset(labels, images=PIXELS):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)


def named(data, names=("a", "b", "c")):
    data.class_names = list(names)
    return data


def trained(*data, **arguments):
    """The weights of a model after a `fit`, and its loss before."""
    keras.utils.set_random_seed(0)
    model = kdh.DCH(TinyBackbone(), 16)
    model.compile("sgd", run_eagerly=True)  # Sooner than it is traced.
    if "batch_size" not in arguments and len(data) > 1:
        arguments["batch_size"] = 4
    before = model.evaluate(*data, verbose=0, **arguments)
    if len(data) > 1:
        arguments["shuffle"] = False
    model.fit(*data, verbose=0, **arguments)
    return model, [before, *model.get_weights()]


@pytest.fixture(scope="module")
def expected():
    """What multi-hot labels give."""
    return trained(PIXELS, ONE_HOT)[1]


@pytest.mark.parametrize(
    "data, arguments",
    [
        ((PIXELS, CLASSES), {}),
        ((PIXELS, CLASSES[:, None]), {}),
        ((PIXELS, CLASSES.astype("float32")), {}),
        ((dataset(CLASSES),), {"classes": 3}),
        ((dataset(CLASSES.astype("int8")[:, None]),), {"classes": 3}),
        ((named(dataset(CLASSES)),), {}),
        ((named(dataset(ONE_HOT)),), {}),
    ],
)
def test_class_indices_are_multi_hot_labels(expected, data, arguments):
    model, found = trained(*data, **arguments)
    for one, two in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, two)
    names = getattr(data[0], "class_names", None)
    assert model.label_names == names


@pytest.mark.usefixtures("eagerly")
def test_validation_data_may_be_class_indices(make_model):
    model = make_model()
    model.compile("sgd")
    seen = [
        model.fit(PIXELS, CLASSES, validation_data=data, verbose=0, epochs=2).history
        for data in ((PIXELS, CLASSES), dataset(CLASSES))
    ]
    assert all(np.isfinite(history["val_loss"]).all() for history in seen)


@pytest.mark.usefixtures("eagerly")
def test_quantizers_and_own_numbers_of_classes(make_model):
    model = kdh.DTQ(make_model().backbone, subcodebooks=2, subcenters=4, dim=6)
    model.compile("sgd")
    model.fit(named(dataset(CLASSES)), epochs=3, verbose=0)
    assert model.encode(PIXELS).shape == (8, 2)
    # DVSQ knows its number of labels.
    model = kdh.DVSQ(make_model().backbone, np.eye(3), subcodebooks=2, subcenters=4)
    model.compile("sgd")
    model.fit(dataset(CLASSES), epochs=1, verbose=0)


@pytest.mark.usefixtures("eagerly")
def test_names_go_from_the_data_to_the_preset(make_model, tmp_path):
    model = make_model()
    model.compile("sgd")
    images = ImageSet(PIXELS, ONE_HOT, ["cat", "dog", "traffic light"])
    model.fit(image_dataset(images, model.preprocessor, 4, training=True), verbose=0)
    model.save_to_preset(tmp_path / "mine")
    metadata = kdh.presets.read_preset_metadata(tmp_path / "mine")
    assert metadata["label_names"] == images.label_names == model.label_names
    model.save_to_preset(tmp_path / "mine", label_names=["x", "y", "z"])
    metadata = kdh.presets.read_preset_metadata(tmp_path / "mine")
    assert metadata["label_names"] == ["x", "y", "z"]
    # Labels of another number are others.
    model.fit(PIXELS, ONE_HOT[:, :2], verbose=0)
    assert model.label_names is None
    with pytest.raises(ValueError, match="more than their case"):
        model.label_names = ["Cat", "cat"]


@pytest.mark.parametrize("mode", ["int", "binary"])
@pytest.mark.usefixtures("eagerly")
def test_image_dataset_from_directory(make_model, tmp_path, mode):
    names = ["cat", "cow", "dog"][: 2 if mode == "binary" else 3]
    for number, pixels in enumerate(PIXELS):
        place = tmp_path / names[number % len(names)]
        place.mkdir(exist_ok=True)
        Image.fromarray(pixels).resize((50, 40)).save(place / f"{number}.png")
    data = keras.utils.image_dataset_from_directory(tmp_path, label_mode=mode)
    model = make_model()
    model.compile("sgd")
    # Images of 256 x 256 pixels, its default, become those of the network's size.
    model.evaluate(data, verbose=0)
    history = model.fit(data, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.label_names == names


@pytest.mark.usefixtures("eagerly")
def test_an_evaluation_leaves_the_names_as_they_are(make_model):
    model = make_model()
    model.compile("sgd")
    model.evaluate(named(dataset(CLASSES)), verbose=0)
    assert model.label_names is None
    model.fit(named(dataset(CLASSES)), verbose=0)
    expected = model.evaluate(named(dataset(CLASSES)), verbose=0)
    for data, message in (
        (named(dataset(CLASSES), "abd"), "Received: 'a', 'b', 'd', and the model has"),
        (
            named(dataset(CLASSES), "cba"),
            "in the same order.*class_names=model.label_n",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            model.evaluate(data, verbose=0)
    # Labels of another number are other labels, of arrays without names.
    model.evaluate(PIXELS, ONE_HOT[:, :2], batch_size=4, verbose=0)
    assert model.label_names == ["a", "b", "c"]
    assert model.evaluate(dataset(CLASSES), verbose=0) == expected


@pytest.mark.usefixtures("eagerly")
def test_a_number_of_classes_that_contradicts_the_names(make_model):
    model = make_model()
    model.compile("sgd")
    data = named(dataset(CLASSES))
    for verb in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="number of the label names, 3.*=4, names"):
            verb(data, classes=4, verbose=0)
    assert model.label_names is None
    model.fit(data, classes=3, verbose=0)
    for verb in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="`model.label_names = None` first"):
            verb(dataset(CLASSES), classes=5, verbose=0)
    model.label_names = None
    model.fit(dataset(CLASSES), classes=5, verbose=0)
    assert model.label_names is None


def test_images_are_fitted_as_encode_does(make_model):
    preprocessor = kdh.Preprocessor(32, resize_size=40)
    ramp = np.linspace(0, 255, 90 * 120).reshape(90, 120, 1) * np.ones(3)
    images = np.uint8([ramp, ramp[::-1], ramp[:, ::-1]])
    expected = [preprocessor.center_crop(image) for image in images]
    found = preprocessor.fit_size(tf.constant(images))
    np.testing.assert_allclose(found, expected, atol=2)
    same = tf.zeros((2, 32, 32, 3))
    assert preprocessor.fit_size(same) is same


@pytest.mark.parametrize(
    "data, arguments, message",
    [
        ((dataset(CLASSES),), {}, "need the number of classes: pass `classes=`.*\\[2"),
        ((dataset(CLASSES),), {"classes": 2}, "not below the number of classes"),
        ((named(dataset(CLASSES), "ab"),), {}, "not below the number of classes"),
        ((dataset(CLASSES - 1),), {"classes": 3}, "not below the number of classes"),
        ((dataset(CLASSES / 2),), {"classes": 3}, "not below the number of classes"),
        (
            (PIXELS, CLASSES),
            {"classes": 2},
            "from -1 .no label. to 1.*to 2",
        ),
        ((PIXELS, CLASSES - 1), {}, "whole numbers from -1"),
        ((PIXELS, CLASSES / 2), {}, "whole numbers from -1"),
        ((PIXELS, CLASSES), {"classes": "3"}, "`classes` must be an integer"),
        ((PIXELS, CLASSES), {"classes": 10**9}, "`classes` must be an integer"),
        ((dataset(CLASSES.astype(str)),), {"classes": 3}, "class indices.*strings"),
        ((PIXELS, ONE_HOT[..., None]), {}, "class indices.*one-hot.*multi-hot.*Rec"),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_labels_that_fit_nothing(data, arguments, message):
    model = kdh.DCH(TinyBackbone(), bits=8)
    model.compile("sgd")
    for verb in (model.evaluate, model.fit):
        with pytest.raises(ValueError, match=message):
            verb(*data, verbose=0, **arguments)
