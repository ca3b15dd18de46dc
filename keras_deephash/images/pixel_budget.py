"""The memory that images may take while several threads decode them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Lets threads decode images as long as they have few enough pixels together.

    Args:
        limit: int. Pixels. An image with more of them is decoded alone.
    """

    def __init__(self, limit: int):
        self._limit, self._held = limit, 0
        self._freed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Waits until there is room for so many pixels, and keeps it meanwhile."""
        with self._freed:
            self._freed.wait_for(
                lambda: not self._held or self._held + pixels <= self._limit
            )
            self._held += pixels
        try:
            yield
        finally:
            with self._freed:
                self._held -= pixels
                self._freed.notify_all()
