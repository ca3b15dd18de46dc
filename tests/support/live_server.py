"""A served index in a thread of this process, and a client for it."""

import json
import threading
import time
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest


def need_serve() -> None:
    """Skips a test where the extra is not installed."""
    for name in ("fastapi", "uvicorn"):
        pytest.importorskip(name, reason="the extra `serve` is not installed")


class LiveServer:
    """Serves a collection at a free port of the loopback until it is closed."""

    def __init__(self, collection, **options):
        import uvicorn

        from keras_deephash.web.server.app import create_app
        from keras_deephash.web.server.run import listen, server_config

        self.collection = collection
        config = server_config(create_app(collection, **options), "127.0.0.1", 0)
        self._socket = listen(config)
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def request(self, verb, path, data=None, headers=None, **query):
        """Status, headers and body of an answer."""
        url = f"{self.url}{path}" + (f"?{urlencode(query, True)}" if query else "")
        headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        try:
            request = Request(url, data, headers, method=verb)
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, verb, path, data=None, status=200, **query):
        """The JSON of an answer of the expected status."""
        found, _, body = self.request(verb, path, data, **query)
        assert found == status, body
        return json.loads(body)
