"""Preprocessing: geometry, channel order and normalization."""

import numpy as np
import pytest

from keras_deephash import Preprocessor
from keras_deephash.preprocessing import PREPROCESSING_VERSION


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)


def test_published_protocol_is_the_default():
    assert Preprocessor(227).resize_size == 256


def test_center_crop_is_the_middle_of_the_canvas(image):
    preprocessor = Preprocessor(image_size=4, resize_size=8)
    np.testing.assert_array_equal(preprocessor.canvas(image), image)
    np.testing.assert_array_equal(preprocessor.center_crop(image), image[2:6, 2:6])


def test_padding_reflects_and_leaves_the_center(image):
    preprocessor = Preprocessor(image_size=8, resize_size=8, padding=2)
    canvas = preprocessor.canvas(image)
    assert canvas.shape == (12, 12, 3)
    np.testing.assert_array_equal(canvas[2:10, 2:10], image)
    np.testing.assert_array_equal(canvas[1, 2:10], image[1])
    np.testing.assert_array_equal(canvas[0, 2:10], image[2])


def test_an_image_of_the_input_size_is_taken_as_it_is(image):
    preprocessor = Preprocessor(image_size=8, resize_size=10)
    np.testing.assert_array_equal(preprocessor.center_crop(image), image)


def test_ten_crops_are_corners_center_and_mirrors(image):
    crops = Preprocessor(image_size=4, resize_size=8).ten_crops(image)
    expected = [
        image[:4, :4],
        image[:4, 4:],
        image[4:, :4],
        image[4:, 4:],
        image[2:6, 2:6],
    ]
    np.testing.assert_array_equal(crops[:5], expected)
    np.testing.assert_array_equal(crops[5:], [crop[:, ::-1] for crop in expected])


@pytest.mark.parametrize("order", ["rgb", "bgr"])
def test_normalization(image, order):
    preprocessor = Preprocessor(8, 8, channel_order=order, mean=(10, 20, 30), scale=0.5)
    found = np.asarray(preprocessor.normalize(image[None]))[0]
    for y, x in [(0, 0), (3, 5)]:
        pixel = image[y, x] if order == "rgb" else image[y, x][::-1]
        expected = [
            (float(p) - m) * 0.5 for p, m in zip(pixel, (10, 20, 30), strict=True)
        ]
        np.testing.assert_allclose(found[y, x], expected)


def test_config_round_trip():
    preprocessor = Preprocessor(32, 40, 3, "bgr", (1, 2, 3), 0.25)
    again = Preprocessor.from_config(preprocessor.get_config())
    assert again.get_config() == preprocessor.get_config()


def test_a_config_has_the_version_of_the_preprocessing():
    config = Preprocessor(32).get_config()
    assert config["version"] == PREPROCESSING_VERSION
    for version in range(1, PREPROCESSING_VERSION + 1):
        again = Preprocessor.from_config({**config, "version": version})
        assert again.get_config() == config
    del config["version"]  # Saved before versions were written down.
    assert Preprocessor.from_config(config).image_size == 32
    for version in (PREPROCESSING_VERSION + 1, 0, "2", None, 1.0):
        with pytest.raises(ValueError, match="Upgrade keras_deephash"):
            Preprocessor.from_config({**config, "version": version})


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"image_size": 0}, "`image_size` must be an integer >= 1"),
        ({"image_size": 32, "resize_size": 16}, "at most `resize_size`"),
        ({"image_size": 32, "padding": -1}, "`padding` must be an integer >= 0"),
        ({"image_size": 8, "resize_size": 8, "padding": 8}, "less than `resize_size`"),
        ({"image_size": 32, "channel_order": "gbr"}, "`channel_order` must be one of"),
        ({"image_size": 32, "scale": float("nan")}, "must be finite"),
        ({"image_size": 32, "mean": (1, 2)}, "`mean` must hold 3 numbers"),
        ({"image_size": 32, "scale": 0}, "`scale` not 0"),
        ({"image_size": 32.0}, "`image_size` must be an integer.*32.0"),
        ({"image_size": 32, "resize_size": 40.5}, "`resize_size` must be an integer"),
        ({"image_size": 32, "padding": True}, "`padding` must be an integer"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Preprocessor(**arguments)


def test_a_scale_for_every_channel(image):
    preprocessor = Preprocessor(8, 8, mean=(10, 20, 30), scale=(0.5, 0.25, 2))
    found = np.asarray(preprocessor.normalize(image[None]))[0]
    for channel, (mean, scale) in enumerate([(10, 0.5), (20, 0.25), (30, 2)]):
        expected = (image[..., channel].astype(float) - mean) * scale
        np.testing.assert_allclose(found[..., channel], expected)
    again = Preprocessor.from_config(preprocessor.get_config())
    assert again.get_config() == preprocessor.get_config()
    with pytest.raises(ValueError, match="`scale` must be a number or 3 numbers"):
        Preprocessor(8, 8, scale=(1, 2))


def test_resized_keeps_the_proportions():
    preprocessor = Preprocessor(224, 256, padding=4, mean=(1, 2, 3), scale=0.5)
    resized = preprocessor.resized(112)
    assert (resized.image_size, resized.resize_size, resized.padding) == (112, 128, 2)
    assert preprocessor.resized(112, padding=0).padding == 0
    assert preprocessor.resized(224).get_config() == preprocessor.get_config()
    assert (resized.mean, resized.scale) == (preprocessor.mean, preprocessor.scale)
    assert preprocessor.resized(112, 120, 2).canvas_size == 124
