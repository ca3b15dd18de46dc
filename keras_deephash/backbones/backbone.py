"""The base class of backbones: networks from images to feature vectors."""

from collections.abc import Sequence

import keras

from keras_deephash.backbones.layer_dtypes import LayerDtypes
from keras_deephash.presets.mixin import PresetMixin


class Backbone(PresetMixin, keras.Model):
    """Base class: a functional network from images to feature vectors.

    A subclass builds its layers in its constructor and passes `dtype` to each of them.
    Once it is registered, under any name, it has presets, `.keras` files and freezing.
    A preset of a method with it can be loaded wherever its module has been imported.

    Args:
        inputs: `keras.Input` of one fixed shape, (height, width, 3).
        outputs: symbolic tensor [n, d], the features.
        arguments: dict of all arguments of the subclass's constructor except `dtype`,
            by name: numbers, strings, `None`, and lists or tuples of them. They become
            the configuration, and attributes of the backbone.
        dtype: dtype or dtype policy, as given to the layers. Defaults to Keras's.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Attributes:
        preprocessor: `Preprocessor` of the network's images; a preset keeps it.
            Defaults to `None`: pixels are scaled to the range from -1 to 1.
        dtype_name: str, name of the dtype policy.

    Raises:
        ValueError: if an argument has the name of an attribute of `keras.Model`.

    Example:

    >>> @keras.saving.register_keras_serializable(package="my_package")
    ... class TinyNet(keras_deephash.Backbone):
    ...     def __init__(self, image_size=32, filters=16, dtype=None, **kwargs):
    ...         inputs = keras.Input((image_size, image_size, 3))
    ...         x = keras.layers.Conv2D(filters, 3, dtype=dtype)(inputs)
    ...         x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    ...         arguments = {"image_size": image_size, "filters": filters}
    ...         super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)
    >>> model = keras_deephash.DCH(TinyNet(), bits=48)
    >>> model.save_to_preset("my_dch")
    """

    is_backbone = True
    preprocessor = None

    def __init__(
        self,
        inputs,
        outputs,
        arguments: dict,
        dtype=None,
        **kwargs,
    ):
        taken = [name for name in arguments if hasattr(keras.Model, name)]
        if taken:
            raise ValueError(
                "`arguments` must not have the names of attributes of `keras.Model`: "
                f"give the argument of `{type(self).__name__}` another name. "
                f"Received: {taken[0]!r}."
            )
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        for name, value in arguments.items():
            setattr(self, name, value)
        self._argument_names = tuple(arguments)
        self.dtype_name = keras.dtype_policies.get(dtype).name
        layers = list(self._flatten_layers(include_self=False))
        self._layer_dtypes = LayerDtypes(layers)

    def get_config(self) -> dict:
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": self.dtype_name,
            **{name: _plain(getattr(self, name)) for name in self._argument_names},
        }
        if changed := self._layer_dtypes.changed():
            config["layer_dtypes"] = changed
        return config

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "Backbone":
        config = dict(config)
        changes = config.pop("layer_dtypes", ())
        backbone = cls(**config)
        backbone._layer_dtypes.change(changes)
        return backbone


def _plain(value):
    """Converts tuples to lists, as in JSON, so that configurations compare equal."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    return value
