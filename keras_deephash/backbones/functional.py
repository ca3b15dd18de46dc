"""A functional model of Keras's own layers as a backbone with presets."""

import keras

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layer_dtypes import check_quantization
from keras_deephash.backbones.layers import PACKAGE
from keras_deephash.presets.format.graph import build_graph, describe_graph


@keras.saving.register_keras_serializable(package=PACKAGE)
class FunctionalBackbone(Backbone):
    """A functional model of Keras's own layers, whose presets describe its layers.

    A method makes one of a plain functional model, such as a network of
    `keras.applications` that was called by the user; the layers are shared. A preset
    keeps the layers, and which of them are trainable. Layers of other packages,
    `Lambda` and the like stay out of presets: they are code.

    Args:
        network: functional `keras.Model`, images [n, h, w, 3] to features [n, d]; or a
            str, the layers as `get_config` gives them.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Raises:
        PresetError: if a layer is not one of those that a preset keeps.

    Example:

    >>> network = keras.applications.MobileNetV2(
    ...     include_top=False, input_shape=(96, 96, 3), pooling="avg", alpha=0.35
    ... )
    >>> model = keras_deephash.DCH(network, bits=48)
    >>> type(model.backbone).__name__
    'FunctionalBackbone'
    """

    def __init__(self, network: keras.Model | str, **kwargs):
        if isinstance(network, str):
            network = build_graph(network)
        else:
            describe_graph(network)  # Raises before the training, not after it.
            kwargs.setdefault("name", network.name)
        super().__init__(network.inputs[0], network.outputs[0], {}, **kwargs)
        self.preprocessor = getattr(network, "preprocessor", None)

    def get_config(self) -> dict:
        check_quantization(self._flatten_layers())
        # Dtypes are among the layers.
        config = {"name": self.name, "trainable": self.trainable}
        return {**config, "network": describe_graph(self)}


def is_plain(network) -> bool:
    """Whether a network is a functional model of no class of its own."""
    is_model = isinstance(network, keras.Model)
    return is_model and type(network).__module__.partition(".")[0] == "keras"
