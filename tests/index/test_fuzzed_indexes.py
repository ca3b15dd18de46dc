"""Mutated indexes end in an IndexFileError, or load and search right."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="memory is bounded on Unix")
SCRIPT = Path(__file__).parent / "index_fuzzing.py"


def outcomes(folder, first, end) -> list[str]:
    """A line for each mutation; the process goes on behind one that ended it."""
    lines = []
    while len(lines) < end - first:
        done = subprocess.run(
            [sys.executable, SCRIPT, str(folder), str(first + len(lines)), str(end)],
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        said = [line for line in done.stdout.splitlines() if " | " in line]
        assert said, done.stderr
        lines += said
        if done.returncode:
            lines[-1] += f"WRONG ended by {done.returncode}"
    return lines


def check(lines: list[str], count: int) -> None:
    assert len(lines) == count
    assert [line for line in lines if "WRONG" in line] == []
    refused = [line for line in lines if line.endswith("| refused")]
    fine = [line for line in lines if line.endswith("| ok")]
    assert len(refused) + len(fine) == count
    # Mutations that nobody notices, or that all end at the first check, test nothing.
    assert len(refused) > count / 2 and len(fine) > count / 20


def test_a_few_mutated_indexes(tmp_path):
    check(outcomes(tmp_path, 0, 25), 25)


@pytest.mark.slow
def test_mutated_indexes(tmp_path):
    check(outcomes(tmp_path, 1000, 1300), 300)
