"""Arguments that several commands take, and the images that they name."""

import os
import sys
from collections.abc import Mapping

from keras_deephash.text import printable

_SHOWN = 10


# What encodes images of which nothing is known.
GENERAL_PRESET = "rq_imagenet_64"


def add_preset(parser, several: bool = False) -> None:
    parser.add_argument(
        "--preset",
        required=True,
        nargs="+" if several else None,
        help="name or directory of a preset" + (", or of several" if several else ""),
    )


def add_general_preset(parser) -> None:
    parser.add_argument(
        "--preset",
        default=GENERAL_PRESET,
        help="name or directory of a preset (default: %(default)s, for any images)",
    )


def add_import(parser) -> None:
    parser.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="import methods or backbones of your own first: my_hash for my_hash.py "
        "in the working directory, or my_package.my_hash; may be repeated",
    )


def add_images(parser) -> None:
    parser.add_argument(
        "--images",
        required=True,
        metavar="PATH",
        help="a folder, all images below it; an image; or an image list (path and "
        "labels per line)",
    )


def add_data(parser, **how) -> None:
    """Adds what names a labelled data set, and the columns of a table.

    Args:
        **how: `default` of all of them, of `add_argument`.
    """
    parser.add_argument(
        "--data",
        required=True,
        metavar="PATH",
        help="a folder with one folder for each class, or with folders train, val, "
        "test and database of such folders; a table, .csv, .tsv, .jsonl or .parquet; "
        "or a directory with train.txt, test.txt (the queries) and database.txt",
    )
    add_columns(parser, **how)


def add_columns(parser, **how) -> None:
    for name, what in (
        ("path", "of the images' paths (default: path, image, file, filename, ...)"),
        ("label", "of their labels (default: label, class, category, tag, ...)"),
        (
            "split",
            "of the part each is in; none: no column is (default: split, subset, part, "
            "..., if any)",
        ),
    ):
        parser.add_argument(
            f"--{name}-column", metavar="NAME", help=f"column of a table {what}", **how
        )
    parser.add_argument(
        "--separator",
        metavar="TEXT",
        help="between the labels of an image in a table (default: |)",
        **how,
    )


def columns(options) -> dict:
    """The options that `add_columns` has added, as arguments."""
    names = ("path_column", "label_column", "split_column", "separator")
    return {name: getattr(options, name) for name in names}


def add_batch_size(parser, default: int) -> None:
    parser.add_argument(
        "--batch-size",
        type=int,
        default=default,
        help=f"images per step (default: {default})",
    )


def add_uri(parser) -> None:
    parser.add_argument(
        "--uri",
        help="address of the Milvus server that has the index, if one has: an index "
        "names an address, and you say whether to connect to it",
    )


def add_crops(parser) -> None:
    parser.add_argument(
        "--crops",
        type=int,
        choices=(1, 10),
        default=1,
        help="1: centre crop; 10: mean of ten crops, ten times slower (default: 1)",
    )


def add_strict(parser) -> None:
    parser.add_argument(
        "--strict",
        action="store_true",
        help="stop at images that cannot be read, instead of leaving them out",
    )


def load_model(preset: str, **overrides):
    """The model of a preset that has codes, with other arguments than the preset's."""
    from keras_deephash.models.base.retrieval_model import RetrievalModel
    from keras_deephash.presets import from_preset

    model = from_preset(preset, **overrides)
    if not isinstance(model, RetrievalModel):
        raise ValueError(
            "`--preset` must be a method's, which has codes. "
            f"Received: {preset!r}, a {type(model).__name__}."
        )
    return model


def open_index(path: str, model, uri: str | None):
    """The saved index of a model."""
    from keras_deephash.index import Index

    return Index.load(path, model, **({} if uri is None else {"uri": uri}))


def preset_of_index(path: str) -> str:
    """The name of the installed preset that made an index.

    An index may come from anybody, and name anything: a directory, or a repository of
    the Hub, which would be fetched. So only the name of an installed preset is taken
    from it, with the sha256 of its weights, which `Index.load` compares.
    """
    from keras_deephash.index.manifest import read_manifest
    from keras_deephash.presets.registry import preset_folders

    codes = read_manifest(path)["codes"]
    preset = codes.get("preset")
    if preset is None:
        raise ValueError(
            "The index does not name the preset that made it. Name it: --preset NAME."
        )
    known = isinstance(codes.get("weights_sha256"), str)
    if known and isinstance(preset, str) and preset in preset_folders():
        return preset
    why = "it is not installed here" if known else "the index does not say its weights"
    raise ValueError(
        f"The index {path!r} names the preset {preset!r}: {why}. Nothing was loaded or "
        "fetched. If you trust that preset, name it yourself: --preset."
    )


def read_images(path: str) -> tuple:
    """The paths of the images that `--images` names, and a list's labels or None."""
    from keras_deephash.datasets import read_image_list
    from keras_deephash.images import is_image_file

    if os.path.isdir(path):
        return read_folder(path), None
    if not os.path.exists(path):
        raise ValueError(
            "`--images` must name a folder, an image or an image list, and there is "
            f"no such file. Received: {path!r}."
        )
    if is_image_file(path):
        return [path], None
    listed = read_image_list(path, verify_images=False)
    return listed.images, listed.labels


def read_folder(folder: str) -> list[str]:
    """The paths of a folder's images; what else lies there is counted on stderr."""
    from keras_deephash.images import describe_others, list_folder

    paths, others = list_folder(folder)
    if others:
        print(f"{folder}: {describe_others(others)}", file=sys.stderr)
    return paths


def percent(similarity: float) -> str:
    """A similarity for people: unrelated images are 0 %."""
    return f"{max(0.0, float(similarity)):.0%}"


def report_unreadable(output: str, unreadable: Mapping[str, str]) -> None:
    """Lists unreadable images in OUTPUT.unreadable.txt, or removes an older list."""
    from keras_deephash.images import write_report

    report = f"{output.rstrip(os.sep)}.unreadable.txt"
    write_report(report, unreadable)
    if unreadable:
        print(f"{report}: {_images(len(unreadable))} could not be read")


def tell_unreadable(unreadable: Mapping[str, str]) -> None:
    """Names unreadable images on stderr, of commands that write no list."""
    for number, why in enumerate(unreadable.values()):
        if number == _SHOWN:
            print(f"... and {len(unreadable) - _SHOWN} more", file=sys.stderr)
            break
        print(printable(why), file=sys.stderr)


def refuse_none(errors) -> None:
    """Raises ValueError where `ImageErrors` leave no image."""
    if not errors.readable:
        why = list(errors.unreadable.values())
        raise ValueError(f"None of {_images(len(why))} can be read. {why[0]}")


def _images(count: int) -> str:
    return f"{count} image{'s' if count > 1 else ''}"
