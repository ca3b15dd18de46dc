"""The largest known distances between the words of binary linear codes."""

# The largest known minimum distance of a linear code, by the length of its words; in
# each row for words that carry 1 bit, 2 bits, and so on.
_DISTANCES = {
    8: (8, 5, 4, 4, 2, 2, 2, 1),
    16: (16, 10, 8, 8, 8, 6, 6, 5, 4, 4, 4, 2, 2),
    24: (24, 16, 13, 12, 12, 10, 10, 8, 8, 8, 8, 8, 6),
    32: (32, 21, 18, 16, 16, 16, 14, 13, 12, 12, 12, 10, 10),
    40: (40, 26, 22, 20, 20, 18, 18, 16, 16, 16, 15, 14, 14),
    48: (48, 32, 27, 24, 24, 24, 22, 22, 20, 20, 18, 18, 17),
    56: (56, 37, 32, 29, 28, 28, 26, 24, 24, 24, 23, 22, 21),
    64: (64, 42, 36, 33, 32, 32, 32, 29, 28, 28, 26, 26, 25),
    72: (72, 48, 40, 38, 36, 35, 34, 32, 32, 32, 32, 30, 29),
    80: (80, 53, 45, 42, 40, 40, 38, 37, 36, 36, 34, 33, 33),
    96: (96, 64, 54, 50, 48, 48, 48, 46, 44, 44, 42, 41, 41),
    112: (112, 74, 64, 59, 56, 56, 56, 54, 52, 52, 50, 49, 49),
    128: (128, 85, 72, 68, 64, 64, 64, 64, 60, 60, 58, 57, 57),
    256: (256, 170, 146, 136, 131, 128, 128, 128, 128, 124, 122, 122, 121),
}


def largest_distance(classes: int, bits: int) -> float:
    """Returns the distance in bits that the codes of classes can keep from each other.

    For a length that is not in the table, the distance of the nearest shorter length is
    scaled up. For more classes than the table has, its last entry is used.

    Args:
        classes: int, >= 2.
        bits: int.

    Example:

    >>> largest_distance(classes=100, bits=48)
    22.0

    References:
        - [Grassl, Bounds on the minimum distance of linear codes](
          http://www.codetables.de)
    """
    length = max((each for each in _DISTANCES if each <= bits), default=8)
    row = _DISTANCES[length]
    carried = max(1, (classes - 1).bit_length())
    return row[min(carried, len(row)) - 1] * bits / length
