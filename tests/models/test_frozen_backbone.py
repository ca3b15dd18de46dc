"""A backbone frozen up to a layer, and training on what it makes of images."""

import keras
import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.datasets import ImageSet, feature_dataset, image_dataset
from keras_deephash.training.frozen_features import FrozenFeatures


@pytest.fixture
def image_set(images):
    return ImageSet(images, np.eye(4, dtype=np.uint8)[np.arange(24) % 4])


@pytest.fixture
def model(make_backbone):
    model = kdh.DCH(make_backbone(), bits=16)
    model.freeze_backbone("pool1")
    return model


def test_codes_of_features_are_those_of_images(model, image_set):
    features = model.frozen_features(image_set, batch_size=7, verbose=0)
    assert features.images.dtype == np.float16
    assert features.images.shape == (24, 4, 4, 8)
    np.testing.assert_array_equal(features.labels, image_set.labels)
    expected = model.continuous_codes(image_set.images)
    for codes in (
        model.continuous_codes(features.images),
        model.predict(features.images, verbose=0),
    ):
        np.testing.assert_allclose(codes, expected, atol=2e-3)
    assert model.encode(features.images).shape == (24, 2)


def test_the_frozen_part_is_traced_once(model, image_set):
    traced = []

    class Counting(kdh.Preprocessor):
        def normalize(self, images):
            traced.append(images.shape)
            return super().normalize(images)

    model.preprocessor = Counting(32)
    expected = model.frozen_features(image_set, batch_size=7, verbose=0).images
    for _ in range(3):
        again = model.frozen_features(image_set, batch_size=7, verbose=0).images
        np.testing.assert_array_equal(again, expected)
    assert len(traced) <= 3  # Full batches, the last one, and batches of any length.
    # A graph is not kept where it would be another one.
    model.preprocessor = Counting(32, scale=0.5)
    other = model.frozen_features(image_set, batch_size=7, verbose=0).images
    assert not np.array_equal(other, expected)
    for variable in model.backbone.get_layer("conv1").variables:
        variable.assign(2 * variable)
    changed = model.frozen_features(image_set, batch_size=7, verbose=0).images
    assert not np.array_equal(changed, other)


def test_training_leaves_the_frozen_part(model, image_set):
    features = model.frozen_features(image_set, verbose=0)
    before = [w.copy() for w in model.frozen_weights]
    head_before = model.backbone.get_layer("fc6").kernel.numpy()
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(features.images, features.labels, batch_size=24, epochs=2, verbose=0)
    # Nor does training on images change it: batch statistics rest as well.
    model.fit(image_set.images, image_set.labels, batch_size=24, verbose=0)
    for old, new in zip(before, model.frozen_weights, strict=True):
        np.testing.assert_array_equal(old, new)
    assert not np.array_equal(
        head_before, model.backbone.get_layer("fc6").kernel.numpy()
    )


def test_what_is_frozen_after_a_training_stays_from_then_on(make_backbone, image_set):
    model = kdh.DCH(make_backbone(), bits=16)
    model.compile(keras.optimizers.SGD(0.5))
    model.fit(image_set.images, image_set.labels, batch_size=24, verbose=0)
    model.freeze_backbone("pool1")
    before = [weight.copy() for weight in model.frozen_weights]
    model.fit(image_set.images, image_set.labels, batch_size=24, verbose=0)
    for old, new in zip(before, model.frozen_weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_views_have_all_images(make_backbone):
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (103, 32, 32, 3), dtype=np.uint8)
    labels = np.zeros((103, 103), np.uint8)
    np.fill_diagonal(labels, 1)
    model = kdh.DCH(make_backbone(), bits=16)
    model.freeze_backbone("pool1")
    frozen = FrozenFeatures(None)
    features, shown = frozen.of_views(model, ImageSet(images, labels), 2, 0, None, [])
    assert features.shape == (2, 103, 4, 4, 8)
    np.testing.assert_array_equal(shown.sum(axis=1), np.ones((2, 103)))


