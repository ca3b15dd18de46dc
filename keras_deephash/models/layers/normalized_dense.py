"""A linear layer whose outputs are normalized over the global batch."""

import keras
from keras import ops

from keras_deephash.losses.replicas import gather_rows

_MOMENTUM = 0.9
_EPSILON = 1e-5


@keras.saving.register_keras_serializable(package="keras_deephash")
class NormalizedDense(keras.layers.Layer):
    """A linear layer with batch normalization; in inference one linear layer.

    In training the outputs are normalized by the mean and the deviation of the global
    batch, over all replicas; those of a single image by the running ones. In inference
    the running mean and deviation are folded into the kernel and the bias, so that the
    layer is a single matrix product.

    Args:
        units: int.
        **kwargs: of `keras.layers.Layer`.

    References:
        - [Ioffe and Szegedy, Batch Normalization, ICML 2015](
          https://arxiv.org/abs/1502.03167)
    """

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        def weight(name, initial, **kwargs):
            return self.add_weight(
                shape=(self.units,), initializer=initial, name=name, **kwargs
            )

        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer=keras.initializers.RandomNormal(stddev=0.01),
            name="kernel",
        )
        self.gamma = weight("gamma", "ones")
        self.bias = weight("bias", "zeros")
        # All replicas see the same batch. The deviation is kept, because float16 cannot
        # hold small variances.
        fixed = {"trainable": False, "aggregation": "mean"}
        self.moving_mean = weight("moving_mean", "zeros", **fixed)
        self.moving_deviation = weight("moving_deviation", "ones", **fixed)

    def call(self, inputs, training=False):
        inputs = ops.cast(inputs, self.compute_dtype)
        if not training:
            scale = self.gamma / self.moving_deviation
            shift = self.bias - self.moving_mean * scale
            return ops.matmul(inputs, self.kernel * scale) + shift
        outputs = ops.matmul(inputs, self.kernel)
        everyone, _ = gather_rows(outputs)
        mean, variance = ops.moments(everyone, axes=0)
        deviation = ops.sqrt(variance + _EPSILON)
        # The deviation of a single image says nothing, and without its mean nothing is
        # left of it but the bias, of which a loss of directions has huge gradients.
        several = ops.shape(everyone)[0] > 1
        mean = ops.where(several, mean, self.moving_mean)
        deviation = ops.where(several, deviation, self.moving_deviation)
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_deviation, deviation),
        ):
            change = ops.stop_gradient(value) - moving
            moving.assign(moving + (1 - _MOMENTUM) * change)
        return (outputs - mean) / deviation * self.gamma + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}
