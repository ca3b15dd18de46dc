"""A functional model of Keras's own layers as a backbone with presets."""

import keras

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layer_dtypes import check_quantization
from keras_deephash.backbones.layers import PACKAGE
from keras_deephash.presets.format.graph import build_graph, describe_graph


@keras.saving.register_keras_serializable(package=PACKAGE)
class FunctionalBackbone(Backbone):
    """A functional model of Keras's own layers, whose presets describe its layers.

    A method wraps a plain functional model in it, such as a network of
    `keras.applications`; the layers are shared. A preset keeps the layers, and which of
    them are trainable. Layers of other packages, `Lambda` and the like cannot be in
    presets, because they are code.

    Args:
        network: functional `keras.Model`, images [n, h, w, 3] to features [n, d]; or a
            str, the layers as in `get_config`.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Raises:
        PresetError: if a preset cannot keep a layer.

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
            describe_graph(network)  # Raises now, not after the training.
            kwargs.setdefault("name", network.name)
        super().__init__(network.inputs[0], network.outputs[0], {}, **kwargs)
        self.preprocessor = getattr(network, "preprocessor", None)

    def get_config(self) -> dict:
        check_quantization(self._flatten_layers())
        # The layers include their dtypes.
        config = {"name": self.name, "trainable": self.trainable}
        return {**config, "network": describe_graph(self)}


def is_plain(network) -> bool:
    """Returns whether a network is a model of one of Keras's own classes."""
    is_model = isinstance(network, keras.Model)
    return is_model and type(network).__module__.partition(".")[0] == "keras"
