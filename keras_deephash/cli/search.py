"""Finds the nearest images of an index.

  keras-deephash search --index photos.index --images query.jpg --save grid.png

Prints a table of similarities and distances, or JSON with --json. A similarity is 100 %
for equal binary codes, 75 to 90 % for the same image in 8 bytes of a quantizer, and
about 0 % for unrelated images. The distance is the number of different bits for binary
codes, and the asymmetric distance for a quantizer's: smaller is nearer.
"""

import argparse
import json
import os

from keras_deephash.cli import arguments

_TILE = 144  # Pixels, twice as many as in the picture, to be resized well.


def add_arguments(parser) -> None:
    parser.add_argument(
        "--index", required=True, metavar="DIR", help="directory of the index"
    )
    parser.add_argument(
        "--images",
        required=True,
        nargs="+",
        metavar="PATH",
        help="the queries: images, folders of images, or image lists",
    )
    parser.add_argument(
        "--preset",
        help="preset of the model, or an exported file (default: the preset that the "
        "index names, if it is installed)",
    )
    arguments.add_import(parser)
    arguments.add_uri(parser)
    parser.add_argument("-k", type=int, help="neighbours per query (default: 10)")
    parser.add_argument(
        "--radius",
        type=_radius,
        help="find all images within this distance, at most K of them; auto: the "
        "distance at which the calibrated preset finds one in a thousand unrelated "
        "images (or the lowest rate that its codes allow)",
    )
    parser.add_argument(
        "--save", metavar="PNG", help="picture of the queries and their neighbours"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments.add_strict(parser)


def _radius(word: str) -> float | str:
    try:
        return word if word == "auto" else float(word)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be a number or auto. Received: {word!r}"
        ) from None


def run(options) -> None:
    from keras_deephash.images import ImageErrors

    paths = []
    for path in options.images:
        # One that is not there is left out, as is each query that cannot be read.
        there = os.path.exists(path)
        paths.extend(arguments.read_images(path)[0] if there else [path])
    preset = options.preset or arguments.preset_of_index(options.index)
    model = arguments.load_encoder(preset)
    # Its files are read once, for their sums, and then searched where they are.
    index = arguments.open_index(options.index, model, options.uri, mmap=True)
    errors = ImageErrors(paths, options.strict)
    queries = model.continuous_codes(paths, on_error=errors.on_error)
    errors.refuse_none()
    arguments.tell_unreadable(errors.unreadable)
    found = index.search(queries, k=options.k, radius=options.radius)
    results = []
    for path, query, distances, ids in zip(
        errors.readable, queries, *found, strict=True
    ):
        names = index.names(ids) or [""] * len(ids)
        alike = index.similarities(query[None], ids[None])[0]
        neighbors = [
            {
                "id": int(i),
                "distance": distance.item(),
                "similarity": round(float(similarity), 4),
                "name": name,
            }
            for i, distance, similarity, name in zip(
                ids, distances, alike, names, strict=True
            )
        ]
        results.append({"query": path, "neighbors": neighbors})
    if options.json:
        print(json.dumps(results, indent=1))
    else:
        _print_table(results)
    if options.save:
        _draw(results, options.save)


def _print_table(results: list[dict]) -> None:
    for result in results:
        print(_printable(result["query"]))
        for rank, neighbor in enumerate(result["neighbors"], start=1):
            distance = f"{neighbor['distance']:.6g}"
            name = _printable(neighbor["name"])
            alike = arguments.percent(neighbor["similarity"])
            print(f"{rank:5} {alike:>5} {distance:>10} {neighbor['id']:>8}  {name}")
        if not result["neighbors"]:
            print("      none")


def _printable(path: str) -> str:
    """A path for the terminal: names of files may hold bytes that are not UTF-8."""
    from keras_deephash.text import printable

    return printable(path.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def _draw(results: list[dict], path: str) -> None:
    from keras_deephash.files import write_atomically
    from keras_deephash.plots.neighbor_grid import draw_neighbors

    columns = 20  # More would make the picture too wide.
    names = [[n["name"] for n in r["neighbors"][:columns]] for r in results]
    if any("" in row for row in names):
        raise ValueError("`--save` needs an index with the names of its images.")
    picture = draw_neighbors(
        [result["query"] for result in results],
        [[_tile(name) for name in row] for row in names],
        captions=[
            [arguments.percent(n["similarity"]) for n in r["neighbors"][:columns]]
            for r in results
        ],
    )
    with write_atomically(path) as file:
        picture.save(file, format="PNG")


def _tile(path: str):
    """Returns a small picture of an image, or None if its file is gone or damaged.

    A file on a network share is not opened, because anyone may have written the index
    that names it.
    """
    from PIL import Image

    from keras_deephash.files import is_network_path
    from keras_deephash.images import read_image

    if is_network_path(path):
        return None
    try:
        image = Image.fromarray(read_image(path))
    except (ValueError, OSError):
        return None
    image.thumbnail((_TILE, _TILE))
    return image
