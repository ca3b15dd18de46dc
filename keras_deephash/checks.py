"""Checks of arguments, with the same sentence everywhere."""

import math
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from numbers import Real

import numpy as np

MOST_LENGTHS = 32


def check_integer(
    name: str, value: int, minimum: int, maximum: int | None = None
) -> int:
    """A Python or NumPy integer between bounds, as a Python integer; or a ValueError.

    `True`, `16.0` and `"16"` are not integers.
    """
    is_integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if is_integer and minimum <= value <= (math.inf if maximum is None else maximum):
        return int(value)
    bounds = f">= {minimum}" if maximum is None else f"from {minimum} to {maximum}"
    raise ValueError(
        f"`{name}` must be an integer {bounds}. Received: {name}={value!r}."
    )


def check_bits(bits: int) -> int:
    """The length of a code, a multiple of 8, as a Python integer; or a ValueError."""
    is_integer = isinstance(bits, (int, np.integer)) and not isinstance(bits, bool)
    if not is_integer or bits < 8 or bits % 8:
        raise ValueError(f"`bits` must be a multiple of 8. Received: bits={bits!r}.")
    return int(bits)


def check_lengths(lengths, bits: int) -> tuple[int, ...] | None:
    """The lengths of the codes of one model, rising up to `bits`; or a ValueError."""
    if lengths is None:
        return None
    checked = ()
    with suppress(TypeError, ValueError):  # The error below names `lengths`.
        if isinstance(lengths, (list, tuple, np.ndarray)):
            checked = tuple(check_bits(length) for length in lengths)
    rising = all(a < b for a, b in pairwise(checked))
    if not checked or not rising or checked[-1] != bits:
        raise ValueError(
            "`lengths` must be a list of multiples of 8 that rise up to `bits`, such "
            "as [16, 32, 64] of 64 bits. "
            f"Received: lengths={str(lengths)[:80]}, bits={bits!r}."
        )
    if len(checked) > MOST_LENGTHS:
        raise ValueError(
            f"`lengths` must be a list of at most {MOST_LENGTHS} lengths. "
            f"Received: {len(checked)}."
        )
    return checked


def check_number(name: str, value: float, positive: bool = False) -> float:
    """A finite number >= 0, or > 0 if `positive`, as a float; or a ValueError."""
    if not is_finite_number(value) or value < 0 or (positive and not float(value)):
        raise ValueError(
            f"`{name}` must be finite and {'>' if positive else '>='} 0. "
            f"Received: {name}={value!r}."
        )
    return float(value)


def is_finite_number(value) -> bool:
    """Whether a value is a real number that a finite float can stand for."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # An integer beyond all floats.
        return False


def check_option(name: str, value, allowed: Sequence) -> None:
    """Raises ValueError unless `value` is one of the allowed values."""
    # An array compares element by element, and is never one of them.
    if isinstance(value, np.ndarray) or value not in tuple(allowed):
        choices = [f'"{one}"' if isinstance(one, str) else repr(one) for one in allowed]
        raise ValueError(
            f"`{name}` must be one of {', '.join(choices)}. Received: {name}={value!r}."
        )
