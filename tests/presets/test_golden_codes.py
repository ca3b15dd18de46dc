"""The shipped presets give the codes that they gave where they were trained.

`python tests/presets/test_golden_codes.py` writes the file for the present presets.
"""

import json
from pathlib import Path

import numpy as np
import pytest

import keras_deephash as kdh

FILE = Path(__file__).with_name("golden_codes.json")
GOLDEN = json.loads(FILE.read_text())


def generate_images() -> list[np.ndarray]:
    """Ten images, by integer arithmetic alone: the same on every machine."""
    images = []
    for number in range(10):
        height, width = 32 + 8 * (number % 3), 32 + 16 * (number % 2)
        y, x = np.mgrid[:height, :width]
        disc = (y - height // 2) ** 2 + (x - width // 2) ** 2 < (6 + number) ** 2
        sky = np.where(y < height * (1 + number % 4) // 4, 60 + 19 * number, 40)
        red = np.where(disc, 250 - 25 * number, sky + x // 2)
        green = np.where(disc, 23 * number, sky + (number % 3) * 30)
        blue = np.where(disc, 80, sky // 2 + ((x // (2 + number)) % 2) * 12 * number)
        images.append(np.stack([red, green, blue], axis=-1).astype(np.uint8))
    return images


@pytest.mark.parametrize("name", GOLDEN)
@pytest.mark.usefixtures("eagerly")
def test_codes_are_the_golden_ones(name):
    model = kdh.from_preset(name)
    codes = model.encode(generate_images())
    golden = np.array([list(bytes.fromhex(code)) for code in GOLDEN[name]], np.uint8)
    continuous = model.continuous_codes(generate_images())
    if not model.is_quantizer:
        # Rounding on another machine may turn a bit that is close to zero.
        certain = np.abs(continuous) > 1e-4
        assert certain.mean() > 0.99
        bits, golden_bits = (np.unpackbits(x, axis=1) for x in (codes, golden))
        np.testing.assert_array_equal(bits[certain], golden_bits[certain])
    else:
        # Nor is a code certain where another centre is nearly as good: of 16 bytes,
        # one is so more often than of 4.
        noise = np.random.default_rng(0).normal(0, 1e-4, (10, *continuous.shape))
        others = np.stack([model.codebook.encode(continuous + n) for n in noise])
        certain = (others == codes).all(axis=(0, 2))
        assert certain.mean() >= 0.5
        np.testing.assert_array_equal(codes[certain], golden[certain])


def test_every_shipped_preset_with_codes_has_golden_ones():
    assert {info.name for info in kdh.list_presets() if info.bits} == set(GOLDEN)


if __name__ == "__main__":
    codes = {
        info.name: [
            code.tobytes().hex()
            for code in kdh.from_preset(info.name).encode(generate_images())
        ]
        for info in kdh.list_presets()
        if info.bits
    }
    FILE.write_text(json.dumps(codes, indent=2) + "\n")
