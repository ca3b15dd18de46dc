"""The arguments of `keras-deephash train`, apart from those of the methods."""

import argparse

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
