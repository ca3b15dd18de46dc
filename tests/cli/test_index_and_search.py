"""An index of a folder, built and searched from the command line."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.cli import main


@pytest.fixture
def preset(make_model, tmp_path):
    make_model(bits=16).save_to_preset(tmp_path / "preset")
    return str(tmp_path / "preset")


@pytest.fixture
def folder(data):
    return str(Path(data) / "images")


def build(preset, images, output, *more):
    arguments = ["--preset", preset, "--images", images, "--output", output, *more]
    return main(["index", *arguments])


@pytest.fixture
def index(preset, folder, tmp_path):
    output = str(tmp_path / "my.index")
    assert build(preset, folder, output) == 0
    return output


def search(capsys, *arguments):
    capsys.readouterr()
    assert main(["search", *arguments]) == 0
    return capsys.readouterr().out


def test_search_finds_the_query_itself_and_prints_what_python_finds(
    index, preset, folder, capsys
):
    query = os.path.join(folder, "07.png")
    arguments = ["--index", index, "--preset", preset, "--images", query, "-k", "5"]
    found = json.loads(search(capsys, *arguments, "--json"))
    assert [result["query"] for result in found] == [query]
    model = kdh.from_preset(preset)
    codes = model.encode(sorted(str(path) for path in Path(folder).iterdir()))
    true = np.sort((np.unpackbits(codes ^ codes[7], axis=1)).sum(axis=1))[:5]
    neighbors = found[0]["neighbors"]
    assert [n["distance"] for n in neighbors] == true.tolist()
    everything = json.loads(search(capsys, *arguments[:-1], "48", "--json"))
    apart = {n["name"]: n["distance"] for n in everything[0]["neighbors"]}
    assert len(apart) == 48 and apart[query] == 0
    table = search(capsys, *arguments)
    assert table.splitlines()[0] == query
    assert len(table.splitlines()) == 6
    assert all(n["name"] in table for n in neighbors)


def test_a_radius_finds_all_within(index, preset, folder, capsys):
    arguments = ["--index", index, "--preset", preset, "--images", folder]
    found = json.loads(search(capsys, *arguments, "--radius", "16", "--json"))
    assert [len(result["neighbors"]) for result in found] == [48] * 48


def test_a_picture(index, preset, folder, tmp_path, capsys):
    picture = str(tmp_path / "grid.png")
    query = os.path.join(folder, "07.png")
    search(
        capsys,
        *("--index", index, "--preset", preset, "--images", query, "--save", picture),
    )
    with Image.open(picture) as image:
        assert image.width > 800
    os.remove(os.path.join(folder, "07.png"))
    shutil.copy(os.path.join(folder, "09.png"), tmp_path / "other.png")
    arguments = ["--index", index, "--preset", preset, "-k", "48", "--save", picture]
    assert main(["search", *arguments, "--images", str(tmp_path / "other.png")]) == 1
    assert "needs the images of the index" in capsys.readouterr().err


def test_the_same_command_adds_what_is_new(index, preset, folder, capsys):
    assert build(preset, folder, index) == 0
    assert "48 codes, 0 of them new" in capsys.readouterr().out
    shutil.copy(os.path.join(folder, "07.png"), os.path.join(folder, "new.png"))
    assert build(preset, folder, index) == 0
    assert "49 codes, 1 of them new" in capsys.readouterr().out


def test_an_image_has_one_name_however_it_is_called(
    index, preset, folder, data, capsys, monkeypatch
):
    monkeypatch.chdir(Path(folder).parent)
    for images in ("images", "./images", os.path.join("..", Path(data).name, "images")):
        assert build(preset, images, index) == 0
        assert "48 codes, 0 of them new" in capsys.readouterr().out


def test_names_that_are_no_utf_8_are_printed(preset, folder, tmp_path, capsys):
    name = os.path.join(os.fsencode(folder), b"\xff.png")
    shutil.copy(os.path.join(folder, "07.png"), name)
    output = str(tmp_path / "my.index")
    assert build(preset, folder, output) == 0
    arguments = ["--index", output, "--preset", preset, "--images", os.fsdecode(name)]
    assert "\N{REPLACEMENT CHARACTER}.png" in search(capsys, *arguments)


def test_unreadable_images_are_listed_and_left_out(preset, folder, tmp_path, capsys):
    Path(folder, "broken.jpg").write_bytes(b"no image")
    output = str(tmp_path / "my.index")
    assert build(preset, folder, output, "--kind", "hash") == 0
    assert "48 codes, 48 of them new" in capsys.readouterr().out
    report = Path(output + ".unreadable.txt").read_text()
    assert report.startswith(os.path.join(folder, "broken.jpg") + "\t")
    assert len(report.splitlines()) == 1
    index = kdh.Index.load(output)
    assert index.stats()["kind"] == "hash" and len(index) == 48
    shutil.copy(os.path.join(folder, "07.png"), os.path.join(folder, "broken.jpg"))
    assert build(preset, folder, output) == 0
    assert len(kdh.Index.load(output)) == 49
    assert not os.path.exists(output + ".unreadable.txt")


def test_a_list_gives_labels(preset, data, tmp_path):
    output = str(tmp_path / "my.index")
    assert build(preset, os.path.join(data, "database.txt"), output) == 0
    labels = kdh.Index.load(output).labels(np.arange(16))
    np.testing.assert_array_equal(labels, [[1, 0], [0, 1]] * 8)


@pytest.mark.parametrize(
    "case, message",
    [
        ("kind", "must be one of"),
        ("other kind", "is an index of kind 'flat'"),
        ("output", "is no saved index"),
        ("model", "The model makes other codes"),
    ],
)
def test_errors_are_one_line(
    case, message, index, preset, folder, make_model, tmp_path, capsys
):
    arguments = {
        "kind": (preset, folder, str(tmp_path / "new"), "--kind", "tree"),
        "other kind": (preset, folder, index, "--kind", "ivf"),
        "output": (preset, folder, folder),
        "model": (str(tmp_path / "other"), folder, index),
    }[case]
    make_model(bits=16).save_to_preset(tmp_path / "other")
    assert build(*arguments) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_search_names_what_is_missing(index, preset, folder, tmp_path, capsys):
    query = os.path.join(folder, "07.png")
    assert main(["search", "--index", folder, "--images", query]) == 1
    assert "no saved index" in capsys.readouterr().err
    arguments = ["--index", index, "--preset", preset]
    assert main(["search", *arguments, "--images", str(tmp_path / "no.png")]) == 1
    assert "no.png" in capsys.readouterr().err
    assert main(["search", *arguments, "--images", query, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    second = found["neighbors"][1]["name"]
    os.remove(second)
    save = ["--save", str(tmp_path / "grid.png")]
    assert main(["search", *arguments, "--images", query, *save]) == 1
    captured = capsys.readouterr()  # What was found is printed all the same.
    assert second in captured.err and second in captured.out


def test_images_that_are_not_there_make_no_index(preset, tmp_path, capsys):
    output = tmp_path / "new.index"
    assert build(preset, str(tmp_path / "typo.png"), str(output)) == 1
    assert "there is no such file" in capsys.readouterr().err and not output.exists()
