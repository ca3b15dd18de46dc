"""An index of a folder, built and searched from the command line."""

import json
import os
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash.cli import main


@pytest.fixture
def preset(same_preset):
    return same_preset


@pytest.fixture(scope="session")
def same_folder(same_data):
    return str(Path(same_data) / "images")


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
    same_index, preset, same_folder, capsys
):
    query = os.path.join(same_folder, "07.png")
    arguments = ["--index", same_index, "--preset", preset, "--images", query]
    arguments += ["-k", "5"]
    found = json.loads(search(capsys, *arguments, "--json"))
    assert [result["query"] for result in found] == [query]
    model = kdh.from_preset(preset)
    codes = model.encode(sorted(str(path) for path in Path(same_folder).iterdir()))
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


def test_a_radius_finds_all_within(same_index, preset, same_folder, capsys):
    arguments = ["--index", same_index, "--preset", preset, "--images", same_folder]
    found = json.loads(search(capsys, *arguments, "--radius", "16", "--json"))
    assert [len(result["neighbors"]) for result in found] == [48] * 48


def test_a_picture(same_index, preset, same_folder, tmp_path, capsys):
    picture = str(tmp_path / "grid.png")
    query = os.path.join(same_folder, "07.png")
    arguments = ["--index", same_index, "--preset", preset, "--images", query]
    search(capsys, *arguments, "--save", picture)
    with Image.open(picture) as image:
        assert image.width > 800


def test_a_picture_shows_what_is_missing(index, preset, folder, tmp_path, capsys):
    """White tiles with a cross, in place of images that are gone or damaged."""
    query = str(tmp_path / "other.png")
    shutil.copy(os.path.join(folder, "09.png"), query)
    arguments = ["--index", index, "--preset", preset, "--images", query, "-k", "3"]
    arguments += ["--json", "--save"]

    def tiles(name):
        (found,) = json.loads(search(capsys, *arguments, str(tmp_path / name)))
        with Image.open(tmp_path / name) as image:
            pixels = np.asarray(image.convert("RGB"))
        # Query, then neighbours; each 72 pixels, in a frame of 4 and a gap of 6.
        starts = [10] + [16 + 86 * column for column in (1, 2, 3)]
        return found["neighbors"], [pixels[26:98, x : x + 72] for x in starts]

    neighbors, whole = tiles("whole.png")
    os.remove(neighbors[0]["name"])
    Path(neighbors[2]["name"]).write_bytes(b"no image")
    _, now = tiles("now.png")
    for number in (0, 2):  # The query, and the second neighbour.
        np.testing.assert_array_equal(now[number], whole[number])
    for number in (1, 3):
        assert (now[number] == 255).mean() > 0.5
        assert (whole[number] == 255).mean() < 0.5


