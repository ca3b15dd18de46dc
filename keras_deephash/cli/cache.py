"""Shows the presets that were downloaded from the Hub, or removes some.

keras-deephash cache
keras-deephash cache --remove hf://org/name
keras-deephash cache --remove hf://org/name@COMMIT

Interrupted downloads are listed as incomplete: they are resumed at the next load, or
removed with their repository. Other models in the same cache are neither listed nor
removed.
"""


def add_arguments(parser) -> None:
    parser.add_argument(
        "--remove",
        metavar="HANDLE",
        help="remove all commits of hf://org/name, or one branch, tag or commit of "
        "hf://org/name@REVISION",
    )
    parser.add_argument(
        "--cache-dir", metavar="DIR", help="the cache (default: that of the Hub client)"
    )


def run(options) -> None:
    from keras_deephash.presets.hub.cache import (
        cached_presets,
        incomplete_downloads,
        remove_cached,
    )
    from keras_deephash.presets.hub.handles import parse_hub_handle
    from keras_deephash.text import printable

    if options.remove:
        presets = remove_cached(parse_hub_handle(options.remove), options.cache_dir)
        print("removed:")
    else:
        presets = cached_presets(options.cache_dir)
        presets += incomplete_downloads(options.cache_dir)
    for preset in presets:
        refs = f" ({', '.join(preset.refs)})" if preset.refs else ""
        what = f"{printable(preset.method):10}  {preset.handle}{printable(refs)}"
        print(f"{preset.size / 1e6:8.1f} MB  {what}")
    print(f"{sum(preset.size for preset in presets) / 1e6:8.1f} MB in all")
