"""Trains a small 48-bit model on handwritten digits, searches and draws a picture.

  keras-deephash demo
  keras-deephash demo --images photos

It needs no network and no data set, and takes about a minute. Then a preset for images
of any kind, which comes with the package, encodes photos. With --images, that preset
encodes a folder of your own instead, and the picture shows the nearest neighbours of
some of its images, and how similar they are, in percent.
"""

from keras_deephash.cli import arguments


def add_arguments(parser) -> None:
    parser.add_argument(
        "--images", metavar="DIR", help="use all images below this folder"
    )
    arguments.add_general_preset(parser)
    arguments.add_import(parser)
    parser.add_argument(
        "--output",
        default="keras_deephash_demo.png",
        help="picture to write (default: keras_deephash_demo.png)",
    )
    parser.add_argument(
        "--queries", type=int, default=8, help="rows of the picture (default: 8)"
    )
    parser.add_argument(
        "--neighbors", type=int, default=10, help="images per row (default: 10)"
    )
    arguments.add_strict(parser)
    parser.add_argument(
        "--epochs",
        type=int,
        help="epochs on the digits, without --images (default: 16)",
    )


def run(options) -> None:
    from keras_deephash.checks import check_integer
    from keras_deephash.cli import demo_steps
    from keras_deephash.files import write_atomically

    check_integer("--queries", options.queries, minimum=1)
    check_integer("--neighbors", options.neighbors, minimum=1)
    if options.epochs is not None:
        check_integer("--epochs", options.epochs, minimum=1)
        if options.images:
            raise ValueError(
                "`--epochs` is for the digits: leave out `--epochs` or `--images`. "
                f"Received: --epochs {options.epochs}."
            )
    paths = arguments.read_folder(options.images) if options.images else None
    # Errors must show before the work.
    model = arguments.load_model(options.preset)
    rows = options.queries, options.neighbors
    with write_atomically(options.output) as file:
        if options.images:
            picture = demo_steps.search_folder(
                options.images, paths, model, *rows, strict=options.strict
            )
        else:
            picture = demo_steps.search_digits(*rows, options.epochs or 16)
        picture.save(file, format="png")
    print(f"\nThe picture of queries and their neighbours: {options.output}")
    if not options.images:
        demo_steps.encode_photos(model)
    print(
        "\nWhat to try next:\n"
        "  keras-deephash demo --images FOLDER     neighbours among your own images\n"
        "  keras-deephash index --images FOLDER --output FOLDER.index\n"
        "  keras-deephash presets                  presets that load by name\n"
        "  keras-deephash train --help             train on your own lists"
    )
