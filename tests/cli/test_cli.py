"""The command line, as a user calls it."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.cli import COMMANDS, demo_steps, main
from keras_deephash.cli.arguments import percent


@pytest.fixture
def preset(same_preset):
    return same_preset


def test_help():
    program = "import sys, keras_deephash.cli as cli; sys.exit(cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "usage: keras-deephash" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"usage: keras-deephash {command}" in capsys.readouterr().out


def test_train_evaluate_encode(data, start, tmp_path, capsys):
    output = str(tmp_path / "trained")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"bits": 16, "epochs": 9, "optimizer": "adamw"}))
    arguments = ["--data", data, "--output", output, "--batch-size", "8"]
    arguments += ["--recipe", str(recipe), "--epochs", "2", "--hold-out", "0.5"]
    arguments += ["--evaluate-every", "1", "--augment", "color", "cutout"]
    arguments += ["--top-k", "5", "--backbone", start]
    assert main(["train", *arguments]) == 0
    assert not os.path.exists(output + ".backup")
    metadata = json.loads((tmp_path / "trained" / "metadata.json").read_text())
    assert metadata["bits"] == 16 and metadata["label_names"] == ["red", "green"]
    assert metadata["training"]["epochs"] == 2
    assert metadata["training"]["command"].startswith("keras-deephash train --data")
    assert metadata["training"]["held_out"] == 12
    assert "val_map" in metadata["training"]
    assert metadata["metrics"]["database"] == 16
    assert metadata["metrics"]["top_k"] == 5

    figures = tmp_path / "figures.json"
    capsys.readouterr()
    arguments = ["--preset", output, "--data", data, "--json", str(figures)]
    assert main(["evaluate", *arguments]) == 0
    assert json.loads(figures.read_text()) == metadata["metrics"]
    low, high = metadata["metrics"]["map_interval"]
    assert low <= metadata["metrics"]["map"] <= high
    printed = capsys.readouterr().out
    assert "map_at_radius" in printed
    assert printed.count(f"{low:.3f} to {high:.3f}") >= 2  # Measured, and stated.
    assert f"{low:.3f} to {high:.3f}" in (tmp_path / "trained/README.md").read_text()
    assert main(["evaluate", *arguments, "--top-k", "9"]) == 0
    assert json.loads(figures.read_text())["top_k"] == 9
    assert main(["evaluate", *arguments, "--bootstrap", "0"]) == 0
    assert "map_interval" not in json.loads(figures.read_text())

    codes = str(tmp_path / "codes.npz")
    assert (
        main(["encode", "--preset", output, "--images", data, "--output", codes]) == 0
    )
    with np.load(codes) as file:
        assert file["codes"].shape == (48, 2)
        assert file["paths"][0].endswith("00.png")
        expected = kdh.from_preset(output).encode(list(file["paths"]))
        np.testing.assert_array_equal(file["codes"], expected)
    images = os.path.join(data, "test.txt")
    assert (
        main(["encode", "--preset", output, "--images", images, "--output", codes]) == 0
    )
    with np.load(codes) as file:
        assert len(file["codes"]) == 8
    image = os.path.join(data, "images", "07.png")
    assert (
        main(["encode", "--preset", output, "--images", image, "--output", codes]) == 0
    )
    with np.load(codes) as file:
        assert list(file["paths"]) == [image]
        np.testing.assert_array_equal(file["codes"], expected[7:8])


def test_an_occupied_output_is_refused_before_the_training(data, tmp_path, capsys):
    (tmp_path / "out").write_text("a thesis")
    arguments = ["--data", data, "--output", str(tmp_path / "out")]
    assert main(["train", *arguments]) == 1
    captured = capsys.readouterr()
    assert "is not a preset" in captured.err and "Epoch" not in captured.out


def test_presets(preset, capsys):
    assert main(["presets"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("name") and "dch_cifar10_48" in out
    assert main(["presets", preset]) == 0
    assert "| MAP | 0.5000 |" in capsys.readouterr().out


def test_demo_with_a_folder(data, preset, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    arguments = ["demo", "--images", data, "--preset", preset]
    assert main([*arguments, "--output", str(picture), "--queries", "3"]) == 0
    assert Image.open(picture).size[0] > 500
    out = capsys.readouterr().out
    assert str(picture) in out and "What to try next" in out


@pytest.fixture
def damaged(data):
    """The folder, with two files that are not images."""
    for name in ("images/20.jpg", "zz.png"):
        with open(os.path.join(data, name), "wb") as file:
            file.write(b"no image")
    return data


def test_encode_leaves_out_what_cannot_be_read(damaged, preset, tmp_path, capsys):
    codes = tmp_path / "codes.npz"
    arguments = ["encode", "--preset", preset, "--output", str(codes), "--images"]
    assert main([*arguments, damaged]) == 0
    assert "2 images could not be read" in capsys.readouterr().out
    with np.load(codes) as file:
        paths = list(file["paths"])
        assert len(paths) == 48 and not any("zz" in path for path in paths)
        expected = kdh.from_preset(preset).encode(paths)
        np.testing.assert_array_equal(file["codes"], expected)
    report = tmp_path / "codes.npz.unreadable.txt"
    lines = report.read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [
        os.path.join(damaged, name) for name in ("images/20.jpg", "zz.png")
    ]
    codes.unlink()
    assert main([*arguments, damaged, "--strict"]) == 1
    error = capsys.readouterr().err
    assert "2 of 50 images cannot be read" in error and "zz.png" in error
    assert main([*arguments, os.path.join(damaged, "zz.png")]) == 1
    assert "None of 1 image can be read. " in capsys.readouterr().err
    assert not codes.exists()
    for name in ("images/20.jpg", "zz.png"):
        os.remove(os.path.join(damaged, name))
    assert main([*arguments, damaged]) == 0
    assert not report.exists()  # That of an earlier run.


def test_demo_leaves_out_what_cannot_be_read(damaged, preset, tmp_path, capsys):
    picture = tmp_path / "picture.png"
    arguments = ["demo", "--images", damaged, "--preset", preset]
    arguments += ["--output", str(picture), "--queries", "50", "--neighbors", "2"]
    assert main(arguments) == 0
    captured = capsys.readouterr()
    assert picture.exists() and "20.jpg" in captured.err and "zz.png" in captured.err
    picture.unlink()
    assert main([*arguments, "--strict"]) == 1
    assert "2 of 50 images cannot be read" in capsys.readouterr().err


def test_one_bit_is_not_one_bits():
    captions = [demo_steps._bits(distance) for distance in (0, 1, 12)]
    assert captions == ["0 bits", "1 bit", "12 bits"]
    assert [percent(s) for s in (-0.1, 0.0, 0.126, 1)] == [
        "0%",
        "0%",
        "13%",
        "100%",
    ]


def test_demo_with_a_quantizer_ranks_by_its_scores(
    data, make_model, tmp_path, monkeypatch
):
    drawn = {}

    def draw(queries, neighbors, captions):
        drawn.update(queries=queries, neighbors=neighbors, captions=captions)
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(demo_steps, "draw_neighbors", draw)
    model = kdh.DQN(make_model().backbone, subcodebooks=2, subcenters=4, dim=4)
    paths = kdh.images.find_images(data)
    model.fit_codebook(paths, verbose=0)
    model.save_to_preset(tmp_path / "preset")
    model = kdh.from_preset(tmp_path / "preset")
    demo_steps.search_folder(data, paths, model, 2, 3)
    for path, found, captions in zip(*drawn.values(), strict=True):
        queries = model.continuous_codes([path])
        scores = model.asymmetric_scores(queries, model.encode(paths))[0]
        alike = scores / np.sum(queries**2)  # The inner products of DQN.
        others = [i for i in np.argsort(-scores) if paths[i] != path][:3]
        assert path not in found and len(found) == 3
        shown = [int(caption.removesuffix("%")) for caption in captions]
        expected = 100 * alike[others].clip(0, 1)
        np.testing.assert_allclose(shown, expected, atol=0.51)


@pytest.mark.parametrize("command", ["encode", "index", "search", "evaluate", "demo"])
def test_a_backbone_has_no_codes(
    command, same_data, same_index, make_model, tmp_path, capsys
):
    make_model().backbone.save_to_preset(tmp_path / "backbone")
    data = same_data
    arguments = {
        "encode": ["--images", data],
        "index": ["--images", data, "--output", str(tmp_path / "new.index")],
        "search": ["--images", data, "--index", same_index],
        "evaluate": ["--data", data],
        "demo": ["--images", data],
    }[command]
    assert main([command, "--preset", str(tmp_path / "backbone"), *arguments]) == 1
    error = capsys.readouterr().err
    assert "must be the preset of a method" in error and "Traceback" not in error


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["evaluate", "--radius", "-1"], "`--radius` must be"),
        (["evaluate", "--top-k", "0"], "`--top-k` must be"),
        (["evaluate", "--json", "."], "must name a file"),
        (["report", "--radius", "-1"], "`--radius` must be"),
        (["train", "--output", "o", "--top-k", "0"], "`--top-k` must be"),
        (
            ["train", "--output", "o", "--top-k", "3", "--no-evaluation"],
            "`--top-k` needs an evaluation",
        ),
        (
            ["train", "--output", "o", "--hold-out", "0", "--evaluate-every", "2"],
            "`--evaluate-every` needs images to evaluate on",
        ),
        (
            ["train", "--output", "o", "--hold-out", "0.5", "--evaluate-every", "0"],
            "`--evaluate-every` must be",
        ),
        (["encode", "--gpus-per-actor", "1"], "needs `--actors N`"),
    ],
)
def test_wrong_options_come_before_the_work(
    arguments, message, data, preset, monkeypatch, capsys, tmp_path
):
    def work(*_args, **_kwargs):
        raise AssertionError("the work began")

    monkeypatch.chdir(tmp_path)
    for name in ("continuous_codes", "fit"):
        monkeypatch.setattr(kdh.DCH, name, work)
    if arguments[0] != "train":
        arguments = [*arguments, "--preset", preset]
    where = ["--images"] if arguments[0] == "encode" else ["--data"]
    assert main([*arguments, *where, data]) == 1
    assert message in capsys.readouterr().err


def test_an_output_that_cannot_be_written_comes_before_the_work(
    data, preset, tmp_path, monkeypatch, capsys
):
    def work(*_args, **_kwargs):
        raise AssertionError("the work began")

    monkeypatch.setattr(kdh.DCH, "continuous_codes", work)
    (tmp_path / "file").write_text("no folder")
    output = str(tmp_path / "file" / "codes.npz")
    arguments = ["--preset", preset, "--images", data, "--output", output]
    assert main(["encode", *arguments]) == 1
    assert "file" in capsys.readouterr().err
    arguments = ["--preset", preset, "--data", data, "--json", output]
    assert main(["evaluate", *arguments]) == 1
    assert "file" in capsys.readouterr().err
    monkeypatch.setattr(demo_steps, "search_digits", work)
    assert main(["demo", "--output", output]) == 1
    assert "file" in capsys.readouterr().err


def test_an_image_of_any_name_is_one(data, preset, tmp_path):
    image = str(tmp_path / "scan.0001")
    shutil.copy(os.path.join(data, "images", "07.png"), image)
    codes = str(tmp_path / "codes.npz")
    arguments = ["--preset", preset, "--images", image, "--output", codes]
    assert main(["encode", *arguments]) == 0
    with np.load(codes) as file:
        assert list(file["paths"]) == [image]


def test_the_search_metric_of_a_dtq(data, tmp_path, capsys):
    arguments = ["--data", data, "--search-metric", "inner_product"]
    figures = tmp_path / "figures.json"
    for name in ("dtq_cifar10_32", "dqn_cifar10_32"):
        preset = ["--preset", name, "--json", str(figures)]
        failed = main(["evaluate", *preset, *arguments])
        assert failed == (name == "dqn_cifar10_32")
    assert "no argument 'search_metric'" in capsys.readouterr().err
    model = kdh.from_preset("dtq_cifar10_32", search_metric="inner_product")
    query, database = kdh.datasets.read_lists(data, ["test", "database"])
    codes = [model.continuous_codes(images.images) for images in (query, database)]
    found = kdh.evaluate_retrieval(
        None,
        query.labels,
        None,
        database.labels,
        scores=model.asymmetric_scores(codes[0], model.codebook.encode(codes[1])),
    )
    assert json.loads(figures.read_text())["map"] == pytest.approx(found.map, abs=1e-3)


def test_a_radius_is_refused_where_there_is_no_ball(data, capsys):
    arguments = ["--preset", "dtq_cifar10_32", "--data", data, "--radius", "3"]
    for command in ("evaluate", "report"):
        assert main([command, *arguments]) == 1
        assert "`--radius` is a Hamming radius" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["evaluate", "--preset", "dch_cifar", "--data", "."], "no preset"),
        (
            ["evaluate", "--preset", "dch_cifar10_48", "--data", "no"],
            "which does not exist",
        ),
        (["encode", "--preset", "x", "--images", "no"], "must be an existing folder"),
        (["evaluate", "--preset", "dch_cifar10_48", "--data", __file__], "a file"),
        (["encode", "--preset", "x", "--images", "."], "holds no image"),
        (["encode", "--preset", "x", "--images", ".", "--output", "a.txt"], ".npz"),
        (["train", "--data", "no", "--output", "out"], "which does not exist"),
        (["train", "--data", "no", "--output", "o", "--recipe", "r"], "No such file"),
        (["demo", "--images", "no"], "no such folder"),
        (["demo", "--queries", "0"], "`--queries` must be an integer >= 1"),
        (["demo", "--epochs", "-3"], "`--epochs` must be"),
        (["demo", "--images", ".", "--epochs", "3"], "leave out"),
        (["demo", "--preset", "no"], "no preset"),
        (["presets", "dch_cifar10_48", "--remote"], "`--remote` lists presets"),
        (["presets", "no"], "no preset"),
    ],
)
def test_errors_are_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("keras-deephash: error: ") and message in error
    assert "Traceback" not in error
    assert os.listdir(tmp_path) == []


def test_a_recipe_names_no_other(data, tmp_path, capsys):
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"bits": 16, "recipe": "other.json"}')
    arguments = ["--data", data, "--output", str(tmp_path / "out")]
    assert main(["train", *arguments, "--recipe", str(recipe)]) == 1
    assert "and not `recipe`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "[1]", "no json"])
def test_a_recipe_must_be_a_json_object(data, tmp_path, capsys, text):
    (tmp_path / "recipe.json").write_text(text)
    arguments = ["--data", data, "--output", "out"]
    assert main(["train", *arguments, "--recipe", str(tmp_path / "recipe.json")]) == 1
    assert "`--recipe` must" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", [{"bitz": 3}, {"optimizer": "magic"}])
def test_recipes_are_checked_as_the_command_line_is(data, tmp_path, capsys, recipe):
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    arguments = ["--data", data, "--output", "out"]
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments, "--recipe", str(tmp_path / "recipe.json")])
    assert ended.value.code == 2
    assert next(iter(recipe)) in capsys.readouterr().err
