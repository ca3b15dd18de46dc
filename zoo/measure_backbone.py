"""Measures retrieval by the raw features of a backbone: what a method must improve on.

  python zoo/measure_backbone.py dch_cifar10_48 data/coco_mini --top-k 500

PRESET is that of a backbone, or of a method, whose backbone is taken. DIR holds
test.txt (the queries), database.txt and the images.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from backbone_features import backbone_features

import keras_deephash as kdh


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("preset")
    parser.add_argument("data", metavar="DIR")
    parser.add_argument("--top-k", type=int, help="default: full ranking")
    parser.add_argument("--image-size", type=int, help="default: the preset's")
    options = parser.parse_args()

    model = kdh.from_preset(options.preset, image_size=options.image_size)
    backbone, preprocessor = getattr(model, "backbone", model), model.preprocessor
    query, database = kdh.datasets.read_lists(options.data, ("test", "database"))
    features = [
        backbone_features(backbone, preprocessor, images.images)
        for images in (query, database)
    ]
    lengths = [np.linalg.norm(x, axis=1, keepdims=True) for x in features]
    cosines = [x / np.maximum(n, 1e-12) for x, n in zip(features, lengths, strict=True)]
    for name, (queries, items), distance in (
        ("inner product", features, "inner_product"),
        ("Euclidean distance", features, "euclidean"),
        ("cosine", cosines, "inner_product"),
    ):
        found = kdh.evaluate_retrieval(
            None,
            query.labels,
            None,
            database.labels,
            query_features=queries,
            database_features=items,
            distance=distance,
            top_k=options.top_k,
        )
        print(f"MAP@{found.top_k} by {name}: {found.map:.4f}")


if __name__ == "__main__":
    main()
