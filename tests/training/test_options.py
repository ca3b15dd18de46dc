"""The record of a training, and the command line that fills it."""

import argparse
import json
import re

import pytest

import keras_deephash as kdh
from keras_deephash.cli import main
from keras_deephash.cli import train as command
from keras_deephash.datasets.augment import AUGMENTATIONS
from keras_deephash.presets.format.weights import WEIGHTS_DTYPES
from keras_deephash.training import options as record
from keras_deephash.training import training


@pytest.fixture
def filled(monkeypatch):
    """The records that the command has filled."""
    seen = []
    monkeypatch.setattr(training, "train", seen.append)
    return seen


def test_what_is_no_option_is_an_argument_of_the_method():
    options = kdh.TrainingOptions("data", method="DHN", bits=16, epochs=3, alpha=2.0)
    assert options.arguments == {"bits": 16, "alpha": 2.0}
    assert (options.method, options.epochs, options.seed) == ("DHN", 3, 0)
    same = kdh.TrainingOptions(**options.as_dict())
    assert same == options
    more = kdh.TrainingOptions("data", arguments={"bits": 16}, alpha=2.0)
    assert more.arguments == options.arguments


def test_the_command_fills_the_same_record(filled):
    arguments = ["--data", "d", "--output", "o", "--method", "DHN", "--bits", "16"]
    arguments += ["--clip", "none", "--pair-weighting", "none", "--similarity"]
    arguments += ["inner_product", "--augment", "color", "--no-evaluation"]
    assert main(["train", *arguments]) == 0
    expected = kdh.TrainingOptions(
        "d",
        "o",
        method="DHN",
        bits=16,
        clip=None,
        pair_weighting=None,
        similarity="inner_product",
        augment=["color"],
        no_evaluation=True,
        command=filled[0].command,
    )
    assert filled[0] == expected
    assert filled[0].command.startswith("keras-deephash train --data d --output o")


def test_the_command_line_comes_before_the_recipe(filled, tmp_path):
    recipe = {"method": "DHN", "bits": 16, "alpha": 3, "epochs": 5, "views": None}
    recipe |= {"pair_weighting": "none", "freeze_statistics": False, "seed": 2}
    recipe |= {"split_column": "none"}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    arguments = ["--data", "d", "--output", "o", "--epochs", "9", "--bits", "24"]
    arguments += ["--recipe", str(tmp_path / "recipe.json")]
    assert main(["train", *arguments]) == 0
    options = filled[0]
    assert (options.epochs, options.seed, options.method) == (9, 2, "DHN")
    assert options.arguments == {"bits": 24, "alpha": 3, "pair_weighting": None}
    assert options.views is None and options.freeze_statistics is None
    assert options.recipe == "published" and options.split_column == "none"


@pytest.mark.parametrize("method", ["5", '"DHC"', "[]", "{}"])
def test_a_recipe_of_a_method_that_there_is_not(tmp_path, capsys, method):
    (tmp_path / "recipe.json").write_text(f'{{"method": {method}}}')
    arguments = ["train", "--data", "d", "--output", "o", "--recipe"]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, str(tmp_path / "recipe.json")])
    assert ended.value.code == 2
    assert "argument --method: invalid choice" in capsys.readouterr().err


def test_the_words_of_the_record_are_those_of_the_library():
    assert set(record.AUGMENTATIONS) == set(AUGMENTATIONS)
    assert record.WEIGHTS_DTYPES == WEIGHTS_DTYPES


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--bits", "x"], "`--bits` must be INT. Received: --bits x."),
        (["--method", "DTQ", "--mining", "easy"], "must be margin or hard or all."),
        (["--method", "DHN", "--quantization", "cauchy"], "log_cosh or squared"),
    ],
)
def test_words_that_are_no_values(capsys, arguments, message):
    assert main(["train", "--data", "d", "--output", "o", *arguments]) == 1
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert len(error.splitlines()) == 1