@pytest.mark.parametrize("count", [23, 25])
def test_frozen_features_are_as_many_as_the_images(model, image_set, count):
    dataset = image_dataset(image_set, model.preprocessor, 10)
    with pytest.raises(ValueError, match=f"number of images.*count={count}"):
        model.run_frozen(dataset, count, verbose=0)


def test_a_second_freezing_takes_the_place_of_the_first(make_alexnet):
    model = kdh.DCH(make_alexnet(), bits=16)
    model.freeze_backbone("pool2")
    model.backbone.get_layer("conv1").trainable = False  # By the user, and stays.
    for until, frozen in (("pool5", 5), ("pool1", 1), ("conv3", 3)):
        model.freeze_backbone(until)
        for number in range(1, 6):
            layer = model.backbone.get_layer(f"conv{number}")
            assert layer.trainable == (number > frozen)


def test_a_keras_file_keeps_what_is_frozen(model, image_set, tmp_path):
    model.compile(keras.optimizers.Adam(1e-2))
    data = image_set.images, image_set.labels
    model.fit(*data, batch_size=24, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    names = [[v.path for v in m.trainable_variables] for m in (model, again)]
    assert len(names[0]) == len(names[1]) < len(model.weights)
    assert again.frozen_layers == model.frozen_layers
    # The optimizer goes on where it was.
    for one in (model, again):
        one.fit(*data, batch_size=24, verbose=0)
    for old, new in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, atol=1e-6)


@pytest.mark.parametrize("name", ["DQN", "DTQ"])
def test_quantizers_learn_from_features(make_quantizer, name, image_set):
    model = make_quantizer(name, subcodebooks=2)
    model.freeze_backbone("pool1")
    features = model.frozen_features(image_set, verbose=0)
    model.compile(keras.optimizers.Adam(1e-3))
    model.fit(features.images, features.labels, batch_size=24, epochs=2, verbose=0)
    assert model.codebook.is_fitted
    assert model.encode(image_set.images).shape == (24, 2)


def test_a_preset_is_that_of_the_whole_backbone(model, image_set, tmp_path):
    model.save_to_preset(tmp_path / "preset")
    again = kdh.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(
        again.encode(image_set.images), model.encode(image_set.images)
    )
    assert again.backbone.get_layer("conv1").trainable


def test_errors(make_backbone, image_set):
    model = kdh.DCH(make_backbone(), bits=16)
    with pytest.raises(ValueError, match="call `freeze_backbone` first"):
        model.frozen_features(image_set)
    with pytest.raises(ValueError, match="`until` must be a layer of the backbone"):
        model.freeze_backbone("conv9")
    lite = kdh.EfficientNetLiteBackbone(
        (32, 32, 3), 4, (4, 4, 4, 4, 4, 4, 4), (2,) * 7, 8
    )
    # Inside a block, the way around it is open.
    with pytest.raises(ValueError, match="no connection bypasses"):
        kdh.DCH(lite, bits=16).freeze_backbone("block2b_expand_conv")


