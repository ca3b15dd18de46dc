"""The README of a preset, made from its metadata alone."""

METRIC_TITLES = {
    "map": "MAP",
    "map_symmetric": "MAP, both sides coded (SQD)",
    "map_features": "MAP of the continuous features",
    "map_at_radius": "MAP within the radius",
    "precision_at_radius": "Precision within the radius",
    "recall_at_radius": "Recall within the radius",
}


def render_card(name: str, metadata: dict) -> str:
    """The README of a preset, in Markdown."""
    lines = [
        f"# {name}",
        "",
        describe_model(metadata),
        "",
        "```python",
        "import keras_deephash",
        "",
        f'model = keras_deephash.from_preset("{name}")',
    ]
    if metadata["bits"]:
        width = metadata["bits"] // 8
        lines.append(f"codes = model.encode(images)  # uint8 [n, {width}]")
    lines += ["```", "", *describe_results(metadata)]
    return "\n".join(lines) + "\n"


def describe_results(metadata: dict) -> list[str]:
    """The lines about metrics, training, labels and versions."""
    lines = _table("Metrics", metadata["metrics"])
    training = dict(metadata["training"])
    log = training.pop("log", None)
    lines += _table("Training", training)
    lines += _log_table(log)
    if metadata["label_names"]:
        lines += ["## Labels", "", _text(", ".join(metadata["label_names"])), ""]
    lines.append(
        f"Written by keras_deephash {metadata['keras_deephash_version']}, Keras "
        f"{metadata['keras_version']}, TensorFlow {metadata['tensorflow_version']}."
    )
    return lines


def describe_model(metadata: dict) -> str:
    """One line: method, bits, data set and size."""
    bits = f", {metadata['bits']} bits" if metadata["bits"] else ""
    source = f" trained on {_text(metadata['dataset'])}" if metadata["dataset"] else ""
    return (
        f"{metadata['method']}{bits}{source}: {metadata['parameters']:,} parameters, "
        f"stored as {metadata['weights_dtype']}."
    )


def is_rendered(card: str, metadata: dict) -> bool:
    """Whether a README is as `render_card` wrote it, under whatever name."""
    heading = card.partition("\n")[0]
    return card == render_card(heading.removeprefix("# "), metadata)


def metric_title(name: str) -> str:
    """How to call a metric in a text."""
    return METRIC_TITLES.get(name, name.replace("_", " "))


def _table(title: str, values: dict) -> list[str]:
    if not values:
        return []
    rows = [
        f"| {_text(metric_title(key))} | {_text(value)} |"
        for key, value in values.items()
    ]
    return [f"## {title}", "", "| | |", "|---|---|", *rows, ""]


def _log_table(log) -> list[str]:
    """One row an epoch, where the metadata have a log: a list of equal dicts."""
    if not isinstance(log, list) or not all(isinstance(row, dict) for row in log):
        return []
    names = list(log[0]) if log else []
    if not names or any(list(row) != names for row in log):
        return []
    rows = ["| " + " | ".join(_text(v) for v in row.values()) + " |" for row in log]
    titles = "| " + " | ".join(_text(metric_title(name)) for name in names) + " |"
    return [titles, "|" + "---|" * len(names), *rows, ""]


def _text(value) -> str:
    """A value as it may stand in a line or a table of Markdown, without HTML."""
    text = str(value)
    if isinstance(value, float):
        # A learning rate of 3e-5 is not 0.0000.
        text = f"{value:.3g}" if 0 < abs(value) < 1e-3 else f"{value:.4f}"
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").splitlines())
