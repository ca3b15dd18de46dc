"""Writes the tables of results in zoo/README.md from the metadata of the presets.

  python zoo/results_table.py
  python zoo/results_table.py --check

Every preset in the package and in zoo/presets has a row. The names of the latter are
written into the package too, so that it can say of a preset that it is in the zoo.
--check writes nothing and exits with 1 if anything is out of date.
"""

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path

from results_text import (
    COST_NOTE,
    MEASURED_NOTE,
    METHODS_NOTE,
    PUBLISHED,
    PUBLISHED_NOTE,
    PUBLISHED_WITHIN_RADIUS,
    RADIUS_NOTE,
)

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (ROOT / "keras_deephash" / "presets" / "embedded", ROOT / "zoo" / "presets")
README = ROOT / "zoo" / "README.md"
NAMES = ROOT / "keras_deephash" / "presets" / "known_names.json"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def read_presets(folders: Iterable[Path]) -> list[dict]:
    """The metadata of all presets with `name`, `bits` and `config`, sorted."""
    presets = []
    for path in (p for folder in folders for p in folder.glob("[!.]*/metadata.json")):
        preset = json.loads(path.read_text(encoding="utf-8"))
        config = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))
        for key in ("training", "metrics", "files"):
            preset[key] = preset.get(key) or {}
        own = config.get("config", {})
        # A quantizer's code is one byte for each sub-codebook.
        bits = 8 * own["subcodebooks"] if "subcodebooks" in own else own.get("bits")
        presets.append(
            {**preset, "name": path.parent.name, "bits": bits, "config": config}
        )
    keys = ("dataset", "method", "bits", "name")
    # Pairs, since None cannot be compared with the others.
    return sorted(
        presets, key=lambda p: [(bool(p.get(k)), p.get(k) or 0) for k in keys]
    )


def number(value: float | None, form: str = ".4f") -> str:
    """A number in that form, or nothing."""
    return "" if value is None else format(value, form)


def ranking(metrics: dict) -> str:
    """MAP and the length of the ranking, such as `0.5915 @54000`."""
    parts = (number(metrics.get("map")), number(metrics.get("top_k"), "d"))
    return " @".join(filter(None, parts)) if parts[0] else ""


def interval(ends: list[float] | None) -> str:
    """The ends of an interval, or nothing."""
    return "" if ends is None else f"{ends[0]:.3f} to {ends[1]:.3f}"


def in_radius(metrics: dict, key: str) -> str:
    """A figure within Hamming radius 2, or nothing if it is of another radius."""
    return number(metrics.get(key)) if metrics.get("radius", 2) == 2 else ""


def origin_cells(preset: dict) -> dict[str, str]:
    """Backbone and data that the figures of a preset rest on."""
    training, saved = preset["training"], preset["config"].get("backbone", {})
    config = saved.get("config", {})
    name = saved.get("class", "").rpartition(">")[2]
    size, start = config.get("image_shape", [""])[0], training.get("start")
    backbone = (
        " ".join(filter(None, (name, config.get("application")))),
        f"{size} px" if size else "",
        f"from {start}" if start else "",
    )
    split = (training.get("split"), training.get("protocol"))
    return {
        "Preset": f"`{preset['name']}`",
        "Dataset": preset.get("dataset") or "",
        "Backbone": ", ".join(filter(None, backbone)),
        "Split": "; ".join(filter(None, split)),
    }


def size_cells(preset: dict) -> dict[str, str]:
    size = sum(file.get("bytes", 0) for file in preset["files"].values()) / 1e6
    return {
        "Parameters": number(preset.get("parameters"), ",d"),
        "MB": number(size or None, ".1f"),
    }


def figure_cells(preset: dict) -> dict[str, str]:
    metrics = preset["metrics"]
    return {
        "Preset": f"`{preset['name']}`",
        "Method": preset.get("method") or "",
        "Bits": number(preset["bits"], "d"),
        "MAP": ranking(metrics),
        "95 %": interval(metrics.get("map_interval")),
        "MAP, SQD": number(metrics.get("map_symmetric")),
        "MAP, features": number(metrics.get("map_features")),
    }


def radius_cells(preset: dict) -> dict[str, str]:
    metrics = preset["metrics"]
    return {
        "Preset": f"`{preset['name']}`",
        "MAP": in_radius(metrics, "map_at_radius"),
        "Re-ranked": in_radius(metrics, "map_at_radius_reranked"),
        "Precision": in_radius(metrics, "precision_at_radius"),
        "Recall": in_radius(metrics, "recall_at_radius"),
        "Empty balls": in_radius(metrics, "empty_balls"),
    }


