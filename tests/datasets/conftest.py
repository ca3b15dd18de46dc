"""Image files and lists."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def folder(tmp_path):
    """A folder of 6 images of 8 x 8 pixels and a good list of them."""
    generator = np.random.default_rng(0)
    lines = []
    for i in range(6):
        name = f"images/{i}.png"
        (tmp_path / "images").mkdir(exist_ok=True)
        pixels = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
        lines.append(f"{name} {i % 2} {(i + 1) % 2} {int(i == 3)}")
    (tmp_path / "train.txt").write_text("\n".join(lines) + "\n")
    return tmp_path
