"""Warnings of a command in one line each, without the source code that raised them."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from keras_deephash.text import printable


@contextmanager
def plain_warnings() -> Iterator[None]:
    """Prints each UserWarning in one line on stderr; others as Python does."""
    show_as_python = warnings.showwarning

    def show(message, category, *place, **more):
        if category is UserWarning:
            text = printable(str(message))
            print(f"keras-deephash: warning: {text}", file=sys.stderr)
        else:
            show_as_python(message, category, *place, **more)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = show_as_python
