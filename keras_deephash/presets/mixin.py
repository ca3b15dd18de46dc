"""The verbs of a model that has presets."""

import os

import keras


class _ClassProperty:
    def __init__(self, getter):
        self.getter = getter

    def __get__(self, instance, owner):
        return self.getter(owner)


class PresetMixin:
    """Gives a `keras.Model` the verbs `save_to_preset`, `from_preset`, `presets`."""

    # Whether a model of the class is a backbone, and not a method that has one.
    is_backbone = False

    @_ClassProperty
    def presets(cls) -> dict:
        """The named presets of this class and its subclasses, name to `PresetInfo`."""
        from keras_deephash.presets.dispatch import with_subclasses
        from keras_deephash.presets.registry import list_presets

        names = {each.__name__ for each in with_subclasses(cls)}
        return {info.name: info for info in list_presets() if info.method in names}

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        load_weights: bool = True,
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | os.PathLike | None = None,
        local_files_only: bool = False,
        endpoint: str | None = None,
        load_index: bool = False,
        **overrides,
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
            revision, token, cache_dir, local_files_only, endpoint: of presets on the
                Hub, as for `keras_deephash.from_preset`.
            load_index: bool. As for `keras_deephash.from_preset`.
            **overrides: arguments of the class in place of the preset's.

        Returns:
            A model of this class.

        Raises:
            PresetError: as `keras_deephash.from_preset`, and if the preset is of
                another class.
        """
        from keras_deephash.presets.dispatch import load_as
        from keras_deephash.presets.location import locate_preset

        location = locate_preset(
            preset, revision, token, cache_dir, local_files_only, endpoint, load_index
        )
        return load_as(cls, location, load_weights, overrides, load_index)

    def save(self, filepath, *args, **kwargs) -> None:
        """Saves the model to a `.keras` file, as `keras.Model.save`.

        What cannot be saved, or could not be loaded again, is refused before an older
        file is touched.
        """
        from keras_deephash.presets.saving import check_keras_file

        check_keras_file(self)
        super().save(filepath, *args, **kwargs)

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike,
        weights_dtype: str = "float32",
        dataset: str | None = None,
        label_names: list[str] | None = None,
        training: dict | None = None,
        metrics: dict | None = None,
        index=None,
    ) -> None:
        """Writes configuration, weights, preprocessing, metadata and a README.

        The directory appears whole or not at all; an older preset is replaced.

        Args:
            preset_dir: str. The directory to write.
            weights_dtype: `"float32"`, `"float16"` (less than half the size; rounds
                the weights) or `"bfloat16"` (a third; rounds them to 8 bits).
                Defaults to `"float32"`.
            dataset: str. Name of the training data. Defaults to `None`.
            label_names: list of str. Defaults to `None`.
            training: dict of plain values: split, seed, command. Defaults to `None`.
            metrics: dict of plain values, measured figures; `map` is shown by
                `list_presets()`. Defaults to `None`.
            index: `Index` of a database to bring along, made with the weights as they
                are saved: with `"float16"`, by the model that was loaded from such a
                preset. Defaults to `None`.

        Raises:
            FileExistsError: if the directory exists and is no preset.

        Example:

        >>> model.save_to_preset("my_dch", weights_dtype="float16")
        >>> keras_deephash.from_preset("my_dch")
        """
        from keras_deephash.presets.saving import save_preset

        save_preset(
            self,
            preset_dir,
            weights_dtype=weights_dtype,
            dataset=dataset,
            label_names=label_names,
            training=training,
            metrics=metrics,
            index=index,
        )
