"""Writes a static page that searches pictures in the browser, without a server.

  keras-deephash page --preset itq_imagenet_128 --images photos --output site

The page computes the codes of pictures that are dropped, pasted or chosen, and shows
the nearest ones of the gallery, or of a folder of its user. Pictures never leave the
user's device. Any web server can serve the directory: to look at it,

  python -m http.server --directory site

It runs the network by onnxruntime-web, which npm fetches when the page is built, or
which is taken from --runtime. Needs the extra `export` for a preset, and `runtime` for
an ONNX file.
"""

from keras_deephash.cli import arguments


def add_arguments(parser) -> None:
    parser.add_argument(
        "--preset",
        default="itq_imagenet_128",
        help="name or directory of a preset, or an ONNX file of `keras-deephash "
        "export` (default: %(default)s, for any images)",
    )
    parser.add_argument(
        "--images",
        metavar="PATH",
        help="the gallery: a folder, an image or an image list (default: none, the "
        "user chooses a folder)",
    )
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="directory of the page"
    )
    parser.add_argument("--title", help="title of the page (default: the preset)")
    parser.add_argument(
        "--runtime",
        metavar="DIR",
        help="directory with onnxruntime-web in the version of this package, which is "
        "checked (default: npm fetches it)",
    )


def run(options) -> None:
    import os

    from keras_deephash.export.arguments import format_of
    from keras_deephash.runtime.preset_files import make_preset_file
    from keras_deephash.text import count
    from keras_deephash.web.site.building import build_site

    _check_apart(options.images, options.output)
    file = options.preset
    if format_of(file) is None:
        file = make_preset_file(file)
    paths = [] if options.images is None else arguments.read_images(options.images)[0]
    name = os.path.basename(os.path.normpath(options.preset))
    unreadable = build_site(
        file,
        paths,
        options.output,
        title=options.title or os.path.splitext(name)[0],
        runtime=options.runtime,
    )
    arguments.tell_unreadable(unreadable)
    shown = count(len(paths) - len(unreadable), "picture")
    print(f"{options.output}: a page with {shown}. To look at it:")
    print(f"python -m http.server --bind 127.0.0.1 --directory {options.output}")


def _check_apart(images: str | None, output: str) -> None:
    """Checks that no later page would take thumbnails of this one for photos."""
    from pathlib import Path

    if images is not None and Path(output).resolve().is_relative_to(
        Path(images).resolve()
    ):
        raise ValueError(
            f"`--output` must lie outside of `--images`. Received: {output!r}, in "
            f"{images!r}."
        )
