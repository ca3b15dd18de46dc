"""Whatever a file holds, the answer is one clear error and nothing runs."""

import os
import pickle
import subprocess

import numpy as np
import pytest

from keras_deephash.backbones.porting import read_reference_weights

COMMAND = "echo run > MARKER"
TEXT = b"V" + COMMAND.encode() + b"\n"
ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
FLOAT = b"cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
OBJECT = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R"

FORBIDDEN = {
    "os.system": b"cos\nsystem\n(" + TEXT + b"tR.",
    "posix.system": b"cposix\nsystem\n(" + TEXT + b"tR.",
    "builtins.eval": b"\x80\x02cbuiltins\neval\n" + TEXT + b"\x85R.",
    "__builtin__.eval": b"\x80\x02c__builtin__\neval\n" + TEXT + b"\x85R.",
    "builtins.getattr": b"\x80\x02cbuiltins\ngetattr\n)R.",
    "subprocess.Popen": b"\x80\x02csubprocess\nPopen\n" + TEXT + b"\x85\x81.",
    "numpy.load": b"\x80\x02cnumpy\nload\n" + TEXT + b"\x85R.",
    "numpy.core.multiarray.os.system": b"cnumpy.core.multiarray\nos.system\n.",
    # Within the pieces of an array, a dict, a list.
    "os.popen": b"\x80\x02" + ARRAY + b"(K\x01)" + OBJECT + b"\x89](cos\npopen\netb.",
    "os.remove": b"\x80\x02}U\x05conv1](cos\nremove\n" + TEXT + b"\x85Reds.",
    "os.kill": b"\x80\x02cnumpy\ndtype\ncos\nkill\n)R\x85R.",
    # By the instruction of protocol 4 that takes the name from the stack.
    "os.execv": b"\x80\x04\x8c\x02os\x8c\x05execv\x93)R.",
}


