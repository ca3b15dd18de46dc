"""A limit to the time that a function takes."""

import threading
from collections.abc import Callable


class TooSlow(Exception):
    """Work has taken longer than its time."""


def within(seconds: float, work: Callable[[threading.Event], object]):
    """The result of a function, if it comes in time.

    A socket only limits the silence between two bytes: one byte every few seconds
    keeps a request alive without end, in its headers as in its body.

    Args:
        seconds: float.
        work: function of an event that is set once its result is not wanted any more.
            It runs in a thread of its own, and its errors are raised here.

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
