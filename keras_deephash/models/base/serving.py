"""A model as one network from images to codes, for Keras, converters and servers."""

import os
import re

import keras

from keras_deephash.checks import check_option
from keras_deephash.export.arguments import (
    DIRECTORIES,
    FORMATS,
    check_names,
    check_options,
    check_path,
)
from keras_deephash.export.litert import export_litert
from keras_deephash.export.onnx import export_onnx
from keras_deephash.export.saved_model import export_saved_model


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
        format: str | None = None,
        verbose: bool | None = None,
        input_signature=None,
        quantize: str | None = None,
        label_names: list[str] | None = None,
        **kwargs,
    ) -> None:
        """Exports the network with its codes, for programs without Keras.

        What is exported takes pixels from 0 to 255 at the network's input size and
        gives packed codes, as `encode` returns them, and continuous codes. A
        description goes along: preprocessing, labels, codebook, radius table and the
        sha256 of the weights, so that `keras_deephash.Encoder` takes images of any
        size, and an `Index` knows the model.

        Args:
            filepath: str. A directory for a SavedModel, else a file.
            format: `"tf_saved_model"` or `"saved_model"`, with the endpoints `encode`
                and `serve` (continuous codes); `"onnx"` or `"litert"`, with the outputs
                `codes` and `continuous`; or another of `keras.Model.export`, which
                gives continuous codes alone. Defaults to `None`: that of the end of
                `filepath`, `.onnx` or `.tflite`, else `"tf_saved_model"`.
            verbose: bool. Whether a line says what was written. Defaults to `None`,
                which says it of directories.
            input_signature: list of `keras.InputSpec`. Defaults to any number of
                uint8 images.
            quantize: `"int8"`, of `"onnx"` and `"litert"`: weights of 8 bits, a quarter
                of the file. Some bits of the codes change, so an index does not take
                it for the same model. Defaults to `None`.
            label_names: list of str, the names of the labels that the model learned.
                Defaults to the model's `label_names`.
            **kwargs: `opset_version`, an int, of `"onnx"`; attributes of
                `tf.lite.TFLiteConverter`, of `"litert"`; arguments of
                `keras.Model.export`, of formats of Keras.

        Raises:
            ImportError: where a package of the extra `export` is missing.
            ValueError: for a model without codes yet, for `"onnx"` and `"litert"` of
                other layers than float32 ones, and for arguments that do not fit.
            FileExistsError: for a SavedModel in place of other files.

        Example:

        >>> model.export("served")
        >>> served = tf.saved_model.load("served")
        >>> codes, continuous = served.encode(pixels), served.serve(pixels)
        >>> model.export("model.onnx")
        >>> keras_deephash.Encoder("model.onnx").encode(["cat.jpg"])
        """
        filepath, format = check_path(filepath, format)
        check_option("quantize", quantize, (None, "int8"))
        if quantize is not None and format not in FORMATS.values():
            raise ValueError(
                '`quantize` is for format="onnx" or "litert". '
                f"Received: format={format!r}."
            )
        names = check_names(self, label_names)
        if format in DIRECTORIES:
            check_options(format, kwargs)
            export_saved_model(self, filepath, verbose, input_signature, names)
        elif format == "onnx":
            check_options(format, kwargs, ("opset_version",))
            export_onnx(
                self,
                filepath,
                input_signature,
                quantize=quantize,
                label_names=names,
                **kwargs,
            )
        elif format == "litert":
            export_litert(self, filepath, input_signature, quantize, names, **kwargs)
        else:
            if input_signature is None:
                shape = self.input_shape
                input_signature = [keras.InputSpec(dtype="uint8", shape=shape)]
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
