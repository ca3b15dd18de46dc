"""Checks of arguments, with the same sentence everywhere."""

from numbers import Real

import numpy as np


def check_integer(name: str, value: int, minimum: int) -> int:
    """Returns `value` as a Python integer, or raises where it is none or too low."""
    integer = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not integer or value < minimum:
        raise ValueError(
            f"`{name}` must be an integer and >= {minimum}. Received: {name}={value!r}."
        )
    return int(value)


def check_number(name: str, value: float, positive: bool = False) -> float:
    """A finite number >= 0, or > 0 if `positive`, as a float; or a ValueError."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf") or (positive and not value):
        raise ValueError(
            f"`{name}` must be finite and {'>' if positive else '>='} 0. "
            f"Received: {name}={value!r}."
        )
    return float(value)


def check_option(name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Raises unless `value` is one of the `allowed` strings."""
    if value not in allowed:
        choices = ", ".join(f'"{choice}"' for choice in allowed)
        raise ValueError(f"`{name}` must be one of {choices}. Received: {value!r}.")
