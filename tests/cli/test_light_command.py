"""What the command prints at its start, and how long it takes to."""

import os
import re
import subprocess
import sys

import pytest

import keras_deephash as kdh
from keras_deephash.cli import COMMANDS, main

COMMAND = [sys.executable, "-c", "from keras_deephash.cli import *; sys.exit(main())"]
# TensorFlow's, as 2.18 to 2.21 write them while they are imported.
NOISE = """\
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1795946498.521163   18298 port.cc:153] oneDNN custom operations are on.
2025-03-01 10:20:30.123456: I tensorflow/core/util/port.cc:153] oneDNN is on.
E0000 00:00:1795946498.5 18298 cuda_dnn.cc:8579] Unable to register cuDNN factory: ...
W0000 00:00:1795946498.5 18298 computation_placer.cc:177] already registered
To enable the following instructions: AVX2 FMA, rebuild TensorFlow.
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    variables = {**os.environ, **environment}
    if "TF_CPP_MIN_LOG_LEVEL" not in environment:
        del variables["TF_CPP_MIN_LOG_LEVEL"]
    command = [*COMMAND, *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True)


def status_of(*arguments: str) -> int:
    """How the command would end, run in this process."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def processor_seconds(*arguments: str) -> float:
    """User and system time of the command."""
    before = os.times()
    run(*arguments)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["trian"]])
def test_answers_without_work_are_quick(arguments):
    # The least of a few: other processes slow a processor down.
    assert min(processor_seconds(*arguments) for _ in range(3)) < 0.3


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["trian"], "keras-deephash: error: argument COMMAND: invalid choice: 'trian'"),
        (["--verbose"], "keras-deephash: error: "),
        *(([command, "--frobnicate", "x"], "error: ") for command in COMMANDS),
        (
            ["train", "--data", "d", "--output", "o", "--method", "DHC"],
            "keras-deephash train: error: argument --method: invalid choice: 'DHC'",
        ),
        (
            ["encode", "--preset", "p", "--images", "i", "--batch-size", "many"],
            "keras-deephash encode: error: argument --batch-size: invalid int value",
        ),
    ],
)
def test_a_mistyped_option_gives_an_error_and_where_help_is(arguments, message, capsys):
    assert status_of(*arguments) == 2
    done = capsys.readouterr()
    assert done.out == ""
    error, pointer = done.err.splitlines()
    assert message in error
    command = re.match(r"(keras-deephash(?: \w+)?): error: ", error)[1]
    assert pointer == f"See `{command} --help`."
    assert status_of(*pointer.split("`")[1].split()[1:]) == 0


def test_a_mistyped_command_ends_its_process_so():
    done = run("trian")
    assert done.returncode == 2 and done.stdout == ""
    assert "invalid choice: 'trian'" in done.stderr and "Traceback" not in done.stderr


def test_a_command_prints_nothing_but_its_own_lines(data, make_alexnet, tmp_path):
    kdh.DCH(make_alexnet(), bits=16).save_to_preset(tmp_path / "preset")
    output = str(tmp_path / "codes.npz")
    arguments = ["--preset", str(tmp_path / "preset"), "--images", data]
    done = run("encode", *arguments, "--output", output)
    assert done.returncode == 0 and done.stderr == ""
    progress, summary = done.stdout.splitlines()
    assert re.fullmatch(r"48 images in \d+ s, [\d.,]+/s", progress)
    assert summary == f"{output}: 48 codes of 16 bits"
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", done.stdout)


@pytest.fixture
def with_tensorflow(tmp_path):
    """A function that runs a command with a package in the place of TensorFlow."""

    def run_with(lines: str, **environment: str) -> subprocess.CompletedProcess:
        package = tmp_path / "packages" / "tensorflow"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"import os\nnoise = {NOISE!r}\n{lines}")
        path = os.pathsep.join(filter(None, sys.path))
        path = f"{package.parent}{os.pathsep}{path}"
        images = tmp_path / "image.jpg"
        images.write_bytes(b"")
        arguments = ["encode", "--preset", "dch_cifar10_48", "--images", str(images)]
        return run(*arguments, PYTHONPATH=path, **environment)

    return run_with


def test_an_import_error_of_tensorflow_shows(with_tensorflow):
    done = with_tensorflow(
        "os.write(2, noise.encode() + b'A library is damaged.\\n')\n"
        "raise ImportError('libtensorflow.so cannot be opened')"
    )
    assert done.returncode == 1
    message = "keras-deephash: error: libtensorflow.so cannot be opened"
    assert done.stderr.splitlines() == ["A library is damaged.", message]


def test_a_crash_of_tensorflow_shows(with_tensorflow):
    done = with_tensorflow(
        "os.write(2, noise.encode() + b'F0000 00:00:1.5 1 cpu.cc:1] No AVX here')\n"
        "os.abort()"
    )
    assert done.returncode < 0
    assert done.stderr == "F0000 00:00:1.5 1 cpu.cc:1] No AVX here"


def test_a_level_of_the_user_shows_everything(with_tensorflow):
    done = with_tensorflow(
        "os.write(2, noise.encode())\nraise ImportError('stop')",
        TF_CPP_MIN_LOG_LEVEL="0",
    )
    assert done.stderr == f"{NOISE}keras-deephash: error: stop\n"
