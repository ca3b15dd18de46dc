"""Hash centres: codes of classes that are far from each other."""

from collections.abc import Callable, Sequence

import numpy as np

from keras_deephash.models.hadamard import hadamard

# Rows that are drawn at once. If none is far enough, the wanted distance is lowered.
_DRAWS = 2_000


def hash_centers(
    classes: int, bits: int, generator: np.random.Generator, others=None
) -> np.ndarray:
    """Draws a centre of +1 and -1 for each class.

    Up to 2 * bits centres are rows of a Hadamard matrix and their negatives, any two
    of which differ in bits / 2 or bits places. Larger numbers of centres, centres that
    are added to others, and centres of 184 or 232 bits, for which `hadamard` has no
    matrix, are drawn at random and kept if they are far from those drawn before.

    Args:
        classes: int.
        bits: int.
        generator: `np.random.Generator`, seeded.
        others: float array [m, bits], the vectors of the existing classes: new centres
            are far from their signs. Defaults to `None`.

    Returns:
        float32 array [classes, bits].

    Raises:
        ValueError: if there are fewer codes than classes.

    Example:

    >>> hash_centers(10, 48, np.random.default_rng(0))

    References:
        - [Yuan et al., Central Similarity Quantization, CVPR 2020](
          https://arxiv.org/abs/1908.00347)
    """
    count = classes if others is None else classes + len(others)
    if bits < 63 and count > 1 << bits:
        raise ValueError(
            f"`bits` must be large enough for {count:,} classes to have different "
            f"codes. Received: bits={bits}."
        )
    matrix = hadamard(bits) if others is None else None
    if matrix is None or classes > 2 * bits:
        return _drawn_centers(classes, bits, generator, others)
    # Without random signs, one bit would be the same in all rows.
    rows = matrix * generator.choice([-1, 1], (bits, 1))
    rows = rows[generator.permutation(bits)]
    return np.concatenate([rows, -rows])[:classes].astype(np.float32)


def scaled_centers(
    classes: int, bits: int, generator: np.random.Generator, others: np.ndarray
) -> np.ndarray:
    """Draws hash centres that have the mean length of other vectors.

    New proxies are as long as the trained ones, so that a training step turns both
    equally.

    Args:
        classes, bits, generator: as for `hash_centers`.
        others: float array [m, bits], the vectors of the existing classes.

    Returns:
        float array [classes, bits].
    """
    length = np.linalg.norm(others, axis=1).mean()
    return hash_centers(classes, bits, generator, others) * length / bits**0.5


def nested_vectors(
    draw: Callable,
    lengths: Sequence[int],
    count: int,
    seed: int,
    known: list[np.ndarray] | None = None,
    nested: bool = True,
) -> list[np.ndarray]:
    """Draws the vectors of new classes for several code lengths.

    Args:
        draw: function of the arguments of `hash_centers`, for one length.
        lengths: list of int, increasing.
        count: int. Number of new classes.
        seed: int.
        known: list of float arrays [m, bits], the existing vectors for each length.
            Defaults to `None`.
        nested: bool. Whether a longer vector starts with the shorter one, as fixed
            centres must: otherwise the same outputs would be pulled to different
            centres. Defaults to `True`.

    Returns:
        list of float arrays [count, bits], one for each length.
    """
    drawn, shorter = [], np.empty((count, 0))
    for number, length in enumerate(lengths):
        start = shorter.shape[1] if nested else 0
        others = None if known is None else known[number]
        entropy = [seed, length] + ([] if others is None else [len(others)])
        generator = np.random.default_rng(entropy)
        bits = length - start
        total = count + (0 if others is None else len(others))
        if start and bits < 63 and total > 1 << bits:
            # There are too few new bits, but the first ones tell the classes apart.
            new = generator.choice([-1.0, 1.0], (count, bits))
        else:
            others = None if others is None else others[:, start:]
            new = draw(count, bits, generator, others)
        shorter = np.concatenate([shorter[:, :start], new], axis=1)
        drawn.append(shorter)
    return drawn


def _drawn_centers(classes, bits, generator, others) -> np.ndarray:
    chosen = np.empty((0, bits), np.float32)
    if others is not None:
        chosen = np.where(np.asarray(others) >= 0, 1, -1).astype(np.float32)
    known = len(chosen)
    distance = bits // 2
    while len(chosen) < known + classes:
        drawn = generator.choice(np.float32([-1, 1]), (_DRAWS, bits))
        nearest = _distances(drawn, chosen).min(axis=1, initial=bits)
        accepted = np.empty((0, bits), np.float32)
        for row in drawn[nearest >= distance]:
            if _distances(row[None], accepted).min(initial=bits) >= distance:
                accepted = np.concatenate([accepted, row[None]])
        chosen = np.concatenate([chosen, accepted])
        if not len(accepted):
            distance -= 1
            # At least 1: with few bits, nearly every code may be taken.
            distance = max(distance, 1)
    return chosen[known : known + classes]


def _distances(rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    return (rows.shape[1] - rows @ others.T) / 2
