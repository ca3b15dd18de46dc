"""Plain values as JSON."""

import json

import numpy as np


def _plain(value):
    """NumPy's scalars as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} of type {type(value).__name__}")


def to_json(name: str, content: dict) -> str:
    """The text of a file of a preset; a ValueError names it and what is not plain."""
    try:
        return json.dumps(content, indent=2, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"`{name}` can only hold plain JSON values, finite numbers and strings. "
            f"Received one that is not: {error}."
        ) from None
