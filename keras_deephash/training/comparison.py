"""Comparing methods and code lengths, trained on the same images."""

import copy
import json
import os
from dataclasses import dataclass

from keras_deephash.datasets import ImageSet, Splits
from keras_deephash.datasets.list_writing import write_indices
from keras_deephash.files import write_atomically
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.plots.style import check_matplotlib
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.report.comparison import comparison_page, measure, metric_cells
from keras_deephash.retrieval.query_mean import SAMPLES
from keras_deephash.training.data import read_data
from keras_deephash.training.defaults import takes_the_table
from keras_deephash.training.frozen_features import FrozenFeatures
from keras_deephash.training.method_checks import find_method
from keras_deephash.training.option_checks import OF_GRADIENTS, check_options
from keras_deephash.training.options import OF_TABLES, TrainingOptions
from keras_deephash.training.training import lists_of, train


@dataclass(frozen=True)
class Row:
    """One training of a comparison.

    Attributes:
        name: str, such as `"DCH 48 bits"`.
        preset: str, the directory of its preset.
        metrics: dict, as `evaluate_model` gives them.
        minutes: float, minutes of the training; without those for frozen features that
            an earlier training computed.
    """

    name: str
    preset: str
    metrics: dict
    minutes: float


def compare(
    data, methods: list[str], bits: list[int], output: str, **options
) -> list[Row]:
    """Trains every method at every code length, and writes a comparison.

    All learn from the same images with the same settings, start from the same backbone,
    and search the same database; frozen features are computed once.
    `OUTPUT/comparison.md` and `.json` hold the figures, `comparison.html` the curves,
    and the presets are beside them. If images in memory had to be split, `OUTPUT.lists`
    holds the indices of the split.

    Args:
        data: as for `TrainingOptions`.
        methods: list of str, names of methods.
        bits: list of int, code lengths, multiples of 8. A quantizer has a sub-codebook
            for each byte.
        output: str. Directory, created if it does not exist.
        **options: options of `TrainingOptions` for all trainings. Options that a method
            cannot use are left out for it.

    Returns:
        list of `Row`, the best MAP first.

    Raises:
        ValueError: before any work, if a training cannot be run, or if the data have no
            queries and database.
    """
    check_matplotlib()
    told = {
        (method, length): _options(data, method, length, output, options)
        for method in dict.fromkeys(methods)
        for length in dict.fromkeys(bits)
    }
    for each in told.values():
        check_options(each)
    # Each training holds out its own share of the same images.
    first = copy.copy(next(iter(told.values())))
    first.hold_out = None
    found = read_data(first)
    query, database = found.evaluation
    if found.lists is None and found.split is not None:
        write_indices(found.split, lists_of(output))
    rows, figures = [], []
    for (method, length), each in told.items():
        name = f"{method} {length} bits"
        print(f"{name}:")
        each.data, each.no_evaluation = Splits(found.train, query, database), True
        for column in OF_TABLES:  # The data are read already.
            setattr(each, column, None)
        top_k, each.top_k = each.top_k, None  # The evaluation is done here.
        model = train(each)
        metrics, curves = _measure(model, each, query, database, top_k)
        training = model.training_record["training"]
        model.training_record = {**model.training_record, "metrics": metrics}
        model.save_to_preset(each.output)
        print(f"map: {metrics['map']:.4f}")
        rows.append(Row(name, each.output, metrics, training.get("minutes", 0.0)))
        figures.append((name, curves))
        rows.sort(key=lambda row: -row.metrics["map"])
        _write(rows, figures, str(found), output)  # Now, as another may fail.
    return rows


def _options(
    data, method: str, length: int, output: str, options: dict
) -> TrainingOptions:
    """Returns the options of one training."""
    if length < 8 or length % 8:
        raise ValueError(f"`bits` must be multiples of 8. Received: bits={length}.")
    cls = find_method(TrainingOptions(data, method=method))
    parameters = constructor_parameters(cls)
    without = set(OF_GRADIENTS) if cls.is_closed_form else set()
    if "word_vectors" not in parameters:
        without |= {"word_vectors", "substitutes"}
    given = {name: value for name, value in options.items() if name not in without}
    each = TrainingOptions(data, method=method, **given)
    if "bits" in parameters:
        each.arguments["bits"] = length
    else:
        each.arguments["subcodebooks"] = length // 8
    place = os.path.abspath(output)
    each.output = os.path.join(place, f"{method}_{length}")
    freezes = takes_the_table(each)
    if each.freeze_until is not None:
        freezes = each.freeze_until != "none"
    if freezes and not cls.is_closed_form and each.feature_cache is None:
        each.feature_cache = os.path.join(place, "features")
    return each


def _measure(
    model: RetrievalModel,
    options: TrainingOptions,
    query: ImageSet,
    database: ImageSet,
    top_k: int | None,
) -> tuple:
    """Returns the metrics of a model, and the figures of its curves."""
    parts = query, database
    if model.frozen_layers:
        features = FrozenFeatures(options.feature_cache)
        parts = [features.of_images(model, part) for part in parts]
    return measure(model, *parts, top_k=top_k, bootstrap=SAMPLES)


def _write(rows: list[Row], figures: list[tuple], data: str, output: str) -> None:
    header, cells = metric_cells([(row.name, row.metrics) for row in rows])
    header = (*header, "Minutes")
    cells = [(*line, row.minutes) for line, row in zip(cells, rows, strict=True)]
    html = comparison_page("Comparison", data.splitlines(), header, cells, figures)
    records = [
        {"name": row.name, "minutes": row.minutes, "metrics": row.metrics}
        for row in rows
    ]
    for name, text in (
        ("comparison.md", _markdown(header, cells)),
        ("comparison.json", json.dumps(records, indent=2) + "\n"),
        ("comparison.html", html),
    ):
        with write_atomically(os.path.join(output, name)) as file:
            file.write(text.encode(errors="replace"))


def _markdown(header: tuple, cells: list[tuple]) -> str:
    lines = [header, ["---"] * len(header), *cells]
    texts = [
        [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in line]
        for line in lines
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in texts)
