"""Shows the presets that load by name, or everything about one of them.

keras-deephash presets
keras-deephash presets dch_cifar10_48
keras-deephash presets hf://org/name
keras-deephash presets --remote
"""


def add_arguments(parser) -> None:
    parser.add_argument(
        "preset",
        nargs="?",
        help="name, directory or handle of one preset: print its card",
    )
    parser.add_argument(
        "--remote",
        action="store_true",
        help="list the presets on the Hub, which are downloaded when they are loaded",
    )


def run(options) -> None:
    from keras_deephash.presets import list_presets, read_preset_metadata
    from keras_deephash.presets.format.readme import render_card
    from keras_deephash.text import printable

    if options.preset and options.remote:
        raise ValueError(
            "`--remote` lists presets: leave out `--remote` or the name. "
            f"Received: {options.preset!r} and --remote."
        )
    if options.preset:
        print(render_card(options.preset, read_preset_metadata(options.preset)))
        return
    header = ("name", "method", "dataset", "bits", "parameters", "size", "MAP", "for")
    rows = [
        (
            printable(info.name),
            printable(info.method),
            printable(info.dataset or "-"),
            str(info.bits or "-"),
            f"{info.parameters:,}",
            f"{info.size / 1e6:.1f} MB",
            "-" if info.map is None else f"{info.map:.4f}",
            printable(info.purpose or "-"),
        )
        for info in list_presets(remote=options.remote)
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (cell.ljust(n) for cell, n in zip(row, widths, strict=True))
        print("  ".join(cells).rstrip())
