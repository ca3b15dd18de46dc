"""Evaluates a preset: every query is ranked against the whole database.

  keras-deephash evaluate --preset dch_cifar10_48 --data data/cifar10

PATH is a directory with test.txt (the queries) and database.txt, such as the
OUTPUT.lists of `keras-deephash train`; or a folder or a table whose images are split.
The figures in the preset's metadata are shown beside the measured ones.
"""

import json
import os
from contextlib import nullcontext

from keras_deephash.cli import arguments


def add_arguments(parser) -> None:
    add_evaluation_arguments(parser)
    parser.add_argument(
        "--json", metavar="FILE", help="write the figures to this file too"
    )


def add_evaluation_arguments(parser, several: bool = False) -> None:
    """Adds the options of the commands that evaluate presets."""
    arguments.add_preset(parser, several)
    arguments.add_import(parser)
    arguments.add_data(parser)
    parser.add_argument(
        "--top-k",
        type=int,
        help="length of the rankings (default: that of the preset's figures, or the "
        "full ranking)",
    )
    parser.add_argument(
        "--radius", type=int, help="Hamming radius of binary codes (default: 2)"
    )
    parser.add_argument(
        "--ties",
        choices=("expected", "random", "stable"),
        default="expected",
        help="order of equal distances (default: expected, the mean over all orders)",
    )
    parser.add_argument(
        "--search-metric",
        choices=("euclidean", "inner_product"),
        help="metric that ranks the codes of a DTQ (default: the preset's)",
    )
    parser.add_argument(
        "--bootstrap",
        type=int,
        default=1000,
        metavar="N",
        help="bootstrap samples for 95 %% intervals (default: 1000; 0: none)",
    )
    arguments.add_crops(parser)
    arguments.add_batch_size(parser, 128)


def evaluation_arguments(options, metadata: dict) -> dict:
    """Returns the options as arguments of `evaluate_model`."""
    names = ("crops", "top_k", "ties", "bootstrap")
    chosen = {name: getattr(options, name) for name in names}
    if options.radius is not None:
        chosen["radius"] = options.radius
    stated = metadata["metrics"]
    # For a full ranking, the metadata state the size of the database.
    if chosen["top_k"] is None and stated.get("top_k") != stated.get("database"):
        chosen["top_k"] = stated.get("top_k")
    return chosen


def load_evaluation(options, preset: str) -> tuple:
    """Loads the model, the metadata of its preset, the queries and the database."""
    from keras_deephash.checks import check_integer
    from keras_deephash.datasets.sources import read_query_and_database
    from keras_deephash.presets import read_preset_metadata

    # Checked before the work.
    if options.radius is not None:
        check_integer("--radius", options.radius, minimum=0)
    if options.top_k is not None:
        check_integer("--top-k", options.top_k, minimum=1)
    check_integer("--bootstrap", options.bootstrap, minimum=0)
    metadata = read_preset_metadata(preset)
    columns = arguments.columns(options)
    query, database = read_query_and_database(options.data, **columns)
    metric = options.search_metric
    model = arguments.load_model(
        preset, **({} if metric is None else {"search_metric": metric})
    )
    if options.radius is not None and model.is_quantizer:
        raise ValueError(
            "`--radius` is a Hamming radius, of binary codes: leave it out. "
            f"Received: --radius {options.radius}, a {type(model).__name__}, whose "
            "codes are bytes."
        )
    return model, metadata, query, database


def run(options) -> None:
    from keras_deephash.files import write_atomically
    from keras_deephash.presets.format.readme import metric_text
    from keras_deephash.retrieval.evaluate_model import evaluate_model

    if options.json and os.path.isdir(options.json):
        raise ValueError(
            f"`--json` must name a file. Received: {options.json!r}, a directory."
        )
    model, metadata, query, database = load_evaluation(options, options.preset)
    # A file that cannot be written fails before the work.
    with write_atomically(options.json) if options.json else nullcontext() as file:
        metrics = evaluate_model(
            model,
            query,
            database,
            batch_size=options.batch_size,
            **evaluation_arguments(options, metadata),
        )
        if options.json:
            file.write((json.dumps(metrics, indent=2) + "\n").encode())
    stated = metadata["metrics"]
    print(f"{'':32}{'measured':>16}{'metadata':>16}")
    for name, value in metrics.items():
        there = metric_text(stated.get(name, "-"))
        print(f"{name:32}{metric_text(value):>16}{there:>16}")
    if options.json:
        print(f"written to {options.json}")
