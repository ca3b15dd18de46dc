"""Preprocessing: geometry, channel order and normalization."""

import numpy as np
import pytest
from PIL import Image

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
        ({"image_size": 32, "reduced_decoding": 1}, "`reduced_decoding` must be True"),
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


def photo(width, height):
    """A picture with coarse and fine structure."""
    generator = np.random.default_rng(width)
    coarse = generator.integers(0, 256, (height // 40, width // 40, 3), np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    noise = generator.integers(-20, 21, (height, width, 3))
    return np.clip(np.asarray(smooth) + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [36, 256])
@pytest.mark.parametrize("sides", [(500, 375), (1920, 1080), (2000, 1500)])
def test_large_photos_are_nearly_what_one_step_makes_of_them(sides, size):
    pixels = photo(*sides)
    found = Preprocessor(size, size).canvas(pixels).astype(int)
    one_step = Image.fromarray(pixels).resize((size, size), Image.Resampling.BILINEAR)
    difference = np.abs(found - np.asarray(one_step))
    if sides == (2000, 1500):  # Squares are averaged first.
        assert 0 < difference.max() <= 10 and difference.mean() < 1
    else:
        assert difference.max() == 0


@pytest.mark.parametrize("sides", [(40, 1000), (1000, 40), (40, 41)])
def test_the_width_is_resized_before_the_height(sides):
    size, how = 36, Image.Resampling.BILINEAR
    image = Image.fromarray(photo(*sides))
    expected = image.resize((size, sides[1]), how).resize((size, size), how)
    np.testing.assert_array_equal(Preprocessor(size, size).canvas(image), expected)


@pytest.mark.parametrize("sides", [(2001, 1503), (1503, 2001)])
def test_large_photos_are_averaged_as_pillow_does(sides):
    image, how = Image.fromarray(photo(*sides)), Image.Resampling.BILINEAR
    expected = image.resize((36, 36), how, reducing_gap=3.0)
    np.testing.assert_array_equal(Preprocessor(36, 36).canvas(image), expected)


def test_a_large_photo_is_the_same_as_array_file_bytes_and_pil_image(tmp_path):
    pixels, path = photo(2000, 1500), tmp_path / "a.png"
    Image.fromarray(pixels).save(path, compress_level=1)
    preprocessor = Preprocessor(32)
    expected = preprocessor.center_crop(pixels)
    for form in (path, path.read_bytes(), Image.open(path)):
        np.testing.assert_array_equal(preprocessor.center_crop(form), expected)


def test_jpeg_files_may_be_decoded_at_a_smaller_size(tmp_path):
    path = tmp_path / "a.jpg"
    Image.fromarray(photo(1000, 800)).save(path, quality=95)
    whole, reduced = Preprocessor(64, 80), Preprocessor(64, 80, reduced_decoding=True)
    with Image.open(path) as file:
        file.draft(None, (80, 80))
        assert file.size == (125, 100)
        expected = file.resize((80, 80), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(reduced.canvas(path), expected)
    difference = np.abs(np.asarray(expected, int) - whole.canvas(path))
    assert 0 < difference.max() < 40 and difference.mean() < 4
    # Another format, or a file that is small already, is what it was.
    small = Image.fromarray(photo(120, 120))
    small.save(path, quality=95)
    np.testing.assert_array_equal(reduced.canvas(path), whole.canvas(path))
    np.testing.assert_array_equal(reduced.canvas(small), whole.canvas(small))


def test_reduced_decoding_is_in_the_config_where_it_is_on():
    config = Preprocessor(32, reduced_decoding=True).get_config()
    again = Preprocessor.from_config(config)
    assert again.reduced_decoding and again.get_config() == config
    assert again.resized(64).reduced_decoding
    assert "reduced_decoding" not in Preprocessor(32).get_config()


def test_resized_keeps_the_proportions():
    preprocessor = Preprocessor(224, 256, padding=4, mean=(1, 2, 3), scale=0.5)
    resized = preprocessor.resized(112)
    assert (resized.image_size, resized.resize_size, resized.padding) == (112, 128, 2)
    assert preprocessor.resized(112, padding=0).padding == 0
    assert preprocessor.resized(224).get_config() == preprocessor.get_config()
    assert (resized.mean, resized.scale) == (preprocessor.mean, preprocessor.scale)
    assert preprocessor.resized(112, 120, 2).canvas_size == 124
