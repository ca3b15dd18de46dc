"""Writes a page about a preset: metrics, curves, neighbours and its codes.

  keras-deephash report --preset dch_cifar10_48 --data data/cifar10 \\
      --output report.html

PATH is what `keras-deephash evaluate` takes, such as OUTPUT.lists of a training. The
metrics are those of `keras-deephash evaluate` with the same options. The page is one
file with its pictures inside, without scripts. Needs the extra `plots`:
pip install "keras-deephash[plots]"
"""

import os
import shlex

from keras_deephash.cli.evaluate import add_evaluation_arguments, evaluation_arguments


def add_arguments(parser) -> None:
    add_evaluation_arguments(parser)
    parser.add_argument(
        "--output",
        default="report.html",
        metavar="FILE",
        help="page to write (default: report.html)",
    )
    parser.add_argument(
        "--queries", type=int, default=8, help="queries to show (default: 8)"
    )
    parser.add_argument(
        "--neighbors", type=int, default=10, help="neighbours of each (default: 10)"
    )


def run(options) -> None:
    from keras_deephash.checks import check_integer
    from keras_deephash.cli.evaluate import load_evaluation
    from keras_deephash.files import write_atomically
    from keras_deephash.plots.style import check_matplotlib
    from keras_deephash.report import make_report

    # What is wrong must not show after the encoding.
    for name in ("queries", "neighbors"):
        check_integer(f"--{name}", getattr(options, name), minimum=1)
    if os.path.isdir(options.output):
        raise ValueError(
            f"`--output` must be a file, such as report.html. "
            f"Received: the directory {options.output!r}."
        )
    model, metadata, query, database = load_evaluation(options)
    check_matplotlib()
    with write_atomically(options.output) as file:  # A wrong one fails before the work.
        text = make_report(
            os.path.basename(os.path.normpath(options.preset)),
            model,
            metadata,
            query,
            database,
            queries=options.queries,
            neighbors=options.neighbors,
            command=shlex.join(["keras-deephash", *options.arguments]),
            batch_size=options.batch_size,
            **evaluation_arguments(options, metadata),
        )
        # A path of the command line may hold bytes that are not UTF-8.
        file.write(text.encode(errors="replace"))
    print(f"written to {options.output}")
