"""Finds copies of pictures: resized, compressed, cropped, turned, brightened, marked.

  keras-deephash duplicates photos
  keras-deephash duplicates new_photos --against photos.index
  keras-deephash duplicates --leaks data/train.txt data/test.txt data/database.txt

Writes the groups of copies to OUTPUT.json and to the page OUTPUT.html. For each group
it proposes which image to keep, the one with the most pixels. Nothing is deleted.
OUTPUT.cache keeps what was computed for each image, so that the next run reads only
files that are new or have changed, and compares them with the others. Images that
cannot be read are left out and listed in OUTPUT.unreadable.txt.

--leaks finds copies across two or three image lists, or across train.txt, test.txt and
database.txt of a directory.
"""

import json
import os
import shlex

from keras_deephash.cli import arguments

# The lists of a directory, as `train` and `evaluate` take them.
_LISTS = {"train": "train.txt", "query": "test.txt", "database": "database.txt"}


def add_arguments(parser) -> None:
    parser.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="a folder, or an image list"
    )
    parser.add_argument(
        "--against",
        metavar="INDEX",
        help="also find copies in this index of `keras-deephash index`: its nearest "
        "images are compared, and their files are read",
    )
    parser.add_argument(
        "--leaks",
        nargs="+",
        metavar="LIST",
        help="find only groups with images of two lists: image lists, or a directory "
        "with train.txt, test.txt and database.txt",
    )
    parser.add_argument(
        "--output",
        default="duplicates",
        metavar="NAME",
        help="NAME.json, NAME.html and NAME.cache are written (default: duplicates)",
    )
    parser.add_argument(
        "--false-positive-rate",
        type=float,
        metavar="SHARE",
        help="share of pairs of different pictures that may be taken for copies "
        "(default: one such pair per thousand images, at most 1e-4)",
    )
    parser.add_argument(
        "--preset", help="preset of the index of --against, if the index names none"
    )
    arguments.add_import(parser)
    arguments.add_uri(parser)
    arguments.add_strict(parser)
    arguments.add_batch_size(parser, 32)


def run(options) -> None:
    from keras_deephash.duplicates.calibration import lowest_score
    from keras_deephash.duplicates.page import duplicates_json, duplicates_page
    from keras_deephash.files import write_atomically
    from keras_deephash.images import ImageErrors

    _check(options)
    sets = _read_lists(options.leaks) if options.leaks else None
    if sets:
        paths = [path for images in sets.values() for path in images.images]
    else:
        paths, _ = arguments.read_images(options.folder)
    index = None
    if options.against:
        preset = options.preset or arguments.preset_of_index(options.against)
        model = arguments.load_model(preset)
        index = arguments.open_index(options.against, model, options.uri)
    lowest = lowest_score(len(paths), options.false_positive_rate)
    errors = ImageErrors(paths, options.strict)
    common = {
        "false_positive_rate": 10**-lowest,
        "cache": f"{options.output}.cache",
        "batch_size": options.batch_size,
        "verbose": 1,
        "on_error": errors.on_error,
    }
    # Files that cannot be written fail before the work.
    with (
        write_atomically(f"{options.output}.json") as data,
        write_atomically(f"{options.output}.html") as page,
    ):
        groups = _find(paths, sets, index, common)
        errors.refuse_none()
        found = groups, len(errors.readable), lowest, errors.unreadable
        text = json.dumps(duplicates_json(*found), indent=1)
        data.write(f"{text}\n".encode())
        title = f"Copies in {options.folder or ', '.join(options.leaks)}"
        command = shlex.join(["keras-deephash", *options.arguments])
        text = duplicates_page(title, *found, command)
        # A path may hold bytes that are not UTF-8.
        page.write(text.encode(errors="replace"))
    arguments.report_unreadable(options.output, errors.unreadable)
    more = sum(len(group) - 1 for group in groups)
    print(
        f"{options.output}.json and .html: {_count(len(groups), 'group')}, "
        f"{_count(more, 'image')} more than one of each"
    )


def _count(count: int, unit: str) -> str:
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _check(options) -> None:
    if bool(options.folder) == bool(options.leaks):
        raise ValueError("Give either a FOLDER or `--leaks` with its lists.")
    if options.folder and not os.path.exists(options.folder):
        raise ValueError(
            "FOLDER must be an existing folder or image list. "
            f"Received: {options.folder!r}."
        )
    if options.leaks and options.against:
        raise ValueError("`--against` is for a FOLDER: leave it out with `--leaks`.")
    if options.preset and not options.against:
        raise ValueError("`--preset` is for `--against INDEX`: leave it out.")


def _find(paths, sets, index, common) -> list:
    from keras_deephash.duplicates import find_duplicates, find_leaks

    if sets:
        return find_leaks(**sets, **common)
    return find_duplicates(paths, against=index, **common)


def _read_lists(given: list[str]) -> dict:
    """Reads the image sets for `find_leaks`, from lists or a directory of lists."""
    from keras_deephash.datasets import read_image_list

    if len(given) == 1 and os.path.isdir(given[0]):
        files = {key: os.path.join(given[0], name) for key, name in _LISTS.items()}
        files = {key: path for key, path in files.items() if os.path.exists(path)}
    else:
        files = _named(given)
    if len(files) < 2:
        raise ValueError(
            "`--leaks` must name two or three image lists, or a directory with two of "
            f"train.txt, test.txt and database.txt. Received: {' '.join(given)}."
        )
    return {
        key: read_image_list(path, verify_images=False) for key, path in files.items()
    }


def _named(given: list[str]) -> dict[str, str]:
    """Assigns the lists to parts, by their names or in the order of the parts."""
    if len(given) > len(_LISTS):
        return {}
    kinds = {name: kind for kind, name in _LISTS.items()} | {"query.txt": "query"}
    by_name = {kinds.get(os.path.basename(path)): path for path in given}
    if None not in by_name and len(by_name) == len(given):
        return by_name
    return dict(zip(_LISTS, given, strict=False))