def test_a_picture_asks_no_other_computer(preset, folder, tmp_path, capsys):
    """On POSIX systems, `//file` is the file itself: it is there, and not looked at."""
    model = kdh.from_preset(preset)
    index = kdh.Index(model)
    image = os.path.join(folder, "07.png")
    index.add(model.encode([image] * 2), names=[image, f"/{image}"])
    index.save(tmp_path / "i")
    arguments = ["--index", str(tmp_path / "i"), "--preset", preset]
    arguments += ["--images", image, "--save", str(tmp_path / "grid.png")]
    search(capsys, *arguments)
    with Image.open(tmp_path / "grid.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    shown, hidden = (pixels[26:98, x : x + 72] for x in (102, 188))
    assert (shown == 255).mean() < 0.5 < (hidden == 255).mean()


def test_one_code_is_singular(preset, folder, tmp_path, capsys):
    image = os.path.join(folder, "07.png")
    assert build(preset, image, str(tmp_path / "i")) == 0
    assert "i: 1 code, 1 of them new" in capsys.readouterr().out
    arguments = ["--images", image, "--output", str(tmp_path / "codes.npz")]
    assert main(["encode", "--preset", preset, *arguments]) == 0
    assert "codes.npz: 1 code of " in capsys.readouterr().out


def test_the_same_command_adds_what_is_new(index, preset, folder, capsys):
    assert build(preset, folder, index) == 0
    assert "48 codes, 0 of them new" in capsys.readouterr().out
    shutil.copy(os.path.join(folder, "07.png"), os.path.join(folder, "new.png"))
    assert build(preset, folder, index) == 0
    assert "49 codes, 1 of them new" in capsys.readouterr().out


def test_the_same_command_updates_what_has_changed(index, preset, folder, capsys):
    shutil.copy(os.path.join(folder, "07.png"), os.path.join(folder, "08.png"))
    os.remove(os.path.join(folder, "09.png"))
    assert build(preset, folder, index) == 0
    out = capsys.readouterr().out
    assert "48 codes, 0 of them new, 1 updated" in out
    assert "1 of the files is gone, such as " in out and "09.png: see --prune" in out
    opened = kdh.Index.load(index)
    ids = dict(zip(opened.names(opened.ids), opened.ids, strict=True))
    seven, eight = (ids[os.path.join(folder, f"0{number}.png")] for number in (7, 8))
    np.testing.assert_array_equal(opened.codes(seven), opened.codes(eight))
    assert build(preset, folder, index, "--prune") == 0
    out = capsys.readouterr().out
    assert "47 codes, 0 of them new, 1 removed, whose files are gone" in out
    assert len(kdh.Index.load(index)) == 47
    assert build(preset, folder, index, "--prune") == 0
    assert "47 codes, 0 of them new\n" in capsys.readouterr().out


def test_other_files_are_counted(preset, folder, tmp_path, capsys):
    for name in ("film.mp4", "film2.MP4", "._07.png", "Thumbs"):
        Path(folder, name).write_bytes(b"")
    output = str(tmp_path / "my.index")
    assert build(preset, folder, output) == 0
    captured = capsys.readouterr()
    assert "48 codes, 48 of them new" in captured.out
    assert f"{folder}: 3 other files: 2 .mp4; 1 without extension" in captured.err


def test_strict_stops_at_what_cannot_be_read(preset, folder, tmp_path, capsys):
    for name in ("50.png", "51.png"):
        Path(folder, name).write_bytes(b"no image")
    output = str(tmp_path / "my.index")
    assert build(preset, folder, output, "--strict") == 1
    error = capsys.readouterr().err
    assert "2 of 50 images cannot be read" in error
    assert "50.png" in error and "51.png" in error and "Traceback" not in error


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
    Path(folder, "broken\n\x1b[2J.jpg").write_bytes(b"no image")
    assert build(preset, folder, output) == 0
    captured = capsys.readouterr()
    assert "\x1b[2J" not in captured.out + captured.err
    lines = Path(output + ".unreadable.txt").read_text().splitlines()
    assert len(lines) == 2 and json.loads(lines[0].split("\t")[0]) == os.path.join(
        folder, "broken\n\x1b[2J.jpg"
    )
    os.remove(os.path.join(folder, "broken\n\x1b[2J.jpg"))
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
        ("output", "is not a saved index"),
        ("model", "The model makes other codes"),
    ],
)
def test_errors_are_one_line(
    case, message, same_index, preset, same_folder, make_model, tmp_path, capsys
):
    index, folder = same_index, same_folder
    arguments = {
        "kind": (preset, folder, str(tmp_path / "new"), "--kind", "tree"),
        "other kind": (preset, folder, index, "--kind", "ivf"),
        "output": (preset, folder, folder),
        "model": (str(tmp_path / "other"), folder, index),
    }[case]
    if case == "model":
        keras.utils.set_random_seed(1)
        make_model(bits=16).save_to_preset(tmp_path / "other")
    assert build(*arguments) == 1
    error = capsys.readouterr().err
    assert message in error and "Traceback" not in error


def test_search_names_what_is_missing(
    same_index, preset, same_folder, tmp_path, capsys
):
    query = os.path.join(same_folder, "07.png")
    assert main(["search", "--index", same_folder, "--images", query]) == 1
    assert "no saved index" in capsys.readouterr().err
    arguments = ["--index", same_index, "--preset", preset]
    assert main(["search", *arguments, "--images", str(tmp_path / "no.png")]) == 1
    assert "no.png" in capsys.readouterr().err


def test_queries_that_cannot_be_read_are_left_out(
    same_index, preset, same_folder, tmp_path, capsys
):
    bad, good = tmp_path / "bad.png", os.path.join(same_folder, "07.png")
    bad.write_bytes(b"no image")
    arguments = ["search", "--index", same_index, "--preset", preset, "--json"]
    assert main([*arguments, "--images", good, str(bad), good]) == 0
    captured = capsys.readouterr()
    assert [result["query"] for result in json.loads(captured.out)] == [good, good]
    assert "bad.png" in captured.err and len(captured.err.splitlines()) == 1
    assert main([*arguments, "--images", good, str(bad), "--strict"]) == 1
    assert "Image 1: " in capsys.readouterr().err
    assert main([*arguments, "--images", str(bad)]) == 1
    assert "None of 1 image can be read. " in capsys.readouterr().err


def test_queries_of_a_list(same_index, preset, same_folder, tmp_path, capsys):
    queries = [os.path.join(same_folder, name) for name in ("07.png", "08.png")]
    listed = tmp_path / "queries.txt"
    (tmp_path / "root.txt").write_text(same_folder)
    listed.write_text("07.png 0 1\n08.png 1 0\n")
    arguments = ["--index", same_index, "--preset", preset, "--json", "--images"]
    found = json.loads(search(capsys, *arguments, str(listed), queries[0]))
    assert [result["query"] for result in found] == [*queries, queries[0]]
    listed.write_text("no list\n")
    assert main(["search", *arguments, str(listed)]) == 1
    assert "queries.txt" in capsys.readouterr().err


def test_images_that_are_not_there_make_no_index(preset, tmp_path, capsys):
    output = tmp_path / "new.index"
    assert build(preset, str(tmp_path / "typo.png"), str(output)) == 1
    assert (
        "must be an existing folder" in capsys.readouterr().err and not output.exists()
    )
