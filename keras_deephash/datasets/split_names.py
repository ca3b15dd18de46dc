"""The names that people give to the parts of a data set."""

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
    """The part that a name stands for, `"query"` for `"Test"`; None for others."""
    return _PART_OF.get(name.strip().casefold())


def known_names() -> str:
    """The known names, for an error."""
    return "; ".join(f"{' or '.join(names)}: {part}" for part, names in _NAMES.items())
