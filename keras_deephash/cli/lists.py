"""Splits a data set into training images, queries and database, and writes lists.

  keras-deephash lists birds
  keras-deephash lists birds.csv --output birds_lists

PATH is a folder with one folder for each class, or a table. train.txt, test.txt (the
queries), database.txt and labels.txt are written into the folder itself, or into
--output, with a root.txt that says where the images are. `keras-deephash train --data`
takes either. The shares are the same for each class, and nearly identical images stay
in one list. Data that are already split keep their split.
"""

import os

from keras_deephash.cli import arguments


def add_arguments(parser) -> None:
    parser.add_argument(
        "data",
        metavar="PATH",
        help="a folder of class folders, or a table",
    )
    parser.add_argument(
        "--output", metavar="DIR", help="directory of the lists (default: the folder)"
    )
    parser.add_argument(
        "--query",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of the queries (default: 0.1)",
    )
    parser.add_argument(
        "--database",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="share of the database; the rest is for training (default: 0.2)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of the split (default: 0)"
    )
    arguments.add_columns(parser)


def run(options) -> None:
    from keras_deephash.datasets import split_images, write_lists
    from keras_deephash.datasets.parts import parts_of
    from keras_deephash.datasets.readable import check_readable
    from keras_deephash.datasets.sources import holds_lists, read_images

    output = options.output
    if output is None:
        if not os.path.isdir(options.data):
            raise ValueError(
                f"`--output` must name a directory for the lists of {options.data!r}."
            )
        output = options.data
    if os.path.isdir(output) and holds_lists(output):
        raise ValueError(
            f"{output!r} already holds lists. Remove them, or name another --output."
        )
    images = read_images(
        options.data, **arguments.columns(options), verify_images=False
    )
    if images.split is None:
        images = split_images(images, options.query, options.database, options.seed)
    else:
        check_readable(images.images)
    parts = parts_of(images)
    write_lists(parts, output, options.data if output == options.data else None)
    print(images)
    for part, members in parts.items():
        print(f"{part}: {len(members)} images")
    print(f"written to {output}")
