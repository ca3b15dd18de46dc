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
    "dhn_cifar10_48": [
        "1cff1ca751b2",
        "d8ef24ef53f0",
        "d8ef24ef51f0",
        "18ef24efd7f2",
        "98ef346fd1b0",
        "50ef24ef57f0",
        "dbfc62ef95b1",
        "59ce20ef55f1",
        "ec96b0102a42",
        "749661d205e0",
    ],
    "dqn_cifar10_32": [
        "324cba76",
        "8f8976f9",
        "a5a62c08",
        "4ec5ba83",
        "0340a676",
        "cf4242ac",
        "35be6ba1",
        "debef69d",
        "582f781b",
        "61e6cefa",
    ],
    "dtq_cifar10_32": [
        "dc663837",
        "08af1485",
        "dcafa495",
        "14bcd48d",
        "dc1eafe3",
        "96b6d442",
        "d527c00d",
        "5d48646d",
        "65fe8ae9",
        "de488039",
    ],
    "dvsq_cifar10_32": [
        "8700b4e2",
        "118efb85",
        "e19b62c0",
        "4a0b3bc2",
        "2986b485",
        "d48ea085",
        "4e4a6492",
        "c99de79a",
        "35dc433a",
        "0b967278",
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
    golden = np.array([list(bytes.fromhex(code)) for code in GOLDEN[name]], np.uint8)
    continuous = model.continuous_codes(generate_images())
    if isinstance(model, kdh.DeepHashing):
        # Rounding on another machine may turn a bit that is close to zero.
        certain = np.abs(continuous) > 1e-3
        assert certain.mean() > 0.99
        bits, golden_bits = (np.unpackbits(x, axis=1) for x in (codes, golden))
        np.testing.assert_array_equal(bits[certain], golden_bits[certain])
    else:
        np.testing.assert_array_equal(codes, golden)
        for seed in range(10):  # No centre is nearly as good as the one that is taken.
            noise = np.random.default_rng(seed).normal(0, 1e-4, continuous.shape)
            np.testing.assert_array_equal(
                model.codebook.encode(continuous + noise), codes
            )


def test_every_shipped_preset_with_codes_has_golden_ones():
    assert {info.name for info in kdh.list_presets() if info.bits} == set(GOLDEN)


if __name__ == "__main__":
    for info in kdh.list_presets():
        found = kdh.from_preset(info.name)
        print(f'    "{info.name}": [')
        for code in found.encode(generate_images()):
            print(f'        "{code.tobytes().hex()}",')
        print("    ],")
