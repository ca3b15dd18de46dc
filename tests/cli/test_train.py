"""`keras-deephash train`: every method, its options, and going on after a kill."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.callbacks import TrainingBackup
from keras_deephash.cli import main
from keras_deephash.training import training
from keras_deephash.training.model import build_model

RECIPES = sorted((Path(__file__).parents[2] / "zoo" / "recipes").glob("*.json"))
SMALL = ["--batch-size", "8", "--optimizer", "adamw"]
QUANTIZER = ["--subcodebooks", "2", "--subcenters", "4"]
EARLY = ["--quantization-start", "1", "--quantization-weight", "0.1"]


@pytest.fixture
def vectors(tmp_path):
    """A word2vec file of the data set's label names."""
    path = tmp_path / "vectors.txt"
    path.write_text("2 6\nred 1 0 0 0 2 0\ngreen 0 1 0 3 0 0\n")
    return str(path)


@pytest.mark.parametrize(
    "method, arguments",
    [
        ("DHN", ["--bits", "8", "--alpha", "10", "--similarity", "cosine"]),
        ("DVSQ", [*QUANTIZER, "--margin", "0.5"]),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_trains_and_evaluates(
    data, start, vectors, tmp_path, capsys, method, arguments
):
    output = str(tmp_path / "trained")
    if method == "DVSQ":
        arguments = [*arguments, "--word-vectors", vectors]
    options = ["--data", data, "--output", output, "--epochs", "2", *SMALL]
    options += ["--hold-out", "0.5", "--evaluate-every", "2", "--method", method]
    options += ["--backbone", start]
    assert main(["train", *options, *arguments]) == 0
    metadata = json.loads((tmp_path / "trained" / "metadata.json").read_text())
    assert metadata["method"] == method
    metrics = metadata["metrics"]
    assert metrics["database"] == 16 and 0 < metrics["map"] <= 1
    assert "val_map" in metadata["training"]
    assert ("map_symmetric" in metrics) == (method != "DHN")

    model = kdh.from_preset(output)
    if method == "DHN":
        assert (model.alpha, model.similarity, model.bits) == (10, "cosine", 8)
    else:
        assert (model.subcodebooks, model.subcenters, model.dim) == (2, 4, 6)
        assert model.margin == 0.5 and metadata["bits"] == 16
    capsys.readouterr()
    assert main(["evaluate", "--preset", output, "--data", data]) == 0
    assert "map" in capsys.readouterr().out
    card = (tmp_path / "trained" / "README.md").read_text()
    assert f"uint8 [n, {metadata['bits'] // 8}]" in card


@pytest.mark.parametrize(
    "method, arguments, expected",
    [
        (
            "DQN",
            ["--dim", "6", "--pair-weighting", "balanced"],
            {"dim": 6, "pair_weighting": "balanced"},
        ),
        (
            "DTQ",
            ["--dim", "6", "--margin", "5", "--mining", "hard"],
            {"dim": 6, "margin": 5, "mining": "hard"},
        ),
        ("CSQ", ["--quantization-weight", "0.1"], {"quantization_weight": 0.1}),
        ("DPN", ["--margin", "2", "--square-weight", "0"], {"margin": 2}),
        ("HyP2", ["--pair-weight", "0.25"], {"pair_weight": 0.25}),
        ("GreedyHash", ["--supervised", "false"], {"supervised": False}),
    ],
)
def test_arguments_are_those_of_the_model(
    same_data, same_preset, monkeypatch, method, arguments, expected
):
    seen = []
    monkeypatch.setattr(training, "train", seen.append)
    quantizer = method in ("DQN", "DTQ")
    options = ["--data", same_data, "--output", "o", "--epochs", "2", *SMALL]
    options += ["--hold-out", "0.5", "--evaluate-every", "2", "--method", method]
    options += ["--backbone", same_preset, *(QUANTIZER if quantizer else ["--bits=16"])]
    assert main(["train", *options, *arguments]) == 0
    model = training.new_model(*training.prepare(seen[0]))
    assert type(model).__name__ == method and model.bits == 16
    if quantizer:
        expected = {**expected, "subcodebooks": 2, "subcenters": 4}
    assert {name: getattr(model, name) for name in expected} == expected


@pytest.mark.usefixtures("eagerly")
def test_a_method_with_vectors_of_classes(same_data, same_preset, tmp_path):
    output = str(tmp_path / "trained")
    options = ["--data", same_data, "--output", output, "--epochs", "1", *SMALL]
    options += ["--method", "OrthoHash", "--lengths", "8,16"]
    options += ["--backbone", same_preset, "--scale", "4"]
    assert main(["train", *options]) == 0
    metadata = json.loads((tmp_path / "trained" / "metadata.json").read_text())
    assert metadata["method"] == "OrthoHash"
    assert 0 < metadata["metrics"]["map_8"] <= 1
    model = kdh.from_preset(output)
    assert model.lengths == (8, 16) and model.scale == 4
    codes = model.class_codes(["green", "red"])
    np.testing.assert_array_equal(codes, model.class_codes()[::-1])


@pytest.mark.usefixtures("eagerly")
def test_an_output_with_the_name_of_a_shipped_preset(
    data, tmp_path, monkeypatch, capsys
):
    # Of a new backbone, as the command makes it.
    monkeypatch.chdir(tmp_path)
    arguments = ["--data", data, "--output", "dch_cifar10_48", "--epochs", "1", *SMALL]
    arguments += ["--backbone", "small", "--no-evaluation"]
    assert main(["train", *arguments, "--bits", "16", "--gamma", "7"]) == 0
    trained = kdh.from_preset(tmp_path / "dch_cifar10_48")
    assert (trained.bits, trained.gamma) == (16, 7)
    assert type(trained.backbone) is kdh.AlexNetBackbone


@pytest.mark.usefixtures("eagerly")
def test_begins_from_the_backbone_of_another_method(data, make_model, tmp_path):
    start = make_model(bits=16)
    start.save_to_preset(tmp_path / "start")
    output = str(tmp_path / "trained")
    arguments = ["--data", data, "--output", output, "--no-evaluation", *SMALL]
    arguments += ["--backbone", str(tmp_path / "start"), "--method", "DTQ", *QUANTIZER]
    arguments += ["--epochs", "1", "--learning-rate", "0"]
    assert main(["train", *arguments]) == 0
    trained = kdh.from_preset(output)
    for one, two in zip(
        start.backbone.trainable_weights,
        trained.backbone.trainable_weights,
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("options", [[], ["--freeze-statistics"]])
@pytest.mark.usefixtures("eagerly")
def test_statistics_of_batch_normalization_may_stay(
    data, make_model, tmp_path, options
):
    start = make_model(bits=16)
    start.save_to_preset(tmp_path / "start")
    arguments = ["--data", data, "--output", str(tmp_path / "trained"), *SMALL]
    arguments += ["--backbone", str(tmp_path / "start"), "--no-evaluation", *options]
    assert main(["train", *arguments, "--epochs", "1", "--learning-rate", "0"]) == 0
    trained = kdh.from_preset(tmp_path / "trained")
    before, after = (
        np.concatenate([w.ravel() for w in model.backbone.get_weights()])
        for model in (start, trained)
    )
    assert np.array_equal(before, after) == bool(options)


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(["DCH", "--bits", "16"], id="DCH", marks=pytest.mark.slow),
        pytest.param(["DTQ", *QUANTIZER], id="DTQ"),
    ],
)
@pytest.mark.usefixtures("eagerly")
def test_trains_above_a_frozen_part(data, start, tmp_path, method):
    output, cache = str(tmp_path / "trained"), tmp_path / "features"
    arguments = ["train", "--data", data, *SMALL, "--method", *method, "--epochs", "3"]
    arguments += ["--backbone", start, "--freeze-until", "pool1"]
    arguments += ["--views", "2", "--feature-cache", str(cache)]
    assert main([*arguments, "--output", output]) == 0
    # The features of the views, the queries and the database, and their labels.
    files = sorted(cache.iterdir())
    assert len(files) == 6
    trained = kdh.from_preset(output)
    for name, is_frozen in (("conv1", True), ("fc6", False)):
        models = kdh.from_preset(start), trained
        one, two = (x.backbone.get_layer(name).kernel for x in models)
        assert np.array_equal(one, two) == is_frozen

    # What was measured on features is what the images give.
    query, database = kdh.datasets.read_lists(data, ["test", "database"])
    codes = [trained.continuous_codes(x.images) for x in (query, database)]
    metrics = trained.retrieval_metrics(
        codes[0], query.labels, codes[1], database.labels
    )
    metadata = json.loads((tmp_path / "trained" / "metadata.json").read_text())
    assert metadata["metrics"]["map"] == pytest.approx(metrics["map"], abs=0.02)
    assert metadata["training"]["start"] == "start"

    # Another training takes the files.
    times = [file.stat().st_mtime_ns for file in files]
    again = [*arguments, "--output", str(tmp_path / "again"), "--learning-rate", "1e-4"]
    assert main([*again, "--epochs", "1"]) == 0
    assert [file.stat().st_mtime_ns for file in sorted(cache.iterdir())] == times


@pytest.mark.parametrize(
    "method",
    [
        pytest.param(["DCH", "--bits", "16"], id="DCH", marks=pytest.mark.slow),
        pytest.param(["DTQ", *QUANTIZER, *EARLY], id="DTQ"),
    ],
)
def test_a_killed_training_gives_the_same_preset(
    data, make_model, tmp_path, capsys, method
):
    arguments = varied_training(data, make_model, tmp_path, method)
    program = (
        "import sys, keras_deephash.cli as cli, tensorflow as tf, tiny_backbone\n"
        # As in this process: graphs that are rewritten round otherwise.
        "tf.config.optimizer.set_experimental_options({'disable_meta_optimizer': True})"
        "\nsys.exit(cli.main())"
    )
    killed, whole = str(tmp_path / "killed"), str(tmp_path / "whole")
    command = [sys.executable, "-c", program, *arguments, "--output", killed]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=environment
    ) as training:
        for line in training.stdout:
            if line.startswith("Epoch 3/"):
                training.kill()
    assert os.path.exists(f"{killed}.backup") and not os.path.exists(killed)
    other = [*arguments, "--weight-decay", "3", "--output", killed]
    assert main(other) == 1
    assert "with other options (weight_decay)" in capsys.readouterr().err
    lines = (Path(data) / "train.txt").read_text().splitlines()
    elsewhere = shutil.copytree(data, tmp_path / "elsewhere")
    (elsewhere / "train.txt").write_text("\n".join(lines[::-1]))
    assert main([*arguments, "--data", str(elsewhere), "--output", killed]) == 1
    assert "with other options (data)" in capsys.readouterr().err
    (elsewhere / "train.txt").write_text("\n".join(lines))
    # The same lists, moved.
    arguments += ["--data", str(elsewhere)]
    assert main([*arguments, "--output", killed]) == 0
    assert not os.path.exists(f"{killed}.backup")
    assert "minutes" not in read_training(killed)  # Only a part of them was seen.
    assert main([*arguments, "--output", whole]) == 0
    assert read_training(whole)["minutes"] >= 0
    one, two = (kdh.from_preset(folder).get_weights() for folder in (killed, whole))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def varied_training(data, make_model, folder, method) -> list[str]:
    """A command with dropout, random crops, a schedule, and a codebook, or proxies,
    that learn on the way."""
    make_model(dropout=0.5).save_to_preset(folder / "start")
    arguments = ["train", "--data", data, *SMALL, "--no-evaluation", "--epochs", "8"]
    arguments += ["--resize-size", "36", "--augment", "color", "--method", *method]
    return [*arguments, "--backbone", str(folder / "start")]


