"""Replacements for the classes and functions in pickled arrays of plain numbers.

NumPy itself never gets a file's description of an array: a dtype with forged flags
could make it use numbers as addresses.
"""

import math
import re

import numpy as np

_NUMBER = re.compile(r"[biufc]\d{1,2}")
_OBJECT = re.compile(r"O[48]?")


class PickledDtype:
    """Replaces `numpy.dtype`, of numbers or of Python objects."""

    def __init__(self, name, align=False, copy=True):
        name = _text(name)
        self.is_object = bool(_OBJECT.fullmatch(name))
        if not (self.is_object or _NUMBER.fullmatch(name)):
            raise ValueError(f"the dtype {name[:40]!r} is not one of numbers")
        self.dtype = np.dtype("O" if self.is_object else name)

    def build(self, state):
        """Sets the byte order; ValueError for fields, sub-arrays and the like."""
        version, order, subarray, names, fields, *_ = state
        order = _text(order)
        if (subarray, names, fields) != (None, None, None) or order not in "<>|":
            raise ValueError("a structured dtype is not one of numbers")
        if not self.is_object:
            self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """Replaces `numpy.ndarray`: `values` is the array, or a list of objects."""

    def __init__(self):
        self.shape = ()
        self.values = None

    def build(self, state):
        """Sets shape, dtype and data; ValueError if they do not fit together."""
        version, shape, dtype, fortran_order, data = state
        if not (
            isinstance(dtype, PickledDtype)
            and isinstance(shape, tuple)
            and len(shape) <= 32
            and all(type(n) is int and n >= 0 for n in shape)
        ):
            raise ValueError("an array has no valid shape and dtype")
        if dtype.is_object:
            if not isinstance(data, list) or len(data) != math.prod(shape):
                raise ValueError(f"the objects of an array do not fit shape {shape}")
            self.values = data
        else:
            data = to_bytes(data)
            if len(data) != math.prod(shape) * dtype.dtype.itemsize:
                raise ValueError(
                    f"an array of shape {shape} and dtype {dtype.dtype} cannot have "
                    f"{len(data)} bytes"
                )
            flat = np.frombuffer(data, dtype.dtype)
            self.values = flat.reshape(shape, order="F" if fortran_order else "C")
        self.shape = shape


class NdarrayType:
    """Replaces the class `numpy.ndarray` itself, which files only name."""


def reconstruct(subtype, shape, typecode):
    """Replaces `_reconstruct`: returns an empty array, to be filled by its state."""
    if subtype is not NdarrayType:
        raise ValueError("`_reconstruct` may only make a `numpy.ndarray`")
    return PickledArray()


def scalar(dtype, data):
    """Replaces `scalar`: returns one NumPy number."""
    if not isinstance(dtype, PickledDtype) or dtype.is_object:
        raise ValueError("a scalar must be a number")
    data = to_bytes(data)
    if len(data) != dtype.dtype.itemsize:
        raise ValueError(
            f"a scalar of dtype {dtype.dtype} cannot have {len(data)} bytes"
        )
    return np.frombuffer(data, dtype.dtype)[0]


def encode(text, encoding):
    """Replaces `_codecs.encode`, with which Python 3 writes bytes for Python 2."""
    if not isinstance(text, str) or encoding != "latin1":
        raise ValueError("`_codecs.encode` may only turn text into latin1 bytes")
    return text.encode("latin1")


def to_bytes(data) -> bytes:
    """Returns bytes; a string of Python 2 was read as latin1."""
    if isinstance(data, str):
        return data.encode("latin1")
    if isinstance(data, bytes):
        return data
    raise ValueError("the numbers of an array must be bytes")


def _text(value) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin1")
    if not isinstance(value, str) or not value:
        raise ValueError("a dtype must be described by text")
    return value
