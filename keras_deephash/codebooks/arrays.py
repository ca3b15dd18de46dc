"""Checks of the arrays of features and codes."""

import numpy as np

LARGEST_FEATURE = 1e12  # For fitting: sums of squares stay within float32.


def as_features(
    features, dim: int | None, fitting: bool = False, name: str = "features"
) -> np.ndarray:
    """Features as float32 [n, D], or a ValueError.

    Args:
        features: array [n, D].
        dim: int, D; or `None`, which fits no features.
        fitting: bool. Whether centres are learned from them. Defaults to `False`.
        name: str, for the errors. Defaults to `"features"`.
    """
    features = np.asarray(features)
    if features.ndim != 2 or features.shape[1] != dim or features.dtype == object:
        raise ValueError(
            f"`{name}` must be floats of shape [n, {dim or 'D'}]. "
            f"Received: {features.dtype} of shape {features.shape}."
        )
    features = np.ascontiguousarray(features, dtype=np.float32)
    if fitting and not len(features):
        raise ValueError("`features` must have at least one row. Received: none.")
    if not np.isfinite(features).all():
        raise ValueError(f"`{name}` must be finite. Received: NaN or infinity.")
    if fitting and (largest := np.abs(features).max()) > LARGEST_FEATURE:
        raise ValueError(
            f"`features` must be at most {LARGEST_FEATURE:.0e}: float32 holds no "
            f"larger squares. Received: values up to {largest:.1e}."
        )
    return features


def as_codes(codes, subcodebooks: int, subcenters: int) -> np.ndarray:
    """Codes as an array [n, M] of sub-codes below K, or a ValueError."""
    codes = np.asarray(codes)
    integer = np.issubdtype(codes.dtype, np.integer)
    if codes.ndim != 2 or codes.shape[1] != subcodebooks or not integer:
        raise ValueError(
            f"`codes` must be uint8 of shape [n, {subcodebooks}]. "
            f"Received: {codes.dtype} of shape {codes.shape}."
        )
    if codes.size and not 0 <= codes.min() <= codes.max() < subcenters:
        raise ValueError(
            f"`codes` must name centres 0 to {subcenters - 1}. "
            f"Received: {codes.min()} to {codes.max()}."
        )
    return codes
