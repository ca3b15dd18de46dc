"""The shipped presets give the codes that they gave where they were trained.

`python tests/presets/test_golden_codes.py` prints the table for the present presets.
"""

import numpy as np
import pytest

import keras_deephash as kdh

GOLDEN = {
    "dch_cifar10_48": [
        "5cd2e599d047",
        "2cd1a0aafb07",
        "3cd0a0aabb07",
        "24d1a0aafb07",
        "6cd7e599d047",
        "2c51a0aafb07",
        "aa59a0a27b1a",
        "a851a0a2bb8f",
        "dbba7fd101fc",
        "aba936a27bb8",
    ],
}


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
def test_codes_are_the_golden_ones(name):
    model = kdh.from_preset(name)
    codes = model.encode(generate_images())
    assert [code.tobytes().hex() for code in codes] == GOLDEN[name]
    continuous = model.continuous_codes(generate_images())
    # Far enough from zero that rounding on another machine changes no bit.
    assert np.abs(continuous).min() > 1e-3


def test_every_shipped_hashing_preset_has_golden_codes():
    hashing = {info.name for info in kdh.list_presets() if info.bits}
    assert hashing == set(GOLDEN)


if __name__ == "__main__":
    for info in kdh.list_presets():
        found = kdh.from_preset(info.name)
        print(f'    "{info.name}": [')
        for code in found.encode(generate_images()):
            print(f'        "{code.tobytes().hex()}",')
        print("    ],")
        print(np.abs(found.continuous_codes(generate_images())).min(axis=1))
