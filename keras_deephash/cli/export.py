"""Writes a preset as a file that runs without TensorFlow and Keras.

  keras-deephash export --preset dch_cifar10_48 --output model.onnx
  keras-deephash export --preset dch_cifar10_48

The file takes pixels and gives packed codes; `keras_deephash.Encoder`, `encode`,
`index` and `search` take it as `--preset model.onnx`. Without --output the ONNX file is
kept in ~/.cache/keras_deephash, where these commands find it by the name of the preset
and start in a fraction of the time. Needs the extra export:
pip install "keras-deephash[export]"
"""

import os

from keras_deephash.cli import arguments

# Formats, and the ends of the names of their files.
FORMATS = {"onnx": ".onnx", "litert": ".tflite", "saved_model": ""}


def add_arguments(parser) -> None:
    arguments.add_preset(parser)
    arguments.add_import(parser)
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="default: that of the end of --output, .onnx or .tflite; else saved_model",
    )
    parser.add_argument(
        "--output",
        metavar="PATH",
        help="file, or directory of a SavedModel, to write (default: the file that the "
        "other commands find by the name of the preset)",
    )
    parser.add_argument(
        "--quantize",
        choices=["int8"],
        help="weights of 8 bits: a quarter of the file, and some bits of codes differ",
    )


def run(options) -> None:
    from keras_deephash.runtime.preset_files import (
        make_preset_file,
        preset_label_names,
    )

    if options.output is None:
        if options.format not in (None, "onnx") or options.quantize:
            raise ValueError(
                "`--output` must be given for a --format other than onnx and for "
                "--quantize: the other commands find float32 files of ONNX alone."
            )
        _tell(make_preset_file(options.preset))
        return
    end = os.path.splitext(options.output)[1].lower()
    format = options.format or {".onnx": "onnx", ".tflite": "litert"}.get(
        end, "saved_model"
    )
    if end != FORMATS[format] and format != "saved_model":
        raise ValueError(
            f"`--output` must end in {FORMATS[format]} for --format {format}. "
            f"Received: {options.output!r}."
        )
    model = arguments.load_model(options.preset)
    model.export(
        options.output,
        format=format,
        quantize=options.quantize,
        label_names=preset_label_names(options.preset),
        verbose=False,
    )
    _tell(options.output)


def _tell(path: str) -> None:
    paths = [path]
    if os.path.isdir(path):
        paths = [os.path.join(at, n) for at, _, names in os.walk(path) for n in names]
    size = sum(map(os.path.getsize, paths))
    print(f"{path}: {size / 1e6:.1f} MB")
