"""Measures what radii mean for presets that are there, and writes it into them.

  python zoo/calibrate_presets.py --data DATA/cifar10 --below test --dataset CIFAR-10 \\
      NAME ...

The images are 1,000 of database.txt, drawn with a seed: no image that a preset was
trained on (those of protocol II have seen all of CIFAR-10 but its test images, which
are --below test), and no query of protocol I. The weights are not touched.
"""

import argparse
import os

import numpy as np

import keras_deephash as kdh
from keras_deephash.datasets import read_image_list
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.format.readme import render_card
from keras_deephash.presets.registry import preset_folders
from keras_deephash.presets.sharing import write_described

IMAGES, SEED = 1000, 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="directory of database.txt")
    parser.add_argument("--below", default="", help="only images of this folder")
    parser.add_argument("--dataset", required=True, help="its name, to be kept")
    parser.add_argument("presets", nargs="+", metavar="NAME")
    options = parser.parse_args()
    database = read_image_list(f"{options.data}/database.txt")
    root = os.path.join(os.path.abspath(options.data), options.below)
    rows = [i for i, path in enumerate(database.images) if path.startswith(root)]
    rows = np.random.default_rng(SEED).permutation(rows)[:IMAGES]
    images = database.subset(np.sort(rows))
    part = f"below {options.below} " if options.below else ""
    source = f"{options.dataset}, {len(images)} images {part}of database.txt"
    for name in options.presets:
        table = kdh.calibrate(kdh.from_preset(name), images, dataset=source, verbose=1)
        folder = preset_folders()[name]
        metadata = {**md.read_metadata(folder), "radius_table": table.to_json()}
        write_described(folder, metadata)
        readme = os.path.join(folder, md.README_FILE)
        if os.path.exists(readme):
            with open(readme, "w", encoding="utf-8") as file:
                file.write(render_card(name, metadata))
        print(f"{name}: radius {table.auto_radius():.4g} for one in a thousand")


if __name__ == "__main__":
    main()
