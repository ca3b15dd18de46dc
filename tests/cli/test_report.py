"""`keras-deephash report`: its numbers, its neighbours and its HTML."""

import base64
import functools
import io
import json
import os
import shutil
from html.parser import HTMLParser

import keras
import numpy as np
import pytest
from PIL import Image
from tiny_backbone import TinyBackbone

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.datasets import ImageSet, read_lists
from keras_deephash.presets import read_preset_metadata
from keras_deephash.report import make_report

HOSTILE = '<script>alert("1")</script>'


class Page(HTMLParser):
    """The tables, pictures and figures of a page, and every tag."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.images, self.figures = [], [], [], []
        self.texts = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        # Every attribute that makes a browser fetch something.
        assert not {"href", "srcset", "data", "action", "background"} & set(attrs)
        assert not any(name.startswith("on") for name in attrs)
        if tag == "img":
            self.images.append(attrs["src"])
        if tag == "figure" and "class" in attrs:
            self.figures.append({"kind": attrs["class"], "file": attrs["title"]})
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "data":
            self.rows[-1][-1] = float(attrs["value"])

    def handle_data(self, data):
        self.texts.append(data)
        if "tr" in self.tags and self.rows[-1] and self.rows[-1][-1] == "":
            self.rows[-1][-1] = data

    def row(self, name):
        (row,) = (row for row in self.rows if row[0] == name)
        return row[1:]


@pytest.fixture(scope="module")
def same_presets(same_data, tmp_path_factory):
    """A function that returns the directory of a method's preset, saved once."""
    folder = tmp_path_factory.mktemp("presets")

    @functools.cache
    def save(method):
        keras.utils.set_random_seed(0)
        if method == "DCH":
            model = kdh.DCH(TinyBackbone(), 16)
        else:
            options = {"dim": 12, "subcodebooks": 3, "subcenters": 8}
            model = getattr(kdh, method)(TinyBackbone(), **options)
            model.feature_layer.kernel.assign(100 * model.feature_layer.kernel)
            model.fit_codebook(kdh.images.find_images(same_data))
        model.save_to_preset(
            folder / method,
            dataset=f"{HOSTILE} & co",
            metrics={"map": 0.25},
            training={"command": "keras-deephash train --bits 16", "seed": 7},
        )
        return folder / method

    return save


@pytest.fixture
def preset(same_presets, tmp_path):
    """A function that returns the directory of a method's preset, a copy."""

    def copy(method):
        target = str(tmp_path / "preset")
        return shutil.copytree(same_presets(method), target, dirs_exist_ok=True)

    return copy


@pytest.fixture(scope="module")
def pages(same_presets, same_data, tmp_path_factory):
    """A function that returns the page about a method's preset, written once."""

    @functools.cache
    def write(method):
        arguments = ["--preset", str(same_presets(method)), "--data", same_data]
        folder = tmp_path_factory.mktemp("page")
        return write_report([*arguments, "--top-k", "10"], folder)[0]

    return write


def write_report(arguments, tmp_path) -> tuple:
    output = tmp_path / "report.html"
    assert main(["report", *arguments, "--output", str(output)]) == 0
    text = output.read_text(encoding="utf-8")
    return Page(text), text


