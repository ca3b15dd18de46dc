"""Trains a model on labelled images and saves it as a preset.

  keras-deephash train --data birds --output my_model
  keras-deephash train --data birds --output my_model --recipe published
  keras-deephash train --data birds.csv --output my_model --label-column species
  keras-deephash train --data data/cifar10 --output my_dch --bits 48 --epochs 60
  keras-deephash train --recipe zoo/recipes/dtq_cifar10_32.json --data data/cifar10 \\
      --output dtq_cifar10_32
  keras-deephash train --import my_hash --method MyHash --data data/cifar10 \\
      --output my_preset

PATH is a folder with one folder for each class, a table, or a directory of lists; what
has no split is split by --seed, and OUTPUT.lists says how. Only the training images are
trained on. What is not given is chosen by their number and size, and printed with the
reason: docs/training.md has the table. A part of them is held out; the training stops
when its MAP stops rising, and keeps the best epoch. With --recipe published, or another
--backbone, the rest is as published: nothing is held out unless --hold-out says so. At
the end the queries are evaluated against the database, and the figures are kept in the
preset's metadata. An interrupted training goes on after its last whole epoch, which is
saved in OUTPUT.backup, and gives what it would have given without a stop.
"""

import argparse
import json
import os
import shlex

from keras_deephash.cli.arguments import add_data, add_import


def add_arguments(parser) -> None:
    """Adds all options but those of the methods; they have no defaults here."""
    parser.argument_default = argparse.SUPPRESS
    add = parser.add_argument
    add_data(parser, default=argparse.SUPPRESS)
    add("--output", required=True, metavar="DIR", help="preset directory to write")
    add(
        "--recipe",
        metavar="FILE",
        help="JSON object of the options below; or 'published': what is not given is "
        "as published, with --backbone small, 30 epochs, batches of 128 images and "
        "--optimizer recipe",
    )
    add_import(parser)
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--method", help="default: DCH; see below for all")
    add(
        "--backbone",
        help="'small' (32 to 64 pixels), 'caffe' (227 pixels), both from random "
        "weights; the name or directory of a preset to begin from, of a backbone or "
        "of a method; keras:NAME, a network of Keras Applications with its ImageNet "
        "weights; or the class name of a backbone of your own "
        "(default: efficientnet_lite0_imagenet)",
    )
    add("--dropout", type=float, help="of a new backbone (default: 0.5)")
    add(
        "--word-vectors",
        metavar="SOURCE",
        help="of methods that take them: a file of word2vec or GloVe, or the name of "
        "a model of gensim",
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
    add("--resize-size", type=int, help="default: the backbone's share of image size")
    add(
        "--padding",
        type=int,
        help="reflected pixels (default: the backbone's share of image size)",
    )
    add(
        "--augment",
        nargs="*",
        choices=("color", "cutout", "cutout_half"),
        help="beside random crops and flips",
    )
    frozen = parser.add_argument_group("frozen layers")
    add = frozen.add_argument
    add(
        "--freeze-until",
        metavar="LAYER",
        help="freeze the backbone up to this layer, such as block5c_out, or nothing, "
        "'none'; what it makes of the images is computed once",
    )
    add(
        "--views",
        type=int,
        help="random crops and augmentations of each training image to compute; epochs "
        "take them in turn",
    )
    add(
        "--feature-cache",
        metavar="DIR",
        help="keep the frozen features in files here, for trainings to come "
        "(default: OUTPUT.features, until the end)",
    )
    add(
        "--freeze-statistics",
        action=argparse.BooleanOptionalAction,
        help="keep the batch normalizations of a pretrained backbone as they are, for "
        "images that differ from those of its pretraining",
    )
    training = parser.add_argument_group("training")
    add = training.add_argument
    add("--epochs", type=int, help="at most")
    add("--batch-size", type=int, help="global batch")
    add(
        "--optimizer",
        choices=("recipe", "sgd", "adamw"),
        help="'recipe' is the method's own, SGD with learning-rate multipliers for "
        "DCH, DHN, DQN, DVSQ and DTQ; the others warm up for a tenth of the steps and "
        "decay by cosine",
    )
    add("--learning-rate", type=float, help="peak of sgd or adamw")
    add("--weight-decay", type=float, help="of sgd or adamw")
    add(
        "--hold-out",
        type=float,
        metavar="SHARE",
        help="share of the training images to keep out and evaluate on",
    )
    add("--evaluate-every", type=int, help="epochs between those evaluations")
    add(
        "--patience",
        type=int,
        help="evaluations without a rise of the held-out MAP after which the training "
        "stops, with the weights of the best; 0: never",
    )
    add("--seed", type=int, help="default: 0")
    add(
        "--resume",
        action="store_true",
        help="go on with the interrupted training of OUTPUT.backup, with its options; "
        "--data names where the images are now, and what else has moved is named anew",
    )
    add(
        "--dry-run",
        action="store_true",
        help="read the data, build the model, say how large they are and how long the "
        "training will take, and write nothing",
    )
    output = parser.add_argument_group("preset")
    add = output.add_argument
    add("--dataset-name", help="name in the metadata (default: none)")
    add(
        "--weights-dtype",
        choices=("float32", "float16", "bfloat16"),
        help="of the file: float16 takes less than half, bfloat16 a third "
        "(default: float32)",
    )
    add(
        "--no-evaluation",
        action="store_true",
        help="leave out the evaluation of queries against the database at the end",
    )
    add(
        "--top-k",
        type=int,
        help="cut the rankings of the evaluation here (default: full ranking)",
    )
    parser.set_defaults(parser=parser)


def add_late_arguments(parser, arguments: list[str]) -> None:
    """Adds the options of the methods, from their constructors.

    Args:
        arguments: list of str, the command line: a method of its own package is
            imported where it names it, or asks for help.
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
                f"Methods: {', '.join(sorted(methods))}. What is left out is the "
                "method's default; `bits` is 48.",
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
    """The record of a training: the options of a recipe, then the command line's."""
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
                "`--resume` has the options of the backup: leave out --recipe."
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
    """The options of a recipe; what the command line would refuse, it refuses."""
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
        parser.error(f"the recipe has an option that there is not: {unknown[0]}")
    try:
        check_values(TrainingOptions(**{"data": "", **recipe}, command=""))
    except ValueError as error:
        parser.error(f"the recipe: {error}")
    return recipe


def _method_of_recipe(path: str | None) -> str | None:
    """The method that a recipe names; what is wrong with it shows later."""
    try:
        with open(path or os.devnull, encoding="utf-8") as file:
            return json.load(file).get("method")
    except (OSError, ValueError, AttributeError, RecursionError):
        return None
