"""One run of the benchmark: a method trained on features, and what it finds."""

import time
from dataclasses import dataclass, field

import keras
import numpy as np
from benchmark_data import Benchmark, Part

import keras_deephash as kdh
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.retrieval import evaluate_retrieval
from keras_deephash.training.optimizer import new_optimizer

# The budget of every method that learns by gradients.
STEPS, BATCH = 500, 128
WEIGHT_DECAY = 1e-4
# The layer of the backbone whose output the features are.
FEATURES_LAYER = "pool"
FALSE_POSITIVES = 1e-3
LENGTHS = (16, 32, 64)


@dataclass(frozen=True)
class Entry:
    """A method of the benchmark.

    Attributes:
        cls: str, name of the class.
        arguments: dict of its arguments, those of the length apart.
        nested: bool. Whether one model has all lengths.
        labels: bool. Whether it learns from labels.
    """

    cls: str
    arguments: dict = field(default_factory=dict)
    nested: bool = False
    labels: bool = True


ENTRIES = {
    "DQN": Entry("DQN"),
    "DHN": Entry("DHN"),
    "DVSQ": Entry("DVSQ"),
    "DCH": Entry("DCH"),
    "DTQ": Entry("DTQ"),
    "DPSH": Entry("DPSH"),
    "DTSH": Entry("DTSH"),
    "HashNet": Entry("HashNet"),
    "GreedyHash": Entry("GreedyHash"),
    "CSQ": Entry("CSQ"),
    "DPN": Entry("DPN"),
    "OrthoHash": Entry("OrthoHash"),
    "HyP2": Entry("HyP2"),
    "OrthoHash, nested": Entry("OrthoHash", nested=True),
    "GreedyHash, no labels": Entry("GreedyHash", {"supervised": False}, labels=False),
    "BiHalf": Entry("BiHalf", labels=False),
    "SDC": Entry("SDC", labels=False),
    "ITQ": Entry("ITQ", labels=False),
    "PCAHash": Entry("PCAHash", labels=False),
    "LSH": Entry("LSH", labels=False),
    "RQ": Entry("RQ", labels=False),
}
FLOAT_FEATURES = "float features"


def new_model(
    entry: Entry, backbone: keras.Model, data: Benchmark, bits: int, seed: int
):
    """The model of a method, its backbone frozen up to the features."""
    cls = getattr(kdh, entry.cls)
    arguments = dict(entry.arguments)
    if cls.is_quantizer:
        arguments["subcodebooks"] = bits // 8
    else:
        arguments["bits"] = bits
    if entry.nested:
        arguments["lengths"] = LENGTHS
    if "seed" in constructor_parameters(cls):
        arguments["seed"] = seed
    if entry.cls == "DVSQ":
        arguments["word_vectors"] = data.word_vectors
    model = cls(backbone, **arguments)
    if not cls.is_closed_form:
        model.freeze_backbone(FEATURES_LAYER)
    return model


def train(model, part: Part, rate: float | None, seed: int) -> float:
    """Trains a model on features; returns the seconds that it took."""
    started = time.perf_counter()
    if model.is_closed_form:
        model.fit(part.features, seed=seed, verbose=0)
        return time.perf_counter() - started
    per_epoch = -(-len(part) // BATCH)
    epochs = -(-STEPS // per_epoch)
    optimizer = new_optimizer("adamw", rate, WEIGHT_DECAY, epochs * per_epoch)
    # A step is short: what Keras does around it takes as long.
    model.compile(optimizer, steps_per_execution=10)
    model.fit(part.features, part.labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return time.perf_counter() - started


def codes_of(model, part: Part) -> np.ndarray:
    """Continuous codes of features."""
    return model.continuous_codes(part.features, batch_size=4096, verbose=0)


def mean_average_precision(model, query, database, top_k, bits=None) -> float:
    """MAP of pairs of (continuous codes, labels); quantizers rank by AQD."""
    return evaluate(model, query, database, top_k, bits).map


def measure(model, data: Benchmark, bits: int) -> dict:
    """The figures of a model: MAP, and precision and recall at the calibrated radius.

    The radius is the one that 1 in 1,000 of the wrong images lies within, measured on
    the held-out training images.
    """
    query, database, held_out = (
        (codes_of(model, part), part.labels)
        for part in (data.query, data.database, data.held_out)
    )
    found = evaluate(model, query, database, data.top_k, bits)
    radius = calibrated_radius(model, *held_out, bits)
    precision, recall = _at_radius(model, query, database, radius, bits)
    return {
        "map": found.map,
        "radius": radius,
        "precision_at_radius": precision,
        "recall_at_radius": recall,
    }


def measure_features(data: Benchmark) -> float:
    """MAP of the float features, compared by cosine."""
    query, database = (
        part.features / np.linalg.norm(part.features, axis=1, keepdims=True)
        for part in (data.query, data.database)
    )
    return evaluate_retrieval(
        None,
        data.query.labels,
        None,
        data.database.labels,
        query_features=query,
        database_features=database,
        distance="inner_product",
        top_k=data.top_k,
    ).map


def evaluate(model, query, database, top_k, bits):
    (query_codes, query_labels), (database_codes, database_labels) = query, database
    if bits is not None and not model.is_quantizer:
        query_codes, database_codes = query_codes[:, :bits], database_codes[:, :bits]
    return evaluate_retrieval(
        **model.ranking(query_codes, database_codes),
        query_labels=query_labels,
        database_labels=database_labels,
        top_k=top_k,
    )


def _queries_and_codes(model, queries, database, bits):
    """Both sides as `model.distances` takes them, cut to a length."""
    if not model.is_quantizer:
        queries, database = queries[:, :bits], database[:, :bits]
    return queries, model.to_codes(database)


def calibrated_radius(model, codes, labels, bits) -> float:
    """The largest radius with no more than the wanted share of wrong images."""
    distances = model.distances(*_queries_and_codes(model, codes, codes, bits))
    others = (labels.astype(np.float32) @ labels.T) == 0
    wrong = np.sort(distances[others & ~np.eye(len(codes), dtype=bool)])
    limit = wrong[int(FALSE_POSITIVES * len(wrong))]
    if model.is_quantizer:
        return float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    return float(max(int(limit) - 1, 0))  # Equal codes are found whatever it costs.


def _at_radius(model, query, database, radius, bits) -> tuple[float, float]:
    """Precision of what lies within a radius, and recall, means over the queries."""
    precisions, recalls = [], []
    queries, codes = _queries_and_codes(model, query[0], database[0], bits)
    for start in range(0, len(queries), 100):
        rows = slice(start, start + 100)
        distances = model.distances(queries[rows], codes)
        relevant = query[1][rows].astype(np.float32) @ database[1].T > 0
        within = distances <= radius
        hits = (within & relevant).sum(axis=1)
        precisions.append(hits / np.maximum(within.sum(axis=1), 1))
        recalls.append(hits / np.maximum(relevant.sum(axis=1), 1))
    return float(np.concatenate(precisions).mean()), float(
        np.concatenate(recalls).mean()
    )
