"""The two layers of AlexNet that Keras does not have in a fast form."""

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_integer, check_option

PACKAGE = "keras_deephash"
PADDINGS = ("valid", "same")


@keras.saving.register_keras_serializable(package=PACKAGE)
class GroupedConv2D(keras.layers.Layer):
    """2-D convolution in channel groups, with one kernel.

    The channels are split, each group is convolved on its own and the results
    are concatenated. On CPU, training is several times faster than with
    `keras.layers.Conv2D(groups=...)`, and the kernel has the same layout. Images
    are channels-last.

    Args:
        filters: int. Number of output channels, divisible by `groups`.
        kernel_size: int. Height and width of the kernel in pixels.
        strides: int. Step in pixels. Defaults to `1`.
        padding: `"valid"` or `"same"`. Defaults to `"same"`.
        groups: int. Number of channel groups. Defaults to `1`.
        kernel_initializer: initializer of the kernel. Defaults to `"he_normal"`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    Example:

    >>> layer = GroupedConv2D(256, 5, groups=2)
    >>> tuple(layer(keras.ops.ones((1, 27, 27, 96))).shape)
    (1, 27, 27, 256)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int,
        strides: int = 1,
        padding: str = "same",
        groups: int = 1,
        kernel_initializer="he_normal",
        **kwargs,
    ):
        super().__init__(**kwargs)
        check_option("padding", padding, PADDINGS)
        filters = check_integer("filters", filters, minimum=1)
        kernel_size = check_integer("kernel_size", kernel_size, minimum=1)
        strides = check_integer("strides", strides, minimum=1)
        groups = check_integer("groups", groups, minimum=1)
        if filters % groups:
            raise ValueError(
                "`groups` must divide `filters`. "
                f"Received: filters={filters}, groups={groups}."
            )
        self.filters = filters
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding
        self.groups = groups
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, input_shape):
        channels = input_shape[-1]
        if channels % self.groups:
            raise ValueError(
                "The number of input channels must be divisible by `groups`. "
                f"Received: channels={channels}, groups={self.groups}."
            )
        size = self.kernel_size
        self.kernel = self.add_weight(
            name="kernel",
            shape=(size, size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
        )
        self.bias = self.add_weight(
            name="bias", shape=(self.filters,), initializer="zeros"
        )

    def call(self, inputs):
        inputs = ops.split(inputs, self.groups, axis=-1)
        kernels = ops.split(ops.convert_to_tensor(self.kernel), self.groups, axis=-1)
        outputs = [
            ops.conv(x, kernel, self.strides, self.padding, "channels_last")
            for x, kernel in zip(inputs, kernels, strict=True)
        ]
        return ops.concatenate(outputs, axis=-1) + self.bias

    def compute_output_shape(self, input_shape):
        def length(n):
            if n is None:
                return None
            reach = self.kernel_size - 1 if self.padding == "valid" else 0
            return -(-(n - reach) // self.strides)

        batch, height, width, _ = input_shape
        return batch, length(height), length(width), self.filters

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "groups": self.groups,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@keras.saving.register_keras_serializable(package=PACKAGE)
class LocalResponseNormalization(keras.layers.Layer):
    """Local response normalization across channels.

    `y_c = x_c / (k + alpha * sum_{|c' - c| <= radius} x_c'^2) ** beta`, in float32.
    The window sum is one product with a band matrix, so that the layer runs on
    every backend.

    Args:
        radius: int. Half width of the window in channels. Defaults to `2`.
        alpha: float. Scale of the sum (Caffe's `alpha` divided by the window's
            length). Defaults to `2e-5`.
        beta: float. Exponent. Defaults to `0.75`.
        k: float. Offset. Defaults to `1.0`.
        **kwargs: `name`, `dtype` and the like of `keras.layers.Layer`.

    References:
        - [Krizhevsky et al., NeurIPS 2012](
          https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks)
    """

    def __init__(
        self,
        radius: int = 2,
        alpha: float = 2e-5,
        beta: float = 0.75,
        k: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.radius = radius
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        channels = np.arange(inputs.shape[-1])
        near = np.abs(channels[:, None] - channels[None, :]) <= self.radius
        # A product of matrices, as a convolution: tf2onnx fails for `ops.matmul` of
        # images whose channels were flipped.
        band = near.astype("float32")[None, None]
        window_sum = ops.conv(ops.square(x), band, data_format="channels_last")
        scale = self.k + self.alpha * window_sum
        if self.beta == 0.75:  # Two square roots take a fraction of a power's time.
            y = x * ops.rsqrt(scale * ops.sqrt(scale))
        else:
            y = x * ops.power(scale, -self.beta)
        return ops.cast(y, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "radius": self.radius,
            "alpha": self.alpha,
            "beta": self.beta,
            "k": self.k,
        }
