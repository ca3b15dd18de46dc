"""Dtype policies of single layers, such as quantized ones, and of networks."""

from collections.abc import Sequence
from contextlib import contextmanager

import keras


class LayerDtypes:
    """The dtype policies of layers, at first and now.

    Layers are identified by their position, because Keras's automatic names differ from
    model to model.

    Args:
        layers: list of `keras.layers.Layer`, just created.
    """

    def __init__(self, layers: list[keras.layers.Layer]):
        self._layers = layers
        self._made = [layer.dtype_policy.name for layer in layers]

    def changed(self) -> list[list]:
        """Returns position and policy of each layer whose policy has changed.

        Raises:
            ValueError: as for `check_quantization`.
        """
        check_quantization(self._layers)
        names = [layer.dtype_policy.name for layer in self._layers]
        pairs = enumerate(zip(names, self._made, strict=True))
        return [[place, name] for place, (name, made) in pairs if name != made]

    def change(self, changes: Sequence[Sequence]) -> None:
        """Sets the policies that `changed` returned; Keras quantizes the layers.

        Raises:
            ValueError: for positions and policies that do not exist.
        """
        try:
            for place, name in changes:
                layer = self._layers[range(len(self._layers)).index(place)]
                layer.dtype_policy = str(name)
        except Exception as error:  # Keras raises many kinds of errors here.
            raise ValueError(
                "`layer_dtypes` must be pairs of the position of a layer and the name "
                f"of a dtype policy for it. Received: {str(changes)[:80]} "
                f"({str(error)[:200]})."
            ) from None


@contextmanager
def default_dtype(dtype):
    """Sets the dtype of layers that are created without one; yields the dtype policy.

    For networks of other libraries, some of which only use the global policy.
    """
    before = keras.config.dtype_policy()
    policy = before if dtype is None else keras.dtype_policies.get(dtype)
    keras.config.set_dtype_policy(policy)
    try:
        yield policy
    finally:
        keras.config.set_dtype_policy(before)


def check_quantization(layers: Sequence[keras.layers.Layer]) -> None:
    """Raises ValueError for quantizers that a dtype policy cannot describe."""
    for layer in layers:
        config = getattr(layer, "quantization_config", None)
        if config is None:
            continue
        own, usual = (c.activation_quantizer for c in (config, type(config)()))
        if _description(own) != _description(usual):
            raise ValueError(
                f"The layer `{layer.name}` cannot be saved: it has a custom quantizer "
                "of its inputs. Quantize the model by a mode, such as "
                '`model.quantize("int8")`, without `config`.'
            )


def _description(quantizer) -> tuple:
    return type(quantizer), getattr(quantizer, "get_config", dict)()
