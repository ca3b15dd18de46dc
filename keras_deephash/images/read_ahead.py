"""Images of a stream, their files read by several threads, in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

# More threads take more memory, and no network encodes what so many decode.
MOST_READERS = 16


def reader_count() -> int:
    """Threads that read files: one for each CPU of this process, at most 16."""
    if hasattr(os, "sched_getaffinity"):  # Not on every system.
        return min(MOST_READERS, len(os.sched_getaffinity(0)))
    return min(MOST_READERS, os.cpu_count() or 1)


def read_ahead(function: Callable, images: Iterable, threads: int) -> Iterator:
    """Yields what a function makes of each image, in order.

    Paths and bytes of files are read by threads, a few of them ahead. What is decoded
    already, or is decoded by the stream itself, is taken one by one.

    Args:
        function: of the number of an image, from 0, and the image.
        images: iterable of what `read_image` takes.
        threads: int.
    """
    with ThreadPoolExecutor(threads) as readers:
        pending: deque[Callable] = deque()
        for number, image in enumerate(images):
            if isinstance(image, (str, os.PathLike, bytes)):
                result = readers.submit(function, number, image).result
            else:
                result = partial(_same, function(number, image))
            pending.append(result)
            if len(pending) > threads:
                yield pending.popleft()()
        while pending:
            yield pending.popleft()()


def _same(value):
    return value
