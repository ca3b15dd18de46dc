"""Makes the image lists of COCO, NUS-WIDE-81 or CIFAR-10's own split.

    python zoo/make_lists.py coco data/coco
    python zoo/make_lists.py nuswide data/nuswide
    python zoo/make_lists.py cifar10 data/cifar10_full
    python zoo/make_lists.py cifar10 data/cifar10 --names data/lists/cifar10

Of the images that are there and have a label, 5,000 queries and 10,000 training images
are drawn by the seed; the rest is the database. Of CIFAR-10 the test images are the
queries, and the training images both train and are the database (protocol II). With
--names DIR, the images are those that DIR/train.txt, DIR/test.txt and DIR/database.txt
name, one on each line; without the last, the database is the rest. The directory must
hold, as they come,

  coco     annotations/instances_train2014.json, annotations/instances_val2014.json,
           train2014/, val2014/
  nuswide  Groundtruth/AllLabels/, ImageList/Imagelist.txt,
           ConceptsList/Concepts81.txt, Flickr/
  cifar10  train/CLASS/ and test/CLASS/ with image files
"""

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np

COCO_PARTS = ("train2014", "val2014")
PARTS = ("train", "test", "database")


def read_coco(root: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """Paths, multi-hot labels [n, 80] and names of COCO, names in alphabetical order.

    That is also the order of the columns in the lists of the DeepHash toolkit.
    """
    paths, objects, names = [], [], {}
    for part in COCO_PARTS:
        file = root / "annotations" / f"instances_{part}.json"
        annotations = json.loads(file.read_text(encoding="utf-8"))
        names.update({c["id"]: c["name"] for c in annotations["categories"]})
        rows = {}
        for image in annotations["images"]:
            rows[image["id"]] = len(paths)
            paths.append(f"{part}/{image['file_name']}")
        objects += [
            (rows[a["image_id"]], a["category_id"]) for a in annotations["annotations"]
        ]
    columns = {name: column for column, name in enumerate(sorted(names.values()))}
    labels = np.zeros((len(paths), len(columns)), np.uint8)
    for row, category in objects:
        labels[row, columns[names[category]]] = 1
    return paths, labels, list(columns)


def read_nuswide(root: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """Paths, multi-hot labels [n, 81] and names of NUS-WIDE."""
    names = (root / "ConceptsList" / "Concepts81.txt").read_text().split()
    lines = (root / "ImageList" / "Imagelist.txt").read_text().split("\n")
    # The list was written on Windows.
    paths = ["Flickr/" + line.strip().replace("\\", "/") for line in lines if line]
    labels = np.empty((len(paths), len(names)), np.uint8)
    for column, name in enumerate(names):
        file = root / "Groundtruth" / "AllLabels" / f"Labels_{name}.txt"
        values = np.array(file.read_text().split(), dtype=np.int64)
        if len(values) != len(paths) or not np.isin(values, (0, 1)).all():
            raise ValueError(f"{file} must hold {len(paths)} lines of 0 or 1.")
        labels[:, column] = values
    return paths, labels, names


def read_cifar10(root: Path) -> tuple[list[str], np.ndarray, list[str]]:
    """Paths, one-hot labels [n, 10] and names; the training images come first."""
    files = [
        sorted(f for f in root.glob(f"{part}/*/*") if f.suffix in (".jpg", ".png"))
        for part in ("train", "test")
    ]
    if not all(files):
        raise ValueError(
            f"{root} must hold images in train/CLASS/ and in test/CLASS/. Found: "
            f"{len(files[0])} and {len(files[1])}."
        )
    files = files[0] + files[1]
    names = sorted({file.parent.name for file in files})
    classes = [names.index(file.parent.name) for file in files]
    paths = [file.relative_to(root).as_posix() for file in files]
    return paths, np.eye(len(names), dtype=np.uint8)[classes], names


READERS = {"cifar10": read_cifar10, "coco": read_coco, "nuswide": read_nuswide}


def draw(
    usable: np.ndarray, train: int, query: int, train_in_database: bool, seed: int
) -> dict[str, np.ndarray]:
    """Indices of the images of each list, drawn from the usable ones."""
    if train < 1 or query < 1:
        raise ValueError(
            "`--train` and `--query` must be at least 1. "
            f"Received: {train} and {query}."
        )
    if len(usable) <= train + query:
        raise ValueError(
            f"There must be more than {train} + {query} images that have a label and "
            f"whose file is there. Found: {len(usable)}."
        )
    order = np.random.default_rng(seed).permutation(usable)
    rest = order[query:] if train_in_database else order[query + train :]
    parts = {"test": order[:query], "train": order[query : query + train]}
    return {**parts, "database": np.sort(rest)}


def published_split(paths: list[str]) -> dict[str, np.ndarray]:
    """Indices of the images of each list: queries from test/, all else from train/."""
    queries = np.array([path.startswith("test/") for path in paths])
    train = np.flatnonzero(~queries)
    return {"test": np.flatnonzero(queries), "train": train, "database": train}


def named(
    directory: Path, paths: list[str], usable: np.ndarray
) -> dict[str, np.ndarray]:
    """Indices of the images of each list, by the names in a directory."""
    rows = {paths[row]: row for row in usable}
    parts = {}
    for part in PARTS:
        file = directory / f"{part}.txt"
        if part == "database" and not file.exists():
            taken = np.concatenate(list(parts.values()))
            parts[part] = np.setdiff1d(usable, taken)
            continue
        names = file.read_text(encoding="utf-8").splitlines()
        missing = [name for name in names if name not in rows]
        if missing:
            raise ValueError(
                f"{len(missing)} of the {len(names)} images that {file} names have no "
                f"label or no file. Missing: {missing[0]!r}, for one."
            )
        parts[part] = np.array([rows[name] for name in names])
    return parts


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; 0, or 2 if the user must change something."""
    parser = argparse.ArgumentParser(
        description="Make the image lists of COCO, NUS-WIDE-81 or CIFAR-10.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("dataset", choices=sorted(READERS))
    add("root", type=Path, help="directory of the data set; the lists go there too")
    add("--train", type=int, default=10_000, help="COCO, NUS-WIDE: training images")
    add("--query", type=int, default=5_000, help="COCO, NUS-WIDE: queries")
    add(
        "--train-in-database",
        action="store_true",
        help="the training images stay in the database too, as in most papers",
    )
    add("--seed", type=int, default=0, help="of the drawing")
    add("--names", type=Path, metavar="DIR", help="files that name the images")
    options = parser.parse_args(argv)
    try:
        written = (*PARTS, "labels")
        there = [f for f in options.root.glob("*.txt") if f.stem in written]
        if there:
            raise ValueError(f"{there[0]} is there already: remove the old lists.")
        paths, labels, names = READERS[options.dataset](options.root)
        found = [os.path.isfile(options.root / path) for path in paths]
        usable = np.flatnonzero(labels.any(axis=1) & found)
        if options.names is not None:
            parts = named(options.names, paths, usable)
        elif options.dataset == "cifar10":
            parts = published_split(paths)
        else:
            parts = draw(
                usable,
                options.train,
                options.query,
                options.train_in_database,
                options.seed,
            )
        (options.root / "labels.txt").write_text("\n".join(names) + "\n")
        for name, indices in parts.items():
            with open(options.root / f"{name}.txt", "w", encoding="utf-8") as file:
                for i in indices:
                    print(paths[i], *labels[i], file=file)
            print(f"{name}.txt: {len(indices)} images")
    except (OSError, KeyError, ValueError) as error:
        print(f"make_lists.py: error: {error}", file=sys.stderr)
        return 2
    print(f"Without a label or a file: {len(paths) - len(usable)} images")
    return 0


if __name__ == "__main__":
    sys.exit(main())
