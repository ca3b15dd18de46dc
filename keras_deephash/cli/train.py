"""Trains a model on labelled images and saves it as a preset.

  keras-deephash train --data birds --output my_model
  keras-deephash train --data birds --output my_model --recipe published
  keras-deephash train --data birds.csv --output my_model --label-column species
  keras-deephash train --data data/cifar10 --output my_dch --bits 48 --epochs 60
  keras-deephash train --recipe zoo/recipes/dtq_cifar10_32.json --data data/cifar10 \\
      --output dtq_cifar10_32
  keras-deephash train --import my_hash --method MyHash --data data/cifar10 \\
      --output my_preset

PATH is a folder with one folder for each class, a table, or a directory of lists. Data
without a split are split by --seed, and OUTPUT.lists records the split. Options that
are not given are chosen from the number and the size of the training images, and
printed with the reason: docs/training.md has the table. A part of the training images
is held out; the training stops when the MAP on it stops rising, and keeps the best
epoch. With --recipe published, or another --backbone, options that are not given are as
published, and nothing is held out without --hold-out. At the end the queries are
evaluated against the database, and the figures are written into the preset's metadata.
An interrupted training is resumed after its last whole epoch, which is saved in
OUTPUT.backup, and gives the same result as without the interruption.
"""

import argparse
import json
import os
import shlex

from keras_deephash.cli.arguments import add_data, add_import


def add_arguments(parser) -> None:
    """Adds all options except those of the methods; they have no defaults here."""
    parser.argument_default = argparse.SUPPRESS
    add = parser.add_argument
    add_data(parser, default=argparse.SUPPRESS)
    add("--output", required=True, metavar="DIR", help="preset directory to write")
    add(
        "--recipe",
        metavar="FILE",
        help="JSON file of the options below; or 'published': options that are not "
        "given are as published, with --backbone small, 30 epochs, batches of 128 "
        "images and --optimizer recipe",
    )
    add_import(parser)
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--method", help="name of the method (default: DCH); all are listed below")
    add(
        "--backbone",
        help="'small' (32 to 64 pixels), 'caffe' (227 pixels), both from random "
        "weights; the name or directory of a preset to start from, of a backbone or "
        "of a method; keras:NAME, a network of Keras Applications with its ImageNet "
        "weights; or the class name of a backbone of your own "
        "(default: efficientnet_lite0_imagenet)",
    )
    add("--dropout", type=float, help="dropout of a new backbone (default: 0.5)")
    add(
        "--word-vectors",
        metavar="SOURCE",
        help="for methods that use word vectors: a word2vec or GloVe file, or the name "
        "of a gensim model",
    )
    add(
        "--substitutes",
        nargs="*",
        metavar="LABEL=WORD",
        help="words to look up for labels that the vocabulary lacks",
    )
    images = parser.add_argument_group("images")
    add = images.add_argument
    add("--image-size", type=int, help="pixels of the network's input")
    add(
        "--resize-size",
        type=int,
        help="pixels before the crop (default: in the backbone's proportion)",
    )
    add(
        "--padding",
        type=int,
        help="reflected pixels at the edges (default: in the backbone's proportion)",
    )
    add(
        "--augment",
        nargs="*",
        choices=("color", "cutout", "cutout_half"),
        help="augmentations besides random crops and flips",
    )
    frozen = parser.add_argument_group("frozen layers")
    add = frozen.add_argument
    add(
        "--freeze-until",
        metavar="LAYER",
        help="last layer of the backbone to freeze, such as block5c_out, or 'none'; "
        "the features of the frozen layers are computed once",
    )
    add(
        "--views",
        type=int,
        help="number of random views of each training image for which frozen features "
        "are computed; the epochs use them in turn",
    )
    add(
        "--feature-cache",
        metavar="DIR",
        help="directory that keeps the frozen features for later trainings (default: "
        "OUTPUT.features, removed at the end)",
    )
    add(
        "--freeze-statistics",
        action=argparse.BooleanOptionalAction,
        help="do not train the batch normalizations of a pretrained backbone: better "
        "for images that differ from those of its pretraining",
    )
    training = parser.add_argument_group("training")
    add = training.add_argument
    add("--epochs", type=int, help="number of epochs, at most")
    add("--batch-size", type=int, help="images per step, on all devices together")
    add(
        "--optimizer",
        choices=("recipe", "sgd", "adamw"),
        help="'recipe' is the method's own, SGD with learning-rate multipliers for "
        "DCH, DHN, DQN, DVSQ and DTQ; the others warm up for a tenth of the steps and "
        "decay by cosine",
    )
    add("--learning-rate", type=float, help="peak learning rate of sgd or adamw")
    add("--weight-decay", type=float, help="weight decay of sgd or adamw")
    add(
        "--hold-out",
        type=float,
        metavar="SHARE",
        help="share of the training images to hold out and evaluate on",
    )
    add("--evaluate-every", type=int, help="epochs between held-out evaluations")
    add(
        "--patience",
        type=int,
        help="stop after this many evaluations without a rise of the held-out MAP, and "
        "keep the weights of the best; 0: never stop",
    )
    add("--seed", type=int, help="random seed (default: 0)")
    add(
        "--resume",
        action="store_true",
        help="resume the interrupted training of OUTPUT.backup with its options; give "
        "--data, and other options whose files have moved since",
    )
    add(
        "--dry-run",
        action="store_true",
        help="read the data, build the model, print their sizes and how long the "
        "training will take, and write nothing",
    )
    output = parser.add_argument_group("preset")
    add = output.add_argument
    add("--dataset-name", help="name of the data in the metadata (default: none)")
    add(
        "--weights-dtype",
        choices=("float32", "float16", "bfloat16"),
        help="dtype of the saved weights: float16 takes less than half of the space, "
        "bfloat16 a third (default: float32)",
    )
    add(
        "--no-evaluation",
        action="store_true",
        help="leave out the evaluation of queries against the database at the end",
    )
    add(
        "--top-k",
        type=int,
        help="length of the rankings in the evaluation (default: full ranking)",
    )
    parser.set_defaults(parser=parser)


