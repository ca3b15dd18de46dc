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

import json
import os
import shlex

from keras_deephash.cli.train_arguments import add_arguments

__all__ = ["add_arguments", "add_late_arguments", "run"]


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
