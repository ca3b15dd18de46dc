"""Trains a model on image lists and saves it as a preset.

  keras-deephash train --data data/cifar10 --output my_dch --bits 48 --epochs 60
  keras-deephash train --recipe zoo/recipes/dch_cifar10_48.json --data data/cifar10 \\
      --output dch_cifar10_48

DIR holds train.txt, test.txt (the queries), database.txt and the images that they
list, a path and its labels a line. Only train.txt is trained on. With --hold-out a
part of it is kept out and evaluated during the training: choose settings by that.
At the end the queries are evaluated against the database, and the figures are kept
in the preset's metadata. An interrupted training goes on where it was: every epoch
is saved in OUTPUT.backup.
"""

import json
import shlex


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="directory of the image lists")
    add("--output", required=True, metavar="DIR", help="preset directory to write")
    add("--recipe", metavar="FILE", help="JSON object of the options below")
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--method", default="DCH", choices=("DCH",), help="default: DCH")
    add("--bits", type=int, default=48, help="code length (default: 48)")
    add(
        "--backbone",
        default="small",
        help="'small' (32 to 64 pixels), 'caffe' (227 pixels), both from random "
        "weights; or the name or directory of a preset to begin from (default: small)",
    )
    add("--dropout", type=float, default=0.5, help="of a new backbone (default: 0.5)")
    add("--gamma", type=float, default=30.0, help="Cauchy scale (default: 30)")
    add(
        "--quantization-weight",
        type=float,
        default=0.0,
        help="weight of the quantization loss (default: 0)",
    )
    images = parser.add_argument_group("images")
    add = images.add_argument
    add("--image-size", type=int, default=32, help="network input (default: 32)")
    add("--resize-size", type=int, help="default: image size * 256 / 227")
    add("--padding", type=int, default=0, help="reflected pixels (default: 0)")
    add(
        "--augment",
        nargs="*",
        default=[],
        choices=("color", "cutout"),
        help="beside random crops and flips (default: nothing)",
    )
    training = parser.add_argument_group("training")
    add = training.add_argument
    add("--epochs", type=int, default=30, help="default: 30")
    add("--batch-size", type=int, default=128, help="global batch (default: 128)")
    add(
        "--optimizer",
        default="recipe",
        choices=("recipe", "sgd", "adamw"),
        help="'recipe' is the published one: SGD with learning-rate multipliers; the "
        "others warm up for a tenth of the steps and decay by cosine "
        "(default: recipe)",
    )
    add("--learning-rate", type=float, default=1e-3, help="peak (default: 0.001)")
    add("--weight-decay", type=float, default=0.0, help="default: 0")
    add(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of train.txt to keep out and evaluate on (default: 0)",
    )
    add("--evaluate-every", type=int, default=5, help="epochs (default: 5)")
    add("--seed", type=int, default=0, help="default: 0")
    output = parser.add_argument_group("preset")
    add = output.add_argument
    add("--dataset-name", help="name in the metadata (default: none)")
    add("--weights-dtype", default="float32", choices=("float32", "float16"))
    add(
        "--no-evaluation",
        action="store_true",
        help="leave out the evaluation of queries against the database at the end",
    )
    parser.set_defaults(parser=parser)


def run(options) -> None:
    from keras_deephash.training import train

    command = shlex.join(["keras-deephash", *options.arguments])
    if options.recipe:
        options = _with_recipe(options)
    train(options, command)


def _with_recipe(options):
    """The options, the recipe's read before those of the command line."""
    with open(options.recipe, encoding="utf-8") as file:
        try:
            recipe = json.load(file)
        except ValueError as error:
            raise ValueError(
                f"`--recipe` must be a JSON file: {options.recipe!r}, {error}."
            ) from None
    if not isinstance(recipe, dict):
        raise ValueError(
            f"`--recipe` must hold a JSON object of options: {options.recipe!r}."
        )
    arguments = []
    for name, value in recipe.items():
        arguments.append("--" + name.replace("_", "-"))
        if value is not True:  # A flag stands alone.
            values = value if isinstance(value, list) else [value]
            arguments += map(str, values)
    # What stands on the command line comes later and so wins.
    return options.parser.parse_args(arguments + options.arguments[1:])
