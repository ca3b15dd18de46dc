"""docs/own_method.md: the page's method is built, trained, loaded and searched with."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import keras_deephash as kdh
from keras_deephash.cli import main

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "own_method.md"
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE.read_text(), re.DOTALL)
# The page in the working directory, in a process of its own: it makes a strategy, and
# two of them in one process get into each other's way. As in a script that is installed
# elsewhere, the working directory is not where Python looks.
PROGRAM = """
import json, shlex, sys
from keras_deephash.cli import main
namespace = {}
for number, (language, text) in enumerate(json.load(sys.stdin)):
    if language == "python" and text.startswith("# my_hash.py\\n"):
        with open("my_hash.py", "w") as file:
            file.write(text)
    elif language == "sh":
        sys.modules.pop("my_hash", None)  # As in a process that begins.
        for line in text.replace("\\\\\\n", " ").splitlines():
            program, *arguments = shlex.split(line)
            assert program == "keras-deephash" and main(arguments) == 0, line
    elif language == "python":
        sys.path.insert(0, "")
        exec(compile(text, f"block {number}", "exec"), namespace)
        sys.path.remove("")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A directory in which the whole page has run."""
    folder = tmp_path_factory.mktemp("own_method")
    subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM],
        input=json.dumps(BLOCKS),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        text=True,
    )
    return folder


@pytest.fixture(scope="module")
def my_hash(folder):
    """The module of the page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield importlib.import_module("my_hash")
    sys.modules.pop("my_hash", None)


def test_it_is_a_file_of_under_80_lines():
    file = next(text for _, text in BLOCKS if text.startswith("# my_hash.py"))
    assert len(file.splitlines()) < 80


def test_the_command_wrote_a_preset_of_the_method(folder, my_hash):
    metadata = json.loads((folder / "trained" / "metadata.json").read_text())
    assert metadata["method"] == "CenterHash" and metadata["bits"] == 16
    assert 0 < metadata["metrics"]["map"] <= 1
    model = kdh.from_preset(folder / "trained")
    assert type(model) is my_hash.CenterHash and model.classes == 3
    assert "<html" in (folder / "report.html").read_text()
    assert (folder / "colors.index").is_dir()


def test_what_was_trained_in_python_has_its_record(folder, my_hash):
    metadata = json.loads((folder / "my_preset" / "metadata.json").read_text())
    assert metadata["training"]["optimizer"] == "recipe"
    assert metadata["label_names"] == ["red", "green", "blue"]
    assert metadata["metrics"]["queries"] == 12


def test_its_loss_is_that_of_the_naive_formula(my_hash):
    centers = np.float32([[1, -1], [-1, -1], [1, 1]])
    codes = np.float32([[0.5, 0.5], [-0.2, 0.1], [0.9, -0.9]])
    labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    expected = 0.0
    for code, row in zip(codes, labels, strict=True):
        if row.any():
            wanted = np.mean([c for c, y in zip(centers, row, strict=True) if y], 0)
            expected += np.mean((code - wanted) ** 2) / len(codes)
    found = my_hash.CenterLoss(centers)(codes, labels)
    assert float(found) == pytest.approx(expected, rel=1e-6)


def test_two_replicas_learn_what_one_learns(my_hash, two_replicas, make_model, images):
    labels = np.eye(3, dtype="float32")[np.arange(24) % 3]
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)

    def make():
        model = my_hash.CenterHash(make_model(normalization="lrn").backbone, 16, 3)
        model.compile()
        return model

    alone = make()
    with two_replicas.scope():
        together = make()
    together.set_weights(alone.get_weights())
    one, two = (m.fit(dataset, verbose=0).history for m in (alone, together))
    assert set(one) == {
        "loss",
        "center_loss",
        "quantization_loss",
        "saturated_bits",
    }
    for name, values in one.items():
        np.testing.assert_allclose(values, two[name], rtol=1e-4, atol=1e-6)
    for a, b in zip(alone.get_weights(), together.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_help_shows_its_options(my_hash, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    with pytest.raises(SystemExit):
        main(["train", "--import", "my_hash", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    # With other methods that have the option, and those of other tests in this process.
    assert re.search(r"--classes INT\|none [^-]*CenterHash: Number of labels", text)
    assert re.search(r"--bits INT [^:]*\bCenterHash\b[^:]*: Length of a code", text)
