"""Checks of the numbers that losses and models take."""

from numbers import Real


def check_number(name: str, value: float, positive: bool = False) -> float:
    """A finite number >= 0, or > 0 if `positive`, as a float; or a ValueError."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not 0 <= value < float("inf") or (positive and not value):
        raise ValueError(
            f"`{name}` must be finite and {'>' if positive else '>='} 0. "
            f"Received: {name}={value!r}."
        )
    return float(value)
