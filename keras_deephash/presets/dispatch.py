"""The loading of a preset as a model of a given class."""

import inspect
import os
from dataclasses import fields

import keras

from keras_deephash.keras_classes import load_classes
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.config import find_class
from keras_deephash.presets.hub.download import HubOptions
from keras_deephash.presets.loading import load_preset, read_entry
from keras_deephash.presets.location import PresetLocation, locate_preset

_OF_BACKBONES = ("dtype", "image_size")


def load_as(
    cls: type,
    preset: str | os.PathLike,
    load_weights: bool = True,
    revision: str | None = None,
    load_index: bool = False,
    **overrides,
) -> keras.Model:
    """Loads a preset as a model of a class, by what its own class is.

    A base class gives a model of the preset's class, and a subclass one of the
    subclass. A method takes a backbone's preset, and a backbone that of a method.

    Args:
        cls: class with presets, on which `from_preset` was called.
        preset, load_weights, revision, load_index: as for `from_preset`.
        **overrides: all other arguments of `from_preset`.

    Raises:
        PresetError: if the preset is of another class.
    """
    names = {field.name for field in fields(HubOptions)} & overrides.keys()
    options = HubOptions(
        **{name: overrides.pop(name) for name in names}, load_index=load_index
    )
    location = locate_preset(preset, revision, options)
    location.read_metadata()  # First: the format may be too new.
    entry = read_entry(location, cls)
    described, backbone = find_class(entry["class"]), entry.get("backbone")
    if issubclass(described, cls):
        return load_preset(location, load_weights, overrides, load_index, cls)
    if issubclass(cls, described):
        return load_preset(location, load_weights, overrides, load_index, cls, cls)
    if backbone is None and getattr(described, "is_backbone", True):
        if not cls.is_backbone:
            _refuse_index(location, load_index, "is a backbone")
            return _on_backbone(cls, location, load_weights, dict(overrides))
    elif cls.is_backbone and issubclass(find_class(backbone["class"]), cls):
        _refuse_index(location, load_index, "is loaded as a backbone")
        return _backbone_of(cls, location, load_weights, overrides)
    raise PresetError(
        f"The preset {location.name!r} is a {described.__name__}, not a "
        f"{cls.__name__}. Use `{described.__name__}.from_preset` or "
        "`keras_deephash.from_preset`."
    )


def with_subclasses(cls: type) -> set[type]:
    """A class and all classes derived from it, of this package or imported."""
    load_classes()
    return {cls}.union(*map(with_subclasses, cls.__subclasses__()))


def _on_backbone(
    cls: type, location: PresetLocation, load_weights: bool, overrides: dict
) -> keras.Model:
    """A new model of a method on the backbone of a preset."""
    of_backbone = {key: overrides.pop(key) for key in _OF_BACKBONES if key in overrides}
    backbone = load_preset(location, load_weights, of_backbone, wanted=cls)
    try:
        inspect.signature(cls).bind(backbone, **overrides)
    except TypeError as error:
        raise PresetError(
            f"The preset {location.name!r} is a backbone, so `{cls.__name__}` needs "
            f"its own arguments: {error}."
        ) from None
    return cls(backbone, **overrides)


def _backbone_of(
    cls: type, location: PresetLocation, load_weights: bool, overrides: dict
) -> keras.Model:
    """The backbone of a preset of a method, with the method's preprocessor."""
    unknown = sorted(set(overrides) - {*_OF_BACKBONES, "preprocessor"})
    if unknown:
        raise PresetError(
            f"The preset {location.name!r} is that of a method: of its backbone, "
            f"`{cls.__name__}.from_preset` takes {', '.join(_OF_BACKBONES)} and "
            f"preprocessor. Received: {unknown[0]!r}."
        )
    model = load_preset(location, load_weights, overrides, wanted=cls)
    model.backbone.preprocessor = model.preprocessor
    return model.backbone


def _refuse_index(location: PresetLocation, load_index: bool, what: str) -> None:
    if load_index:
        raise PresetError(
            f"The preset {location.name!r} {what}, which has no index of a database. "
            "Load it without `load_index`."
        )
