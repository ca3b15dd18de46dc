"""Shows an index on a page in the browser, and serves it to programs.

  keras-deephash index --images photos --output photos.index
  keras-deephash serve --index photos.index

The page is at http://127.0.0.1:8000/ on this computer alone. It searches by pictures
that are dropped, pasted or chosen, and shows groups of copies and a map. The API is
described in /openapi.json. At another --host, each request needs the token that is
printed, or that of the environment variable KERAS_DEEPHASH_TOKEN. Needs the extra
`serve`: pip install "keras-deephash[serve]"
"""

import os

from keras_deephash.cli import arguments

TOKEN = "KERAS_DEEPHASH_TOKEN"


def add_arguments(parser) -> None:
    parser.add_argument(
        "--index", required=True, metavar="DIR", help="directory of the index"
    )
    parser.add_argument(
        "--preset",
        help="preset of the model, or an exported file (default: the preset that the "
        "index names, if it is installed)",
    )
    arguments.add_import(parser)
    arguments.add_uri(parser)
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at (default: %(default)s, for this computer alone)",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=8000,
        help="port to listen at; 0: one that is free (default: %(default)s)",
    )
    parser.add_argument(
        "--labels",
        metavar="FILE",
        help="names of the labels, a line each, such as the labels.txt of a data set",
    )
    parser.add_argument(
        "--uploads",
        metavar="DIR",
        help="directory for pictures that are added (default: INDEX.added)",
    )
    parser.add_argument(
        "--read-only", action="store_true", help="let nobody add or remove anything"
    )


def run(options) -> None:
    # Several searches run at once, one for each client. Threads of one search would
    # wait for each other: on busy cores 25 ms in place of 0.1, of 100,000 codes.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from keras_deephash.checks import check_integer
    from keras_deephash.web.server.app import check_fastapi
    from keras_deephash.web.server.collection import Collection
    from keras_deephash.web.server.run import run_server

    check_fastapi()  # Before the model is loaded.
    check_integer("--port", options.port, minimum=0, maximum=65535)
    names = None if options.labels is None else _read_names(options.labels)
    preset = options.preset or arguments.preset_of_index(options.index)
    collection = Collection(
        options.index,
        arguments.load_encoder(preset),
        uploads=options.uploads,
        label_names=names,
        **({} if options.uri is None else {"uri": options.uri}),
    )
    run_server(
        collection,
        options.host,
        options.port,
        os.environ.get(TOKEN) or None,
        options.read_only,
    )


def _read_names(path: str) -> list[str]:
    from keras_deephash.datasets.label_names import check_label_names

    try:
        with open(path, encoding="utf-8") as file:
            return check_label_names(file.read().splitlines())
    except ValueError as error:
        raise ValueError(
            "`--labels` must be a text file in UTF-8 with a name on each line. "
            f"Received: {path!r}: {error}"
        ) from None
