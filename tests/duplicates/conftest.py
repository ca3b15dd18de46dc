"""Pictures that are drawn, and a small network that is calibrated on others."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

import keras_deephash as kdh
from keras_deephash.duplicates import calibrate


def draw_picture(seed: int, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Shapes of random places and colours."""
    generator = np.random.default_rng(seed)
    picture = Image.new("RGB", size, tuple(generator.integers(0, 256, 3).tolist()))
    pen = ImageDraw.Draw(picture)
    for _ in range(12):
        corners = np.sort(generator.random((2, 2)) * size, axis=0).ravel().tolist()
        shape = pen.ellipse if generator.random() < 0.5 else pen.rectangle
        shape(corners, fill=tuple(generator.integers(0, 256, 3).tolist()))
    return picture


@pytest.fixture(scope="session")
def network():
    """A backbone of random weights for images of 32 pixels."""
    return kdh.AlexNetBackbone.small(32, filters=(8, 8, 8, 8, 8), hidden_dim=32)


@pytest.fixture(scope="session")
def calibration(network):
    """Measured on 120 pictures, which no other test uses."""
    pictures = [draw_picture(10_000 + seed, (64, 64)) for seed in range(120)]
    return calibrate(pictures, network, verbose=0)


@pytest.fixture
def find(network, calibration):
    """`find_duplicates` with the small network."""

    def find_with(images, **arguments):
        arguments.setdefault("false_positive_rate", 1e-4)
        return kdh.find_duplicates(
            images, network, calibration=calibration, **arguments
        )

    return find_with


@pytest.fixture
def photos(tmp_path):
    """A folder of eight pictures, and changed copies of three of them."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(8):
        draw_picture(seed).save(folder / f"{seed}.png")
    draw_picture(1).save(folder / "1 again.jpg", quality=40)
    draw_picture(1).resize((80, 60)).save(folder / "1 small.png")
    draw_picture(3).resize((320, 240)).save(folder / "3 large.png")
    draw_picture(5).point(lambda value: min(255, round(1.2 * value))).save(
        folder / "5 bright.png"
    )
    return folder
