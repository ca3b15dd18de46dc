"""Images of all kinds through a whole model: a code, the right one, or an error."""

import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import keras_deephash as kdh
from keras_deephash.images import read_image

SIZES = [(41, 57), (120, 64), (20, 90), (36, 36), (32, 32)]  # The network takes 32.


@pytest.fixture
def model(make_backbone):
    return kdh.DCH(make_backbone(), bits=16)


@pytest.fixture
def make_picture():
    """A function that makes a picture of smooth colours, other ones by the seed."""

    def make(size, seed=0):
        generator = np.random.default_rng(seed)
        coarse = Image.fromarray(generator.integers(0, 256, (4, 4, 3), np.uint8))
        return np.asarray(coarse.resize(size[::-1], Image.Resampling.BICUBIC))

    return make


def assert_same_codes(model, images, expected):
    np.testing.assert_array_equal(model.encode(images), model.encode(expected))
    np.testing.assert_allclose(
        model.continuous_codes(images), model.continuous_codes(expected), atol=1e-5
    )


def test_a_picture_has_one_code_in_any_form(model, make_picture, tmp_path):
    pictures = [make_picture(size, seed) for seed, size in enumerate(SIZES)]
    paths = [tmp_path / f"{i}.png" for i in range(len(pictures))]
    for picture, path in zip(pictures, paths, strict=True):
        Image.fromarray(picture).save(path)
    forms = {
        "str": [str(path) for path in paths],
        "Path": [pathlib.Path(path) for path in paths],
        "PIL": [Image.fromarray(picture) for picture in pictures],
        "PIL of a file": [Image.open(path) for path in paths],
        "list of float arrays": [picture.astype("float32") for picture in pictures],
        "tuple": tuple(pictures),
        "mixed": [str(paths[0]), paths[1], *pictures[2:4], Image.open(paths[4])],
    }
    continuous = model.continuous_codes(pictures)
    assert np.ptp(continuous, axis=0).min() > 1e-4  # Pictures have different codes.
    for form in forms.values():
        assert_same_codes(model, form, pictures)
    for picture, path in zip(pictures, paths, strict=True):
        for form in (picture[None], tf.constant(picture[None]), [str(path)]):
            assert_same_codes(model, form, [picture])


def test_odd_formats_give_the_code_of_their_pixels(model, make_picture, tmp_path):
    picture = make_picture((40, 60))
    colour = Image.fromarray(picture)
    grey = colour.convert("L")
    deep = np.asarray(grey).astype(np.uint16) * 256
    exif = Image.Exif()
    exif[0x0112] = 6
    others = [colour.rotate(90), colour.rotate(180)]
    kinds = {
        "grey.png": (grey, {}),
        "grey_alpha.png": (grey.convert("LA"), {}),
        "alpha.png": (colour.convert("RGBA"), {}),
        "palette.png": (colour.quantize(32), {"transparency": bytes(32)}),
        "black_and_white.png": (colour.convert("1"), {}),
        "cmyk.tiff": (colour.convert("CMYK"), {}),
        "deep.png": (Image.fromarray(deep), {}),
        "deep.tiff": (Image.fromarray(deep), {}),
        "turned.png": (colour, {"exif": exif}),
        "moving.gif": (colour, {"save_all": True, "append_images": others}),
        "moving.webp": (
            colour,
            {"save_all": True, "append_images": others, "lossless": True},
        ),
        "moving.png": (colour, {"save_all": True, "append_images": others}),
        "pages.tiff": (colour, {"save_all": True, "append_images": others}),
    }
    paths, pixels = [], []
    for name, (image, options) in kinds.items():
        image.save(tmp_path / name, **options)
        paths.append(tmp_path / name)
        expected = grey if name.startswith("deep") else image
        pixels.append(np.asarray(expected.convert("RGB")))
        if name == "palette.png":  # All of it is transparent.
            pixels[-1] = np.full_like(picture, 255)
        if name == "turned.png":
            pixels[-1] = np.rot90(pixels[-1], -1)
        if name == "moving.gif":  # Its palette is Pillow's choice.
            pixels[-1] = read_image(paths[-1])
    codes = model.encode(paths)
    assert codes.shape == (len(kinds), 2) and codes.dtype == np.uint8
    assert_same_codes(model, paths, pixels)
    assert_same_codes(model, [Image.open(path) for path in paths], pixels)


