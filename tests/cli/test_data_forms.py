"""The data that people have, from the command line: folders and tables."""

import json
import os
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.callbacks import TrainingBackup
from keras_deephash.cli import main
from keras_deephash.training.data import read_data
from keras_deephash.training.dry_run import dry_run

# The commands see a few batches: not worth a graph.
pytestmark = pytest.mark.usefixtures("eagerly")
SMALL = ["--batch-size", "8", "--epochs", "2", "--optimizer", "adamw", "--bits", "16"]
NAMES = ("green", "red")


@pytest.fixture
def birds(tmp_path, make_model, monkeypatch):
    """A working directory with a folder of two classes, and a preset to begin from."""
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for number in range(40):
        pixels = generator.integers(0, 60, (32, 32, 3), dtype=np.uint8)
        pixels[..., number % 2] += 180
        name = NAMES[1 - number % 2]
        (tmp_path / "birds" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "birds" / name / f"{number}.png")
    make_model().save_to_preset("start")
    return Path("birds")


def command(*arguments) -> list[str]:
    return ["train", *SMALL, "--backbone", "start", *map(str, arguments)]


def test_from_a_folder_to_a_search(birds, capsys):
    assert main(command("--data", birds, "--output", "mine")) == 0
    printed = capsys.readouterr().out
    assert "Training: 28 images, 2 labels (green 14, red 14)" in printed
    assert "Evaluation: 4 queries against 8" in printed
    metadata = kdh.presets.read_preset_metadata("mine")
    assert metadata["label_names"] == list(NAMES)
    assert metadata["metrics"]["database"] == 8
    train, query, database = kdh.datasets.read_splits("mine.lists")
    assert [len(x) for x in (train, query, database)] == [28, 4, 8]
    assert kdh.datasets.check_splits(train, query, database).ok
    assert Path("mine.lists/root.txt").read_text() == "../birds\n"

    # What it says comes next works as it stands.
    lines = printed.partition("What comes next:\n")[2].splitlines()
    assert [line.split()[1] for line in lines] == ["evaluate", "index", "search"]
    for line in lines:
        program, *arguments = line.split()
        assert program == "keras-deephash" and main(arguments) == 0, line
    found = capsys.readouterr().out
    assert f"{metadata['metrics']['map']:.4f}" in found and "40 codes" in found


def test_from_python(birds):
    data = kdh.datasets.from_folder(birds)
    backbone = kdh.from_preset("start").backbone
    options = {"backbone": backbone, "batch_size": 8, "epochs": 1}
    model = kdh.train(data, method="DCH", bits=48, optimizer="adamw", **options)
    assert model.bits == 48 and model.label_names == list(NAMES)
    record = model.training_record
    assert record["metrics"]["database"] == 8
    assert record["training"]["split"] == "28 images of train.txt"
    assert "data=data, " in record["training"]["command"]
    with pytest.raises(ValueError, match="holds all options: .*Received: .*and bits"):
        kdh.train(kdh.TrainingOptions(data), bits=48)
    with pytest.raises(ValueError, match="`path_column` needs a table"):
        kdh.train(data, path_column="path")


def test_a_table_with_a_split_and_images_without_labels(birds, capsys):
    paths = sorted(birds.glob("*/*.png"))
    lines = ["file,kind,subset"]
    for number, path in enumerate(paths):
        label = "" if number % 10 == 0 else path.parent.name
        part = ("test", "database", "val", "train")[min(number % 6, 3)]
        lines.append(f"{path},{label},{part}")
    Path("birds.csv").write_text("\n".join(lines))
    arguments = ["--data", "birds.csv", "--output", "mine"]
    assert main(command(*arguments)) == 1
    error = capsys.readouterr().err
    assert "`label_column`" in error and "'file', 'kind', 'subset'" in error
    assert main(command(*arguments, "--label-column", "kind")) == 0
    printed = capsys.readouterr().out
    training = kdh.presets.read_preset_metadata("mine")["training"]
    assert training["unlabelled"] == sum(n % 6 > 2 for n in range(0, 40, 10))
    assert f"{training['unlabelled']} images without a label are left out" in printed
    assert "Held out: 7 queries" in printed and training["held_out"] == 7
    # Of the queries, every sixth image, those of which the tenth has no label.
    without = sum(number % 10 == 0 for number in range(0, 40, 6))
    assert f"; {without} queries have no label of the database, and count" in printed
    data = ["--data", "birds.csv", "--label-column", "kind"]
    assert main(["evaluate", "--preset", "mine", *data]) == 0
    assert main(["evaluate", "--preset", "mine", "--data", "mine.lists"]) == 0
    assert main(["evaluate", "--preset", "mine", "--data", "birds"]) == 1
    assert "have no such split. Give the lists" in capsys.readouterr().err