@pytest.fixture(autouse=True)
def marker(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield
    assert not os.path.exists("MARKER")


def check_refused(path, message=None):
    with pytest.raises(ValueError, match=message) as error:
        read_reference_weights(path)
    assert os.path.basename(path) in str(error.value)
    assert len(str(error.value)) < 1000 and "\n" not in str(error.value)


@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_names(name, write_npy):
    name_in_error = name.replace("numpy.core.", "numpy._core.")
    check_refused(write_npy(FORBIDDEN[name]), f"names `{name}`|`{name_in_error}`")


class Hostile:
    def __init__(self, function):
        self.function = function

    def __reduce__(self):
        return self.function, (COMMAND,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("function", [os.system, eval, exec, subprocess.getoutput])
def test_objects_that_reduce(function, protocol, write_npy):
    content = {"conv1": [np.array([Hostile(function)], dtype=object), 1]}
    path = write_npy(pickle.dumps(content, protocol))
    check_refused(path, f"{function.__name__}|instruction")


def array_body(shape, dtype, data):
    return b"\x80\x02" + ARRAY + b"(K\x01" + shape + dtype + b"\x89" + data + b"tb."


def forged_dtype(code, order):
    """A dtype that calls 8 bytes of the file an object, a way to crash NumPy."""
    fields = b"U\x01a\x85}U\x01a" + OBJECT + b"K\x00\x86s"
    start = b"cnumpy\ndtype\nU\x02" + code + b"K\x00K\x01\x87R"
    return start + b"(K\x03U\x01" + order + b"N" + fields + b"K\x08K\x01K\x00tb"


HUGE = b"J\xff\xff\xff\x7f"
EIGHT_BYTES = b"U\x08AAAAAAAA"
RECONSTRUCT = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"

BODIES = {
    "structured dtype": array_body(
        b"K\x01\x85", forged_dtype(b"V8", b"|"), EIGHT_BYTES
    ),
    "forged fields": array_body(b"K\x01\x85", forged_dtype(b"f8", b"<"), EIGHT_BYTES),
    "objects from bytes": array_body(b"K\x01\x85", OBJECT, EIGHT_BYTES),
    "huge array": array_body(HUGE + b"\x85", FLOAT, b"U\x04AAAA"),
    "huge shape and no bytes": array_body(HUGE + HUGE + b"\x86", FLOAT, b"U\x00"),
    "negative shape": array_body(b"J\xff\xff\xff\xff\x85", FLOAT, b"U\x00"),
    "many dimensions": array_body(b"(" + b"K\x01" * 100 + b"t", FLOAT, b"U\x04AAAA"),
    "shape of text": array_body(b"U\x01a\x85", FLOAT, b"U\x04AAAA"),
    "array called": b"\x80\x02cnumpy\nndarray\n" + HUGE + b"\x85\x85R.",
    "array made by NEWOBJ": b"\x80\x02cnumpy\nndarray\nK\x09\x85\x85\x81.",
    "other subtype": RECONSTRUCT + b"cnumpy\ndtype\nK\x00\x85U\x01b\x87R.",
    "state of a function": RECONSTRUCT + b"N}U\x0b__globals__Ns\x86b.",
    "state of a dict": b"\x80\x02}}U\x01aK\x01sb.",
    "dict as the state of an array": b"\x80\x02" + ARRAY + b"}U\x06valuesK\x01sb.",
    "encoding that is not latin1": b"\x80\x02c_codecs\nencode\nU\x01aU\x03zip\x86R.",
    "scalar object": b"cnumpy.core.multiarray\nscalar\n"
    + OBJECT
    + b"U\x08AAAAAAAA\x86R.",
    "persistent id": b"Pmodule\n.",
    "binary persistent id": b"\x80\x02U\x01a\x51.",
    "extension code": b"\x80\x02\x82\x01.",
    "long extension code": b"\x80\x02\x84\x01\x00\x00\x00.",
    "INST": b"(" + TEXT + b"ios\nsystem\n.",
    "OBJ": b"(cnumpy\nndarray\n" + TEXT + b"o.",
    "out-of-band buffer": b"\x80\x05\x97.",
    "duplicate": b"\x80\x02K\x012\x86.",
    "deep lists": b"\x80\x02" + b"]" * 100_000 + b"a" * 99_999 + b".",
    "deep tuples": b"\x80\x02)" + b"\x85" * 100_000 + b".",
    "deep marks": b"\x80\x02" + b"(" * 100_000 + b".",
    "key of doubling tuples": b"\x80\x02})" + b"q\x00h\x00\x86" * 100 + b"K\x00s.",
    "name of doubling lists": b"\x80\x04]"
    + b"q\x00h\x00\x86" * 100
    + b"\x8c\x01a\x93.",
    "huge memo number": b"\x80\x02}r\xff\xff\xff\xff.",
    "unknown memo number": b"\x80\x02h\x07.",
    "string longer than the file": b"\x80\x02T\xff\xff\xff\x7fabc.",
    "bytes longer than the memory": b"\x80\x04\x8e" + b"\xff" * 7 + b"\x3fabc.",
    "negative length": b"\x80\x02T\xff\xff\xff\xff.",
    "control characters in a name": b"\x80\x04\x8c\x05\x1b[2Jo\x8c\x01\n\x93.",
    "newer protocol": b"\x80\xff}.",
    "nothing": b"",
    "stop": b".",
    "two values": b"\x80\x02}}.",
    "open mark": b"\x80\x02(}.",
    "list": b"\x80\x02].",
    "number": b"\x80\x02K\x01.",
    "text file": b"conv1 conv2\n",
}


@pytest.mark.parametrize("name", BODIES)
def test_hostile_bodies(name, write_npy):
    check_refused(write_npy(BODIES[name]))


def small_weights():
    names = ["conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"]
    return {name: [np.ones((2, 3), "f4"), np.ones(3, "f4")] for name in names}


def test_truncated_files(write_npy, python2_pickle):
    with open(write_npy(python2_pickle(small_weights())), "rb") as file:
        content = file.read()
    for length in range(0, len(content), 5):
        with open("cut.npy", "wb") as file:
            file.write(content[:length])
        check_refused("cut.npy")


def test_trailing_bytes(write_npy, python2_pickle):
    path = write_npy(python2_pickle(small_weights()) + b"x")
    check_refused(path, "more bytes follow")


def test_changed_bytes_never_do_more_than_fail(write_npy, python2_pickle):
    body = python2_pickle(small_weights())
    rng = np.random.default_rng(0)
    for _ in range(500):
        changed = bytearray(body)
        for position in rng.integers(len(body), size=rng.integers(1, 4)):
            changed[position] = rng.integers(256)
        try:
            weights = read_reference_weights(write_npy(bytes(changed)))
        except ValueError as error:
            assert "weights.npy" in str(error)
        else:
            assert all(type(array) is np.ndarray for array in weights["fc7"])


def test_other_files():
    np.save("plain.npy", np.zeros(3))
    check_refused("plain.npy", r"array of shape \(3,\) and dtype float64")
    np.save("objects.npy", np.array([{}, {}]), allow_pickle=True)
    check_refused("objects.npy", r"array of shape \(2,\) and dtype object")
    np.savez("zip.npz", np.zeros(3))
    check_refused("zip.npz", "magic string")
    for name, content in (
        ("empty.npy", b""),
        ("text.npy", b"weights"),
        ("version.npy", b"\x93NUMPY\x09\x00"),
        ("header.npy", b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16),
        ("code.npy", b"\x93NUMPY\x01\x00\x14\x00__import__('os')   \n"),
    ):
        with open(name, "wb") as file:
            file.write(content)
        check_refused(name)
