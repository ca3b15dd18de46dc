"""A lock for many readers or one writer."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager


class ReadWriteLock:
    """Searches share it, additions have it alone; waiting writers go first."""

    def __init__(self):
        self._mutex = threading.Lock()
        self._changed = threading.Condition(self._mutex)
        self._reading = _Reading(self)
        self._readers = 0
        self._writing = False
        self._waiting = 0

    def read(self) -> AbstractContextManager:
        return self._reading

    @contextmanager
    def write(self) -> Iterator[None]:
        with self._mutex:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: not (self._writing or self._readers))
            except BaseException:  # Interrupted: others must not wait for this writer.
                self._changed.notify_all()
                raise
            finally:
                self._waiting -= 1
            self._writing = True
        try:
            yield
        finally:
            with self._mutex:
                self._writing = False
                self._changed.notify_all()


class _Reading:
    """Enters and leaves as a reader, in as few steps as it takes.

    A search of a few milliseconds leaves little of the interpreter in the caches, and
    every call around it counts.
    """

    def __init__(self, lock: ReadWriteLock):
        self._lock = lock

    def __enter__(self) -> None:
        lock = self._lock
        with lock._mutex:
            while lock._writing or lock._waiting:
                lock._changed.wait()
            lock._readers += 1

    def __exit__(self, *_error) -> None:
        lock = self._lock
        with lock._mutex:
            lock._readers -= 1
            if lock._waiting:
                lock._changed.notify_all()
