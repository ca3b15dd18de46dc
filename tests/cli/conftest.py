"""Fixtures for the tests of the command line.

What is called `same_...` is made once; no test changes it.
"""

import shutil

import keras
import numpy as np
import pytest
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.cli import main


@pytest.fixture(scope="session")
def same_data(tmp_path_factory):
    """A data directory of 48 images in two classes that colours tell apart."""
    folder = tmp_path_factory.mktemp("same") / "data"
    generator = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    lines = []
    for i in range(48):
        pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., i % 2] += 180
        name = f"images/{i:02}.png"
        Image.fromarray(pixels).save(folder / name)
        lines.append(f"{name} {i % 2}")
    for name, part in (
        ("train", lines[:24]),
        ("test", lines[24:32]),
        ("database", lines[32:]),
    ):
        (folder / f"{name}.txt").write_text("\n".join(part) + "\n")
    (folder / "labels.txt").write_text("red\ngreen\n")
    return str(folder)


@pytest.fixture
def data(same_data, tmp_path):
    """`same_data` for a test that changes it."""
    return shutil.copytree(same_data, str(tmp_path / "data"))


@pytest.fixture(scope="session")
def same_preset(tmp_path_factory):
    """The preset of a tiny model of 16 bits, whose backbone trains in a second."""
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("same") / "preset"
    kdh.DCH(TinyBackbone(), 16).save_to_preset(folder, metrics={"map": 0.5})
    return str(folder)


@pytest.fixture
def start(same_preset, tmp_path):
    """The preset that a training begins from."""
    return shutil.copytree(same_preset, str(tmp_path / "start"))


@pytest.fixture(scope="session")
def same_index(same_preset, same_data, tmp_path_factory):
    """An index of all images, saved by the command."""
    output = str(tmp_path_factory.mktemp("same") / "my.index")
    arguments = ["--preset", same_preset, "--images", same_data, "--output", output]
    assert main(["index", *arguments]) == 0
    return output
