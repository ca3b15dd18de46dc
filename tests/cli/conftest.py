"""Fixtures for the tests of the command line."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def data(tmp_path):
    """A data directory of 48 images in two classes that colours tell apart."""
    generator = np.random.default_rng(0)
    (tmp_path / "data" / "images").mkdir(parents=True)
    lines = []
    for i in range(48):
        pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., i % 2] += 180
        name = f"images/{i:02}.png"
        Image.fromarray(pixels).save(tmp_path / "data" / name)
        lines.append(f"{name} {i % 2}")
    for name, part in (
        ("train", lines[:24]),
        ("test", lines[24:32]),
        ("database", lines[32:]),
    ):
        (tmp_path / "data" / f"{name}.txt").write_text("\n".join(part) + "\n")
    (tmp_path / "data" / "labels.txt").write_text("red\ngreen\n")
    return str(tmp_path / "data")


@pytest.fixture
def start(make_model, tmp_path):
    """The preset of a tiny model, whose backbone trains in a second."""
    make_model(bits=16).save_to_preset(tmp_path / "start")
    return str(tmp_path / "start")
