"""Writes a page about a preset: metrics, curves, neighbours and codes.

  keras-deephash report --preset dch_cifar10_48 --data data/cifar10 \\
      --output report.html
  keras-deephash report --preset my_dch my_itq --data data/cifar10

For several presets, the page has one table, and all curves in one picture.

PATH is as in `keras-deephash evaluate`, such as OUTPUT.lists of a training. The metrics
are those of `keras-deephash evaluate` with the same options. The page is one file that
includes its pictures, without scripts. Needs the extra `plots`:
pip install "keras-deephash[plots]"
"""

import os
import shlex

from keras_deephash.cli.evaluate import add_evaluation_arguments, evaluation_arguments


def add_arguments(parser) -> None:
    add_evaluation_arguments(parser, several=True)
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
        "--neighbors", type=int, default=10, help="neighbours per query (default: 10)"
    )


def run(options) -> None:
    from keras_deephash.checks import check_integer
    from keras_deephash.cli.evaluate import load_evaluation
    from keras_deephash.files import write_atomically
    from keras_deephash.plots.style import check_matplotlib
    from keras_deephash.report import make_report

    # Errors must show before the encoding.
    for name in ("queries", "neighbors"):
        check_integer(f"--{name}", getattr(options, name), minimum=1)
    if os.path.isdir(options.output):
        raise ValueError(
            f"`--output` must be a file, such as report.html. "
            f"Received: the directory {options.output!r}."
        )
    found = [load_evaluation(options, preset) for preset in options.preset]
    check_matplotlib()
    # A file that cannot be written fails before the work.
    with write_atomically(options.output) as file:
        if len(found) > 1:
            text = _compared(options, found)
        else:
            model, metadata, query, database = found[0]
            text = make_report(
                _name(options.preset[0]),
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


def _name(preset: str) -> str:
    return os.path.basename(os.path.normpath(preset))


def _compared(options, found: list[tuple]) -> str:
    """The page about several presets."""
    from keras_deephash.report.comparison import comparison_page, measure, metric_cells

    measured = [evaluation_arguments(options, metadata) for _, metadata, *_ in found]
    if len({arguments["top_k"] for arguments in measured}) > 1:
        cuts = ", ".join(str(arguments["top_k"] or "no cut") for arguments in measured)
        raise ValueError(
            "The rankings of these presets were cut at different lengths: give one "
            f"`--top-k` for all. Received: {cuts}."
        )
    names = [_name(preset) for preset in options.preset]
    if len(set(names)) < len(names):
        names = options.preset
    rows, curves = [], []
    for name, arguments, (model, _, query, database) in zip(
        names, measured, found, strict=True
    ):
        print(f"{name}:")
        metrics, of_curves = measure(
            model,
            query,
            database,
            batch_size=options.batch_size,
            **arguments,
        )
        rows.append((name, metrics))
        curves.append((name, of_curves))
    paragraphs = [
        f"{len(query):,} queries, {len(database):,} database images.",
        shlex.join(["keras-deephash", *options.arguments]),
    ]
    return comparison_page("Comparison", paragraphs, *metric_cells(rows), curves)