def test_the_command_that_writes_lists(birds, capsys):
    assert main(["lists", "birds"]) == 0
    printed = capsys.readouterr().out
    assert "train: 28 images\nquery: 4 images\ndatabase: 8 images" in printed
    assert sorted(p.name for p in birds.glob("*.txt")) == sorted(
        ["train.txt", "test.txt", "database.txt", "labels.txt"]
    )
    assert main(["lists", "birds"]) == 1
    assert "already holds lists" in capsys.readouterr().err
    arguments = ["lists", "birds", "--output", "lists", "--seed", "1"]
    assert main([*arguments, "--query", "0.25", "--database", "0.25"]) == 0
    splits = kdh.datasets.read_splits("lists")
    assert [len(part) for part in splits] == [20, 10, 10]
    assert splits.train.images[0].startswith(os.path.realpath("birds"))
    Path("a.csv").write_text("path,label\nbirds/red/0.png,red\n")
    assert main(["lists", "a.csv"]) == 1
    assert "`--output` must name a directory" in capsys.readouterr().err


def test_a_training_goes_on_where_its_data_have_moved(birds, monkeypatch, capsys):
    save = TrainingBackup.on_epoch_end

    def save_and_stop(self, epoch, logs=None):
        save(self, epoch, logs)
        raise KeyboardInterrupt

    more = ["--epochs", "3", "--weights-dtype", "float16", "--top-k", "5"]
    assert main(command("--data", birds, "--output", "whole", *more)) == 0
    with monkeypatch.context() as patch:
        patch.setattr(TrainingBackup, "on_epoch_end", save_and_stop)
        assert main(command("--data", birds, "--output", "mine", *more)) == 130
    os.makedirs("elsewhere/deep")
    # A copy: this process has the lock of the backup until it ends.
    shutil.copytree("mine.backup", "elsewhere/out.backup")
    shutil.move("birds", "elsewhere/deep/images")
    shutil.move("start", "elsewhere/first")
    resumed = ["train", "--resume", "--data", "elsewhere/deep/images"]
    resumed += ["--output", "elsewhere/out"]
    assert main([*resumed, "--backbone", "elsewhere/first", "--bits", "8"]) == 1
    assert "with other options (bits)" in capsys.readouterr().err
    assert main([*resumed, "--backbone", "elsewhere/first"]) == 0
    metadata = [kdh.presets.read_preset_metadata(p) for p in ("whole", "elsewhere/out")]
    assert metadata[1]["weights_dtype"] == "float16"
    assert metadata[0]["metrics"] == metadata[1]["metrics"]
    one, two = (kdh.from_preset(p).get_weights() for p in ("whole", "elsewhere/out"))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a, b)
    assert main([*resumed, "--backbone", "elsewhere/first"]) == 1
    assert "There is no backup of a training" in capsys.readouterr().err


@pytest.mark.parametrize("frozen", [False, True])
def test_a_dry_run_writes_nothing(birds, capsys, frozen):
    before = sorted(os.listdir())
    more = ["--freeze-until", "pool1", "--feature-cache", "cache"] if frozen else []
    more += ["--data", birds, "--output", "mine", "--dry-run"]
    assert main(command(*more)) == 0
    printed = capsys.readouterr().out
    assert "Training: 28 images" in printed and "One step: " in printed
    assert re.search(r"Expected: about .*\b6 steps ", printed)
    assert sorted(os.listdir()) == before