@pytest.mark.usefixtures("eagerly")
def test_an_interrupted_training_keeps_its_proxies(
    same_data, make_model, tmp_path, monkeypatch
):
    method = ["HyP2", "--bits", "16"]
    arguments = varied_training(same_data, make_model, tmp_path, method)
    arguments += ["--epochs", "4"]
    save = TrainingBackup.on_epoch_end

    def save_and_stop(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    stopped, whole = str(tmp_path / "stopped"), str(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(TrainingBackup, "on_epoch_end", save_and_stop)
        assert main([*arguments, "--output", stopped]) == 130
    # A copy: this process has the lock of the backup until it ends.
    shutil.copytree(f"{stopped}.backup", tmp_path / "again.backup")
    for output in (str(tmp_path / "again"), whole):
        assert main([*arguments, "--output", output]) == 0
    one, two = (kdh.from_preset(tmp_path / n).get_weights() for n in ("again", "whole"))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)


def read_training(folder) -> dict:
    with open(os.path.join(folder, "metadata.json"), encoding="utf-8") as file:
        return json.load(file)["training"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--method", "DTQ", "--bits", "48"], "`DTQ` has no argument `bits`"),
        (["--method", "DCH", "--margin", "3"], "`DCH` has no argument `margin`"),
        (["--method", "DQN", "--word-vectors", "x"], "no argument `word_vectors`"),
        (["--method", "DVSQ"], "`DVSQ` needs --word-vectors"),
        (["--method", "DVSQ", "--word-vectors", "no.txt"], "no.txt"),
        (
            ["--method", "DVSQ", "--word-vectors", "x", "--substitutes", "red"],
            "`--substitutes` must be LABEL=WORD",
        ),
        (["--backbone", "alexnet_on_mars"], "no preset"),
        (["--epochs", "0"], "`--epochs` must be an integer >= 1"),
        (["--freeze-until", "x", "--views", "0"], "`--views` must be an integer"),
        (["--batch-size", "0"], "`--batch-size` must be an integer >= 1"),
        (["--optimizer", "sgd", "--learning-rate", "-1"], "must be finite and >= 0"),
        (["--optimizer", "adamw", "--weight-decay", "nan"], "must be finite and >= 0"),
        (
            [*SMALL, "--backbone", "small", "--hold-out", "0.05"],
            "enough for queries and a database",
        ),
        (["--bits", "9000"], "beyond all sizes"),
        (
            ["--recipe", "published", "--learning-rate", "0.1"],
            "`--learning-rate` needs --optimizer sgd or",
        ),
        (
            ["--recipe", "published", "--weight-decay", "0"],
            "`--weight-decay` needs --optimizer sgd or",
        ),
        (["--recipe", "published", "--views", "2"], "`--views` needs --freeze-until"),
        (
            ["--recipe", "published", "--feature-cache", "f"],
            "`--feature-cache` needs --freeze-until",
        ),
        (["--backbone", "x", "--dropout", "0.2"], "`--dropout` needs a new backbone"),
    ],
)
def test_options_that_do_not_fit(data, tmp_path, capsys, arguments, message):
    options = ["--data", data, "--output", str(tmp_path / "out")]
    assert main(["train", *options, *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err and "Epoch" not in captured.out


@pytest.mark.parametrize(
    "options, expected",
    [
        ({}, (32, 40, 4)),
        ({"resize_size": 36}, (32, 36, 4)),
        ({"padding": 0}, (32, 40, 0)),
        ({"image_size": 34}, (34, 42, 4)),
    ],
)
def test_what_is_not_given_is_the_backbones(make_model, tmp_path, options, expected):
    start = make_model()
    start.preprocessor = kdh.Preprocessor(32, resize_size=40, padding=4)
    start.save_to_preset(tmp_path / "start")
    options = kdh.TrainingOptions("data", backbone=str(tmp_path / "start"), **options)
    found = build_model(options, None).preprocessor
    assert (found.image_size, found.resize_size, found.padding) == expected


def test_the_caffe_form_of_another_image_size():
    options = kdh.TrainingOptions("data", backbone="caffe", image_size=195)
    model = build_model(options, None)
    assert model.backbone.image_shape == (195, 195, 3)
    assert model.preprocessor.image_size == 195
    assert model.backbone.get_layer("drop6").rate == 0.5


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_is_that_of_its_preset(path):
    recipe = json.loads(path.read_text())
    presets = {info.name: info for info in kdh.list_presets()}
    info = presets[path.stem]
    assert info.method == recipe.get("method", "DCH")
    assert info.bits == recipe.get("bits", 8 * recipe.get("subcodebooks", 4))
