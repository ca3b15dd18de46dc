"""Packs Tiny ImageNet for the pretraining: train.npz and val.npz.

  python zoo/pack_tiny_imagenet.py tiny-imagenet-200 data/tiny_imagenet

SOURCE is the archive: train/WNID/images/, val/images/, val/val_annotations.txt.
Classes are numbered in the order of their WordNet ids. Each file holds `images`, uint8
[n, 64, 64, 3], and `labels`, int16 [n].
"""

import argparse
from pathlib import Path

import numpy as np

from keras_deephash.files import write_atomically
from keras_deephash.images import read_image


def training_files(source: Path, wnids: list[str]) -> list[tuple[Path, int]]:
    return [
        (path, label)
        for label, wnid in enumerate(wnids)
        for path in sorted((source / "train" / wnid / "images").iterdir())
    ]


def validation_files(source: Path, wnids: list[str]) -> list[tuple[Path, int]]:
    lines = (source / "val" / "val_annotations.txt").read_text().splitlines()
    names = [line.split("\t")[:2] for line in lines]
    return [
        (source / "val" / "images" / name, wnids.index(wnid)) for name, wnid in names
    ]


def pack(files: list[tuple[Path, int]], path: Path) -> None:
    images = np.stack([read_image(file) for file, _ in files])
    labels = np.array([label for _, label in files], np.int16)
    with write_atomically(path) as file:
        np.savez(file, images=images, labels=labels)
    print(f"{path}: {len(images):,} images of {len(set(labels))} classes")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="the unpacked archive")
    parser.add_argument("output", type=Path, help="directory to write")
    options = parser.parse_args(arguments)
    wnids = sorted(folder.name for folder in (options.source / "train").iterdir())
    pack(training_files(options.source, wnids), options.output / "train.npz")
    pack(validation_files(options.source, wnids), options.output / "val.npz")


if __name__ == "__main__":
    main()