def test_a_dry_run_in_python(birds):
    options = {"backbone": "start", "bits": 16, "batch_size": 8, "epochs": 4}
    found = dry_run(str(birds), hold_out=0.5, evaluate_every=2, **options)
    duration = found.duration
    assert duration.steps == 4 * (14 // 8)
    assert found.parameters == kdh.from_preset("start").count_params()
    assert 0 < duration.step < duration.seconds
    assert duration.held_out > 0 and duration.evaluation > 0
    closed = dry_run(str(birds), method="ITQ", backbone="start", bits=8)
    assert closed.duration.steps == 1 and closed.duration.held_out == 0
    with pytest.raises(ValueError, match="`batch_size` must be at most .* 28: lower"):
        dry_run(str(birds), **{**options, "batch_size": 29})


def test_columns_and_a_split_that_do_not_fit(birds, capsys):
    lines = [f"{path},{path.parent.name},one" for path in birds.glob("*/*.png")]
    Path("birds.csv").write_text("\n".join(["path,label,subset", *lines]))
    data = ["--data", "birds.csv", "--output", "mine"]
    assert main(command(*data)) == 1
    error = capsys.readouterr().err
    assert "'one', in the column 'subset'" in error and "--split-column none" in error
    assert main(["lists", "birds.csv", "--split-column", "none", "--output", "l"]) == 0
    assert main(command(*data, "--split-column", "none", "--dry-run")) == 0
    assert "Training: 28 images" in capsys.readouterr().out
    data = ["--data", "l", "--path-column", "path"]
    for arguments in (
        command(*data, "--output", "mine"),
        ["evaluate", "--preset", "start", *data],
    ):
        assert main(arguments) == 1
        assert "--path-column is for a table" in capsys.readouterr().err


def test_a_warning_is_one_line(birds, capsys):
    (birds / "red" / "song.mp3").write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        # As outside of pytest, which catches warnings.
        warnings.showwarning = warnings._showwarning_orig
        assert main(["lists", "birds", "--output", "lists"]) == 0
    error = capsys.readouterr().err
    place = os.path.abspath("birds")
    assert error == f"keras-deephash: warning: {place}: 1 other file: 1 .mp3\n"


def lists_of_one_label(birds):
    for path in (birds / "red").iterdir():
        path.unlink()
    (birds / "red").rmdir()


def two_images(birds):
    for path in sorted(birds.glob("*/*.png"))[2:]:
        path.unlink()
    (birds / "red").rmdir()


def no_queries(birds):
    (birds / "train").mkdir()
    (birds / "database").mkdir()
    (birds / "red").rename(birds / "train" / "red")
    (birds / "green").rename(birds / "database" / "green")


def damaged(birds):
    (birds / "red" / "0.png").write_bytes(b"no image")


@pytest.mark.parametrize(
    "change, message",
    [
        (lists_of_one_label, "images of at least two labels"),
        (two_images, "at least three different images"),
        (no_queries, "none for query"),
        (damaged, "0.png"),
        (lambda birds: birds.rename("nests"), "must be a folder with one folder for"),
    ],
)
def test_data_that_cannot_be_trained_on(birds, capsys, change, message):
    change(birds)
    assert main(command("--data", birds, "--output", "mine")) == 1
    error = capsys.readouterr().err
    assert message in error and not Path("mine.lists").exists()


def test_a_class_of_one_image_is_trained_on(birds):
    (birds / "blue").mkdir()
    Image.new("RGB", (32, 32), "blue").save(birds / "blue" / "0.png")
    data = read_data(kdh.TrainingOptions(str(birds)))
    assert data.train.labels.sum(axis=0).tolist() == [1, 14, 14]
    assert json.loads(json.dumps(data.train.label_names)) == ["blue", "green", "red"]
    assert [part.labels[:, 0].sum() for part in data.evaluation] == [0, 0]
    assert str(data).endswith(
        "Evaluation: 4 queries against 8\n1 label without a query"
    )


def test_validation_images_and_a_hold_out(birds):
    for part in ("train", "val", "test"):
        for name in NAMES:
            (Path("set") / part / name).mkdir(parents=True)
    for number, path in enumerate(sorted(birds.glob("*/*.png"))):
        part = ("train", "val", "test")[min(number % 10, 2) if number % 10 < 3 else 0]
        path.rename(Path("set") / part / path.parent.name / path.name)
    data = read_data(kdh.TrainingOptions("set"))
    assert (len(data.train), data.held_out_count) == (32, 4)
    assert data.held_out[1] is data.train and len(data.evaluation[0]) == 4
    with pytest.raises(ValueError, match="have validation images.*leave out hold_out"):
        read_data(kdh.TrainingOptions("set", hold_out=0.5))
