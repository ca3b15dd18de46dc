"""Saves the images of CIFAR-10, which Keras downloads, as files.

  python zoo/save_cifar10.py data/cifar10

An image is train/CLASS/NUMBER.jpg or test/CLASS/NUMBER.jpg: the number counts the
images of a class in the order of the data set. They are JPEG files of quality 75, as
those were that the figures of the zoo were measured with.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from PIL import Image

from keras_deephash.datasets.cifar10 import LABEL_NAMES
from keras_deephash.files import write_atomically
from keras_deephash.progress import Progress, plain_lines


def save(images, labels, folder: Path) -> None:
    """Saves uint8 images [n, 32, 32, 3] below a folder, by their classes [n]."""
    saved = [0] * len(LABEL_NAMES)
    progress = Progress(len(images), "image")
    for image, label in zip(images, labels, strict=True):
        path = folder / LABEL_NAMES[label] / f"{saved[label]:04}.jpg"
        with write_atomically(path) as file:
            Image.fromarray(image).save(file, "JPEG", quality=75)
        saved[label] += 1
        progress.add(1)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path, help="directory to write")
    options = parser.parse_args(arguments)
    with plain_lines():
        parts = keras.datasets.cifar10.load_data()
    for name, (images, labels) in zip(("train", "test"), parts, strict=True):
        save(images, labels.ravel(), options.root / name)


if __name__ == "__main__":
    main()
