"""A connection to a Milvus server, which waits while the server does not answer."""

import logging
import time
from urllib.parse import urlsplit

import numpy as np

CONNECT_SECONDS = 5
RETRY_PAUSE = 0.5

# Codes of errors that pass: the server starts, is busy, or has not loaded yet.
_PASSING_CODES = {1, 2, 3, 4, 5, 8, 101, 103, 500, 501, 502, 503, 504, 901, 902}
_PASSING_STATUS = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"}


class MilvusError(Exception):
    """The server cannot be reached or refuses; the text says which, and what to do.

    Attributes:
        ids: int64 array, the ids of an addition that broke; `None` for anything
            else. The same `add` with these `ids` completes it: what is there already
            is not added twice.
    """

    def __init__(self, message: str, ids: np.ndarray | None = None):
        super().__init__(message)
        self.ids = ids


class MilvusConnection:
    """Calls a Milvus server.

    Args:
        uri: str. Where the server is: `"http://host:19530"`, with `/name` behind for
            another database than the default.
        token: str. `"user:password"` or an API key. Defaults to `None`.
        retry_seconds: float. How long a call waits for a server that does not answer.

    Raises:
        ImportError: without pymilvus.
        MilvusError: if the server is not there within seconds.
    """

    def __init__(self, uri: str, token: str | None, retry_seconds: float):
        check_uri(uri)
        self.uri, self.retry_seconds = uri, retry_seconds
        pymilvus = load_pymilvus()
        try:
            self.client = pymilvus.MilvusClient(
                uri=uri, token=token or "", timeout=CONNECT_SECONDS
            )
        except Exception as error:
            raise MilvusError(
                f"There is no Milvus server at {uri!r}, or it refuses `token`. Start "
                f"it, or give another `uri`. Reason: {reason(error)}"
            ) from None

    def call(self, method: str, *args, **kwargs):
        """The result of a method of `MilvusClient`.

        A call may run twice where the server stopped before it answered, so methods
        that change something must be ones that may run twice: `upsert`, not `insert`.

        Raises:
            MilvusError: if the server refuses, or does not answer for `retry_seconds`.
        """
        deadline = time.monotonic() + self.retry_seconds
        while True:
            try:
                # pymilvus itself would retry for minutes.
                return getattr(self.client, method)(*args, retry_times=0, **kwargs)
            except Exception as error:
                if not is_passing(error):
                    raise MilvusError(
                        f"Milvus at {self.uri!r} refuses `{method}`: {reason(error)}"
                    ) from None
                if time.monotonic() > deadline:
                    raise MilvusError(
                        f"Milvus at {self.uri!r} does not answer `{method}` for "
                        f"{self.retry_seconds} seconds. Start it again, and repeat the "
                        f"call. Reason: {reason(error)}"
                    ) from None
                time.sleep(RETRY_PAUSE)


def check_uri(uri) -> None:
    """Raises ValueError for what is not the address of a server."""
    parts = urlsplit(uri) if isinstance(uri, str) else None
    if not parts or parts.scheme not in ("http", "https", "tcp") or not parts.hostname:
        raise ValueError(
            '`uri` must be the address of a Milvus server: "http://host:19530". '
            f"Received: uri={uri!r}."
        )
    if parts.username or parts.password:
        raise ValueError(
            "`uri` must not hold a password, because it is saved. Give "
            '`token="user:password"`.'
        )


def load_pymilvus():
    """The module pymilvus."""
    try:
        import pymilvus
    except ImportError:
        raise ImportError(
            '`backend="milvus"` needs pymilvus: pip install "keras-deephash[milvus]"'
        ) from None
    # It also prints a traceback of every error that it raises.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return pymilvus


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed a little later."""
    # The server's errors are of the base class; pymilvus's own, such as a wrong
    # argument, are of its subclasses and use the same numbers.
    if type(error).__name__ not in ("MilvusException", "_InactiveRpcError"):
        return False
    code = getattr(error, "code", None)
    code = code() if callable(code) else code
    return code in _PASSING_CODES or getattr(code, "name", "") in _PASSING_STATUS


def reason(error: Exception) -> str:
    """An error of pymilvus in one line."""
    text = str(getattr(error, "message", "") or error)
    # pymilvus puts its own text before the server's.
    return text.split("retry times, message=")[-1].split("\n")[0][:300]