def test_a_method_that_there_is_not(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--data", "d", "--output", "o", "--method", "DHC"])
    error = capsys.readouterr().err
    assert "invalid choice: 'DHC'. It is one of " in error
    assert "Did you mean 'D" in error and "--import MODULE" in error


def test_the_command_knows_the_options_of_the_record():
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    known = {action.dest for action in parser._actions}
    others = {"dry_run", "help", "imports", "resume"}
    assert known - others == record.option_names() - {"command"}


@pytest.mark.parametrize(
    "options, message",
    [
        ({"epochs": 0}, "`epochs` must be an integer >= 1"),
        ({"epochs": "30"}, "`epochs` must be an integer"),
        ({"batch_size": 2.5}, "`batch_size` must be an integer"),
        ({"seed": -1}, "`seed` must be an integer"),
        ({"hold_out": 1.0}, "`hold_out` must be a share below 1. Received: hold_out"),
        ({"hold_out": -0.1}, "`hold_out` must be finite and >= 0"),
        (
            {"learning_rate": 0.1, "recipe": "published"},
            "`learning_rate` needs optimizer='sgd' or adamw",
        ),
        ({"recipe": "mine"}, '`recipe` must be one of "published"'),
        ({"optimizer": "adam"}, "`optimizer` must be one of"),
        ({"optimizer": "sgd", "weight_decay": float("nan")}, "`weight_decay` must be"),
        ({"views": 2, "freeze_until": "none"}, "`views` needs freeze_until"),
        ({"patience": -1}, "`patience` must be an integer >= 0"),
        ({"augment": "color"}, "`augment` must be a list"),
        ({"augment": ["colour"]}, "`augment` must be one of"),
        ({"weights_dtype": "int8"}, "`weights_dtype` must be one of"),
        ({"no_evaluation": 1}, "`no_evaluation` must be True or False"),
        (
            {"no_evaluation": True, "top_k": 5},
            "`top_k` needs an evaluation",
        ),
        ({"backbone": 3}, "`backbone` must be a name"),
        ({"backbone": "x", "dropout": 0.1}, "`dropout` needs a new backbone"),
        ({"method": "DHC"}, "`method` must be one of .*DCH"),
        ({"method": int}, "`method` must be the name or the class of a method"),
        ({"epoch": 3}, "`DCH` has no argument `epoch`: .*Did you mean epochs?"),
        ({"method": "DTQ", "bits": 8}, "`DTQ` has no argument `bits`"),
        ({"distance": "cosine"}, "`distance` must be one of"),
        ({"lengths": [8, 12]}, "`lengths` must be a list of multiples of 8"),
        ({"lengths": [16], "bits": 32}, r"`lengths` .*\[16\], bits=32"),
        ({"method": "DVSQ"}, "`DVSQ` needs word_vectors"),
        ({"substitutes": ["a=b"]}, "`substitutes` needs word_vectors"),
        ({"substitutes": ["ab"]}, "`substitutes` must be LABEL=WORD"),
        ({"dataset_name": 5}, "`dataset_name` must be a string"),
    ],
)
def test_errors_name_the_field(options, message):
    with pytest.raises(ValueError, match=message):
        kdh.train(kdh.TrainingOptions("there is no such data", **options))


def test_data_must_be_a_directory():
    with pytest.raises(ValueError, match="`data` must be a folder of class folders"):
        kdh.train(kdh.TrainingOptions(None))


def test_a_recipe_of_python(tmp_path):
    path = tmp_path / "recipe.json"
    path.write_text('{"method": "DTQ", "margin": 3, "views": null}')
    options = kdh.TrainingOptions.from_recipe(path, data="d", seed=4)
    expected = kdh.TrainingOptions("d", method="DTQ", margin=3, seed=4)
    expected.recipe = "published"
    assert options == expected
    path.write_text("[1]")
    with pytest.raises(ValueError, match="`path` must hold a JSON object"):
        kdh.TrainingOptions.from_recipe(path, data="d")
