"""Measures codes for any image: COCO mini, unseen classes, another domain.

  python zoo/measure_general.py --data DATA --features features \
      --presets itq_imagenet_128 rq_imagenet_64 dch_cifar10_48

Prints a table with a row for each preset, and one for the float features themselves,
compared by cosine. Features are those of the first preset's backbone at its size, and
are shared by all presets that have the same one; others encode the images themselves.
"P@10" is the share of the first 10 that have a label in common with the query, and "+-"
its standard error over the queries; NDCG@100 counts the labels in common. --write puts
the figures into the metadata of the presets.
"""

import argparse
from pathlib import Path

import numpy as np
from general_data import features, image_sets

import keras_deephash as kdh
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.readme import render_card
from keras_deephash.presets.registry import preset_folders
from keras_deephash.presets.sharing import write_described
from keras_deephash.retrieval import evaluate_retrieval

SETS = {"COCO mini": "coco", "unseen classes": "unseen", "CIFAR-10": "cifar10"}
TOP_K = 500


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--presets", nargs="+", required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS.values(), default=None)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write and options.sets:
        parser.error("--write needs the figures of all sets: leave --sets out")
    models = {name: kdh.from_preset(name) for name in options.presets}
    first = models[options.presets[0]]
    figures = {name: {} for name in models}
    print("| codes | set | MAP@500 | NDCG@100 | P@10 | +- |\n|---|---|---|---|---|---|")
    for title, name in SETS.items():
        if options.sets is not None and name not in options.sets:
            continue
        sides = [
            features(first, options.data, options.features, f"{name}_{side}")
            for side in ("queries", "database")
        ]
        labels = [multi_hot(side[1]) for side in sides]
        vectors = [unit(side[0]) for side in sides]
        print_row("float features", title, vectors[0] @ vectors[1].T, *labels)
        for preset, model in models.items():
            images = [side[0].astype(np.float32) for side in sides]
            if not same_backbone(model, first):
                images = [
                    image_sets(options.data)[f"{name}_{side}"]()[0]
                    for side in ("queries", "database")
                ]
            queries, database = (
                model.continuous_codes(x, batch_size=64, verbose=1) for x in images
            )
            distances = model.distances(queries, model.to_codes(database))
            figures[preset][title] = print_row(
                preset, title, -distances.astype(np.float32), *labels
            )
    if options.write:
        for preset, found in figures.items():
            write_metrics(preset, found)


def write_metrics(preset: str, found: dict) -> None:
    """Puts figures, by set, into the metadata and the README of a preset."""
    metrics = {"map": round(found["COCO mini"][0], 4), "top_k": TOP_K}
    titles = ("MAP@500", "NDCG@100", "P@10", "P@10, standard error")
    for title, cells in found.items():
        metrics |= {
            f"{title}: {name}": round(cell, 4)
            for name, cell in zip(titles, cells, strict=True)
        }
    folder = preset_folders()[preset]
    metadata = {**md.read_metadata(folder), "metrics": metrics}
    write_described(folder, metadata)
    (Path(folder) / md.README_FILE).write_text(render_card(preset, metadata))


def print_row(name: str, title: str, scores, query_labels, database_labels) -> tuple:
    """A row of figures, of scores [queries, database] that are higher for nearer."""
    found = evaluate_retrieval(
        None,
        query_labels,
        None,
        database_labels,
        scores=scores,
        top_k=TOP_K,
        precision_at=(10,),
    )
    gain = ndcg(scores, query_labels, database_labels)
    # Of each query alone, for the error; ties in the order of the database.
    first = np.argsort(-scores, axis=1, kind="stable")[:, :10]
    shared = (query_labels @ database_labels.T > 0).astype(float)
    alone = np.take_along_axis(shared, first, axis=1).mean(axis=1)
    error = alone.std() / np.sqrt(len(alone))
    cells = (found.map, gain, found.precision_at[10], error)
    numbers = " | ".join(f"{cell:.3f}" for cell in cells)
    print(f"| {name} | {title} | {numbers} |", flush=True)
    return tuple(map(float, cells))


def ndcg(scores, query_labels, database_labels, k: int = 100) -> float:
    """NDCG with gains 2^shared labels - 1; ties in the order of the database."""
    gains = 2.0 ** (query_labels @ database_labels.T) - 1
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    discounts = 1 / np.log2(np.arange(2, k + 2))
    found = np.take_along_axis(gains, order, axis=1) @ discounts
    best = -np.sort(-gains, axis=1)[:, :k] @ discounts
    return float(np.mean(found[best > 0] / best[best > 0]))


def multi_hot(labels: np.ndarray) -> np.ndarray:
    """Labels as float32 [n, L], of classes or multi-hot already."""
    if labels.ndim == 2:
        return labels.astype(np.float32)
    return (labels[:, None] == np.arange(200)).astype(np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    rows = rows.astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def same_backbone(one, other) -> bool:
    """Whether two models make the same features of an image."""
    if one.preprocessor.get_config() != other.preprocessor.get_config():
        return False
    weights = one.backbone.get_weights(), other.backbone.get_weights()
    return len(weights[0]) == len(weights[1]) and all(
        np.array_equal(a, b) for a, b in zip(*weights, strict=True)
    )


if __name__ == "__main__":
    main()
