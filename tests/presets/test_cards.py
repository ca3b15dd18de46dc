"""The cards of presets, in the directory and on the Hub, and lists of presets."""

import ast
import json
import re
from pathlib import Path

import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.presets.format.readme import is_rendered, render_card
from keras_deephash.presets.hub.card import render_hub_card
from keras_deephash.presets.hub.handles import HubHandle

EVIL = (
    "<img src=x onerror=alert(1)>\n\n## x [l](javascript:x) `![p](//t/p)` \x1b[2J\ud800"
)
HEADINGS = ("# mine", "# b", "## Metrics", "## Training", "## Labels", "## Limits")


ROOT = Path(__file__).parents[2]
SHIPPED = [
    *(ROOT / "zoo" / "presets").glob("*/metadata.json"),
    *(ROOT / "keras_deephash" / "presets" / "embedded").glob("*/metadata.json"),
]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_shipped_cards_are_those_of_their_metadata(path):
    metadata = json.loads(path.read_text(encoding="utf-8"))
    card = path.with_name("README.md").read_text(encoding="utf-8")
    assert card == render_card(path.parent.name, metadata)


def test_the_figure_of_a_length_has_a_title(metadata):
    metadata["metrics"] = {"map_16": 0.5, "map_euclidean": 0.25}
    card = render_card("mine", metadata)
    assert "| MAP, 16 bits | 0.5000 |" in card
    assert "| MAP by the Euclidean distance | 0.2500 |" in card


@pytest.fixture
def preset(make_model, tmp_path):
    make_model().save_to_preset(tmp_path / "mine", dataset="noise")
    return tmp_path / "mine"


@pytest.fixture
def metadata(preset):
    return json.loads((preset / "metadata.json").read_text())


@pytest.mark.parametrize(
    "field, value",
    [
        ("purpose", EVIL),
        ("dataset", EVIL),
        ("keras_version", EVIL),
        ("method", EVIL),
        ("label_names", [f"# {EVIL}"]),
        ("training", {EVIL: EVIL, "log": [{EVIL: EVIL}]}),
        ("metrics", {EVIL: 0.5}),
        ("metrics", {"map_interval": [EVIL, 0.5]}),
        ("metrics", {"map_interval": [0.25, EVIL]}),
    ],
)
def test_nothing_in_the_metadata_is_markup(metadata, field, value):
    metadata[field] = value
    cards = [
        render_card("mine", metadata),
        render_hub_card(HubHandle("a/b"), metadata, kdh.Preprocessor(32), None),
    ]
    for card in cards:
        card.encode()
        assert not any(mark in card for mark in ("\x1b", "\r"))
        text = card.split("---\n")[-1].replace("<!-- Written by keras_deephash", "")
        assert "alert(1)" in text and "<" not in text
        prose = "".join(text.split("```")[::2])
        for line in prose.splitlines():
            assert line in HEADINGS or not line.startswith("#")
        assert not re.search(r"(?<!\\)[\[`]", prose)


@pytest.mark.parametrize("name", ["mine", 'a "b" \\ [c]', "_x_ `d` <e>", "\udcff"])
def test_a_card_is_known_under_any_name(metadata, name):
    card = render_card(name, metadata)
    assert is_rendered(card, metadata)
    assert not is_rendered(card.replace("Keras", "keras"), metadata)
    line = next(line for line in card.splitlines() if "from_preset(" in line)
    assert ast.literal_eval(line.partition("(")[2].removesuffix(")")) == name


def test_the_list_of_presets_is_plain_text(
    preset, metadata, tmp_path, monkeypatch, capsys
):
    metadata["dataset"] = "x\n\x1b[2Jy"
    (preset / "metadata.json").write_text(json.dumps(metadata))
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(tmp_path))
    assert main(["presets"]) == 0
    assert "x\\n\\x1b[2Jy" in capsys.readouterr().out
    assert main(["presets", str(preset)]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_an_error_is_plain_text(capsys):
    assert main(["encode", "--preset", "x", "--images", "a\x1b[2J", "--output", "o"])
    assert "\x1b" not in capsys.readouterr().err
