"""Deflated datasets: what is written, and what is taken for one."""

import h5py
import numpy as np
import pytest

from keras_deephash.presets.format.deflation import is_deflated, write_deflated


@pytest.fixture
def file(tmp_path):
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        yield file


def weights(*shape):
    return np.random.default_rng(0).normal(0, 0.05, shape).astype("float16")


@pytest.mark.parametrize("shape", [(4096,), (64, 65), (3, 3, 16, 32)])
def test_weights_become_smaller_and_are_read_as_they_were(file, shape):
    values = weights(*shape)
    write_deflated(file, "x", values)
    assert is_deflated(file["x"])
    assert file["x"].id.get_storage_size() < 0.95 * values.nbytes
    np.testing.assert_array_equal(file["x"][()], values)
    assert file["x"].dtype == "float16"


@pytest.mark.parametrize(
    "values",
    [
        weights(64),  # Short.
        np.zeros((256, 256), "float16"),  # Would look like a bomb.
        np.frombuffer(np.random.default_rng(0).bytes(1 << 16), "uint8"),
        np.float16(0.5),
        np.zeros((0, 7), "float16"),
    ],
)
def test_what_gains_nothing_stays_plain(file, values):
    write_deflated(file, "x", values)
    assert file["x"].chunks is None and not is_deflated(file["x"])
    np.testing.assert_array_equal(file["x"][()], values)


def test_a_transposed_array_is_written_in_its_own_order(file):
    values = weights(64, 65).T
    write_deflated(file, "x", values)
    np.testing.assert_array_equal(file["x"][()], values)
