"""The methods of a model that has presets."""

import os

import keras

from keras_deephash.datasets.label_names import check_label_names


class _ClassProperty:
    def __init__(self, getter):
        self.getter = getter

    def __get__(self, instance, owner):
        return self.getter(owner)


def _unwrapped(value):
    """Dicts and lists as Python's, at any depth."""
    if isinstance(value, dict):
        return {key: _unwrapped(each) for key, each in value.items()}
    return [_unwrapped(v) for v in value] if isinstance(value, list) else value


class PresetMixin:
    """Gives a `keras.Model` `save_to_preset`, `from_preset` and `presets`."""

    # Whether a model of the class is a backbone, and not a method that has one.
    is_backbone = False

    def __dir__(self):
        # Keras reads every attribute of a model that it saves or loads: without
        # `presets`, it does not read the metadata of all presets each time.
        return [name for name in super().__dir__() if name != "presets"]

    @_ClassProperty
    def presets(cls) -> dict:
        """The named presets of this class and its subclasses, name to `PresetInfo`."""
        from keras_deephash.presets.dispatch import with_subclasses
        from keras_deephash.presets.registry import list_presets

        names = {each.__name__ for each in with_subclasses(cls)}
        return {info.name: info for info in list_presets() if info.method in names}

    @classmethod
    def from_preset(
        cls, preset: str | os.PathLike, load_weights: bool = True, **arguments
    ) -> keras.Model:
        """Loads a model of this class by a preset's name, directory or handle.

        A base class loads the presets of its subclasses, as models of those; a
        subclass loads its parent's, as a model of its own.

        Args:
            preset: str. As for `keras_deephash.from_preset`. A method also takes the
                preset of a backbone, given its own arguments, such as `bits`: the last
                layer is new then. A backbone takes that of a method, and is its
                backbone.
            load_weights: bool. Defaults to `True`.
            **arguments: all others of `keras_deephash.from_preset`: `revision`,
                `token` and so on for presets of the Hub, `load_index`, and arguments
                of the class in place of the preset's.

        Returns:
            A model of this class.

        Raises:
            PresetError: as `keras_deephash.from_preset`, and if the preset is of
                another class.
        """
        from keras_deephash.presets.dispatch import load_as

        return load_as(cls, preset, load_weights, **arguments)

    def check_savable(self) -> None:
        """Raises a `PresetError` if the model could not be saved as a preset.

        It is cheap: call it before a training of hours. `save_to_preset` and
        `keras_deephash.train` begin with it.
        """
        from keras_deephash.presets.savable import check_savable

        check_savable(self)

    @property
    def training_record(self) -> dict | None:
        """The choices and figures of `keras_deephash.train`; None for other models.

        The keys are `"dataset"`, `"label_names"`, `"weights_dtype"`, `"training"` (a
        dict of settings) and `"metrics"` (a dict of figures), as in a preset's
        metadata. A further `fit` takes it away.
        """
        return vars(self).get("_training_record")

    @training_record.setter
    def training_record(self, record: dict | None) -> None:
        # Past Keras, which takes a dict for a part of the model and wraps it.
        object.__setattr__(self, "_training_record", _unwrapped(record))

    @property
    def label_names(self) -> list[str] | None:
        """The names of the labels that the model learned, which its presets keep.

        `keras_deephash.train` sets them, and `fit` from a dataset's `class_names`.
        """
        return vars(self).get("_label_names")

    @label_names.setter
    def label_names(self, names: list[str] | None) -> None:
        # Past Keras, which takes a list for parts of the model and wraps it.
        names = None if names is None else check_label_names(names)
        object.__setattr__(self, "_label_names", names)

    def take_label_names(self, names: list[str] | None) -> None:
        """Called by `from_preset` with the names of the labels in the preset.

        A method whose classes are fixed takes them; others may learn other labels.
        """

    def check_label_names(self, names: list[str] | None) -> None:
        """Raises ValueError for names that do not fit what the model learned."""

    def save(self, filepath, *args, **kwargs) -> None:
        """Saves the model to a `.keras` file, as `keras.Model.save`.

        What cannot be saved, or could not be loaded again, is refused before an older
        file is touched.
        """
        from keras_deephash.presets.savable import check_keras_file

        check_keras_file(self)
        super().save(filepath, *args, **kwargs)

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike,
        weights_dtype: str | None = None,
        dataset: str | None = None,
        label_names: list[str] | None = None,
        training: dict | None = None,
        metrics: dict | None = None,
        index=None,
        purpose: str | None = None,
    ) -> None:
        """Writes configuration, weights, preprocessing, metadata and a README.

        The directory appears whole or not at all; an older preset is replaced. What is
        not given is that of the `training_record`, if there is one.

        Args:
            preset_dir: str. The directory to write.
            weights_dtype: `"float32"`, `"float16"` (less than half the size; rounds
                the weights) or `"bfloat16"` (a third; rounds them to 8 bits).
                Defaults to `"float32"`.
            dataset: str. Name of the training data. Defaults to `None`.
            label_names: list of str. Defaults to those of the model.
            training: dict of plain values: split, seed, command. Defaults to `None`.
            metrics: dict of plain values, measured figures; `map` is shown by
                `list_presets()`. Defaults to `None`.
            index: `Index` of a database to bring along, made with the weights as they
                are saved: with `"float16"`, by the model that was loaded from such a
                preset. Defaults to `None`.
            purpose: str. What the preset is for, in a line that
                `keras-deephash presets` shows. Defaults to `None`.

        Raises:
            FileExistsError: if the directory exists and is not a preset.
            PresetError: if the model could not be loaded again: see `check_savable`.

        Example:

        >>> model.save_to_preset("my_dch", weights_dtype="float16")
        >>> keras_deephash.from_preset("my_dch")
        """
        from keras_deephash.presets.saving import save_preset

        given = {
            "weights_dtype": weights_dtype,
            "dataset": dataset,
            "label_names": label_names,
            "training": training,
            "metrics": metrics,
            "purpose": purpose,
        }
        record = dict(self.training_record or {"weights_dtype": "float32"})
        if self.label_names is not None:  # Classes may have been added since.
            record["label_names"] = self.label_names
        description = {**dict.fromkeys(given), **record}
        description |= {name: v for name, v in given.items() if v is not None}
        if description["label_names"] is None:
            description["label_names"] = self.label_names
        self.check_label_names(description["label_names"])
        save_preset(self, preset_dir, index=index, **description)
