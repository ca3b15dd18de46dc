"""The configuration of a model as plain JSON, which cannot run code.

Class names resolve among the registered classes of models only. A file has nothing
imported but what installed packages offer by entry points.
"""

import inspect

import keras

from keras_deephash.extensions import (
    ExtensionError,
    is_trusted,
    load_by_class_name,
)
from keras_deephash.keras_classes import registered_class
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.presets.errors import PresetError
from keras_deephash.presets.format.config_check import check_config
from keras_deephash.presets.format.constructor import constructor_parameters
from keras_deephash.presets.format.graph import describe_graph

# Overrides of a method that are arguments of its backbone.
BACKBONE_KEYS = ("dtype", "image_shape")
# What every class takes.
COMMON_KEYS = {"name", "trainable", "layer_dtypes", "codebook_beam"}
# Classes of this package are registered under this.
_OWN = "keras_deephash>"


def model_to_config(model: keras.Model) -> dict:
    """The class and the plain config of a model, its backbone apart."""
    name = _class_name_of(model)
    try:
        config = dict(model.get_config())
    except NotImplementedError as error:  # Of Keras, for what it cannot write.
        raise PresetError(
            f"A `{type(model).__name__}` cannot be saved in a preset: "
            f"{' '.join(str(error).split())[:300]}"
        ) from None
    # A preset keeps the preprocessor in a file of its own.
    config.pop("preprocessor", None)
    has_backbone = config.pop("backbone", None) is not None
    entry = {"class": name, "config": config}
    check_config(config, f"the config of `{name}`")
    if has_backbone:
        entry["backbone"] = model_to_config(model.backbone)
    return entry


def _class_name_of(model: keras.Model) -> str:
    """The registered name of a model's class; a PresetError says what is missing."""
    cls = type(model)
    if cls.__module__.partition(".")[0] != "keras":
        return class_name(cls)
    try:
        describe_graph(model)
        reason = "it is not the backbone of a method that was made with it"
    except Exception as error:
        reason = str(error).rstrip(".")
    raise PresetError(
        f"A `{cls.__name__}` model cannot be saved in a preset: {reason}. Build it in "
        "a registered subclass of `keras_deephash.Backbone`, name a network of Keras "
        'Applications, `backbone="keras:NAME"`, or keep the model by '
        '`model.save("it.keras")`.'
    )


def class_name(cls: type) -> str:
    """The registered name of a class.

    Raises:
        PresetError: if the class is not registered, so that no preset of it could
            be loaded again.
    """
    name = keras.saving.get_registered_name(cls)
    if keras.saving.get_registered_object(name) is not cls:
        raise PresetError(
            f"`{cls.__name__}` cannot be saved in a preset because it is not "
            "registered. Decorate the class with "
            '`@keras.saving.register_keras_serializable(package="my_package")`.'
        )
    return name


def check_entry(
    entry: dict, only_own_classes: bool, wanted: type | None = None
) -> None:
    """Checks the content of `config.json`, before anything is built from it.

    Args:
        entry: dict, as `model_to_config` returns it.
        only_own_classes: bool. Whether the classes must be those of this package, or
            of others that are trusted: see `extensions.trust_module`.
        wanted: type. The class that the user has named, whose package is trusted too.

    Raises:
        PresetError: if it names other classes, or describes anything but plain values.
    """
    parts = [entry]
    if entry.get("backbone") is not None:
        parts.append(entry["backbone"])
    for part in parts:
        if not (
            isinstance(part, dict)
            and "class" in part
            and isinstance(part.get("config"), dict)
        ):
            raise PresetError(
                "`config.json` must hold a class and its config. Save the preset anew."
            )
        name = part.get("class")
        cls = find_class(name)
        if only_own_classes and not is_trusted(cls, wanted):
            raise PresetError(
                "A preset of the Hub is built of the classes of keras_deephash alone, "
                "of installed packages that offer methods, and of modules that you "
                f"name. Received: {name!r}, of the module {cls.__module__!r}. If you "
                "trust it: --import MODULE on the command line, or "
                f"`keras_deephash.presets.trust_module({cls.__module__!r})`."
            )
        check_config(part["config"], f"the config of `{name}`")
    if "backbone" in parts[-1] and len(parts) == 2:
        raise PresetError("A backbone has no backbone of its own in a preset.")


def model_from_config(
    entry: dict,
    preprocessor: Preprocessor,
    overrides: dict,
    cls: type | None = None,
) -> keras.Model:
    """Builds the model that `model_to_config` described.

    Args:
        entry: dict, as `model_to_config` returns it.
        preprocessor: `Preprocessor` of the model or the backbone.
        overrides: arguments in place of those of the config; `dtype` and
            `image_shape` go to the backbone.
        cls: subclass of the class in the entry to take in its place. Defaults to the
            class itself.
    """
    try:
        cls = find_class(entry["class"]) if cls is None else cls
        config = dict(entry["config"])
        backbone_entry = entry.get("backbone")
        overrides = dict(overrides)
        if backbone_entry is not None:
            backbone_overrides = {
                key: overrides.pop(key) for key in BACKBONE_KEYS if key in overrides
            }
            config["backbone"] = model_from_config(
                backbone_entry, preprocessor, backbone_overrides
            )
    except (KeyError, TypeError, AttributeError):
        raise PresetError(
            "`config.json` must hold a class and its config. Save the preset anew."
        ) from None
    known = constructor_parameters(cls).keys() | COMMON_KEYS
    if "weights" in known:  # Those of a preset are in its own file.
        config["weights"] = None
    later = backbone_entry is None or "preprocessor" not in known
    if not later:
        config["preprocessor"] = preprocessor
    for kind, keys in (("argument", overrides), ("config entry", config)):
        unknown = sorted(set(keys) - known)
        if unknown:
            raise PresetError(
                f"`{cls.__name__}` has no {kind} {unknown[0]!r}. "
                f"It takes {sorted(known)}."
            )
    try:
        model = cls.from_config({**config, **overrides})
    except Exception as error:  # The file may hold anything.
        raise PresetError(
            f"The configuration is not valid for `{cls.__name__}`: {error}"
        ) from None
    if later:
        model.preprocessor = preprocessor
    return model


def find_class(name: str) -> type:
    """The registered model class of a name.

    Raises:
        PresetError: if no registered class of models has the name.
    """
    cls = None
    if isinstance(name, str):
        cls = registered_class(name)
        if cls is None and not name.startswith(_OWN):
            try:
                load_by_class_name(name.rpartition(">")[2])
            except ExtensionError as error:
                raise PresetError(
                    f"The preset needs the class {name!r}. {error}"
                ) from None
            cls = registered_class(name)
    if not (inspect.isclass(cls) and issubclass(cls, keras.Model)):
        raise PresetError(
            f"The preset needs the class {name!r}, which is not known here. Import "
            "the module that registers it (on the command line: --import MODULE), or "
            "upgrade keras_deephash."
        )
    return cls
