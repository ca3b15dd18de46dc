"""The options of a training."""

import json
import os
from dataclasses import dataclass, field, fields
from typing import Any

from keras_deephash.callbacks.training_backup import given_options

WEIGHTS_DTYPES = ("float32", "float16", "bfloat16")
OPTIMIZERS = ("recipe", "sgd", "adamw")
AUGMENTATIONS = ("color", "cutout", "cutout_half")
# Backbones with random weights; any other name is one for `load_backbone`.
NEW_BACKBONES = ("small", "caffe")
# Options for the columns of a table.
OF_TABLES = ("path_column", "label_column", "split_column", "separator")


@dataclass(init=False)
class TrainingOptions:
    """The options of `train`, given in Python, by a recipe or by the command.

    Arguments of the method, such as `bits=48`, are given like other options, and are
    kept in `arguments`. Options that are left out are chosen by the table of
    docs/training.md, from the number and the size of the training images; with a
    `backbone` of your own or `recipe="published"` they are those of the published
    recipe. Arguments of the method have the default of its class, and `bits` is 48.

    Args:
        data: str, a folder with one folder for each class, or with folders of parts,
            as `datasets.from_folder` takes; a table, as `datasets.from_table` takes; or
            a directory of the image lists `train.txt`, `test.txt` (the queries) and
            `database.txt`. Or an `ImageSet`, or `Splits`. Data without a split are
            split by `seed`; see `datasets.split_images`.
        output: str. Directory of the preset to write; an existing preset is replaced.
            During the training a backup lies beside it, from which an interrupted
            training is resumed. If the data are not lists, `OUTPUT.lists` records the
            images of training and evaluation: their paths, or for images in memory the
            indices of the split. Defaults to `None`: nothing is written.
        method: str, name of a method; or its class. Defaults to `"DCH"`.
        arguments: dict, arguments of the method. Defaults to `{}`.
        recipe: `"published"`: options that are left out are those of the published
            recipe. Defaults to `None`: those of the table, unless there is a `backbone`
            of your own.
        backbone: `"small"` (32 to 64 pixels) or `"caffe"` (227 pixels), with random
            weights; the name or directory of a preset, of a backbone or of a method;
            `"keras:NAME"`; the class name of a registered backbone; or a
            `keras.Model`. Defaults to `"efficientnet_lite0_imagenet"`; published:
            `"small"`.
        dropout: float. Dropout of a new backbone. Defaults to `None`, 0.5.
        word_vectors: str. For methods that use word vectors: a word2vec or GloVe file,
            or the name of a gensim model. Defaults to `None`.
        substitutes: list of str, `"LABEL=WORD"`: words to look up for labels that the
            vocabulary lacks. Defaults to `()`.
        image_size: int. Pixels of the network's input. Defaults to the table's, or
            the backbone's.
        resize_size: int. Defaults to the backbone's share of `image_size`.
        padding: int. Reflected pixels. Defaults to the backbone's.
        augment: list of `"color"`, `"cutout"` and `"cutout_half"`. Published: `()`.
        freeze_until: str. Name of the last layer of the backbone that is frozen;
            `"none"` freezes nothing, as published.
        views: int. Number of random views of each image for which frozen features are
            computed. Published: 4.
        feature_cache: str. Directory that keeps the frozen features for later
            trainings. Defaults to `None`: they are removed when the training is done.
        freeze_statistics: bool. Whether the batch normalizations of a pretrained
            backbone stay as they are. Published: `False`.
        epochs: int. Published: 30.
        batch_size: int. Images per global batch. Published: 128, or all training images
            if there are fewer.
        optimizer: `"recipe"`, the published one, `"sgd"` or `"adamw"`.
        learning_rate: float. Peak of `"sgd"` or `"adamw"`. Published: 0.001.
        weight_decay: float. Weight decay of `"sgd"` or `"adamw"`. Published: 0.
        hold_out: float. Share of the training images to hold out. A fifth of them are
            queries, and the others are the database. Images that the table holds out
            are queries against the training images. Published: 0.
        evaluate_every: int. Epochs between evaluations of the held-out images.
            Published: 5.
        patience: int. Evaluations without a rise of the held-out MAP after which the
            training stops and keeps its best epoch. 0: the training runs to its end and
            keeps its last epoch, as published.
        seed: int. Random seed. Defaults to `0`.
        path_column: str. Table column with paths. Defaults to `None`: found by its
            name, like the next two.
        label_column: str. Table column with labels.
        split_column: str. Table column with the part of each image; `"none"` if there
            is none.
        separator: str. Separator between the labels of an image in a table. Defaults to
            `None`, `"|"`.
        dataset_name: str. Name of the data in the preset's metadata. Defaults to
            `None`.
        weights_dtype: `"float32"`, `"float16"` or `"bfloat16"`, of the preset's
            weights. Defaults to `"float32"`.
        no_evaluation: bool. Whether to leave out the evaluation of the queries against
            the database. Defaults to `False`.
        top_k: int. Length of the rankings in the evaluation. Defaults to `None`, the
            full ranking.
        command: str. The command line that gave the options, for the metadata; errors
            then name `--epochs` instead of `epochs`. Defaults to `None`.

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
        """Reads the options of a recipe, a JSON file with one object.

        Args:
            path: str. Options that are `null`, `false` or left out are those of the
                published recipe.
            **options: further options; they replace those of the recipe.

        Raises:
            ValueError: if the file holds anything else.
        """
        return cls(**{"recipe": "published", **read_recipe(path), **options})

    @classmethod
    def from_backup(
        cls, output: str | os.PathLike, data, **options
    ) -> "TrainingOptions":
        """Reads the options of an interrupted training, here or on another machine.

        Args:
            output: str, the `output` of the training; `OUTPUT.backup` is beside it.
            data: the data of the training, at their present place.
            **options: options whose files have moved, such as `backbone`.

        Raises:
            ValueError: if there is no such backup.
        """
        backup = f"{os.path.abspath(output)}.backup"
        return cls(data, output, **{**given_options(backup), **options})

    def named(self, name: str) -> str:
        """Returns the user's name of an option: `epochs`, or `--epochs`."""
        return name if self.command is None else "--" + name.replace("_", "-")

    def given(self, name: str, value=None) -> str:
        """Returns an option with a value, by default its own: `epochs=5`."""
        value = getattr(self, name) if value is None else value
        if self.command is None:
            return f"{name}={value!r}"
        return f"{self.named(name)} {value}"

    def as_dict(self) -> dict:
        """Returns all options by name, including the arguments of the method."""
        own = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**own.pop("arguments"), **own}

    def as_code(self) -> str:
        """Returns Python code that creates these options, without the defaults."""
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
    """Returns the names of the options that are not arguments of the method."""
    return {each.name for each in fields(TrainingOptions)} - {"arguments"}


def read_recipe(path: str | os.PathLike, argument: str = "path") -> dict:
    """Reads the options of a recipe; see `TrainingOptions.from_recipe`.

    Args:
        path: str.
        argument: str. Name of the path in errors. Defaults to `"path"`.
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
                f"A recipe must hold options by their names, and not `{name}`. "
                f"Received: {path!r}."
            )
    ours = option_names()
    return {
        # A split column "none" is a value of its own.
        name: None if value == "none" and name != "split_column" else value
        for name, value in recipe.items()
        if value is not None and not (value is False and name in ours)
    }
