"""Limits of time and size for the Hub's client while it publishes."""

import time
from contextlib import contextmanager

from keras_deephash.presets.errors import HubError
from keras_deephash.presets.hub.explain import explain_status
from keras_deephash.presets.hub.handles import HubHandle
from keras_deephash.presets.hub.reader import LIBRARY, MAX_JSON_BYTES

ANSWER_SECONDS = 60  # For the body of an answer.


@contextmanager
def limit_client(handle: HubHandle, silence: float):
    """Within the block, the client gives up when the Hub is silent or never ends.

    Some requests of the client wait without a limit, others for a minute, and most are
    made six times. Where there were too many, it sleeps for as long as the Hub says,
    which may be an hour. It reads answers of any length, and unpacks them. The
    connections of the client are those of the whole process: what others request in
    the meantime is tried again somewhat sooner.

    Args:
        handle: `HubHandle`.
        silence: float, seconds. Of a connection, not of a whole transfer.

    Raises:
        HubError: if the Hub limits the number of requests for longer than seconds, or
            an answer is too long or too slow.
    """
    from huggingface_hub import get_session

    def begin(request):
        limits = request.extensions.get("timeout", {})
        for kind, given in limits.items():
            limits[kind] = silence if given is None else min(given, silence)
        if _is_ours(request):
            request.headers["Accept-Encoding"] = "identity"

    def end(response):
        if not _is_ours(response.request):
            return
        if response.status_code == 429:
            failure = explain_status(response, handle)
            if not failure.temporary:
                raise failure
        if response.headers.get("Content-Encoding", "identity") != "identity":
            raise _refusal(handle, "packs an answer, unasked")
        response.stream = _limited(response.stream, handle)

    hooks = get_session().event_hooks
    hooks["request"].append(begin)
    hooks["response"].append(end)
    try:
        yield
    finally:
        hooks["request"].remove(begin)
        hooks["response"].remove(end)


def _is_ours(request) -> bool:
    """Whether a request is one of publishing; downloads of others have no limit."""
    return request.method != "GET" or LIBRARY in request.headers.get("user-agent", "")


def _limited(stream, handle: HubHandle):
    """The bytes of an answer, as the client's class of streams, within limits."""
    # Of `httpx` or `httpx2`, whichever the client uses.
    base = next(c for c in type(stream).__mro__ if c.__name__ == "SyncByteStream")

    class Limited(base):
        def __iter__(self):
            length, end = 0, time.monotonic() + ANSWER_SECONDS
            for chunk in stream:
                length += len(chunk)
                if length > MAX_JSON_BYTES:
                    raise _refusal(handle, "answers without end")
                if time.monotonic() > end:
                    raise _refusal(handle, "answers too slowly")
                yield chunk

        def close(self):
            stream.close()

    return Limited()


def _refusal(handle: HubHandle, what: str) -> HubError:
    return HubError(f"The Hub {what}, for `{handle}`. Check `endpoint`.")
