"""The messages of TensorFlow's start-up, kept off the terminal."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from keras_deephash.lazy_imports import around_import

_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
# A process of its own reads what TensorFlow's libraries write to file descriptor 2: so
# a crash among them still shows what it says.
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
    """Has TensorFlow start without its messages, and later log what ends it alone.

    Its own setting, TF_CPP_MIN_LOG_LEVEL, does not silence what its libraries say while
    they are loaded. Where the user has chosen a level, nothing is changed.
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
    except OSError:  # Noise is no reason to fail.
        yield
        return
    try:
        os.dup2(reader.stdin.fileno(), 2)
        reader.stdin.close()
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        reader.wait()  # Until all is printed: what comes next stands below it.