def test_codes_of_features_are_refused_where_images_are_needed(model, image_set):
    features = model.frozen_features(image_set, verbose=0).images
    assert model.encode(features[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match="centre crops only"):
        model.encode(features, crops=10)
    with pytest.raises(ValueError, match="`batch_size` must be"):
        model.encode(features, batch_size=0)


def test_features_that_float16_cannot_hold_are_an_error(image_set):
    inputs = keras.Input((32, 32, 3))
    large = keras.layers.Rescaling(1e5, name="large")(inputs)
    outputs = keras.layers.GlobalAveragePooling2D()(large)
    model = kdh.DCH(keras.Model(inputs, outputs), bits=8)
    model.freeze_backbone("large")
    with pytest.raises(ValueError, match="finite in float16"):
        model.frozen_features(image_set, verbose=0)


def test_feature_dataset_with_an_int_draws_anew_in_every_iteration():
    features = np.arange(2 * 7, dtype=np.float16).reshape(2, 7, 1)
    labels = np.zeros((2, 7, 1), np.uint8)

    def iterations():
        keras.utils.set_random_seed(4)
        dataset = feature_dataset(features, labels, 3, seed=1)
        return [[x.numpy().ravel().tolist() for x, _ in dataset] for _ in range(12)]

    found = iterations()
    assert found == iterations()
    assert len({str(batches) for batches in found}) == 12
    seen = {x for batches in found for batch in batches for x in batch}
    assert seen == set(range(14))


def test_feature_dataset_takes_one_view_an_epoch():
    features = np.arange(2 * 5, dtype=np.float16).reshape(2, 5, 1)
    labels = np.eye(5, dtype=np.uint8)[np.arange(5)][None].repeat(2, axis=0)
    seeds = kdh.callbacks.EpochSeeds(3)
    dataset = feature_dataset(features, labels, 2, seeds)
    assert int(dataset.cardinality()) == 2
    epochs = []
    for seeds.epoch in (0, 1, 2, 0):
        batches = [(x.numpy(), y.numpy()) for x, y in dataset]
        assert [len(x) for x, _ in batches] == [2, 2]  # Full batches alone.
        x = np.concatenate([x for x, _ in batches])[:, 0]
        y = np.concatenate([y for _, y in batches])
        assert ((x >= 5) == (seeds.epoch == 1)).all()
        np.testing.assert_array_equal(y.argmax(axis=1), x % 5)
        assert len(set(x)) == 4
        epochs.append(x.tolist())
    assert epochs[0] == epochs[3] != epochs[2]
    with pytest.raises(ValueError, match="`batch_size` must be at least 1"):
        feature_dataset(features, labels, 6)


def test_features_in_files_are_those_of_the_images(model, image_set, tmp_path):
    folder = str(tmp_path / "features")
    frozen = FrozenFeatures(folder)

    def views():
        return frozen.of_views(model, image_set, 2, 0, None, [])

    features, labels = views()
    assert features.shape == (2, 24, 4, 4, 8)
    assert not np.array_equal(features[0], features[1])
    count = len(list((tmp_path / "features").iterdir()))
    for found, expected in zip(views(), (features, labels), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert len(list((tmp_path / "features").iterdir())) == count == 2

    # Colors that change where something is cut out are not cut out of changed colors.
    for names in (["color", "cutout"], ["cutout", "color"]):
        frozen.of_views(model, image_set, 2, 0, None, names)
    assert len(list((tmp_path / "features").iterdir())) == 6

    # The labels go with the images: each is found among the views' features.
    centre = frozen.of_images(model, image_set)
    np.testing.assert_array_equal(centre.labels, image_set.labels)
    kernel = model.backbone.get_layer("conv1").kernel
    kernel.assign(kernel + 1)
    changed = frozen.of_images(model, image_set)  # Other weights, another file.
    assert not np.array_equal(centre.images, changed.images)


@pytest.mark.parametrize("until", ["bn1", "relu1", "pool1"])
def test_features_of_every_layer_have_files_of_their_own(
    make_backbone, image_set, tmp_path, until
):
    folder = str(tmp_path)
    for layer in ("bn1", "relu1", "pool1"):
        other = kdh.DCH(make_backbone(), bits=16)
        other.freeze_backbone(layer)
        FrozenFeatures(folder).of_images(other, image_set)
    model = kdh.DCH(make_backbone(), bits=16)
    model.freeze_backbone(until)
    found = FrozenFeatures(folder).of_images(model, image_set).images
    expected = model.frozen_features(image_set, verbose=0).images
    np.testing.assert_array_equal(found, expected)


def test_changed_files_have_new_features(model, image_set, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(2)]
    for path, pixels in zip(paths, image_set.images, strict=False):
        Image.fromarray(pixels).save(path)
    listed = ImageSet(paths, image_set.labels[:2])
    frozen = FrozenFeatures(str(tmp_path / "features"))
    before = frozen.of_images(model, listed).images
    Image.fromarray(image_set.images[5]).save(paths[1])
    after = frozen.of_images(model, listed).images
    np.testing.assert_array_equal(after[0], before[0])
    assert not np.array_equal(after[1], before[1])
