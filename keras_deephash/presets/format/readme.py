"""The README of a preset, made from its metadata alone."""

import html
import json
import re

from keras_deephash.retrieval.radius_table import RadiusTable
from keras_deephash.text import printable

METRIC_TITLES = {
    "map": "MAP",
    "map_interval": "MAP, 95 % interval over queries",
    "map_symmetric": "MAP, both sides coded (SQD)",
    "map_features": "MAP of the continuous features",
    "map_euclidean": "MAP by the Euclidean distance",
    "map_at_radius": "MAP within the radius",
    "map_at_radius_interval": "MAP within the radius, 95 % interval over queries",
    "map_at_radius_reranked": "MAP within the radius, re-ranked",
    "map_at_radius_reranked_interval": "MAP within the radius, re-ranked, 95 %",
    "map_at_radius_released": "MAP within the radius, re-ranked, by the released rule",
    "precision_at_radius": "Precision within the radius",
    "recall_at_radius": "Recall within the radius",
}
_LOAD = "model = keras_deephash.from_preset("
# Markup of links, pictures, code and cells; an underscore within a word is not markup.
_MARKUP = re.compile(r"[\\`*\[\]|]")
_BLOCKS = ("#", "-", "+", "=", "~")  # At the beginning of a line: headings, lists.


def render_card(name: str, metadata: dict) -> str:
    """The README of a preset, in Markdown."""
    lines = [
        f"# {plain_text(name)}",
        "",
        describe_model(metadata),
        "",
        "```python",
        "import keras_deephash",
        "",
        f"{_LOAD}{printable(json.dumps(name, ensure_ascii=False))})",
    ]
    if metadata["bits"]:
        width = metadata["bits"] // 8
        lines.append(f"codes = model.encode(images)  # uint8 [n, {width}]")
    lines += ["```", "", *describe_results(metadata)]
    return "\n".join(lines) + "\n"


def describe_results(metadata: dict) -> list[str]:
    """The lines about metrics, training, labels and versions."""
    metrics = metadata["metrics"].items()
    lines = _table("Metrics", {name: metric_value(value) for name, value in metrics})
    lines += _radii(metadata.get("radius_table"))
    training = dict(metadata["training"])
    log = training.pop("log", None)
    lines += _table("Training", training)
    lines += _log_table(log)
    if metadata["label_names"]:
        names = plain_text(", ".join(metadata["label_names"]))
        mark = "\\" if names.startswith(_BLOCKS) else ""
        lines += ["## Labels", "", mark + names, ""]
    versions = [
        plain_text(metadata[f"{name}_version"])
        for name in ("keras_deephash", "keras", "tensorflow")
    ]
    lines.append(
        f"Written by keras_deephash {versions[0]}, Keras {versions[1]}, TensorFlow "
        f"{versions[2]}."
    )
    return lines


def describe_model(metadata: dict) -> str:
    """A line of method, bits, data set and size, and one of the purpose, if known."""
    bits = f", {metadata['bits']} bits" if metadata["bits"] else ""
    source = (
        f" trained on {plain_text(metadata['dataset'])}" if metadata["dataset"] else ""
    )
    purpose = metadata.get("purpose")
    use = f"\n\nFor: {plain_text(purpose)}." if purpose else ""
    return (
        f"{plain_text(metadata['method'])}{bits}{source}: "
        f"{metadata['parameters']:,} parameters, stored as {metadata['weights_dtype']}."
        f"{use}"
    )


def is_rendered(card: str, metadata: dict) -> bool:
    """Whether a README is as `render_card` wrote it, under whatever name."""
    lines = [line for line in card.splitlines() if line.startswith(_LOAD)]
    try:
        name = json.loads(lines[0].removeprefix(_LOAD).removesuffix(")"))
    except (IndexError, ValueError):
        return False
    return isinstance(name, str) and card == render_card(name, metadata)


def metric_title(name: str) -> str:
    """The name of a metric in a text."""
    if length := re.fullmatch(r"map_([0-9]+)", name):
        return f"MAP, {length[1]} bits"
    return METRIC_TITLES.get(name, name.replace("_", " "))


def metric_value(value):
    """A metric as it is shown: an interval as a text, all else as it is."""
    if isinstance(value, list) and value and all(isinstance(v, float) for v in value):
        return " to ".join(f"{end:.3f}" for end in value)
    return value


def metric_text(value) -> str:
    """A metric for a line of text."""
    value = metric_value(value)
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _table(title: str, values: dict) -> list[str]:
    if not values:
        return []
    rows = [
        f"| {plain_text(metric_title(key))} | {plain_text(value)} |"
        for key, value in values.items()
    ]
    return [f"## {title}", "", "| | |", "|---|---|", *rows, ""]


def _radii(fields: dict | None) -> list[str]:
    """A row for each precision and false-positive rate that people ask for."""
    if fields is None:
        return []
    table = RadiusTable.from_json(fields)
    rows = []
    for name, values in (
        ("precision", (0.9, 0.75, 0.5)),
        ("false_positive_rate", (1e-4, 1e-3, 1e-2)),
    ):
        for value in values:
            try:
                radius = table.radius(**{name: value})
            except ValueError:  # No radius has it.
                continue
            found = table.expected(radius)
            cells = [f"`model.radius({name}={value:g})`", f"{radius:.4g}"]
            cells += [
                "-" if found[each] is None else f"{found[each]:.2g}"
                for each in ("precision", "recall", "false_positive_rate")
            ]
            rows.append(f"| {' | '.join(cells)} |")
    source = f" of {plain_text(table.dataset)}" if table.dataset else ""
    return [
        "## Radii",
        "",
        f"Measured on all pairs{source}, {table.images:,} images. Precision is that of "
        "collections with as many relevant images as this one.",
        "",
        "| | radius | precision | recall | false positives |",
        "|---|---|---|---|---|",
        *rows,
        "",
    ]


def _log_table(log) -> list[str]:
    """One row for each epoch, where the metadata have a log: a list of equal dicts."""
    if not isinstance(log, list) or not all(isinstance(row, dict) for row in log):
        return []
    names = list(log[0]) if log else []
    if not names or any(list(row) != names for row in log):
        return []
    rows = [
        "| " + " | ".join(plain_text(v) for v in row.values()) + " |" for row in log
    ]
    titles = "| " + " | ".join(plain_text(metric_title(name)) for name in names) + " |"
    return [titles, "|" + "---|" * len(names), *rows, ""]


def plain_text(value) -> str:
    """A value as it may stand in a line or a table of Markdown: no HTML, no link."""
    text = str(value)
    if isinstance(value, float):
        # A learning rate of 3e-5 is not 0.0000.
        text = f"{value:.3g}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"
    text = printable(" ".join(text.splitlines()).strip())
    return html.escape(_MARKUP.sub(r"\\\g<0>", text), quote=False)
