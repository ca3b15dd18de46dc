"""A Hugging Face Hub on 127.0.0.1: what the client needs to load and to publish."""

import threading
from http.server import ThreadingHTTPServer

from loopback_hub.faults import Faults
from loopback_hub.handler import Handler
from loopback_hub.repository import Repository


class _Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        pass  # A client that hangs up.


class LoopbackHub:
    """Repositories behind real sockets, with a log of requests and faults.

    Attributes:
        endpoint: str, the URL to give to the client.
        repositories: dict, id to `Repository`.
        objects: dict, sha256 to the bytes of files in LFS.
        requests: list of (method, path), in the order of arrival.
        faults: `Faults`.
        tokens: set of str, the tokens that may see private repositories and write.
        evil: str, a path that an attacker wants to be written to.
        ranges: list of str, the `Range` of the requests that have one.
        sent: int, bytes of floods that were taken from the connection.
    """

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.requests: list[tuple[str, str]] = []
        self.faults = Faults()
        self.tokens = {"hf_writer"}
        self.evil = "/evil"
        self.sent = 0
        self.ranges: list[str] = []
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.hub = self
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
