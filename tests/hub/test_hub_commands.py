"""`publish`, `presets` and `cache` on the command line, and `zoo/publish.py`."""

import json
import os
import shutil
from pathlib import Path

import huggingface_hub
import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.presets.format.readme import is_rendered

ZOO = Path(__file__).parents[2] / "zoo"


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_writer")


def test_publish(hub, saved, load, capsys):
    arguments = ["publish", str(saved), "hf://me/mine", "--endpoint", hub.endpoint]
    assert main([*arguments, "--dry-run", "--license", "mit"]) == 0
    out = capsys.readouterr().out
    assert "model.weights.h5: " in out and "license: mit" in out
    assert hub.requests == []
    assert main([*arguments, "--private", "--message", "Mine"]) == 0
    handle = capsys.readouterr().out.strip()
    repository = hub.repositories["me/mine"]
    assert handle == f"hf://me/mine@{repository.refs['main']}"
    assert repository.private and repository.messages[-1] == "Mine"
    assert load(handle).bits == 16
    hub.tokens.clear()
    assert main(arguments) == 1
    assert capsys.readouterr().err.startswith("keras-deephash: error: ")


def test_cache(hub, repository, load, tmp_path, capsys):
    cache = ["cache", "--cache-dir", str(tmp_path / "cache")]
    assert main(cache) == 0
    assert "0.0 MB in all" in capsys.readouterr().out
    load()
    first = repository.refs["main"]
    repository.commit("main", {"README.md": b"new"})
    load()
    other = tmp_path / "cache" / "models--org--other" / "snapshots" / ("1" * 40)
    other.mkdir(parents=True)
    (other / "pytorch_model.bin").write_bytes(b"x")
    # The files of KerasHub have the same names.
    foreign = tmp_path / "cache" / "models--org--gemma" / "snapshots" / ("2" * 40)
    foreign.mkdir(parents=True)
    for name in ("config.json", "metadata.json", "preprocessor.json"):
        (foreign / name).write_text('{"keras_version": "3.15.1"}')
    capsys.readouterr()
    assert main(cache) == 0
    out = capsys.readouterr().out
    second = repository.refs["main"]
    assert f"DCH         hf://org/tiny@{first}\n" in out
    assert f"hf://org/tiny@{second} (main)" in out and "other" not in out
    assert "gemma" not in out
    assert main([*cache, "--remove", f"hf://org/tiny@{first[:8]}"]) == 0
    assert first in capsys.readouterr().out
    assert load(local_files_only=True).bits == 16
    assert main([*cache, "--remove", "hf://org/tiny"]) == 0
    with pytest.raises(kdh.PresetError, match="is not in the cache"):
        load(local_files_only=True)
    assert main([*cache, "--remove", "hf://org/gemma"]) == 1
    assert (foreign / "config.json").exists()
    assert main([*cache, "--remove", "hf://org/other"]) == 1
    assert "is not in the cache" in capsys.readouterr().err
    assert other.exists()
    assert load().bits == 16


def test_downloads_that_broke_off_are_shown_and_removed(
    hub, repository, load, tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("keras_deephash.presets.hub.download.SILENCE", 0.1)
    cache = ["cache", "--cache-dir", str(tmp_path / "cache")]
    hub.faults.add("hang", "weights", "GET")
    with pytest.raises(kdh.HubError, match="does not answer"):
        load()
    # One of another project, of which nothing is said.
    other = tmp_path / "cache" / "models--org--other" / "blobs" / "1.incomplete"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"x")
    (part,) = (tmp_path / "cache" / "models--org--tiny").rglob("*.incomplete")
    size = part.stat().st_size / 1e6
    assert main(cache) == 0
    out = capsys.readouterr().out
    assert f"{size:8.1f} MB  incomplete  hf://org/tiny\n" in out and "other" not in out
    assert main([*cache, "--remove", "hf://org/tiny"]) == 0
    assert "incomplete  hf://org/tiny\n" in capsys.readouterr().out
    assert not (tmp_path / "cache" / "models--org--tiny").exists()
    hub.faults.clear()
    load()
    part.write_bytes(b"of another commit")
    assert main([*cache, "--remove", "hf://org/tiny"]) == 0
    assert "incomplete" in capsys.readouterr().out and not part.exists()
    assert other.exists()


