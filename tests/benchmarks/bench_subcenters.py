"""What 16 centres per sub-codebook, for fast scans, cost in MAP.

Run with `python tests/benchmarks/bench_subcenters.py --data data/cifar10`. The features
of a preset are coded anew, each time with codebooks learned from the training images:
M sub-codebooks of K centres, M log2 K bits of information. Nothing is asserted.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras_deephash as kdh
from keras_deephash.codebooks import Codebook
from keras_deephash.datasets import read_lists
from keras_deephash.retrieval import evaluate_retrieval

FORMS = ((2, 256), (4, 16), (4, 256), (8, 16), (8, 256), (16, 16))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="dtq_cifar10_32")
    parser.add_argument("--data", required=True, metavar="DIR")
    parser.add_argument("--batch-size", type=int, default=128)
    options = parser.parse_args()
    model = kdh.from_preset(options.preset)
    names = ("train", "test", "database")
    train, query, database = (
        (part.labels, model.continuous_codes(part.images, options.batch_size))
        for part in read_lists(options.data, names, verify_images=False)
    )

    def evaluate(features) -> float:
        return evaluate_retrieval(
            None,
            query[0],
            None,
            database[0],
            query_features=query[1],
            database_features=features,
            distance=model.search_metric,
        ).map

    print("\n| M x K | Bits | Distortion of the database | MAP by AQD |")
    print("|---|---|---|---|")
    for subcodebooks, subcenters in FORMS:
        codebook = Codebook(subcodebooks, subcenters)
        codebook.fit(train[1])
        codes = codebook.encode(database[1])
        distortion = codebook.distortion(database[1], codes)
        bits = subcodebooks * (subcenters - 1).bit_length()
        score = evaluate(codebook.decode(codes))
        print(
            f"| {subcodebooks} x {subcenters} | {bits} | {distortion:.2f} | "
            f"{score:.4f} |",
            flush=True,
        )
    print(f"| features | | 0 | {evaluate(database[1]):.4f} |")


if __name__ == "__main__":
    main()
