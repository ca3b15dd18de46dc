"""The application: the page, and the API that it uses."""

from contextlib import asynccontextmanager
from importlib.resources import files

from keras_deephash.version import __version__
from keras_deephash.web.server.access import Access
from keras_deephash.web.server.collection import Collection
from keras_deephash.web.server.errors import RESPONSES, add_errors
from keras_deephash.web.server.groups import GroupFinder
from keras_deephash.web.server.mapping import MapMaker
from keras_deephash.web.server.routes import add_routes

_DESCRIPTION = """Search in an index of images by their codes.

Pictures are sent as the body of a request, in any format that the server reads:
`curl --data-binary @photo.jpg http://127.0.0.1:8000/api/search`. An error is JSON with
the text `detail`.
"""
_TYPES = {
    "css": "text/css",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript",
    "svg": "image/svg+xml",
}
# More threads than the 40 of the default: some of them wait for a save or a batch.
_THREADS = 100


def create_app(
    collection: Collection,
    host: str = "127.0.0.1",
    token: str | None = None,
    read_only: bool = False,
):
    """The ASGI application that serves a collection.

    Args:
        collection: `Collection`.
        host: str. The address that it will listen at. Defaults to `"127.0.0.1"`.
        token: str. What each request must have; needed for any other address than the
            loopback. Defaults to `None`.
        read_only: bool. Whether nothing can be added or removed. Defaults to `False`.

    Returns:
        An ASGI application, for uvicorn.

    Raises:
        ImportError: if FastAPI is not installed.
        ValueError: for another address than the loopback without a token.
    """
    check_fastapi()
    from fastapi import FastAPI

    app = FastAPI(
        title="keras-deephash",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=_lifespan,
        responses=RESPONSES,
        # Their scripts would come from other hosts.
        docs_url=None,
        redoc_url=None,
    )
    add_routes(
        app, collection, GroupFinder(collection), MapMaker(collection), read_only
    )
    add_errors(app)
    _add_assets(app)
    return Access(app, host, token)


def check_fastapi() -> None:
    """Raises ImportError, with what to do, where the extra is missing."""
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError:
        raise ImportError(
            "The server needs FastAPI and uvicorn, which are not installed. Run "
            '`pip install "keras-deephash[serve]"`.'
        ) from None


@asynccontextmanager
async def _lifespan(_app):
    from anyio.to_thread import current_default_thread_limiter

    current_default_thread_limiter().total_tokens = _THREADS
    yield


def _add_assets(app) -> None:
    """The files of the page: those of the package, and no others."""
    folder = files("keras_deephash.web").joinpath("assets")
    for file in [*folder.iterdir(), *folder.joinpath("server").iterdir()]:
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind is not None:
            path = "/" if file.name == "index.html" else f"/{file.name}"
            send = _sender(file.read_bytes(), kind)
            app.add_api_route(path, send, include_in_schema=False)


def _sender(body: bytes, kind: str):
    from fastapi import Response

    def send() -> Response:
        # Browsers ask again: after an upgrade the page is a new one.
        return Response(body, media_type=kind, headers={"cache-control": "no-cache"})

    return send
