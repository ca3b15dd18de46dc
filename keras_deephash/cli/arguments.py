"""Arguments that several commands share, and the models and images that they name."""

import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec

from keras_deephash.text import printable

_SHOWN = 10


# The default preset, for images of any kind.
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
        help="name or directory of a preset, or an exported file, .onnx or .tflite "
        "(default: %(default)s, for any images)",
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
        help="a folder with images at any depth, an image, or an image list (a path "
        "and labels per line)",
    )


def add_data(parser, **how) -> None:
    """Adds the options for a labelled data set and for the columns of a table.

    Args:
        **how: arguments of `add_argument` for all of them, such as `default`.
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
        ("path", "with image paths (default: path, image, file, filename, ...)"),
        ("label", "with labels (default: label, class, category, tag, ...)"),
        (
            "split",
            "with the part of each image, or 'none' (default: split, subset, part, "
            "..., if there is one)",
        ),
    ):
        parser.add_argument(
            f"--{name}-column", metavar="NAME", help=f"table column {what}", **how
        )
    parser.add_argument(
        "--separator",
        metavar="TEXT",
        help="separator between the labels of an image in a table (default: |)",
        **how,
    )


def columns(options) -> dict:
    """Returns the values of the options of `add_columns`, by name."""
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
        help="address of the Milvus server that holds the index; the address that an "
        "index names is never contacted unless you give it here",
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
    """Loads the model of a preset; `overrides` replace arguments of the preset."""
    from keras_deephash.models.base.retrieval_model import RetrievalModel
    from keras_deephash.presets import from_preset

    model = from_preset(preset, **overrides)
    if not isinstance(model, RetrievalModel):
        raise ValueError(
            "`--preset` must be the preset of a method, which has codes. "
            f"Received: {preset!r}, a {type(model).__name__}."
        )
    return model


def load_encoder(preset: str):
    """Loads the `Encoder` of a preset's exported file, or its model if there is none.

    An `Encoder` starts in a fraction of the time.

    Args:
        preset: str. An exported file, or the name or directory of a preset.
    """
    from keras_deephash.export.arguments import format_of
    from keras_deephash.runtime.preset_files import preset_file

    has_file = format_of(preset) is not None or (
        find_spec("onnxruntime") and os.path.isfile(preset_file(preset))
    )
    # Without TensorFlow, the error of the encoder says what to do.
    if not has_file and find_spec("tensorflow"):
        return load_model(preset)
    from keras_deephash.runtime import Encoder

    return Encoder(preset)


def open_index(path: str, model, uri: str | None, mmap: bool = False):
    """Loads the saved index of a model, or maps its files, if it is only searched."""
    from keras_deephash.index import Index

    options = {} if uri is None else {"uri": uri}
    return Index.load(path, model, mmap=mmap, verify=True, **options)


def preset_of_index(path: str) -> str:
    """Returns the name of the installed preset that made an index.

    An index may come from anyone, and may name a directory, or a repository of the Hub
    that would be downloaded. So only the name of an installed preset is accepted, with
    the sha256 of its weights, which `Index.load` compares.
    """
    from keras_deephash.index.manifest import read_manifest
    from keras_deephash.presets.registry import preset_folders

    codes = read_manifest(path)["codes"]
    preset = codes.get("preset")
    if preset is None:
        raise ValueError(
            "The index does not name the preset that made it. Give --preset NAME."
        )
    known = isinstance(codes.get("weights_sha256"), str)
    if known and isinstance(preset, str) and preset in preset_folders():
        return preset
    why = "it is not installed" if known else "the index does not identify its weights"
    raise ValueError(
        f"The index {path!r} names the preset {preset!r}, but {why}. Nothing was "
        "loaded or downloaded. If you trust that preset, give it as --preset."
    )


def read_images(path: str) -> tuple:
    """Returns the paths of the images of `--images`, and labels of a list or None."""
    from keras_deephash.images import is_image_file

    if os.path.isdir(path):
        return read_folder(path), None
    if not os.path.exists(path):
        raise ValueError(
            "`--images` must be an existing folder, image or image list. "
            f"Received: {path!r}."
        )
    if is_image_file(path):
        return [path], None
    from keras_deephash.datasets import read_image_list

    listed = read_image_list(path, verify_images=False)
    return listed.images, listed.labels


def read_folder(folder: str) -> list[str]:
    """Returns the paths of a folder's images; reports other files on stderr."""
    from keras_deephash.images import describe_others, list_folder

    paths, others = list_folder(folder)
    if others:
        print(f"{folder}: {describe_others(others)}", file=sys.stderr)
    return paths


def percent(similarity: float) -> str:
    """Formats a similarity as a percentage, at least 0 %."""
    return f"{max(0.0, float(similarity)):.0%}"


def report_unreadable(output: str, unreadable: Mapping[str, str]) -> None:
    """Lists unreadable images in OUTPUT.unreadable.txt, or removes an older list."""
    from keras_deephash.images import write_report

    report = f"{output.rstrip(os.sep)}.unreadable.txt"
    write_report(report, unreadable)
    if unreadable:
        print(f"{report}: {_images(len(unreadable))} could not be read")


def tell_unreadable(unreadable: Mapping[str, str]) -> None:
    """Names unreadable images on stderr, for commands that write no list."""
    for number, why in enumerate(unreadable.values()):
        if number == _SHOWN:
            print(f"... and {len(unreadable) - _SHOWN} more", file=sys.stderr)
            break
        print(printable(why), file=sys.stderr)


def _images(count: int) -> str:
    return f"{count} image{'s' if count > 1 else ''}"
