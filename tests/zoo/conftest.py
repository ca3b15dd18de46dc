"""What the tests of the scripts train on."""

import numpy as np
import pytest
from tiny_backbone import TinyBackbone


@pytest.fixture
def start(make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "start")
    return str(tmp_path / "start")


@pytest.fixture
def pretraining(load_script, monkeypatch):
    """`pretrain_alexnet` with a backbone that trains in a second."""
    script = load_script("pretrain_alexnet")

    def build_backbone(image_size, dtype="float32", dropout=0.2):
        return TinyBackbone((image_size, image_size, 3), dtype=dtype, dropout=dropout)

    monkeypatch.setattr("small_alexnet.build_backbone", build_backbone)
    return script


@pytest.fixture
def tiny_images(tmp_path):
    """Two of 200 classes, told apart by their brightness."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for name, count in (("train", 64), ("val", 16)):
        labels = np.arange(count) % 2
        images = generator.integers(0, 64, (count, 64, 64, 3), dtype=np.uint8)
        images += (160 * labels).astype(np.uint8)[:, None, None, None]
        np.savez(folder / f"{name}.npz", images=images, labels=199 * labels)
    return str(folder)