@pytest.mark.parametrize(
    "method", ["DCH", "DTQ", pytest.param("DQN", marks=pytest.mark.slow)]
)
def test_the_numbers_are_those_of_evaluate(
    same_data, same_presets, pages, tmp_path, method
):
    data, folder = same_data, str(same_presets(method))
    arguments = ["--preset", folder, "--data", data, "--top-k", "10"]
    figures = str(tmp_path / "figures.json")
    assert main(["evaluate", *arguments, "--json", figures]) == 0
    with open(figures) as file:
        expected = json.load(file)
    page = pages(method)
    start = page.rows.index(["", "measured", "in the metadata"]) + 1
    measured = page.rows[start : start + len(expected)]
    shown = {
        name: "{:.3f} to {:.3f}".format(*value) if "interval" in name else value
        for name, value in expected.items()
    }
    assert [row[1] for row in measured] == list(shown.values())
    assert shown["map_interval"] != expected["map"]
    assert measured[0] == ["MAP", expected["map"], 0.25]
    assert measured[1][2] == "-"

    # What is drawn is what is measured.
    model = kdh.from_preset(folder)
    query, database = kdh.datasets.read_lists(data, ["test", "database"])
    ranking = model.ranking(
        *(model.continuous_codes(images.images) for images in (query, database))
    )
    found = kdh.evaluate_retrieval(
        **ranking,
        query_labels=query.labels,
        database_labels=database.labels,
        top_k=10,
    )
    assert found.map == pytest.approx(expected["map"])

    # The neighbours are those of a naive ranking.
    codes = [model.encode(images.images) for images in (query, database)]
    if method == "DCH":
        bits = [np.unpackbits(code, axis=1).astype(int) for code in codes]
        far = np.abs(bits[0][:, None] - bits[1]).sum(axis=2)
    else:
        features = model.continuous_codes(query.images)
        far = -model.asymmetric_scores(features, codes[1])
    assert page.row("Codes of the database") == [16]
    assert page.row("Distinct codes") == [len({code.tobytes() for code in codes[1]})]
    groups = [page.figures[i : i + 11] for i in range(0, 88, 11)]
    assert len(page.figures) == 88
    names = [os.path.basename(path) for path in database.images]
    for group in groups:
        i = [os.path.basename(path) for path in query.images].index(group[0]["file"])
        assert group[0]["kind"] == "query"
        found = [names.index(tile["file"]) for tile in group[1:]]
        assert len(set(found)) == 10
        np.testing.assert_allclose(
            far[i][found], np.sort(far[i])[:10], rtol=1e-4, atol=1e-4
        )
        for tile, j in zip(group[1:], found, strict=True):
            hit = np.any(query.labels[i] & database.labels[j])
            assert tile["kind"] == ("hit" if hit else "miss")


@pytest.mark.parametrize("method", ["DCH", "DTQ"])
def test_health_of_codes(same_data, same_presets, pages, method):
    page, model = pages(method), kdh.from_preset(same_presets(method))
    (database,) = kdh.datasets.read_lists(same_data, ["database"])
    codes = model.encode(database.images)
    if method == "DTQ":
        for m in range(3):
            _, counts = np.unique(codes[:, m], return_counts=True)
            shares = counts / counts.sum()
            used, entropy = page.row(f"sub-codebook {m}")
            assert used == len(counts)
            assert entropy == pytest.approx(-np.sum(shares * np.log2(shares)))
        return
    bits = np.unpackbits(codes, axis=1)
    shares = bits.mean(axis=0)
    assert page.row("Constant bits") == [np.sum((shares == 0) | (shares == 1))]
    assert page.row("Share of ones, lowest of all bits") == [shares.min()]
    assert page.row("Share of ones, highest of all bits") == [shares.max()]


def test_everything_is_inside_and_escaped(data, preset, tmp_path):
    with open(os.path.join(data, "labels.txt"), "w") as file:
        file.write(f"{HOSTILE}\n_$x$\n")
    for name in ("test", "database"):
        path = os.path.join(data, f"{name}.txt")
        with open(path) as file:
            first, *rest = file.read().splitlines()
        image, label = first.split()
        hostile = f'images/{name}"><b>.png'
        os.rename(os.path.join(data, image), os.path.join(data, hostile))
        with open(path, "w") as file:
            file.write("\n".join([f"{hostile} {label}", *rest]) + "\n")
    page, text = write_report(["--preset", preset("DCH"), "--data", data], tmp_path)
    assert "script" not in page.tags and "<script" not in text
    assert any(HOSTILE in words for words in page.texts)
    assert page.row("dataset") == [f"{HOSTILE} & co"]
    assert page.row("training: command") == ["keras-deephash train --bits 16"]
    assert page.row("training: seed") == [7]
    assert any(tile["file"] == 'test"><b>.png' for tile in page.figures)
    assert "link" not in page.tags and "iframe" not in page.tags
    assert "url(" not in text and "@import" not in text
    assert len(page.images) == 88 + 6
    for source in page.images:
        kind, data_of = source.split(",")
        assert kind == "data:image/png;base64"
        Image.open(io.BytesIO(base64.b64decode(data_of))).verify()


def test_lengths_of_precision_are_in_the_table_beside_the_curve(data, preset):
    folder = preset("DCH")
    query, database = kdh.datasets.read_lists(data, ["test", "database"])
    model, metadata = kdh.from_preset(folder), read_preset_metadata(folder)
    text = make_report("DCH", model, metadata, query, database, precision_at=[3, 7])
    codes = [model.continuous_codes(images.images) for images in (query, database)]
    for length in (3, 7):
        expected = kdh.evaluate_retrieval(
            **model.ranking(*codes),
            query_labels=query.labels,
            database_labels=database.labels,
            precision_at=[length],
        ).precision_at[length]
        measured, _ = Page(text).row(f"precision at {length}")
        assert measured == pytest.approx(expected, abs=1e-4)


