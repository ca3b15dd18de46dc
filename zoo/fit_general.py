"""Fits the presets for any image: ITQ and RQ on features of EfficientNet-Lite0.

  python zoo/fit_general.py --data DATA --features features --output zoo/presets

DATA holds `tiny_imagenet` (see zoo/pack_tiny_imagenet.py) and `coco_mini`. Features
are computed once and kept in --features. Images are squashed to 224 x 224 pixels. No
label is looked at for the codes. The table of radii is measured on the training list of
COCO mini, with its labels: see docs/general_codes.md.
"""

import argparse
import datetime
from pathlib import Path

import numpy as np
from general_data import FITTED, features

import keras_deephash as kdh

IMAGE_SIZE, SEED = 224, 0
BACKBONE = "efficientnet_lite0_imagenet"
# What the card says of what is known and what is not.
KNOWN = {
    "known": "photos of everyday things; the images measured are 64 and 128 pixels "
    "wide, enlarged",
    "not known": "faces, documents, medical and satellite images were not measured",
    "backbone": "has seen the 1,000 classes of ImageNet, with labels",
    "licences": "Tiny ImageNet is a part of ImageNet, for research; COCO is of Flickr, "
    "under licences of Creative Commons; no image is in the preset",
}
DATASET = "Tiny ImageNet and COCO mini, without labels"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    backbone = kdh.EfficientNetLiteBackbone.from_preset(BACKBONE)
    preprocessor = backbone.preprocessor.resized(IMAGE_SIZE, resize_size=IMAGE_SIZE)
    rows = None
    for name, model in new_models(backbone, preprocessor).items():
        if rows is None:
            parts = [
                features(model, options.data, options.features, part)[0]
                for part in FITTED
            ]
            rows = np.concatenate(parts).astype(np.float32)
        history = model.fit(rows, seed=SEED).history
        calibrate(model, options)
        training = {
            "split": f"{len(rows)} images: 12,000 of 160 classes of Tiny ImageNet, "
            "train.txt of COCO mini; no labels",
            "start": BACKBONE,
            "seed": SEED,
            "optimizer": "closed form",
            "command": "python zoo/fit_general.py --data DATA --features features "
            "--output zoo/presets",
            "date": datetime.date.today().isoformat(),
            **KNOWN,
            **{key: round(min(values), 4) for key, values in history.items()},
        }
        model.save_to_preset(
            options.output / name,
            weights_dtype="float16",
            dataset=DATASET,
            training=training,
            purpose=purpose(model),
        )
        print(f"{options.output / name}: {training}")


def new_models(backbone, preprocessor) -> dict:
    """The models by the names of their presets."""
    models = {
        f"itq_imagenet_{bits}": kdh.ITQ(backbone, bits, preprocessor=preprocessor)
        for bits in (64, 128, 256)
    }
    return models | {
        f"rq_imagenet_{8 * count}": kdh.RQ(backbone, count, preprocessor=preprocessor)
        for count in (8, 16)
    }


def purpose(model) -> str:
    """The purpose of a preset, in a line."""
    if model.is_quantizer:
        return (
            f"images of any kind: {model.subcodebooks} bytes, the closest for the size"
        )
    return f"images of any kind: {model.bits} bits, compared by Hamming distance"


def calibrate(model, options) -> None:
    """Measures the radii on the training list of COCO mini.

    A second model, fitted without those images, is measured: the codes of images that a
    model was fitted to lie a little closer.
    """
    tiny, coco = (
        features(model, options.data, options.features, part) for part in FITTED
    )
    other = type(model).from_config(model.get_config())
    other.backbone.set_weights(model.backbone.get_weights())
    other.fit(tiny[0].astype(np.float32), seed=SEED)
    model.radius_table = kdh.calibrate(
        other,
        coco[0].astype(np.float32),
        coco[1],
        dataset="COCO mini, train.txt; fitted without it",
    )


if __name__ == "__main__":
    main()
