"""Presets as files that run without TensorFlow, and the commands that take them."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.cli import arguments, main

pytest.importorskip("onnxruntime")
pytest.importorskip("tf2onnx")


def run(capsys, *words) -> str:
    capsys.readouterr()
    assert main([*map(str, words)]) == 0
    return capsys.readouterr().out


@pytest.fixture
def without_models(monkeypatch):
    """A function after which no command can load a model."""

    def forbid():
        monkeypatch.setattr(arguments, "load_model", None)

    return forbid


def test_a_file_takes_the_place_of_its_preset(
    same_preset, same_data, tmp_path, capsys, without_models
):
    photos = Path(same_data) / "images"
    file, output, expected = tmp_path / "m.onnx", tmp_path / "i", tmp_path / "e"
    run(
        capsys,
        "index",
        "--preset",
        same_preset,
        "--images",
        photos,
        "--output",
        expected,
    )
    said = run(capsys, "export", "--preset", same_preset, "--output", file)
    assert said == f"{file}: {file.stat().st_size / 1e6:.1f} MB\n"
    without_models()
    run(capsys, "index", "--preset", file, "--images", photos, "--output", output)
    index, other = kdh.Index.load(output), kdh.Index.load(expected)
    np.testing.assert_array_equal(index.codes(index.ids), other.codes(other.ids))
    assert index.spec.to_json() == other.spec.to_json()
    query = ["--images", photos / "03.png", "--preset", file, "-k", 2, "--json"]
    (found,) = json.loads(run(capsys, "search", "--index", expected, *query))
    assert found["neighbors"][0]["similarity"] == 1
    codes = tmp_path / "codes.npz"
    run(capsys, "encode", "--preset", file, "--images", photos, "--output", codes)
    np.testing.assert_array_equal(np.load(codes)["codes"], index.codes(index.ids))


def test_without_output_commands_find_the_file(
    same_preset, same_index, same_data, tmp_path, capsys, monkeypatch, without_models
):
    monkeypatch.setenv("KERAS_DEEPHASH_CACHE", str(tmp_path / "cache"))
    path = run(capsys, "export", "--preset", same_preset).split(": ")[0]
    assert os.listdir(tmp_path / "cache") == [os.path.basename(path)]
    without_models()
    query = str(Path(same_data) / "images" / "07.png")
    query = ["--preset", same_preset, "--images", query, "-k", 1]
    assert "07.png" in run(capsys, "search", "--index", same_index, *query)


@pytest.mark.parametrize("format", ["litert", "saved_model"])
def test_other_formats(format, same_preset, tmp_path, capsys):
    name = {"litert": "model.tflite", "saved_model": "served"}[format]
    run(capsys, "export", "--preset", same_preset, "--output", tmp_path / name)
    if format == "litert":
        pytest.importorskip("ai_edge_litert")
        encoder = kdh.Encoder(tmp_path / name)
        assert encoder.preset == same_preset
    else:
        assert (tmp_path / name / "saved_model.pb").is_file()
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--format", "litert"], "`--output` must be given"),
        (["--quantize", "int8"], "`--output` must be given"),
        (
            ["--format", "onnx", "--output", "m.tflite"],
            "must end in .onnx for --format",
        ),
        (
            ["--output", "served", "--quantize", "int8"],
            '`quantize` is for format="onnx"',
        ),
    ],
)
def test_wrong_options(words, message, same_preset, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "--preset", same_preset, *words]) == 1
    assert message in capsys.readouterr().err
    assert os.listdir() == []
