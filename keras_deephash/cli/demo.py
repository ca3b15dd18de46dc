"""Trains a small 48-bit model on handwritten digits, searches, draws a picture.

  keras-deephash demo
  keras-deephash demo --images photos

Needs no network and no data set; takes about a minute. Then the preset
dch_cifar10_48 that comes with the package is loaded and encodes photos. With
--images, that preset encodes a folder of your own instead, and the picture shows
the nearest neighbours of some of its images.
"""


def add_arguments(parser) -> None:
    parser.add_argument(
        "--images", metavar="DIR", help="use all images below this folder"
    )
    parser.add_argument(
        "--preset",
        default="dch_cifar10_48",
        help="preset that encodes photos (default: dch_cifar10_48)",
    )
    parser.add_argument(
        "--output",
        default="keras_deephash_demo.png",
        help="picture to write (default: keras_deephash_demo.png)",
    )
    parser.add_argument(
        "--queries", type=int, default=8, help="rows of the picture (default: 8)"
    )
    parser.add_argument(
        "--neighbors", type=int, default=10, help="images a row (default: 10)"
    )
    parser.add_argument(
        "--epochs", type=int, default=16, help="epochs on the digits (default: 16)"
    )


def run(options) -> None:
    from keras_deephash import demo

    if options.queries < 1 or options.neighbors < 1:
        raise ValueError(
            "`--queries` and `--neighbors` must be >= 1. Received: "
            f"{options.queries} and {options.neighbors}."
        )
    if options.images:
        demo.search_folder(
            options.images,
            options.preset,
            options.output,
            options.queries,
            options.neighbors,
        )
    else:
        demo.search_digits(
            options.output, options.queries, options.neighbors, options.epochs
        )
        demo.encode_photos(options.preset)
    print(
        "\nWhat to try next:\n"
        "  keras-deephash demo --images FOLDER     neighbours among your own images\n"
        "  keras-deephash encode --images FOLDER --preset dch_cifar10_48\n"
        "  keras-deephash presets                  what loads by name\n"
        "  keras-deephash train --help             train on your own lists"
    )
