"""Hiding the messages of TensorFlow's start-up."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from keras_deephash.lazy_imports import around_import

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# A separate process filters what TensorFlow's libraries write to file descriptor 2, so
# that the message of a crash still shows.
_FILTER = r"""
import re, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # Control-C is for the command.
noise = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\)"
    rb"|[IW]\d{4} \d+:\d+:\d+\.\d+ "
    rb"|\d{4}-\d\d-\d\d \d+:\d+:\d+\.\d+: [IW] "
    rb"|.*Unable to register cu\w+ (factory|plugin)"
    rb"|To enable the following instructions: "
)
for line in sys.stdin.buffer:
    if not noise.match(line):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


def quiet_start() -> None:
    """Hides the messages of TensorFlow's start-up; later it logs only fatal errors.

    TF_CPP_MIN_LOG_LEVEL alone does not silence the libraries while they are loaded. If
    the user has set it, nothing is changed.
    """
    if _LEVEL not in os.environ and "tensorflow" not in sys.modules:
        os.environ[_LEVEL] = "3"
        around_import("tensorflow", _without_noise)


@contextmanager
def _without_noise() -> Iterator[None]:
    command = [sys.executable, "-I", "-S", "-c", _FILTER]
    try:
        reader = subprocess.Popen(command, stdin=subprocess.PIPE)
        terminal = os.dup(2)
    except OSError:  # Without the filter, the messages show.
        yield
        return
    try:
        os.dup2(reader.stdin.fileno(), 2)
        reader.stdin.close()
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        reader.wait()  # Until all is printed, so that later output comes after it.
