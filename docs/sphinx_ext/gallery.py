"""The page of the presets, made of their metadata."""

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    ROOT / "keras_deephash" / "presets" / "embedded": "in the package",
    ROOT / "zoo" / "presets": "in the zoo: `pip install ./zoo`",
}
PICTURES = ROOT / "docs" / "pictures" / "presets"
BEGINNING = """\
# Presets

Models that load by name: `kdh.from_preset("rq_imagenet_64")`. This page is made of
their metadata. [The zoo](/generated/zoo/README.md) has the commands that make each.
Bytes are those of a code, MB those of the files of a preset; the presets for any photo
share the files of `efficientnet_lite0_imagenet` besides.

Pictures show neighbours among pieces of thirteen free photos: coffee by Rachel Michetti
(CC0), and `flower.jpg` by vultilion ([CC BY
2.0](https://creativecommons.org/licenses/by/2.0/)), both cut into pieces. The other
presets have no picture: the images of their sets may not be shown here, and of other
photos they know little.
"""
# Titles of the groups, and which presets belong to them: the first that fits.
GROUPS = {
    "Backbones to begin from": lambda preset: preset["bits"] is None,
    "Photos of any kind": lambda preset: preset["label_names"] is None,
    "Scenes with several everyday objects": lambda preset: "coco" in preset["name"],
    "200 kinds of things": lambda preset: "tiny_imagenet" in preset["name"],
    "The ten classes of CIFAR-10": lambda preset: True,
}
FIGURES = {
    "map": "MAP@{top_k}",
    "map_at_radius": "MAP within radius {radius}",
    "map_at_radius_reranked": "the same, re-ranked by the continuous codes",
    "map_symmetric": "MAP, both sides coded",
    "top_1_accuracy": "Top-1 accuracy",
}


def gallery_page() -> str:
    """The page in Markdown: an overview, and a section for each preset."""
    groups = {title: [] for title in GROUPS}
    for preset in read_presets():
        title = next(title for title, fits in GROUPS.items() if fits(preset))
        groups[title].append(preset)
    first, *others = groups.items()  # Backbones come last on the page.
    parts = [BEGINNING]
    for title, group in (*others, first):
        parts += [f"## {title}", overview(group), *map(section, group)]
    return "\n\n".join(parts) + "\n"


def read_presets() -> list[dict]:
    """The metadata of the presets with their `name` and `place`, by name."""
    presets = []
    for folder, place in FOLDERS.items():
        for path in folder.glob("*/metadata.json"):
            preset = json.loads(path.read_text(encoding="utf-8"))
            presets.append({**preset, "name": path.parent.name, "place": place})
    return sorted(
        presets, key=lambda p: (p["name"].split("_")[0], p["bits"] or 0, p["name"])
    )


def size_of(preset: dict) -> str:
    return f"{sum(f['bytes'] for f in preset['files'].values()) / 1e6:.1f} MB"


def overview(group: list[dict]) -> str:
    """A table of a group."""
    lines = ["| Preset | For | Bytes | MAP | MB |", "|---|---|---|---|---|"]
    for preset in group:
        metrics = preset.get("metrics") or {}
        code = str(preset["bits"] // 8) if preset["bits"] else ""
        mean = f"{metrics['map']:.3f}" if "map" in metrics else ""
        link = f"[`{preset['name']}`](#{preset['name']})"
        size = size_of(preset).removesuffix(" MB")
        cells = [link, preset.get("purpose", ""), code, mean, size]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def section(preset: dict) -> str:
    """What a preset is, knows and reaches."""
    name, training = preset["name"], preset.get("training") or {}
    facts = {
        "Method": preset["method"],
        "Code": f"{preset['bits']} bits" if preset["bits"] else None,
        "Where": preset["place"],
        "Size": f"{size_of(preset)}, {preset['parameters'] / 1e6:.1f} M parameters",
        "Trained on": training.get("split") or preset["dataset"],
        "Begins from": code_of(training.get("start")),
        "Knows": training.get("known") or labels_of(preset),
        "Not known": training.get("not known"),
        **figures_of(preset.get("metrics") or {}),
        "Command": code_of(training.get("command")),
        "Seed, date": ", ".join(
            str(training[key]) for key in ("seed", "date") if key in training
        ),
    }
    purpose = preset.get("purpose", "")
    lines = [f"### {name}", "", f"{purpose[:1].upper()}{purpose[1:]}.", ""]
    if (PICTURES / f"{name}.jpg").exists():
        words = f"Two queries and what {name} finds"
        lines += [f"![{words}](/pictures/presets/{name}.jpg)", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in facts.items() if value]
    return "\n".join(lines)


def code_of(text: str | None) -> str | None:
    return text and f"`{text}`"


def labels_of(preset: dict) -> str | None:
    """Its labels, or how many there are of many."""
    names = preset.get("label_names")
    if not names or len(names) <= 10:
        return names and ", ".join(names)
    return f"{len(names)} labels: {', '.join(names[:8])} and others"


def figures_of(metrics: dict) -> dict[str, str]:
    """Words and numbers of the metrics that it has."""
    figures = {}
    for key, words in FIGURES.items():
        if key in metrics:
            words = words.format(**{"radius": 2, "top_k": "all", **metrics})
            figures[words] = f"{metrics[key]:.4f}"
    for key, value in metrics.items():
        if key.endswith("P@10"):
            words = f"{key.split(':')[0]}: of the first 10, share a label"
            figures[words] = f"{value:.0%}"
    return figures