def test_a_compressed_photo_is_close_to_its_pixels(model, make_picture, tmp_path):
    picture = Image.fromarray(make_picture((64, 96)))
    for mode in ("RGB", "L", "CMYK"):
        path = tmp_path / f"{mode}.jpg"
        picture.convert(mode).save(path, quality=95)
        expected = model.continuous_codes([picture.convert(mode).convert("RGB")])
        np.testing.assert_allclose(model.continuous_codes([path]), expected, atol=0.01)


def test_what_gives_no_code_is_refused(model, make_picture, tmp_path):
    picture = make_picture((40, 60))
    whole, part = tmp_path / "whole.png", tmp_path / "part.png"
    Image.fromarray(picture).save(whole)
    part.write_bytes(whole.read_bytes()[:-300])
    floats = Image.fromarray(picture[..., 0] / np.float32(255))
    wide = Image.fromarray(picture[..., 0].astype("int32") * 1000)
    for bad, message in [
        (part, "cannot be read: .*part.png"),
        (tmp_path, "cannot be read"),
        (floats, "mode F.*scaled to 0 to 1"),
        (wide, "mode I.*between 0 and 255"),
        (picture.astype("uint16") * 257, "between 0 and 255"),
        (picture / 255, "scaled to 0 to 1"),
        (picture[..., 0], r"RGB array \[h, w, 3\]"),
        (np.dstack([picture, picture[..., 0]]), r"RGB array \[h, w, 3\]"),
        (picture[:0], "at least one pixel"),
        (None, "must be a path, a PIL image or an RGB array"),
    ]:
        with pytest.raises(ValueError, match=message):
            model.encode([whole, bad])


@pytest.mark.parametrize("size", [16, 31, 48])
def test_other_sizes_are_resized_but_by_predict_and_calls(
    model, make_picture, images, labels, size
):
    model.compile()
    picture = make_picture((size, size))
    wrong = np.repeat(picture[None], 24, axis=0)
    message = rf"expected shape=\(None, 32, 32, 3\), found shape=\(.*{size}, {size}, 3"
    dataset = tf.data.Dataset.from_tensor_slices((wrong, labels)).batch(8)
    for run in (
        lambda: model.predict(wrong, verbose=0),
        lambda: model(wrong),
    ):
        with pytest.raises(ValueError, match=message):
            run()
    # Resized in the step.
    model.fit(wrong, labels, verbose=0)
    model.fit(dataset, verbose=0)
    model.evaluate(wrong, labels, verbose=0)
    resized = model.preprocessor.center_crop(picture)
    assert resized.shape == (32, 32, 3)
    assert_same_codes(model, wrong[:1], [resized])
    assert model.encode([*images[:2], picture]).shape == (3, 2)


def test_predict_and_calls_refuse_what_is_not_pixels(model, images, labels):
    pixels = images.astype("float32")
    expected = model.continuous_codes(images)
    for good in (images, pixels, pixels.astype("float16")):
        np.testing.assert_allclose(model.predict(good, verbose=0), expected, atol=1e-5)
        np.testing.assert_allclose(model(good), expected, atol=1e-5)
    dataset = tf.data.Dataset.from_tensor_slices((pixels, labels)).batch(8)
    np.testing.assert_allclose(model.predict(dataset, verbose=0), expected, atol=1e-5)
    for bad in (pixels / 255, pixels - 128, np.full_like(pixels, np.nan)):
        dataset = tf.data.Dataset.from_tensor_slices(bad).batch(8)
        for run in (
            lambda bad=bad: model.predict(bad, verbose=0),
            lambda dataset=dataset: model.predict(dataset, verbose=0),
            lambda bad=bad: model.predict_on_batch(bad),
            lambda bad=bad: model(bad),
        ):
            with pytest.raises(ValueError, match="must lie between 0 and 255"):
                run()
    # Where there are no values yet, there is nothing to check.
    traced = tf.function(lambda x: model(x, training=False))
    assert traced.get_concrete_function(tf.TensorSpec((None, 32, 32, 3))) is not None
    assert model(keras.Input((32, 32, 3))).shape == (None, 16)


def test_predict_takes_frozen_features_of_any_value(model):
    model.freeze_backbone("pool1")
    features = np.random.default_rng(0).normal(0, 0.1, (5, 4, 4, 8)).astype("float16")
    assert np.isfinite(model.predict(features, verbose=0)).all()
    assert model(features).shape == (5, 16)
