"""The verbs of a model that has presets."""

import inspect
import os

import keras


class _ClassProperty:
    def __init__(self, getter):
        self.getter = getter

    def __get__(self, instance, owner):
        return self.getter(owner)


class PresetMixin:
    """Gives a `keras.Model` the verbs `save_to_preset`, `from_preset`, `presets`."""

    @_ClassProperty
    def presets(cls) -> dict:
        """The named presets of this class, name to `PresetInfo`."""
        from keras_deephash.presets.registry import list_presets

        return {info.name: info for info in list_presets(cls.__name__)}

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

        Args:
            preset: str. As for `keras_deephash.from_preset`. A hashing method also
                takes the preset of a backbone, given its `bits`: the hash layer is
                new then.
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
        from keras_deephash.presets.errors import PresetError
        from keras_deephash.presets.loading import load_preset
        from keras_deephash.presets.location import locate_preset

        location = locate_preset(
            preset, revision, token, cache_dir, local_files_only, endpoint, load_index
        )
        method = location.read_metadata()["method"]
        if method == cls.__name__:
            return load_preset(location, load_weights, overrides, load_index)
        if method.endswith("Backbone") and not cls.__name__.endswith("Backbone"):
            if load_index:
                raise PresetError(
                    f"The preset {os.fspath(preset)!r} is a backbone, which has no "
                    "index of a database. Load it without `load_index`."
                )
            backbone_overrides = {
                key: overrides.pop(key)
                for key in ("dtype", "image_size")
                if key in overrides
            }
            backbone = load_preset(location, load_weights, backbone_overrides)
            try:
                inspect.signature(cls).bind(backbone, **overrides)
            except TypeError as error:
                raise PresetError(
                    f"The preset {os.fspath(preset)!r} is a backbone, so "
                    f"`{cls.__name__}` needs its own arguments: {error}."
                ) from None
            return cls(backbone, **overrides)
        raise PresetError(
            f"The preset {os.fspath(preset)!r} is a {method}, not a {cls.__name__}. "
            f"Use `{method}.from_preset` or `keras_deephash.from_preset`."
        )

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