def add_late_arguments(parser, arguments: list[str]) -> None:
    """Adds the options of the methods, from their constructors.

    Args:
        arguments: list of str, the command line. Methods of other packages are
            imported only if it names them or asks for help.
    """
    from keras_deephash.extensions import import_module_of_user
    from keras_deephash.models.methods import METHODS
    from keras_deephash.training.method_options import shared_options

    asked = type(parser)(prog=parser.prog, add_help=False, allow_abbrev=False)
    asked.add_argument("--import", dest="imports", action="append", default=[])
    asked.add_argument("--method")
    asked.add_argument("--recipe")
    asked.add_argument("-h", "--help", action="store_true")
    asked = asked.parse_known_args(arguments)[0]
    for module in asked.imports:
        import_module_of_user(module)
    notes = []
    if asked.help:
        broken = METHODS.load_all()
        notes = [f"{name} cannot be used: {why}" for name, why in broken.items()]
    else:
        method = asked.method or _method_of_recipe(asked.recipe)
        if method is not None and METHODS.get(method) is None:
            known = METHODS.choices(method)
            parser.error(
                f"argument --method: invalid choice: {method!r}. It is {known}"
            )
    methods = METHODS.loaded()
    group = parser.add_argument_group(
        "arguments of the methods",
        " ".join(
            [
                f"Methods: {', '.join(sorted(methods))}. Arguments that are not given "
                "have the method's default; `bits` is 48.",
                *notes,
            ]
        ).replace("%", "%%"),
    )
    for name, (expected, told) in shared_options(methods).items():
        group.add_argument(
            f"--{name.replace('_', '-')}",
            metavar=expected,
            help=told.replace("%", "%%"),
        )


def run(options) -> None:
    from keras_deephash.cli.next_commands import next_commands
    from keras_deephash.training.dry_run import dry_run
    from keras_deephash.training.training import train

    record = training_options(options)
    if getattr(options, "dry_run", False):
        dry_run(record)
        return
    train(record)
    place = os.path.abspath(record.output)
    print(f"Saved: {record.output}. Load it: from_preset({place!r})")
    commands = next_commands(record.data, record.output, options.imports)
    if commands:
        print("What comes next:")
    for command in commands:
        print(f"  {shlex.join(command)}")


def training_options(options):
    """Returns the options of a training: a recipe's, then those of the command line."""
    from keras_deephash.models.methods import METHODS
    from keras_deephash.training.method_options import method_options
    from keras_deephash.training.options import TrainingOptions, option_names

    given = vars(options).copy()
    parser, recipe = given.pop("parser"), given.pop("recipe", None)
    command = shlex.join(["keras-deephash", *given.pop("arguments")])
    for name in ("command", "dry_run", "imports", "run"):
        given.pop(name, None)
    if given.pop("resume", False):
        if recipe is not None:
            raise ValueError(
                "`--resume` uses the options of the backup: leave out --recipe."
            )
        backup = TrainingOptions.from_backup(given["output"], given["data"]).as_dict()
        given = {**backup, **given}
        del given["command"]
    if recipe == "published":
        given["recipe"] = recipe
    elif recipe is not None:
        given = {"recipe": "published", **_read_recipe(recipe, parser), **given}
    cls = METHODS.find(given.get("method", TrainingOptions.method), "`--method`")
    plain = method_options(cls)
    for name in given.keys() - option_names():
        if name in plain and isinstance(given[name], str):
            argument = f"--{name.replace('_', '-')}"
            given[name] = plain[name].parse(given[name], argument)
    return TrainingOptions(**given, command=command)


def _read_recipe(path: str, parser) -> dict:
    """Reads the options of a recipe, and checks them as on the command line."""
    from keras_deephash.models.methods import METHODS
    from keras_deephash.training.method_options import shared_options
    from keras_deephash.training.option_checks import check_values
    from keras_deephash.training.options import (
        TrainingOptions,
        option_names,
        read_recipe,
    )

    recipe = read_recipe(path, "--recipe")
    known = option_names() | shared_options(METHODS.loaded()).keys()
    unknown = sorted(recipe.keys() - known)
    if unknown:
        parser.error(f"the recipe has an unknown option: {unknown[0]}")
    try:
        check_values(TrainingOptions(**{"data": "", **recipe}, command=""))
    except ValueError as error:
        parser.error(f"the recipe: {error}")
    return recipe


def _method_of_recipe(path: str | None) -> str | None:
    """Returns the method that a recipe names; its errors are reported later."""
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            return json.load(file).get("method")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
