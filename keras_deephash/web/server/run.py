"""The server, listening."""

import asyncio
import secrets
import socket
from contextlib import suppress

from keras_deephash.web.server.access import answer_error, is_loopback
from keras_deephash.web.server.app import check_fastapi, create_app
from keras_deephash.web.server.collection import Collection

_LAST_SECONDS = 5  # For requests that have begun when the server is to stop.


def new_token(host: str) -> str | None:
    """A token for an address that others reach, `None` for the loopback."""
    return None if is_loopback(host) else secrets.token_urlsafe(24)


def address_of(host: str, port: int, token: str | None) -> str:
    """What to open in a browser."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/" + (f"?token={token}" if token else "")


def server_config(app, host: str, port: int):
    """The settings of uvicorn, which says nothing of itself and of who asks."""
    import uvicorn

    quiet = {"log_config": None, "server_header": False, "access_log": False}
    return uvicorn.Config(
        _stoppable(app),
        host,
        port,
        timeout_graceful_shutdown=_LAST_SECONDS,
        **quiet,
    )


def _stoppable(app):
    """An application whose requests are answered where the server ends before them.

    uvicorn cancels what still runs after its last seconds, or when Ctrl-C is pressed
    again, and would print a traceback of each.
    """

    async def answer(scope, receive, send) -> None:
        started = False

        async def send_noting(message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await app(scope, receive, send_noting)
        except asyncio.CancelledError:
            if not started:
                text = "The server was stopped before this request was done."
                await answer_error(send, 503, text)

    async def run(scope, receive, send) -> None:
        async def receive_end() -> dict:
            try:
                return await receive()
            except asyncio.CancelledError:
                return {"type": "lifespan.shutdown"}

        if scope["type"] == "lifespan":
            await app(scope, receive_end, send)
        else:
            await answer(scope, receive, send)

    return run


def listen(config) -> socket.socket:
    """The socket of a server, which takes connections from here on.

    Raises:
        OSError: if the port is taken.
    """
    try:
        bound = config.bind_socket()
    except SystemExit:
        raise OSError(
            f"The server cannot listen at {config.host}, port {config.port}: it is "
            "taken, or not of this computer. Give another --port or --host."
        ) from None
    # Else each answer, which is sent in two parts, waits 40 ms for the first one to be
    # acknowledged. Connections inherit it.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    bound.listen(config.backlog)
    return bound


def run_server(
    collection: Collection,
    host: str = "127.0.0.1",
    port: int = 8000,
    token: str | None = None,
    read_only: bool = False,
) -> None:
    """Serves a collection until the process is interrupted.

    Args:
        collection: `Collection`.
        host: str, the address. Defaults to `"127.0.0.1"`.
        port: int; 0 takes one that is free. Defaults to `8000`.
        token: str. Defaults to `None`: a new one where the address needs one.
        read_only: bool. Defaults to `False`.

    Raises:
        OSError: if the port is taken.
    """
    check_fastapi()
    import uvicorn

    token = token or new_token(host)
    app = create_app(collection, host, token, read_only)
    config = server_config(app, host, port)
    server_socket = listen(config)
    address = address_of(host, server_socket.getsockname()[1], token)
    print(f"Open {address} - Ctrl-C stops the server.", flush=True)
    with server_socket, suppress(KeyboardInterrupt):  # What had begun is answered.
        uvicorn.Server(config).run(sockets=[server_socket])
