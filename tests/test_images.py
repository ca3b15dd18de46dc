"""Images of every kind become uint8 RGB."""

import numpy as np
import pytest
from PIL import Image

from keras_deephash.images import find_images, read_image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1"])
def test_modes_of_pillow(pixels, mode, tmp_path):
    image = Image.fromarray(pixels).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_image(image), expected)
    path = tmp_path / "image.tiff"
    image.save(path)
    np.testing.assert_array_equal(read_image(path), expected)


def test_sixteen_bit_grey_is_scaled_and_not_clipped(pixels, tmp_path):
    grey = pixels[..., 0].astype(np.uint16) * 256 + 17
    path = tmp_path / "grey.png"
    Image.fromarray(grey).save(path)
    expected = np.repeat(pixels[..., :1], 3, axis=-1)
    np.testing.assert_array_equal(read_image(path), expected)


def test_photos_are_turned_as_their_exif_says(pixels, tmp_path):
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6  # Turn by 90 degrees, clockwise.
    path = tmp_path / "photo.png"
    image.save(path, exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(pixels, -1))


def test_floats_are_rounded(pixels):
    shifted = pixels.astype("float32").clip(1, 254) + 0.4
    np.testing.assert_array_equal(read_image(shifted), pixels.clip(1, 254))


def test_finding_images(pixels, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for name in ("b.JPG", "a.png", "deep/er/c.webp"):
        Image.fromarray(pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    names = [path[len(str(tmp_path)) + 1 :] for path in find_images(tmp_path)]
    assert names == ["a.png", "b.JPG", "deep/er/c.webp"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no image"):
        find_images(tmp_path / "empty")
    with pytest.raises(ValueError, match="no such folder"):
        find_images(tmp_path / "none")
