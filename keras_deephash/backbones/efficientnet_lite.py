"""EfficientNet-Lite: inverted bottlenecks without squeeze-and-excitation."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layers import PACKAGE

# One row per stage: kernel size of its depthwise convolutions, stride of the first one,
# and expansion of the channels inside a block.
STAGES = ((3, 1, 1), (3, 2, 6), (5, 2, 6), (3, 2, 6), (5, 1, 6), (5, 2, 6), (3, 1, 6))


@keras.saving.register_keras_serializable(package=PACKAGE)
class EfficientNetLiteBackbone(Backbone):
    """EfficientNet-Lite up to its pooled features: images to feature vectors.

    The defaults are Lite0: 3,370,704 parameters, 1,280 features, for images of
    224 pixels. Any size of at least 32 pixels works with the same weights. Lite2, for
    260 pixels, has `stage_filters=(16, 24, 48, 88, 120, 208, 352)` and
    `stage_repeats=(1, 3, 3, 4, 4, 5, 1)`.

    Blocks are named by stage and position, `block1a` to `block7a`. The output of a
    stage is that of its last block: `backbone.get_layer("block5c_out").output` is the
    feature map of stage 5.

    Args:
        image_shape: tuple of 3 ints, (height, width, channels).
            Defaults to `(224, 224, 3)`.
        stem_filters: int. Filters of the first convolution. Defaults to `32`.
        stage_filters: 7 ints. Filters at the end of each stage.
            Defaults to `(16, 24, 40, 80, 112, 192, 320)`.
        stage_repeats: 7 ints. Blocks of each stage.
            Defaults to `(1, 2, 2, 3, 3, 4, 1)`.
        hidden_dim: int. Filters of the last convolution, the feature dimension.
            Defaults to `1280`.
        dropout: float. Rate of the dropout after pooling. Defaults to `0.2`.
        dtype: dtype or dtype policy of the layers. On CPUs `"mixed_bfloat16"` is slower
            than float32, 0.7 times: see docs/training.md. Defaults to Keras's.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> backbone = EfficientNetLiteBackbone(image_shape=(96, 96, 3))
    >>> tuple(backbone(np.zeros((1, 96, 96, 3))).shape)
    (1, 1280)

    References:
        - [Tan and Le, ICML 2019](https://arxiv.org/abs/1905.11946)
        - [EfficientNet-Lite](
          https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite)
    """

    def __init__(
        self,
        image_shape: Sequence[int] = (224, 224, 3),
        stem_filters: int = 32,
        stage_filters: Sequence[int] = (16, 24, 40, 80, 112, 192, 320),
        stage_repeats: Sequence[int] = (1, 2, 2, 3, 3, 4, 1),
        hidden_dim: int = 1280,
        dropout: float = 0.2,
        dtype=None,
        **kwargs,
    ):
        image_shape = tuple(image_shape)
        stage_filters, stage_repeats = tuple(stage_filters), tuple(stage_repeats)
        if len(image_shape) != 3 or not all(image_shape) or min(image_shape[:2]) < 32:
            raise ValueError(
                "`image_shape` must be (height, width, channels) of at least 32 "
                f"pixels. Received: image_shape={image_shape}."
            )
        for name, values, most in (
            ("stage_filters", stage_filters, 8192),
            ("stage_repeats", stage_repeats, 64),
        ):
            if (
                len(values) != len(STAGES)
                or not 1 <= min(values) <= max(values) <= most
            ):
                raise ValueError(
                    f"`{name}` must hold {len(STAGES)} numbers from 1 to {most}, one "
                    f"per stage. Received: {name}={values}."
                )

        # === Layers ===
        def convolve(x, filters, kernel_size, strides, name):
            return layers.Conv2D(
                filters,
                kernel_size,
                strides,
                padding="same",
                use_bias=False,
                data_format="channels_last",
                kernel_initializer="he_normal",
                dtype=dtype,
                name=f"{name}_conv",
            )(x)

        def normalize(x, name, rectify=True):
            x = layers.BatchNormalization(
                synchronized=True, dtype=dtype, name=f"{name}_bn"
            )(x)
            if rectify:
                x = layers.ReLU(max_value=6, dtype=dtype, name=f"{name}_relu")(x)
            return x

        def block(x, filters, kernel_size, strides, expansion, name):
            start, width = x, x.shape[-1]
            if expansion != 1:
                x = convolve(x, width * expansion, 1, 1, f"{name}_expand")
                x = normalize(x, f"{name}_expand")
            x = layers.DepthwiseConv2D(
                kernel_size,
                strides,
                padding="same",
                use_bias=False,
                data_format="channels_last",
                depthwise_initializer="he_normal",
                dtype=dtype,
                name=f"{name}_depthwise_conv",
            )(x)
            x = normalize(x, f"{name}_depthwise")
            x = convolve(x, filters, 1, 1, f"{name}_project")
            if strides != 1 or filters != width:
                return layers.BatchNormalization(
                    synchronized=True, dtype=dtype, name=f"{name}_out"
                )(x)
            x = normalize(x, f"{name}_project", rectify=False)
            return layers.Add(dtype=dtype, name=f"{name}_out")([start, x])

        # === Functional model ===
        inputs = keras.Input(shape=image_shape, name="images")
        x = normalize(convolve(inputs, stem_filters, 3, 2, "stem"), "stem")
        for number, (stage, filters, repeats) in enumerate(
            zip(STAGES, stage_filters, stage_repeats, strict=True), start=1
        ):
            kernel_size, strides, expansion = stage
            for place in range(repeats):
                name = f"block{number}{chr(ord('a') + place)}"
                step = strides if place == 0 else 1
                x = block(x, filters, kernel_size, step, expansion, name)
        x = normalize(convolve(x, hidden_dim, 1, 1, "head"), "head")
        x = layers.GlobalAveragePooling2D("channels_last", dtype=dtype, name="pool")(x)
        x = layers.Dropout(dropout, dtype=dtype, name="drop")(x)
        arguments = {
            "image_shape": image_shape,
            "stem_filters": stem_filters,
            "stage_filters": stage_filters,
            "stage_repeats": stage_repeats,
            "hidden_dim": hidden_dim,
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)
