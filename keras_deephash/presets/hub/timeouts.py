"""Limits to waiting for the Hub, where the client alone would wait on."""

from contextlib import contextmanager

from keras_deephash.presets.hub.explain import explain_status
from keras_deephash.presets.hub.handles import HubHandle

LIBRARY = "keras_deephash"  # Names the requests of this package to the Hub.


@contextmanager
def limit_waits(handle: HubHandle, silence: float):
    """While it lasts, the client gives up where the Hub is silent, or sends it away.

    Some requests of the client wait without a limit, others for a minute, and most are
    made six times. Where there were too many, it sleeps for as long as the Hub says,
    which may be an hour. The connections of the client are those of the whole process:
    what others request in the meantime is tried again somewhat sooner.

    Args:
        handle: `HubHandle`.
        silence: float, seconds. Of a connection, not of a whole transfer.

    Raises:
        HubError: if the Hub limits the number of requests for longer than seconds.
    """
    from huggingface_hub import get_session

    def begin(request):
        limits = request.extensions.get("timeout", {})
        for kind, given in limits.items():
            limits[kind] = silence if given is None else min(given, silence)

    def end(response):
        agent = response.request.headers.get("user-agent", "")
        if response.status_code == 429 and LIBRARY in agent:
            failure = explain_status(response, handle)
            if not failure.passing:
                raise failure

    hooks = get_session().event_hooks
    hooks["request"].append(begin)
    hooks["response"].append(end)
    try:
        yield
    finally:
        hooks["request"].remove(begin)
        hooks["response"].remove(end)
