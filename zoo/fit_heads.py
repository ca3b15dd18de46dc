"""Trains the presets of the methods that lead the comparison, above frozen features.

  python zoo/fit_heads.py --data DATA --features features --vectors word_vectors \
      --output zoo/presets

Each is trained as the first seed of a row of docs/comparison.md was, with the same
data and budget; the order of sums in several threads moves its figure a little. Its
rate is the best of 1e-3, 3e-3 and 1e-2 on held-out training images. The comparison
also tries rates beyond these: for HashNet it takes 3e-2, which finds as much.
Only the layer above the backbone is learned: a preset holds that layer, and names the
preset of its backbone. The table of radii is measured on the held-out training images.
"""

import argparse
import datetime
import os
from dataclasses import dataclass
from pathlib import Path

import keras
from benchmark_data import BACKBONE, SIZE, Benchmark, load
from benchmark_run import (
    BATCH,
    ENTRIES,
    STEPS,
    codes_of,
    new_model,
    train,
)
from pack_presets import pack_preset

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone

SEED = 0
BOOTSTRAP = 1000  # Samples of the queries, for intervals.
COMMAND = (
    "python zoo/fit_heads.py --data DATA --features features --vectors word_vectors "
    "--output zoo/presets"
)


@dataclass(frozen=True)
class Head:
    """A preset: the set and method of the comparison, bits, rate and purpose."""

    set: str
    method: str
    bits: int
    rate: float
    dataset: str
    purpose: str


_TINY = "Tiny ImageNet"
HEADS = {
    "greedy_hash_tiny_imagenet_64": Head(
        "tiny_imagenet",
        "GreedyHash",
        64,
        3e-3,
        _TINY,
        "200 kinds of things, small images, compared by Hamming distance",
    ),
    "ortho_hash_tiny_imagenet_64": Head(
        "tiny_imagenet",
        "OrthoHash, nested",
        64,
        1e-2,
        _TINY,
        "200 kinds of things, codes of 16, 32 and 64 bits in one",
    ),
    "hash_net_coco_mini_64": Head(
        "coco_mini",
        "HashNet",
        64,
        1e-2,
        "COCO mini",
        "photos with several of 80 everyday objects, compared by Hamming distance",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("data", "features", "vectors", "output"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--presets", nargs="+", choices=HEADS, default=list(HEADS))
    options = parser.parse_args()
    backbone = load_backbone(BACKBONE, SIZE)
    for name in options.presets:
        head = HEADS[name]
        data = load(head.set, options.data, options.features, options.vectors)
        save_head(options.output / name, head, data, backbone)


def save_head(path: Path, head: Head, data: Benchmark, backbone) -> None:
    """Trains, measures and saves a preset, without the weights of its backbone."""
    keras.utils.set_random_seed(SEED)
    model = new_model(ENTRIES[head.method], backbone, data, head.bits, SEED)
    seconds = train(model, data.train, head.rate, SEED)
    model.label_names = data.label_names
    query, database, held_out = (
        (codes_of(model, part), part.labels)
        for part in (data.query, data.database, data.held_out)
    )
    model.radius_table = kdh.calibrate(
        model,
        data.held_out.features,
        data.held_out.labels,
        dataset=f"{head.dataset}, {len(data.held_out)} held-out training images",
    )
    metrics = measure_head(model, query, database, data.top_k)
    model.save_to_preset(
        path,
        weights_dtype="float16",
        dataset=head.dataset,
        purpose=head.purpose,
        metrics=metrics,
        training={
            "split": f"{len(data.train)} images to learn from, {len(data.held_out)} "
            "held out",
            "start": BACKBONE,
            "seed": SEED,
            "optimizer": f"adamw, {head.rate:g}, {STEPS} steps of {BATCH}",
            "command": COMMAND,
            "date": datetime.date.today().isoformat(),
            "minutes": round(seconds / 60, 1),
        },
    )
    pack_preset(path, BACKBONE)
    print(path, metrics)


def measure_head(model, query, database, top_k: int | None) -> dict:
    """The figures of the metadata, with intervals over the queries."""
    figures = model.retrieval_metrics(
        *query, *database, top_k=top_k, bootstrap=BOOTSTRAP
    )
    return {**figures, "crops": 1}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
