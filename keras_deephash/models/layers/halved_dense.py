"""A linear layer whose outputs are halved by their median."""

import keras
from keras import ops

from keras_deephash.losses.replicas import gather_rows

_MOMENTUM = 0.9


@keras.saving.register_keras_serializable(package="keras_deephash")
class HalvedDense(keras.layers.Layer):
    """A linear layer that subtracts the running median of its outputs in inference.

    In training there is no bias: for each output, half of the images of a batch lie
    above its median. In inference the running median is subtracted, so that the
    threshold of a bit is 0.

    Args:
        units: int.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=keras.initializers.RandomNormal(stddev=0.01),
            name="kernel",
        )
        # Minus the running median. All replicas see the same batch.
        self.bias = self.add_weight(
            shape=(self.units,),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="bias",
        )

    def call(self, inputs, training=False):
        outputs = ops.matmul(ops.cast(inputs, self.compute_dtype), self.kernel)
        if not training:
            return outputs + self.bias
        everyone, _ = gather_rows(ops.stop_gradient(outputs))
        median = ops.median(everyone, axis=0)
        # The median of a single image is its own.
        pace = (1 - _MOMENTUM) * ops.cast(ops.shape(everyone)[0] > 1, self.dtype)
        self.bias.assign(self.bias - pace * (median + self.bias))
        return outputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
