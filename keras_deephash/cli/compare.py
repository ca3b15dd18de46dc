"""Trains several methods on the same images, and writes a table and a page of curves.

  keras-deephash compare --data birds --methods DCH DHN ITQ --bits 16 48 \\
      --output comparison

All methods learn from the same images, with the settings that `keras-deephash train`
chooses or those given here, and search the same database. The features of frozen layers
are computed once, in OUTPUT/features. OUTPUT/comparison.md, .json and .html hold the
figures and the curves, and are written after each training; the presets are beside
them. Do not choose settings by these figures: they are measured on the queries. Needs
the extra `plots`: pip install "keras-deephash[plots]"
"""

import argparse

from keras_deephash.cli.arguments import add_data, add_import

_OPTIONS = {
    "--backbone": {"help": "this and the others: as in `keras-deephash train`"},
    "--recipe": {"choices": ("published",)},
    "--image-size": {"type": int},
    "--freeze-until": {"metavar": "LAYER"},
    "--views": {"type": int},
    "--epochs": {"type": int},
    "--batch-size": {"type": int},
    "--optimizer": {"choices": ("recipe", "sgd", "adamw")},
    "--learning-rate": {"type": float},
    "--weight-decay": {"type": float},
    "--hold-out": {"type": float},
    "--seed": {"type": int},
    "--word-vectors": {"metavar": "SOURCE", "help": "for DVSQ"},
    "--top-k": {"type": int, "help": "length of the rankings (default: full)"},
}


def add_arguments(parser) -> None:
    parser.argument_default = argparse.SUPPRESS
    add_data(parser, default=argparse.SUPPRESS)
    add_import(parser)
    add = parser.add_argument
    add("--methods", nargs="+", required=True, metavar="METHOD", help="method names")
    add(
        "--bits",
        nargs="+",
        type=int,
        default=[48],
        help="code lengths, for quantizers too (default: 48)",
    )
    add("--output", default="comparison", metavar="DIR", help="default: comparison")
    group = parser.add_argument_group("training")
    for name, how in _OPTIONS.items():
        group.add_argument(name, **how)


def run(options) -> None:
    from keras_deephash.training.comparison import compare

    given = vars(options).copy()
    for name in ("arguments", "command", "imports", "run"):
        given.pop(name, None)
    rows = compare(**given)
    for row in rows:
        print(f"{row.name:20} map {row.metrics['map']:.4f}  {row.preset}")
    print(f"written to {options.output}: comparison.md, comparison.html")