def test_one_query_one_item_and_no_labels(data, preset, tmp_path):
    os.remove(os.path.join(data, "labels.txt"))
    for name in ("test", "database"):
        path = os.path.join(data, f"{name}.txt")
        with open(path) as file:
            image = file.readline().split()[0]
        with open(path, "w") as file:
            file.write(f"{image} 0 0\n")
    page, _ = write_report(["--preset", preset("DCH"), "--data", data], tmp_path)
    assert [tile["kind"] for tile in page.figures] == ["query", "miss"]
    assert page.row("MAP") == [0, 0.25]
    assert "no label" in " ".join(page.texts)


def test_labels_may_be_floats(data, preset):
    model = kdh.from_preset(preset("DCH"))
    metadata = read_preset_metadata(preset("DCH"))
    query, database = read_lists(data, ("test", "database"))
    of_floats = [
        ImageSet(s.images, s.labels.astype(np.float64), s.label_names)
        for s in (query, database)
    ]
    page = make_report("name", model, metadata, *of_floats, queries=2)
    # Pictures of plots differ by their ids.
    hits = make_report("name", model, metadata, query, database, queries=2)
    assert page.count('class="hit"') == hits.count('class="hit"') > 0


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--queries", "0"], "`--queries` must be an integer >= 1"),
        (["--neighbors", "-1"], "`--neighbors` must be an integer >= 1"),
        (["--output", "."], "must be a file"),
        (["--output", "data/labels.txt/report.html"], "File exists"),
        (["--preset", "dch_cifar"], "no preset"),
        (["--preset", "efficientnet_lite0_imagenet"], "a EfficientNetLiteBackbone"),
        (["--data", "no"], "must be a folder with"),
    ],
)
def test_errors_come_first(data, tmp_path, capsys, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    options = ["--preset", "dch_cifar10_48", "--data", data]
    assert main(["report", *options, *arguments]) == 1
    captured = capsys.readouterr()
    assert message in captured.err and "Traceback" not in captured.err
    assert os.listdir(tmp_path) == ["data"]


def test_a_failure_leaves_the_last_report(data, preset, tmp_path, capsys):
    arguments = ["--preset", preset("DCH"), "--data", data]
    _, text = write_report(arguments, tmp_path)
    with open(os.path.join(data, "images", "47.png"), "w") as file:
        file.write("no image")
    output = tmp_path / "report.html"
    assert main(["report", *arguments, "--output", str(output)]) == 1
    assert "47.png" in capsys.readouterr().err
    assert output.read_text(encoding="utf-8") == text
    assert sorted(os.listdir(tmp_path)) == ["data", "preset", "report.html"]


def test_labels_that_are_no_characters(data, preset, tmp_path):
    """Lone surrogates, which no font and no encoding has, and escapes."""
    with open(os.path.join(data, "labels.txt"), "w") as file:
        file.write("cat\ndog\n")
    folder = preset("DCH")
    model = kdh.from_preset(folder)
    query, database = read_lists(data, ["test", "database"])
    names = ["\ud800x", "\x1b[2Jy\u202e"]
    sets = [ImageSet(s.images, s.labels, names) for s in (query, database)]
    metadata = read_preset_metadata(folder)
    text = make_report("\ud800", model, {**metadata, "dataset": "\udcff"}, *sets)
    text.encode()
    assert "\\ud800x" in text and "\\x1b[2Jy" in text and "\\udcff" in text


def test_several_presets_are_in_one_table_and_one_picture(data, preset, tmp_path):
    folders = [str(tmp_path / "bits"), str(tmp_path / "bytes")]
    for folder, method in zip(folders, ("DCH", "DTQ"), strict=True):
        os.rename(preset(method), folder)
    output = tmp_path / "both.html"
    arguments = ["--data", str(data), "--output", str(output)]
    assert main(["report", "--preset", *folders, *arguments]) == 0
    page = Page(output.read_text())
    query, database = read_lists(data, ["test", "database"])
    for folder in folders:
        model = kdh.from_preset(folder)
        codes = [model.continuous_codes(part.images) for part in (query, database)]
        metrics = model.retrieval_metrics(
            codes[0], query.labels, codes[1], database.labels
        )
        assert page.row(os.path.basename(folder))[0] == pytest.approx(metrics["map"])
    assert len(page.images) == 2
