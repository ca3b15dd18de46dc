"""Names of presets that are not here: those of the zoo, and removed ones.

They are in `known_names.json`; `zoo/results_table.py` writes those of the zoo.
"""

import json
import os

NAMES = os.path.join(os.path.dirname(__file__), "known_names.json")


def zoo_names() -> dict[str, str]:
    """The names of the presets in the zoo, with a line on what each is for."""
    return _read()["zoo"]


def explain_absence(name: str) -> str | None:
    """Why there is no preset of a name and what to do, or None if it is unknown."""
    known = _read()
    if name in known["zoo"]:
        return (
            f"The preset {name!r} ({known['zoo'][name]}) is in the zoo, a package of "
            "its own that is not installed here. Install it: `pip install ./zoo` in a "
            "clone of the repository."
        )
    if name in known["successors"]:
        return (
            f"The preset {name!r} has gone. Its successor is "
            f"{known['successors'][name]!r}."
        )
    return None


def _read() -> dict[str, dict[str, str]]:
    with open(NAMES, encoding="utf-8") as file:
        return json.load(file)
