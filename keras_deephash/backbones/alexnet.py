"""AlexNet, in the Caffe form and in a small form for small images."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layers import (
    PACKAGE,
    GroupedConv2D,
    LocalResponseNormalization,
)
from keras_deephash.checks import check_option

NORMALIZATIONS = ("lrn", "batch")


@keras.saving.register_keras_serializable(package=PACKAGE)
class AlexNetBackbone(Backbone):
    """AlexNet up to fc7: images to feature vectors.

    The defaults are exactly the Caffe form: 227 x 227 x 3 inputs, convolutions of
    96-256-384-384-256 filters, two channel groups in conv2, conv4 and conv5, local
    response normalization after pool1 and pool2, and fc6 and fc7 of 4096 units with
    dropout: 56,868,224 parameters. `AlexNetBackbone.small()` creates a form for images
    of 32 to 64 pixels.

    Every stage is named as in Caffe (`conv1`, `relu1`, `pool1`, `norm1`, ... `fc7`,
    `relu7`), so that `backbone.get_layer("pool5").output` gives its feature map.

    Args:
        image_shape: tuple of 3 ints, (height, width, channels).
            Defaults to `(227, 227, 3)`.
        filters: 5 ints. Filters of conv1 to conv5.
            Defaults to `(96, 256, 384, 384, 256)`.
        stem_kernel_size: int. Kernel of conv1 in pixels. Defaults to `11`.
        stem_strides: int. Step of conv1 in pixels. Defaults to `4`.
        stem_padding: `"valid"` or `"same"`. Padding of conv1. Defaults to `"valid"`.
        groups: int. Channel groups of conv2, conv4 and conv5. Defaults to `2`.
        normalization: `"lrn"` (after pool1 and pool2) or `"batch"` (before every
            ReLU, statistics over the global batch). Defaults to `"lrn"`.
        hidden_dim: int. Units of fc6 and fc7, the feature dimension.
            Defaults to `4096`.
        dropout: float. Rate of the dropout after fc6 and fc7. Defaults to `0.5`.
        dtype: dtype or dtype policy of the layers. `"mixed_bfloat16"` trains 1.45 times
            as fast on CPUs with AVX512_BF16: see docs/training.md. Defaults to Keras's.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> backbone = AlexNetBackbone.small(image_size=32)
    >>> tuple(backbone(np.zeros((1, 32, 32, 3))).shape)
    (1, 1024)

    References:
        - [Krizhevsky et al., NeurIPS 2012](
          https://papers.nips.cc/paper/4824-imagenet-classification-with-deep-convolutional-neural-networks)
    """

    def __init__(
        self,
        image_shape: Sequence[int] = (227, 227, 3),
        filters: Sequence[int] = (96, 256, 384, 384, 256),
        stem_kernel_size: int = 11,
        stem_strides: int = 4,
        stem_padding: str = "valid",
        groups: int = 2,
        normalization: str = "lrn",
        hidden_dim: int = 4096,
        dropout: float = 0.5,
        dtype=None,
        **kwargs,
    ):
        image_shape, filters = tuple(image_shape), tuple(filters)
        check_option("normalization", normalization, NORMALIZATIONS)
        if len(filters) != 5:
            raise ValueError(
                "`filters` must hold 5 numbers, one per convolution. "
                f"Received: filters={filters}."
            )
        if len(image_shape) != 3 or not all(image_shape):
            raise ValueError(
                "`image_shape` must be (height, width, channels). "
                f"Received: image_shape={image_shape}."
            )

        # === Layers ===
        stem = dict(
            kernel_size=stem_kernel_size, strides=stem_strides, padding=stem_padding
        )
        stages = [
            stem,
            dict(kernel_size=5, groups=groups),
            dict(kernel_size=3),
            dict(kernel_size=3, groups=groups),
            dict(kernel_size=3, groups=groups),
        ]

        def normalize_and_rectify(x, number):
            if normalization == "batch":
                x = layers.BatchNormalization(
                    synchronized=True, dtype=dtype, name=f"bn{number}"
                )(x)
            return layers.ReLU(dtype=dtype, name=f"relu{number}")(x)

        # === Functional model ===
        inputs = keras.Input(shape=image_shape, name="images")
        x = inputs
        for number, (width, stage) in enumerate(
            zip(filters, stages, strict=True), start=1
        ):
            conv = GroupedConv2D(width, **stage, dtype=dtype, name=f"conv{number}")
            if min(conv.compute_output_shape(x.shape)[1:3]) < 1:
                raise ValueError(
                    "`image_shape` is smaller than the kernel of conv1. "
                    f"Received: image_shape={image_shape}, "
                    f"stem_kernel_size={stem_kernel_size}."
                )
            x = conv(x)
            x = normalize_and_rectify(x, number)
            if number in (1, 2, 5):
                if min(x.shape[1:3]) < 3:
                    raise ValueError(
                        f"`image_shape` is too small: {x.shape[1]} x {x.shape[2]} "
                        f"pixels are left before pool{number}, 3 x 3 are needed. "
                        f"Use larger images or a smaller `stem_strides`. "
                        f"Received: image_shape={image_shape}."
                    )
                x = layers.MaxPooling2D(
                    3, 2, data_format="channels_last", dtype=dtype, name=f"pool{number}"
                )(x)
            if number in (1, 2) and normalization == "lrn":
                x = LocalResponseNormalization(dtype=dtype, name=f"norm{number}")(x)
        x = layers.Flatten("channels_last", dtype=dtype, name="flatten")(x)
        for number in (6, 7):
            x = layers.Dense(
                hidden_dim,
                kernel_initializer="he_normal",
                dtype=dtype,
                name=f"fc{number}",
            )(x)
            x = normalize_and_rectify(x, number)
            x = layers.Dropout(dropout, dtype=dtype, name=f"drop{number}")(x)
        arguments = {
            "image_shape": image_shape,
            "filters": filters,
            "stem_kernel_size": stem_kernel_size,
            "stem_strides": stem_strides,
            "stem_padding": stem_padding,
            "groups": groups,
            "normalization": normalization,
            "hidden_dim": hidden_dim,
            "dropout": dropout,
        }
        super().__init__(inputs, x, arguments, dtype=dtype, **kwargs)

    @classmethod
    def small(cls, image_size: int = 32, **overrides) -> "AlexNetBackbone":
        """The small form: a 3 x 3 stem without stride and batch normalization.

        Convolutions of 64-192-384-256-256 filters and `hidden_dim=1024`: 4,980,032
        parameters for images of 32 pixels.

        Args:
            image_size: int. Height and width of the images in pixels, 32 to 64.
                Defaults to `32`.
            **overrides: arguments of `AlexNetBackbone` that replace the small form's.

        Returns:
            An `AlexNetBackbone`.
        """
        arguments = dict(
            image_shape=(image_size, image_size, 3),
            filters=(64, 192, 384, 256, 256),
            stem_kernel_size=3,
            stem_strides=1,
            stem_padding="same",
            normalization="batch",
            hidden_dim=1024,
        )
        return cls(**{**arguments, **overrides})
