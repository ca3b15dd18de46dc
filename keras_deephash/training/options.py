"""The record of everything that a training can be told."""

import json
import os
from dataclasses import dataclass, field, fields
from typing import Any

from keras_deephash.callbacks.training_backup import given_options

WEIGHTS_DTYPES = ("float32", "float16", "bfloat16")
OPTIMIZERS = ("recipe", "sgd", "adamw")
AUGMENTATIONS = ("color", "cutout", "cutout_half")
# Backbones with random weights; all else is a name that `load_backbone` takes.
NEW_BACKBONES = ("small", "caffe")
# What tells the columns of a table.
OF_TABLES = ("path_column", "label_column", "split_column", "separator")


@dataclass(init=False)
class TrainingOptions:
    """The options of `train`: the command, a recipe and a notebook fill this record.

    Arguments of the method, such as `bits=48`, stand beside the others, and are kept in
    `arguments`. What is left out is chosen by the table of docs/training.md, from the
    number of training images and their size; with a `backbone` of your own or
    `recipe="published"` it is that of the published recipe. Arguments of the method
    have the default of its class, and `bits` is 48.

    Args:
        data: str, a folder with one folder for each class, or with folders of parts,
            as `datasets.from_folder` takes; a table, as `datasets.from_table` takes; or
            a directory of the image lists `train.txt`, `test.txt` (the queries) and
            `database.txt`. Or an `ImageSet`, or `Splits`. What has no split gets one
            by `seed`; see `datasets.split_images`.
        output: str. Directory of the preset to write, replaced if it is one. Beside it
            lies a backup during the training, from which an interrupted training goes
            on, and in `OUTPUT.lists` what was trained and evaluated on, where the
            data are no lists: paths, or of images in memory the indices of the split.
            Defaults to `None`: nothing is written.
        method: str, name of a method; or its class. Defaults to `"DCH"`.
        arguments: dict, arguments of the method. Defaults to `{}`.
        recipe: `"published"`: what is left out is as in the published recipe. Defaults
            to `None`: the table, unless there is a `backbone` of your own.
        backbone: `"small"` (32 to 64 pixels) or `"caffe"` (227 pixels), with random
            weights; the name or directory of a preset, of a backbone or of a method;
            `"keras:NAME"`; the class name of a registered backbone; or a
            `keras.Model`. Defaults to `"efficientnet_lite0_imagenet"`; published:
            `"small"`.
        dropout: float. Of a new backbone. Defaults to `None`, 0.5.
        word_vectors: str. For methods that take word vectors: a file of word2vec or
            GloVe, or the name of a model of gensim. Defaults to `None`.
        substitutes: list of str, `"LABEL=WORD"`: words to look up for labels that the
            vocabulary lacks. Defaults to `()`.
        image_size: int. Pixels of the network's input. Defaults to the table's, or
            the backbone's.
        resize_size: int. Defaults to the backbone's share of `image_size`.
        padding: int. Reflected pixels. Defaults to the backbone's.
        augment: list of `"color"`, `"cutout"` and `"cutout_half"`. Published: `()`.
        freeze_until: str. Name of the last layer of the backbone that is frozen;
            `"none"` freezes nothing, as published.
        views: int. Random views of each image that the frozen part is computed for.
            Published: 4.
        feature_cache: str. Directory that keeps the frozen features for trainings to
            come. Defaults to `None`: they are removed when the training is done.
        freeze_statistics: bool. Whether batch normalizations stay as they are.
            Published: `False`.
        epochs: int. Published: 30.
        batch_size: int. Of the global batch. Published: 128, or all training images
            where they are fewer.
        optimizer: `"recipe"`, the published one, `"sgd"` or `"adamw"`.
        learning_rate: float. Peak of `"sgd"` or `"adamw"`. Published: 0.001.
        weight_decay: float. Of `"sgd"` or `"adamw"`. Published: 0.
        hold_out: float. Share of the training images to keep out, of which a fifth are
            queries and the others their database. What the table keeps out are queries
            against the training images. Published: 0.
        evaluate_every: int. Epochs between evaluations of what is held out. Published:
            5.
        patience: int. Evaluations without a rise of the held-out MAP after which the
            training stops; the epoch of the highest is kept. 0: the training goes to
            its end, and the last epoch is kept, as published.
        seed: int. Defaults to `0`.
        path_column: str. Of a table. Defaults to `None`, found by name; so the others.
        label_column: str. Of a table.
        split_column: str. Of a table; `"none"`: no column is a split.
        separator: str. Of a table, between labels. Defaults to `None`, `"|"`.
        dataset_name: str. For the preset's metadata. Defaults to `None`.
        weights_dtype: `"float32"`, `"float16"` or `"bfloat16"`, of the preset's
            weights. Defaults to `"float32"`.
        no_evaluation: bool. Whether to leave out the evaluation of the queries against
            the database. Defaults to `False`.
        top_k: int. Where the rankings of the evaluation are cut. Defaults to `None`,
            the full ranking.
        command: str. The command line that gave the options, for the metadata; errors
            then speak of `--epochs` in place of `epochs`. Defaults to `None`.

    Example:

    >>> options = TrainingOptions("data/cifar10", method="DCH", bits=16, epochs=60)
    >>> model = keras_deephash.train(options)
    >>> recipe = TrainingOptions.from_recipe("dtq_cifar10_32.json", data="data/cifar10")
    """

    data: Any
    output: str | os.PathLike | None = None
    method: str | type = "DCH"
    arguments: dict = field(default_factory=dict)
    recipe: str | None = None
    backbone: Any = None
    dropout: float | None = None
    word_vectors: str | os.PathLike | None = None
    substitutes: list[str] | tuple[str, ...] = ()
    image_size: int | None = None
    resize_size: int | None = None
    padding: int | None = None
    augment: list[str] | tuple[str, ...] | None = None
    freeze_until: str | None = None
    views: int | None = None
    feature_cache: str | os.PathLike | None = None
    freeze_statistics: bool | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    weight_decay: float | None = None
    hold_out: float | None = None
    evaluate_every: int | None = None
    patience: int | None = None
    seed: int = 0
    path_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    separator: str | None = None
    dataset_name: str | None = None
    weights_dtype: str = "float32"
    no_evaluation: bool = False
    top_k: int | None = None
    command: str | None = None

    def __init__(
        self,
        data: Any,
        output: str | os.PathLike | None = None,
        *,
        arguments: dict | None = None,
        **options,
    ):
        self.data, self.output = data, output
        for each in fields(self)[2:]:
            if each.name != "arguments":
                setattr(self, each.name, options.pop(each.name, each.default))
        self.arguments = {**(arguments or {}), **options}

    @classmethod
    def from_recipe(cls, path: str | os.PathLike, **options) -> "TrainingOptions":
        """The options of a recipe, a JSON file of an object.

        Args:
            path: str. `null` and `false` in it stand for what is left out, which is as
                in the published recipe.
            **options: in place of those of the recipe, or beside them.

        Raises:
            ValueError: if the file holds anything else.
        """
        return cls(**{"recipe": "published", **read_recipe(path), **options})

    @classmethod
    def from_backup(
        cls, output: str | os.PathLike, data, **options
    ) -> "TrainingOptions":
        """The options of a training that was interrupted, here or elsewhere.

        Args:
            output: str, its `output`, beside which `OUTPUT.backup` lies.
            data: what it was trained on, wherever that lies now.
            **options: those whose files have moved, such as `backbone`.

        Raises:
            ValueError: if there is no such backup.
        """
        backup = f"{os.path.abspath(output)}.backup"
        return cls(data, output, **{**given_options(backup), **options})

    def named(self, name: str) -> str:
        """How the user knows an option: `epochs`, or `--epochs` on a command line."""
        return name if self.command is None else "--" + name.replace("_", "-")

    def given(self, name: str, value=None) -> str:
        """As `named`, with a value: the option's own, if it is not given."""
        value = getattr(self, name) if value is None else value
        if self.command is None:
            return f"{name}={value!r}"
        return f"{self.named(name)} {value}"

    def as_dict(self) -> dict:
        """All options by name, those of the method beside the others."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**own.pop("arguments"), **own}

    def as_code(self) -> str:
        """The arguments that give these options in Python, without the defaults."""
        defaults = vars(type(self)(self.data))
        given = [
            f"{name}={value.__name__ if isinstance(value, type) else repr(value)}"
            for name, value in self.as_dict().items()
            if name not in defaults or value != defaults[name]
        ]
        is_path = isinstance(self.data, (str, os.PathLike))
        data = repr(self.data) if is_path else "data"
        return f"TrainingOptions({', '.join([f'data={data}', *given])})"


def option_names() -> set[str]:
    """The names of the options that are not arguments of the method."""
    return {each.name for each in fields(TrainingOptions)} - {"arguments"}


def read_recipe(path: str | os.PathLike, argument: str = "path") -> dict:
    """The options that a recipe gives; see `TrainingOptions.from_recipe`.

    Args:
        path: str.
        argument: str. What the user knows the path as. Defaults to `"path"`.
    """
    path = os.fspath(path)
    with open(path, encoding="utf-8") as file:
        try:
            recipe = json.load(file)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f"`{argument}` must be a JSON file. Received: {path!r}, {error}."
            ) from None
    if not isinstance(recipe, dict):
        raise ValueError(
            f"`{argument}` must hold a JSON object of options. Received: {path!r}."
        )
    for name in ("recipe", "import", "command", "arguments"):
        if name in recipe:
            raise ValueError(
                "A recipe holds all of its options by their names, and no other "
                f"`{name}`. Received: {path!r}."
            )
    ours = option_names()
    return {
        # A split column "none" is a value of its own.
        name: None if value == "none" and name != "split_column" else value
        for name, value in recipe.items()
        if value is not None and not (value is False and name in ours)
    }
