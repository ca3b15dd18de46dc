"""A backbone for tests that are of no network in particular.

TensorFlow traces a step of `AlexNetBackbone.small()` in seconds, of this one in tenths.
"""

import keras
from keras import layers

from keras_deephash import Backbone
from keras_deephash.backbones.layers import LocalResponseNormalization


@keras.saving.register_keras_serializable(package="tests")
class TinyBackbone(Backbone):
    """One convolution and one dense layer, with the layer names of AlexNet."""

    def __init__(
        self,
        image_shape=(32, 32, 3),
        filters: int = 8,
        hidden_dim: int = 16,
        normalization: str = "batch",
        dropout: float = 0.0,
        dtype=None,
        **kwargs,
    ):
        inputs = keras.Input(image_shape, name="images")
        x = layers.Conv2D(filters, 4, 4, dtype=dtype, name="conv1")(inputs)
        if normalization == "batch":
            x = layers.BatchNormalization(synchronized=True, dtype=dtype, name="bn1")(x)
        x = layers.ReLU(dtype=dtype, name="relu1")(x)
        x = layers.MaxPooling2D(2, dtype=dtype, name="pool1")(x)
        if normalization == "lrn":
            x = LocalResponseNormalization(dtype=dtype, name="norm1")(x)
        x = layers.Flatten(dtype=dtype, name="flatten")(x)
        x = layers.Dense(
            hidden_dim, "relu", kernel_initializer="he_normal", dtype=dtype, name="fc6"
        )(x)
        x = layers.Dropout(dropout, dtype=dtype, name="drop6")(x)
        arguments = {
            "image_shape": tuple(image_shape),
            "filters": filters,
            "hidden_dim": hidden_dim,
            "normalization": normalization,
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)