def precision_cells(preset: dict) -> dict[str, str]:
    metrics = preset["metrics"]
    return {
        "Preset": f"`{preset['name']}`",
        "P@100": number(metrics.get("precision_at_100")),
        "P@1,000": number(metrics.get("precision_at_1000")),
        "Answered": number(metrics.get("answered")),
        "Queries": number(metrics.get("queries"), ",d"),
        "Database": number(metrics.get("database"), ",d"),
        "Crops": number(metrics.get("crops"), "d"),
    }


def cost_cells(preset: dict) -> dict[str, str]:
    training = preset["training"]
    return {
        "Preset": f"`{preset['name']}`",
        **size_cells(preset),
        "Minutes": number(training.get("minutes"), ".1f"),
        "Seed": number(training.get("seed"), "d"),
        "Date": training.get("date") or "",
    }


def backbone_cells(preset: dict) -> dict[str, str]:
    return {
        "Backbone": f"`{preset['name']}`",
        "Dataset": preset.get("dataset") or "",
        "Top-1 accuracy": number(preset["metrics"].get("top_1_accuracy")),
        **size_cells(preset),
    }


def published_cells(preset: dict) -> dict[str, str]:
    method, bits, metrics = preset.get("method"), preset["bits"], preset["metrics"]
    sources = PUBLISHED.get(method, {}).items()
    figures = [f"{by[bits]:.3f} ({source})" for source, by in sources if bits in by]
    measure, ours, reranked, released = "MAP", ranking(metrics), "", ""
    if method in PUBLISHED_WITHIN_RADIUS:
        measure, ours = "MAP, radius 2", in_radius(metrics, "map_at_radius")
        reranked = in_radius(metrics, "map_at_radius_reranked")
        released = in_radius(metrics, "map_at_radius_released")
    return {
        "Preset": f"`{preset['name']}`",
        "Measure": measure,
        "Published": ", ".join(figures),
        "Ours": ours,
        "Re-ranked": reranked,
        "Re-ranked, released rule": released,
    }


# Each has a row for every preset that is not a backbone.
METHOD_TABLES = (figure_cells, origin_cells, cost_cells)


def filled(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The rows that have a figure."""
    return [row for row in rows if any(list(row.values())[1:])]


def table(rows: Iterable[dict[str, str]]) -> str:
    """Rows of the same columns as a table in Markdown."""
    rows = list(rows)
    lines = [rows[0], ["---"] * len(rows[0]), *(row.values() for row in rows)]
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def results(presets: list[dict]) -> str:
    """All tables and commands, with the markers around them."""
    methods = [p for p in presets if "backbone" in p["config"]]
    backbones = [p for p in presets if "backbone" not in p["config"]]
    cifar10 = [p for p in methods if p.get("dataset") == "CIFAR-10"]
    commands = [(p["name"], p["training"].get("command")) for p in presets]
    lines = [f"# {name}\n{command}" for name, command in commands if command]
    parts = [BEGIN, "\n".join(["```sh", *lines, "```"]), "## Results"]
    if methods:
        parts += [table(map(figure_cells, methods)), METHODS_NOTE]
    if within := filled(map(radius_cells, methods)):
        parts += ["### Within radius 2", table(within), RADIUS_NOTE]
    if measured := filled(map(precision_cells, methods)):
        parts += ["### The first 100 and 1,000", table(measured), MEASURED_NOTE]
    if methods:
        parts += ["### What each was made of", table(map(origin_cells, methods))]
        parts += ["### Size and time", table(map(cost_cells, methods)), COST_NOTE]
    if backbones:
        parts += ["### Backbones", table(map(backbone_cells, backbones))]
    if cifar10:
        parts += ["## Beside the published figures", PUBLISHED_NOTE]
        parts += [table(map(published_cells, cifar10))]
    return "\n\n".join([*parts, END])


def known_names(presets: list[dict]) -> tuple[str, str]:
    """The file of known names as it is, and with the names of these presets."""
    old = NAMES.read_text(encoding="utf-8")
    lines = {preset["name"]: preset["purpose"] for preset in presets}
    known = {**json.loads(old), "zoo": dict(sorted(lines.items()))}
    return old, json.dumps(known, indent=2) + "\n"


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; 1 if the tables are out of date, 2 without their place."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args(argv)
    old = README.read_text(encoding="utf-8")
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        print(f"{README} must hold {BEGIN} and then {END}.", file=sys.stderr)
        return 2
    stale = [
        (path, old, new)
        for path, old, new in (
            (README, old, before + results(read_presets(FOLDERS)) + after),
            (NAMES, *known_names(read_presets(FOLDERS[1:]))),
        )
        if new != old
    ]
    for path, _, new in stale:
        if options.check:
            print(f"{path} is out of date: run zoo/results_table.py.", file=sys.stderr)
            continue
        # Here, since it brings TensorFlow, which a check can do without.
        from keras_deephash.files import write_atomically

        with write_atomically(path) as file:
            file.write(new.encode())
    return int(options.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
