"""The progress of long work: a line that changes on a terminal, few lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

_TERMINAL_SECONDS = 0.2
_LOG_SECONDS = 60


def line_can_change() -> bool:
    """Whether what is printed goes to a terminal or a notebook, not to a log."""
    in_notebook = type(sys.stdout).__module__.startswith("ipykernel")
    return in_notebook or (hasattr(sys.stdout, "isatty") and sys.stdout.isatty())


def keras_verbosity(verbose):
    """`verbose` for Keras's `fit` and the like; `"auto"` in a log: a line per epoch."""
    return 2 if verbose == "auto" and not line_can_change() else verbose


class Progress:
    """How much of a long work is done, and how long the rest will take.

    On a terminal one line changes; elsewhere a line is printed about every minute, and
    one at the end.

    Args:
        count: int. How many there are to do.
        unit: str. What they are, in the singular.
        verbose: bool. Whether anything is printed at all. Defaults to `True`.
    """

    def __init__(self, count: int, unit: str, verbose: bool = True):
        self.count, self.unit, self.verbose = count, unit, verbose
        self.done = 0
        self._started = self._printed = time.monotonic()
        self._width = 0

    def add(self, number: int) -> None:
        """Says that `number` more are done."""
        self.update(self.done + number)

    def update(self, done: int) -> None:
        """Says that `done` of them are done by now."""
        self.done = done
        if not self.verbose:
            return
        now, changes = time.monotonic(), line_can_change()
        finished = done >= self.count
        pause = _TERMINAL_SECONDS if changes else _LOG_SECONDS
        if not finished and now - self._printed < pause:
            return
        self._printed = now
        text = self._text(now - self._started, finished)
        if changes:
            # Spaces cover what was longer before.
            text, self._width = "\r" + text.ljust(self._width), len(text)
        print(text, end="\n" if finished or not changes else "", flush=True)

    def _text(self, seconds: float, finished: bool) -> str:
        units = self.unit if self.count == 1 else f"{self.unit}s"
        rate = self.done / max(seconds, 1e-9)
        speed = f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
        if finished:
            return f"{self.count:,} {units} in {_clock(seconds)}, {speed}"
        left = _clock((self.count - self.done) / max(rate, 1e-9))
        return f"{self.done:,} of {self.count:,} {units}, {speed}, {left} left"


@contextmanager
def plain_lines() -> Iterator[None]:
    """Keeps the progress bars that other libraries print out of a log."""
    if line_can_change() or sys.stdout is None:
        yield
        return
    with redirect_stdout(_WithoutBars(sys.stdout)):
        yield


class _WithoutBars:
    """A text file that leaves out what moves the cursor back, and its line's end."""

    def __init__(self, file):
        self._file = file
        self._left_out = False

    def write(self, text: str) -> int:
        moves_back = "\r" in text or "\b" in text
        if not moves_back and not (self._left_out and text == "\n"):
            self._file.write(text)
        self._left_out = moves_back
        return len(text)

    def flush(self) -> None:
        self._file.flush()


def _clock(seconds: float) -> str:
    """Seconds as 45 s, 2:05 or 3:07:09."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"
