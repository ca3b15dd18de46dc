"""A model as one network from images to codes, for Keras, converters and servers."""

import os
import re

import keras


class ServingMixin:
    """Inputs, outputs, export and quantization of a model with a `backbone`.

    The loss layers of the model are not part of this network.
    """

    # Symbolic images and codes, created at the first use.
    _symbols: tuple | None = None

    @property
    def input_shape(self) -> tuple:
        """Shape of the images, (None, height, width, 3)."""
        return tuple(self.backbone.input_shape)

    @property
    def output_shape(self) -> tuple:
        """Shape of the continuous codes, (None, units)."""
        return (None, self.output_layer.units)

    @property
    def inputs(self) -> list:
        """The symbolic images, such as for `keras.Model(model.inputs, ...)`."""
        return [self._symbolic()[0]]

    @property
    def outputs(self) -> list:
        """The symbolic continuous codes of `inputs`."""
        return [self._symbolic()[1]]

    @property
    def input(self):
        """The symbolic images."""
        return self._symbolic()[0]

    @property
    def output(self):
        """The symbolic continuous codes of `input`."""
        return self._symbolic()[1]

    def compute_output_shape(self, input_shape) -> tuple:
        """Returns the shape of the continuous codes of images of this shape."""
        return (input_shape[0], self.output_layer.units)

    def quantize(self, mode=None, config=None, filters=None, **kwargs) -> None:
        """Quantizes the weights of the network, like `keras.Model.quantize`.

        Args:
            mode: `"int8"`, or another of `keras.Model.quantize`.
            config: `keras.quantizers.QuantizationConfig`. Defaults to that of the mode.
                A model that is quantized with another one cannot be saved.
            filters: regular expression, list of them, or function of a layer: the
                layers to quantize. Defaults to all.
            **kwargs: other arguments of `keras.Model.quantize`.

        Example:

        >>> model = keras_deephash.from_preset("dch_cifar10_48")
        >>> model.quantize("int8")
        >>> model.save_to_preset("dch_int8")
        """
        parts = (self.backbone, self.output_layer)
        network = {id(layer) for part in parts for layer in part._flatten_layers()}
        super().quantize(
            mode,
            config=config,
            filters=lambda layer: id(layer) in network and _passes(layer, filters),
            **kwargs,
        )

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature=None,
        **kwargs,
    ) -> None:
        """Exports the network for serving, like `keras.Model.export`.

        The exported network takes pixels from 0 to 255 at its input size and returns
        continuous codes; images are resized and codes packed only by `encode`.

        Args:
            filepath: str.
            format: `"tf_saved_model"`, or another of `keras.Model.export`.
                Defaults to `"tf_saved_model"`.
            verbose: bool, as in `keras.Model.export`. Defaults to `None`.
            input_signature: list of `keras.InputSpec`. Defaults to any number of
                uint8 images.
            **kwargs: other arguments of `keras.Model.export`.

        Example:

        >>> model.export("served")
        >>> served = tf.saved_model.load("served")
        >>> codes = served.serve(pixels)
        """
        if input_signature is None:
            input_signature = [keras.InputSpec(dtype="uint8", shape=self.input_shape)]
        super().export(
            filepath,
            format=format,
            verbose=verbose,
            input_signature=input_signature,
            **kwargs,
        )

    def _symbolic(self) -> tuple:
        if self._symbols is None:
            images = keras.Input(self.input_shape[1:], name="images")
            self._symbols = (images, self(images))
        return self._symbols


def _passes(layer: keras.layers.Layer, filters) -> bool:
    """Returns whether the filters of `quantize` select a layer."""
    if filters is None:
        return True
    if callable(filters):
        return filters(layer)
    patterns = [filters] if isinstance(filters, str) else filters
    return any(re.search(pattern, layer.name) for pattern in patterns)
