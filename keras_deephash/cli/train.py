"""Trains a model on image lists and saves it as a preset.

  keras-deephash train --data data/cifar10 --output my_dch --bits 48 --epochs 60
  keras-deephash train --recipe zoo/recipes/dtq_cifar10_32.json --data data/cifar10 \\
      --output dtq_cifar10_32

DIR holds train.txt, test.txt (the queries), database.txt and the images that they
list, a path and its labels a line. Only train.txt is trained on. With --hold-out a
part of it is kept out and evaluated during the training: choose settings by that.
At the end the queries are evaluated against the database, and the figures are kept
in the preset's metadata. An interrupted training goes on after its last whole epoch,
which is saved in OUTPUT.backup, and gives what it would have given without a stop.
"""

import json
import shlex

METHODS = ("DCH", "DHN", "DQN", "DVSQ", "DTQ")


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("--data", required=True, metavar="DIR", help="directory of the image lists")
    add("--output", required=True, metavar="DIR", help="preset directory to write")
    add("--recipe", metavar="FILE", help="JSON object of the options below")
    model = parser.add_argument_group("model")
    add = model.add_argument
    add("--method", default="DCH", choices=METHODS, help="default: DCH")
    add(
        "--backbone",
        default="small",
        help="'small' (32 to 64 pixels), 'caffe' (227 pixels), both from random "
        "weights; the name or directory of a preset to begin from, of a backbone or "
        "of a method; or keras:NAME, a network of Keras Applications with its ImageNet "
        "weights (default: small)",
    )
    add("--dropout", type=float, help="of a new backbone (default: 0.5)")
    add(
        "--quantization-weight",
        type=float,
        help="weight of the quantization loss (default: the method's)",
    )
    method = parser.add_argument_group(
        "arguments of some methods", "what is left out is the method's default"
    )
    add = method.add_argument
    add("--bits", type=int, help="DCH, DHN: code length (default: 48)")
    add("--gamma", type=float, help="DCH: Cauchy scale")
    add("--distance", choices=("hamming", "squared_euclidean"), help="DCH")
    add("--alpha", type=float, help="DHN: slope of the sigmoid")
    add("--similarity", choices=("inner_product", "cosine"), help="DHN")
    add("--clip", type=float, help="DHN: bound of the inner products")
    add(
        "--pair-weighting",
        choices=("balanced", "one_sided", "none"),
        help="DCH, DHN, DQN",
    )
    add(
        "--quantization",
        choices=("cauchy", "log_cosh", "squared"),
        help="DCH, DHN: form of the quantization loss",
    )
    add("--subcodebooks", type=int, help="DQN, DVSQ, DTQ: bytes of a code")
    add("--subcenters", type=int, help="DQN, DVSQ, DTQ: centres a sub-codebook")
    add("--dim", type=int, help="DQN, DTQ: dimension of the features")
    add("--margin", type=float, help="DTQ; DVSQ: a fixed margin")
    add("--mining", choices=("margin", "hard", "all"), help="DTQ: triplets")
    add("--orthogonality-weight", type=float, help="DTQ: weight of the penalty")
    add(
        "--quantization-start",
        type=int,
        help="DQN, DVSQ, DTQ: first epoch, from 0, with the quantization loss",
    )
    add(
        "--word-vectors",
        metavar="SOURCE",
        help="DVSQ: a file of word2vec or GloVe, or the name of a model of gensim",
    )
    add(
        "--substitutes",
        nargs="*",
        default=[],
        metavar="LABEL=WORD",
        help="DVSQ: words to look up for labels that the vocabulary lacks",
    )
    images = parser.add_argument_group("images")
    add = images.add_argument
    add("--image-size", type=int, help="network input (default: the backbone's, or 32)")
    add("--resize-size", type=int, help="default: the backbone's share of image size")
    add(
        "--padding",
        type=int,
        help="reflected pixels (default: the backbone's share of image size)",
    )
    add(
        "--augment",
        nargs="*",
        default=[],
        choices=("color", "cutout", "cutout_half"),
        help="beside random crops and flips (default: nothing)",
    )
    frozen = parser.add_argument_group("frozen layers")
    add = frozen.add_argument
    add(
        "--freeze-until",
        metavar="LAYER",
        help="freeze the backbone up to this layer, such as block5c_out; what it makes "
        "of the images is computed once (default: nothing is frozen)",
    )
    add(
        "--views",
        type=int,
        help="random crops and augmentations of each training image to compute; epochs "
        "take them in turn (default: 4)",
    )
    add(
        "--feature-cache",
        metavar="DIR",
        help="keep the frozen features in files here, for trainings to come",
    )
    add(
        "--freeze-statistics",
        action="store_true",
        help="keep the batch normalizations of a pretrained backbone as they are, for "
        "images that differ from those of its pretraining",
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
    add("--learning-rate", type=float, help="peak of sgd or adamw (default: 0.001)")
    add("--weight-decay", type=float, help="of sgd or adamw (default: 0)")
    add(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="share of train.txt to keep out and evaluate on (default: 0)",
    )
    add("--evaluate-every", type=int, help="epochs, with --hold-out (default: 5)")
    add("--seed", type=int, default=0, help="default: 0")
    output = parser.add_argument_group("preset")
    add = output.add_argument
    add("--dataset-name", help="name in the metadata (default: none)")
    add(
        "--weights-dtype",
        default="float32",
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


def run(options) -> None:
    from keras_deephash.training.train import train

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
    if "recipe" in recipe:
        raise ValueError(
            f"A recipe holds all of its options, and no other `recipe`. "
            f"Received: {options.recipe!r}."
        )
    arguments = []
    for name, value in recipe.items():
        if value is None or value is False:
            continue  # As if the option were not there.
        arguments.append("--" + name.replace("_", "-"))
        if value is not True:  # A flag stands alone.
            values = value if isinstance(value, list) else [value]
            arguments += map(str, values)
    # What stands on the command line comes later and so wins.
    return options.parser.parse_args(arguments + options.arguments[1:])
