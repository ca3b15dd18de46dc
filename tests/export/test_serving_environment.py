"""An environment without TensorFlow and Keras: docs/export.md says how to make it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["tanh", "RQ"])
def test_encode_index_and_search_without_tensorflow(kind, model_of, onnx_of, tmp_path):
    python = tmp_path / "venv" / "bin" / "python"

    def run(*command) -> str:
        # Nothing of this environment.
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        done = subprocess.run(
            [*map(str, command)],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(sys.executable, "-m", "venv", tmp_path / "venv")
    install = [python, "-m", "pip", "install", "--quiet"]
    run(*install, "-r", ROOT / "docs" / "serving_requirements.txt")
    run(*install, "--no-deps", ROOT)
    installed = json.loads(run(python, "-m", "pip", "list", "--format", "json"))
    assert not {"tensorflow", "keras", "h5py"} & {each["name"] for each in installed}

    (tmp_path / "photos").mkdir()
    generator = np.random.default_rng(0)
    for number in range(12):
        pixels = generator.integers(0, 256, (40, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number:02}.png")
    command = [python.with_name("keras-deephash")]
    preset = ["--preset", onnx_of(kind), "--images"]
    run(*command, "encode", *preset, "photos", "--output", "codes.npz")
    codes = np.load(tmp_path / "codes.npz")["codes"]
    expected = model_of(kind).encode(str(tmp_path / "photos"))
    np.testing.assert_array_equal(codes, expected)
    run(*command, "index", *preset, "photos", "--output", "photos.index")
    query = ["photos/05.png", "-k", 1, "--json"]
    found = run(*command, "search", "--index", "photos.index", *preset, *query)
    assert json.loads(found)[0]["neighbors"][0]["name"].endswith("05.png")
    index = kdh.Index.load(tmp_path / "photos.index", model_of(kind))
    np.testing.assert_array_equal(index.codes(index.ids), expected)
