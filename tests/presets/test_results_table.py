"""zoo/results_table.py and the tables that it wrote into zoo/README.md."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "zoo" / "results_table.py"
README = ROOT / "zoo" / "README.md"
METADATA = sorted(
    path
    for folder in ("keras_deephash/presets/embedded", "zoo/presets")
    for path in (ROOT / folder).glob("*/metadata.json")
)
PUBLISHED = {
    "DCH": ("0.807 (from memory of the paper, not checked)", "map_at_radius"),
    "DHN": ("0.781 (better of two re-implementations, by its README)", "map"),
    "DQN": ("0.674 (a user's run of the released code)", "map"),
    "DTQ": ("0.792 (from memory of the paper, not checked)", "map"),
    "DVSQ": ("0.733 (secondary notes)", "map"),
}


@pytest.fixture
def script(load_script):
    return load_script("results_table")


def generated_part():
    text = README.read_text(encoding="utf-8")
    start = text.index("<!-- results: begin -->")
    end = "<!-- results: end -->"
    return text[start : text.index(end) + len(end)]


def tables(text):
    """Every table as a list of rows, each a dict by column."""
    found, header = [], None
    for line in text.splitlines():
        if not line.startswith("|"):
            header = None
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if header is None:
            header = cells
            found.append([])
        elif set(cells) != {"---"}:
            found[-1].append(dict(zip(header, cells, strict=True)))
    return found


def table_with(text, *columns):
    """The rows of the table that has all of these columns."""
    (found,) = (t for t in tables(text) if {*columns} <= {*t[0]})
    return found


def row_of(name, text, column="Preset"):
    """All cells of a preset: the figures, what it was made of, size and time."""
    rows = [r for t in tables(text) for r in t if r.get(column) == f"`{name}`"]
    cells = {}
    for row in rows:
        if "Published" in row:
            continue
        if "Empty balls" in row:
            row = {f"{key}, radius 2": value for key, value in row.items()}
            del row["Preset, radius 2"]
        cells |= row
    return cells


def read(path):
    config = json.loads(path.with_name("config.json").read_text(encoding="utf-8"))
    return json.loads(path.read_text(encoding="utf-8")), config


@pytest.fixture
def make_preset(tmp_path):
    """A function that makes a preset's two JSON files from those of a shipped one."""

    def make(source, name="preset", drop=(), **training):
        path = next(path for path in METADATA if path.parent.name == source)
        metadata, config = read(path)
        for optional in ("start", "protocol"):
            metadata["training"].pop(optional, None)
        metadata["training"].update(training)
        if drop:
            *parents, key = drop
            entry = metadata
            for parent in parents:
                entry = entry[parent]
            del entry[key]
        folder = tmp_path / "presets" / name
        folder.mkdir(parents=True)
        (folder / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder.parent

    return make


def test_readme_is_what_the_script_writes(script):
    message = "zoo/README.md is out of date: run `python zoo/results_table.py`."
    expected = script.results(script.read_presets(script.FOLDERS))
    assert generated_part() == expected, message
    assert script.main(["--check"]) == 0, message


def test_every_preset_measured_by_queries_has_an_interval():
    measured = [read(path)[0]["metrics"] for path in METADATA]
    measured = [metrics for metrics in measured if "queries" in metrics]
    assert len(measured) > 10
    for metrics in measured:
        low, high = metrics["map_interval"]
        assert low < metrics["map"] < high


@pytest.mark.parametrize("path", METADATA, ids=lambda path: path.parent.name)
def test_figures_are_those_of_the_metadata(path):
    name, text = path.parent.name, generated_part()
    metadata, config = read(path)
    training, metrics = metadata["training"], metadata["metrics"]
    row = row_of(name, text, "Preset" if "backbone" in config else "Backbone")
    assert max(len(t[0]) for t in tables(text)) <= 7
    assert row["Dataset"] == (metadata["dataset"] or "")
    assert int(row["Parameters"].replace(",", "")) == metadata["parameters"]
    size = sum(entry["bytes"] for entry in metadata["files"].values())
    assert float(row["MB"]) == pytest.approx(size / 1e6, abs=0.051)
    if "command" in training:
        assert f"\n# {name}\n{training['command']}\n" in text
    columns = {"Top-1 accuracy": metrics.get("top_1_accuracy")}
    if "backbone" in config:
        assert row["Method"] == metadata["method"]
        assert int(row["Bits"]) == metadata["bits"]
        backbone = config["backbone"]
        assert backbone["class"].split(">")[1] in row["Backbone"]
        assert f"{backbone['config']['image_shape'][0]} px" in row["Backbone"]
        assert training.get("start", "") in row["Backbone"]
        assert row["Date"] == training["date"]
        for key in ("split", "protocol"):
            assert training.get(key, "") in row["Split"]
        row["MAP"], _, top_k = row["MAP"].partition(" @")
        assert top_k == str(metrics.get("top_k", ""))
        columns = {
            "MAP": metrics.get("map"),
            "MAP, radius 2": metrics.get("map_at_radius"),
            "Precision, radius 2": metrics.get("precision_at_radius"),
            "Re-ranked, radius 2": metrics.get("map_at_radius_reranked"),
            "Recall, radius 2": metrics.get("recall_at_radius"),
            "Empty balls, radius 2": metrics.get("empty_balls"),
            "P@100": metrics.get("precision_at_100"),
            "P@1,000": metrics.get("precision_at_1000"),
            "Answered": metrics.get("answered"),
            "Queries": metrics.get("queries"),
            "Database": metrics.get("database"),
            "Crops": metrics.get("crops"),
            "MAP, SQD": metrics.get("map_symmetric"),
            "MAP, features": metrics.get("map_features"),
            "Minutes": training.get("minutes"),
            "Seed": training.get("seed"),
        }
    for column, value in columns.items():
        # A preset without any figure of a table is not in it.
        cell = row.get(column, "").replace(",", "")
        found = float(cell) if cell else None
        expected = value if value is None else pytest.approx(value, abs=5.1e-5)
        assert found == expected, column


def test_every_preset_has_one_row_in_order():
    text = generated_part()
    methods = table_with(text, "MAP, features")
    made, backbones = table_with(text, "Split"), table_with(text, "Top-1 accuracy")
    names = [r["Preset"] for r in methods] + [r["Backbone"] for r in backbones]
    assert sorted(names) == sorted(f"`{path.parent.name}`" for path in METADATA)
    assert [r["Preset"] for r in made] == [r["Preset"] for r in methods]
    keys = [
        (m["Dataset"], r["Method"], int(r["Bits"]), r["Preset"])
        for r, m in zip(methods, made, strict=True)
    ]
    assert keys == sorted(keys)
    on_cifar10 = [r["Preset"] for r in made if r["Dataset"] == "CIFAR-10"]
    published = table_with(text, "Published")
    assert [r["Preset"] for r in published] == on_cifar10


def test_published_figures():
    published = table_with(generated_part(), "Published")
    metadata = {f"`{path.parent.name}`": read(path)[0] for path in METADATA}
    for row in published:
        preset = metadata[row["Preset"]]
        method, metrics = preset["method"], preset["metrics"]
        figure, key = PUBLISHED[method]
        if preset["bits"] == (48 if method in ("DCH", "DHN") else 32):
            assert figure in row["Published"]
        assert row["Ours"].split(" @")[0] == f"{metrics[key]:.4f}"
        if method == "DCH":
            reranked = f"{metrics['map_at_radius_reranked']:.4f}"
            assert row["Re-ranked"] == reranked


def test_check_and_rewrite(script, tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    good = README.read_text(encoding="utf-8")
    stale = good.replace("| DCH | 48 |", "| none | 48 |", 1)
    assert stale != good
    readme.write_text(stale, encoding="utf-8")
    monkeypatch.setattr(script, "README", readme)
    assert script.main(["--check"]) == 1
    error = capsys.readouterr().err
    assert "is out of date: run zoo/results_table.py" in error
    assert error.count("\n") == 1
    assert readme.read_text(encoding="utf-8") == stale
    assert script.main([]) == 0
    assert readme.read_text(encoding="utf-8") == good
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]
    assert script.main(["--check"]) == 0


def test_readme_without_markers(script, tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("# Zoo\n<!-- results: begin -->\n", encoding="utf-8")
    monkeypatch.setattr(script, "README", readme)
    assert script.main([]) == 2
    assert "must hold <!-- results: begin -->" in capsys.readouterr().err
    assert readme.read_text(encoding="utf-8") == "# Zoo\n<!-- results: begin -->\n"


@pytest.mark.parametrize(
    ("source", "drop", "columns"),
    [
        ("dch_cifar10_48", ("metrics", "map"), {"MAP"}),
        ("dtq_cifar10_32", ("metrics", "map_interval"), {"95 %"}),
        ("dch_cifar10_48", ("metrics", "map_at_radius"), {"MAP, radius 2"}),
        ("dch_cifar10_48", ("training", "minutes"), {"Minutes"}),
        ("dch_cifar10_48", ("training", "seed"), {"Seed"}),
        ("dch_cifar10_48", ("training", "split"), {"Split"}),
        ("dch_cifar10_48", ("training",), {"Minutes", "Seed", "Split", "Date"}),
        ("dch_cifar10_48", ("parameters",), {"Parameters"}),
        ("dch_cifar10_48", ("files",), {"MB"}),
        ("dch_cifar10_48", ("dataset",), {"Dataset"}),
        ("dtq_cifar10_32", ("method",), {"Method"}),
        ("dtq_cifar10_32", ("metrics", "map_features"), {"MAP, features"}),
        ("dtq_cifar10_32", ("metrics", "answered"), {"Answered"}),
    ],
)
def test_a_missing_entry_is_an_empty_cell(source, drop, columns, script, make_preset):
    make_preset(source, "whole")
    folder = make_preset(source, "broken", drop)
    text = script.results(script.read_presets((folder,)))
    whole, broken = row_of("whole", text), row_of("broken", text)
    broken = {column: broken.get(column, "") for column in whole}
    changed = {column for column in whole if whole[column] != broken[column]}
    assert changed - {"Preset", "Backbone"} == columns
    assert {broken[column] for column in columns} == {""}


def test_optional_entries(script, make_preset):
    folder = make_preset("dtq_cifar10_32", start="pretrained", protocol="its protocol")
    text = script.results(script.read_presets((folder,)))
    row = row_of("preset", text)
    assert row["Backbone"] == "AlexNetBackbone, 56 px, from pretrained"
    assert row["Split"] == "5000 images of train.txt; its protocol"


def test_another_radius_is_not_shown_as_radius_2(script, make_preset):
    folder = make_preset("dch_cifar10_48")
    path = folder / "preset" / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["metrics"]["radius"] = 3
    path.write_text(json.dumps(metadata), encoding="utf-8")
    row = row_of("preset", script.results(script.read_presets((folder,))))
    assert row["MAP"] and "MAP, radius 2" not in row


def test_help():
    command = [sys.executable, SCRIPT, "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--check" in text
