"""A limit to the time that a piece of work takes, however it waits."""

import threading
from collections.abc import Callable


class TooSlow(Exception):
    """Work has taken longer than its time."""


def within(seconds: float, work: Callable[[threading.Event], object]):
    """What a function returns, if it does so in time.

    A socket limits the silence between two bytes alone: one byte every few seconds
    holds a request forever, in its headers as in its body.

    Args:
        seconds: float.
        work: function of an event that is set once nobody waits for it any more. It
            runs in a thread of its own, and what it raises is raised here.

    Raises:
        TooSlow: if it has not returned by then. Its thread is left to itself.
    """
    outcome, abandoned = {}, threading.Event()

    def run():
        try:
            outcome["value"] = work(abandoned)
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join(max(0.0, seconds))
    finally:  # Ctrl-C too.
        abandoned.set()
    if "error" in outcome:
        raise outcome["error"]
    if "value" not in outcome:
        raise TooSlow(f"it takes longer than {seconds:.0f} seconds")
    return outcome["value"]
