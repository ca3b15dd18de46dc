"""Calls of many threads, gathered into few."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future


class Batcher:
    """Calls a function with what several threads ask for at the same time.

    One thread of its own makes the calls, one after the other; what arrives during a
    call waits for the next one. So 50 clients cost a few batches of a network, or a
    few saves of an index, instead of 50.

    Args:
        function: of a list of values, returns a list of as many results. A result that
            is an exception is raised for its value alone.
        most: int. Values of one call at most.

    Example:

    >>> batcher = Batcher(lambda images: list(model.encode(np.stack(images))), most=32)
    >>> code = batcher(image)  # In many threads.
    """

    def __init__(self, function: Callable[[list], Sequence], most: int):
        self._function, self._most = function, most
        self._queue: queue.SimpleQueue = queue.SimpleQueue()
        threading.Thread(target=self._run, daemon=True).start()

    def __call__(self, value):
        """The result for one value; raises what the function raised."""
        future: Future = Future()
        self._queue.put((value, future))
        return future.result()

    def _run(self) -> None:
        while True:
            taken = [self._queue.get()]
            while len(taken) < self._most and not self._queue.empty():
                taken.append(self._queue.get())
            values, futures = zip(*taken, strict=True)
            try:
                results = self._function(list(values))
            except BaseException as error:  # It belongs to those who wait.
                for future in futures:
                    future.set_exception(error)
                continue
            for future, result in zip(futures, results, strict=True):
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
