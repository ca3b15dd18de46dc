"""Files in the released format, and narrow networks of the Caffe form."""

import struct

import numpy as np
import pytest

from keras_deephash import AlexNetBackbone


@pytest.fixture
def narrow_backbone():
    """Makes an AlexNet of the Caffe form with few filters and random weights."""

    def make(seed: int = 0, **arguments):
        defaults = dict(
            image_shape=(67, 67, 3), filters=(6, 8, 12, 12, 8), hidden_dim=16
        )
        backbone = AlexNetBackbone(**{**defaults, **arguments})
        rng = np.random.default_rng(seed)
        for layer in backbone.layers:
            if layer.weights:
                # The bias is zero at first, which would hide a lost bias.
                layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
                scale = np.sqrt(2 / np.prod(layer.kernel.shape[:-1]))
                layer.kernel.assign(rng.normal(0, scale, layer.kernel.shape))
        return backbone

    return make


@pytest.fixture
def write_npy(tmp_path):
    """Writes a `.npy` file of one Python object around the bytes of a pickle."""

    def write(body: bytes, name: str = "weights.npy") -> str:
        header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
        header += b" " * (-(len(header) + 11) % 64) + b"\n"
        start = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
        path = tmp_path / name
        path.write_bytes(start + body)
        return str(path)

    return write


@pytest.fixture
def python2_pickle():
    """Pickles {layer: [kernel, bias]} with the instructions of Python 2.7."""

    def text(value: bytes) -> bytes:
        if len(value) < 256:
            return b"U" + struct.pack("<B", len(value)) + value
        return b"T" + struct.pack("<i", len(value)) + value

    def integers(values) -> bytes:
        return b"(" + b"".join(b"J" + struct.pack("<i", n) for n in values) + b"t"

    def dtype(code: bytes, order: bytes) -> bytes:
        start = b"cnumpy\ndtype\n" + text(code) + b"K\x00K\x01\x87R"
        flags = b"?" if code == b"O8" else b"\x00"
        end = b"NNN" + b"J\xff\xff\xff\xff" * 2 + b"K" + flags + b"tb"
        return start + b"(K\x03" + text(order) + end

    def array(shape, dtype_bytes: bytes, fortran: bytes, data: bytes) -> bytes:
        start = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        start += b"K\x00\x85" + text(b"b") + b"\x87R"
        return (
            start + b"(K\x01" + integers(shape) + dtype_bytes + fortran + data + b"tb"
        )

    def numbers(values: np.ndarray) -> bytes:
        is_fortran = values.ndim > 1 and values.flags.f_contiguous
        order = b">" if values.dtype.byteorder == ">" else b"<"
        data = text(values.tobytes(order="F" if is_fortran else "C"))
        code = dtype(values.dtype.str[1:].encode(), order)
        return array(values.shape, code, b"\x88" if is_fortran else b"\x89", data)

    def dump(weights: dict) -> bytes:
        items = b"".join(
            text(name.encode()) + b"](" + b"".join(map(numbers, arrays)) + b"e"
            for name, arrays in weights.items()
        )
        content = b"](}(" + items + b"ue"
        return b"\x80\x02" + array((), dtype(b"O8", b"|"), b"\x89", content) + b"."

    return dump