def test_what_the_client_left_is_removed_too(hub, repository, tmp_path, capsys):
    cache = tmp_path / "cache"
    huggingface_hub.snapshot_download(
        "org/tiny", cache_dir=cache, endpoint=hub.endpoint
    )
    (part := cache / "models--org--tiny" / "blobs" / "1.2.incomplete").write_bytes(b"x")
    arguments = ["cache", "--cache-dir", str(cache)]
    assert main(arguments) == 0
    assert "incomplete  hf://org/tiny\n" in capsys.readouterr().out
    commit = repository.refs["main"]
    assert main([*arguments, "--remove", f"hf://org/tiny@{commit}"]) == 0
    assert main([*arguments, "--remove", "hf://org/tiny"]) in (0, 1)
    assert not part.exists()


@pytest.fixture
def zoo(load_script, saved, tmp_path, monkeypatch):
    """`zoo/publish.py` with a zoo of its own: one preset and its table of results."""
    monkeypatch.syspath_prepend(str(ZOO))
    script = load_script("publish")
    table = script.results_table
    shutil.copytree(saved, tmp_path / "zoo" / "tiny_16")
    readme = tmp_path / "README.md"
    monkeypatch.setattr(table, "FOLDERS", (tmp_path / "zoo",))
    monkeypatch.setattr(table, "README", readme)
    readme.write_text(table.results(table.read_presets(table.FOLDERS)))
    return script


def test_the_zoo_is_published(zoo, hub, tmp_path, monkeypatch, load, capsys):
    registry = tmp_path / "registry.json"
    arguments = ["--organization", "org", "--endpoint", hub.endpoint]
    arguments += ["--registry", str(registry)]
    assert zoo.main(arguments) == 0
    out = capsys.readouterr().out
    assert "hf://org/tiny_16: 4 files" in out and "MAP 0.2500" in out
    assert "Nothing was sent" in out and hub.requests == []
    assert not registry.exists()
    assert zoo.main([*arguments, "--send"]) == 0
    commit = hub.repositories["org/tiny_16"].refs["main"]
    record = json.loads(registry.read_text())["tiny_16"]
    assert record["handle"] == f"hf://org/tiny_16@{commit}"
    monkeypatch.setenv("KERAS_DEEPHASH_REGISTRY", str(registry))
    assert load("tiny_16").bits == 16
    assert main(["presets", "--remote"]) == 0
    assert "tiny_16" in capsys.readouterr().out


@pytest.mark.parametrize(
    "part, field, value, message",
    [
        ("metrics", "map", 0.99, "and the tables of results differ"),
        ("metrics", "map_at_radius", 0.5002, "is out of date"),
        ("metrics", "map_at_radius_reranked", 0.9, "is out of date"),
        ("training", "seed", 2, "and the tables of results differ"),
        ("training", "command", "keras-deephash train --bits 64", "is out of date"),
    ],
)
def test_figures_that_are_not_in_the_table_are_not_published(
    zoo, hub, tmp_path, capsys, part, field, value, message
):
    path = tmp_path / "zoo" / "tiny_16" / "metadata.json"
    metadata = json.loads(path.read_text())
    metadata[part][field] = value
    path.write_text(json.dumps(metadata))
    arguments = ["--organization", "org", "--endpoint", hub.endpoint, "--send"]
    assert zoo.main(arguments) == 1
    assert message in capsys.readouterr().err
    assert hub.requests == []


def test_a_table_that_was_edited_stops_the_zoo(zoo, hub, tmp_path, capsys):
    readme = tmp_path / "README.md"
    readme.write_text(readme.read_text().replace("0.2500", "0.2600"))
    arguments = ["--organization", "org", "--endpoint", hub.endpoint, "--send"]
    assert zoo.main(arguments) == 1
    assert "and the tables of results differ" in capsys.readouterr().err
    assert hub.requests == []


def test_a_card_of_the_zoo_with_other_figures_is_not_published(
    zoo, hub, tmp_path, capsys
):
    card = tmp_path / "zoo" / "tiny_16" / "README.md"
    card.write_text(card.read_text().replace("0.2500", "0.9900"))
    arguments = ["--organization", "org", "--endpoint", hub.endpoint, "--send"]
    assert zoo.main(arguments) == 1
    assert "was not made from its metadata" in capsys.readouterr().err
    assert hub.requests == []


def test_the_zoo_as_it_is_could_be_published(load_script, monkeypatch):
    monkeypatch.syspath_prepend(str(ZOO))
    script = load_script("publish")
    readme = script.results_table.README.read_text(encoding="utf-8")
    presets = script.results_table.read_presets(script.results_table.FOLDERS)
    assert len(presets) >= len(os.listdir(ZOO / "presets"))
    script.check_all(presets, readme)
    for folder in script.results_table.FOLDERS:
        for path in Path(folder).glob("[!.]*/metadata.json"):
            card = path.with_name("README.md").read_text(encoding="utf-8")
            assert is_rendered(card, json.loads(path.read_text())), path
