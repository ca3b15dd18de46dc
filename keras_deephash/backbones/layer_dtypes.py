"""Dtype policies of single layers, such as those that are quantized."""

import re
from collections.abc import Iterable
from contextlib import contextmanager

import keras
from keras.dtype_policies import DTypePolicyMap

# Keras takes the paths of a map for regular expressions, so these have no operators
# that could take forever.
_PATH = re.compile(r"[\w./-]+")


class LayerDtypes:
    """The dtype policies that the layers of a model were made with.

    Args:
        model: `keras.Model`, just built.
        policy: the dtype policy that was given to the layers. Where it is a map, each
            layer gets its own policy of it here: Keras cannot quantize a layer whose
            policy is a map.
    """

    def __init__(self, model: keras.Model, policy):
        # A layer with a policy of its own in the map differs from the others still.
        self._given = dict(policy) if isinstance(policy, DTypePolicyMap) else {}
        self._layers = list(model._flatten_layers(include_self=False))
        for layer in self._layers:
            if isinstance(layer.dtype_policy, DTypePolicyMap):
                layer._dtype_policy = layer.dtype_policy[_path(layer)]
        self._made = [layer.dtype_policy.name for layer in self._layers]

    def changed(self) -> list[list[str]]:
        """Path and policy of each layer that has another than its model gives it.

        Raises:
            ValueError: as `check_quantization`.
        """
        check_quantization(self._layers)
        changed = []
        for layer, made in zip(self._layers, self._made, strict=True):
            name = layer.dtype_policy.name
            if name != made or _path(layer) in self._given:
                changed.append([_path(layer), name])
        return changed


@contextmanager
def default_dtype(dtype):
    """Has layers without a dtype of their own get this one; yields the dtype policy.

    For networks of other libraries, some of which know the global policy alone.
    """
    before = keras.config.dtype_policy()
    policy = before if dtype is None else keras.dtype_policies.get(dtype)
    keras.config.set_dtype_policy(policy)
    try:
        yield policy
    finally:
        keras.config.set_dtype_policy(before)


def check_quantization(layers: Iterable[keras.layers.Layer]) -> None:
    """Raises ValueError for quantizers that a dtype policy does not tell."""
    for layer in layers:
        config = getattr(layer, "quantization_config", None)
        if config is None:
            continue
        own, usual = (c.activation_quantizer for c in (config, type(config)()))
        if _description(own) != _description(usual):
            raise ValueError(
                f"The layer `{layer.name}` cannot be saved: it quantizes its inputs in "
                "a way of its own. Quantize the model by a mode, such as "
                '`model.quantize("int8")`, without `config`.'
            )


def policy_map(dtype, layer_dtypes: list[list[str]]) -> DTypePolicyMap:
    """The dtype policy of a model some of whose layers have one of their own.

    Args:
        dtype: dtype policy of the other layers, or its name; `None` is Keras's.
        layer_dtypes: as `LayerDtypes.changed` returns them.

    Raises:
        ValueError: if they are anything else.
    """
    try:
        pairs = [(str(path), str(name)) for path, name in layer_dtypes]
    except (TypeError, ValueError):
        pairs = [("", "")]
    if not all(_PATH.fullmatch(path) for path, _ in pairs):
        raise ValueError(
            "`layer_dtypes` must be pairs of the path of a layer and the name of its "
            f"dtype policy. Received: {str(layer_dtypes)[:80]}."
        )
    default = keras.dtype_policies.get(dtype)
    default = getattr(default, "default_policy", default)
    return DTypePolicyMap(
        default, {path: keras.dtype_policies.get(name) for path, name in pairs}
    )


def _description(quantizer) -> tuple:
    return type(quantizer), getattr(quantizer, "get_config", dict)()


def _path(layer: keras.layers.Layer) -> str:
    return layer.path or layer.name
