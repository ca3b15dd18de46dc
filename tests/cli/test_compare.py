"""`keras-deephash compare`: several methods, one table, one page."""

import json

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.datasets import ImageSet, split_images
from keras_deephash.training.comparison import compare

# The commands see a few batches: not worth a graph.
pytestmark = pytest.mark.usefixtures("eagerly")


def test_methods_are_trained_alike(data, start, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    output = tmp_path / "comparison"
    arguments = ["compare", "--data", data, "--output", str(output), "--methods", "DCH"]
    arguments += ["DQN", "ITQ", "--bits", "8", "--backbone", start, "--epochs", "2"]
    arguments += ["--batch-size", "8", "--optimizer", "adamw"]
    assert main([*arguments, "--freeze-until", "pool1", "--views", "1"]) == 0
    printed = capsys.readouterr().out
    # Views, queries and database once, for both methods that train above them.
    assert len(list((output / "features").glob("*.features.npy"))) == 3
    rows = json.loads((output / "comparison.json").read_text())
    names = ["DCH 8 bits", "DQN 8 bits", "ITQ 8 bits"]
    assert sorted(row["name"] for row in rows) == sorted(names)
    maps = [row["metrics"]["map"] for row in rows]
    assert maps == sorted(maps, reverse=True)
    lines = (output / "comparison.md").read_text().splitlines()
    assert [line.split(" | ")[0][2:] for line in lines[2:]] == [r["name"] for r in rows]
    page = (output / "comparison.html").read_text()
    assert page.count("data:image/png") == 2 and all(name in page for name in names)
    assert f"map {maps[0]:.4f}" in printed

    # The figures are those of the presets, of the images themselves.
    capsys.readouterr()
    for row in rows:
        method, bits, _ = row["name"].split()
        preset = output / f"{method}_{bits}"
        metadata = kdh.presets.read_preset_metadata(preset)
        assert metadata["method"] == method and metadata["bits"] == int(bits)
        assert metadata["metrics"]["map"] == row["metrics"]["map"]
        query, database = kdh.datasets.read_lists(data, ["test", "database"])
        model = kdh.from_preset(preset)
        if method == "DQN":
            assert (model.subcodebooks, model.dim) == (1, 300)
        codes = [model.continuous_codes(part.images) for part in (query, database)]
        found = model.retrieval_metrics(
            codes[0], query.labels, codes[1], database.labels
        )
        assert found["map"] == pytest.approx(row["metrics"]["map"], abs=0.02)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--methods", "DCH", "--bits", "12"], "`bits` must be multiples of 8"),
        (["--methods", "DCH", "DHC"], "`method` must be one of"),
        (["--methods", "DVSQ"], "`DVSQ` needs word_vectors"),
    ],
)
def test_what_cannot_be_compared(data, tmp_path, capsys, arguments, message):
    pytest.importorskip("matplotlib")
    output = tmp_path / "comparison"
    arguments = ["compare", "--data", data, "--output", str(output), *arguments]
    assert main(arguments) == 1
    assert message in capsys.readouterr().err and not output.exists()


def test_lengths_that_do_not_fit_the_bits_stop_it_first(data, start, tmp_path):
    pytest.importorskip("matplotlib")
    output = tmp_path / "comparison"
    with pytest.raises(ValueError, match="up to `bits`.*16, 32, 64.*bits=32"):
        compare(
            data, ["DCH"], [64, 32], str(output), backbone=start, lengths=[16, 32, 64]
        )
    assert not output.exists()


def test_images_in_memory_are_split_once(start, tmp_path):
    pytest.importorskip("matplotlib")
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    images = ImageSet(pixels, np.eye(2, dtype=np.uint8)[np.arange(40) % 2])
    output = tmp_path / "comparison"
    rows = compare(images, ["ITQ", "LSH"], [8], str(output), backbone=start, seed=1)
    assert sorted(row.name for row in rows) == ["ITQ 8 bits", "LSH 8 bits"]
    split = split_images(images, seed=1).split
    found = np.loadtxt(tmp_path / "comparison.lists" / "query_indices.txt", int)
    assert found.tolist() == [n for n, part in enumerate(split) if part == "query"]
