"""Hadamard matrices, whose order is the number of bits of a code."""

import numpy as np


def hadamard(order: int) -> np.ndarray | None:
    """Returns a matrix of +1 and -1 with orthogonal rows.

    Any two of them differ in half their places.

    Args:
        order: int, a multiple of 4.

    Returns:
        int8 array [order, order]; or None if neither Paley's constructions nor doubling
        gives one. Of the multiples of 8 up to 256, these are 184 and 232.

    Example:

    >>> hadamard(48) @ hadamard(48).T  # 48 on the diagonal, else 0

    References:
        - [Paley, On Orthogonal Matrices, 1933](
          https://doi.org/10.1002/sapm1933121311)
    """
    if order in (1, 2):
        return np.array([[1, 1], [1, -1]], np.int8)[:order, :order]
    if order % 4:
        return None
    if (order - 1) % 4 == 3 and _is_prime(order - 1):
        return _first_paley(order - 1)
    if (order // 2 - 1) % 4 == 1 and _is_prime(order // 2 - 1):
        return _second_paley(order // 2 - 1)
    half = hadamard(order // 2)
    return None if half is None else np.kron([[1, 1], [1, -1]], half).astype(np.int8)


def _first_paley(q: int) -> np.ndarray:
    bordered = np.zeros((q + 1, q + 1), np.int8)
    bordered[0, 1:], bordered[1:, 0] = 1, -1
    bordered[1:, 1:] = _residues(q)
    return bordered + np.eye(q + 1, dtype=np.int8)


def _second_paley(q: int) -> np.ndarray:
    bordered = np.zeros((q + 1, q + 1), np.int8)
    bordered[0, 1:] = bordered[1:, 0] = 1
    bordered[1:, 1:] = _residues(q)
    identity = np.eye(q + 1, dtype=np.int8)
    both = np.kron(bordered, [[1, 1], [1, -1]]) + np.kron(identity, [[1, -1], [-1, -1]])
    return both.astype(np.int8)


def _residues(q: int) -> np.ndarray:
    """1 where i - j is a square modulo q, -1 where it is not, 0 where it is 0."""
    character = np.full(q, -1, np.int8)
    character[np.arange(1, q) ** 2 % q] = 1
    character[0] = 0
    numbers = np.arange(q)
    return character[(numbers[:, None] - numbers) % q]


def _is_prime(number: int) -> bool:
    divisors = range(2, int(number**0.5) + 1)
    return number > 1 and all(number % divisor for divisor in divisors)
