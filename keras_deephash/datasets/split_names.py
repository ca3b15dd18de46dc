"""The usual names of the parts of a data set."""

# The parts, and the list file of each.
PARTS = {
    "train": "train",
    "validation": "validation",
    "query": "test",
    "database": "database",
}
_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "query": ("query", "queries", "test", "testing"),
    "database": ("database", "gallery"),
}
_PART_OF = {name: part for part, names in _NAMES.items() for name in names}


def part_of(name: str) -> str | None:
    """Returns the part that a name means, `"query"` for `"Test"`; None if unknown."""
    return _PART_OF.get(name.strip().casefold())


def known_names() -> str:
    """Returns the known names as text, for an error."""
    return "; ".join(f"{' or '.join(names)}: {part}" for part, names in _NAMES.items())
