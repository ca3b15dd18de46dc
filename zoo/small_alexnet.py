"""The small AlexNet of the pretraining, alone and as a classifier."""

import keras
import numpy as np
from tiny_imagenet import CLASSES

import keras_deephash as kdh


def canvas_of(image_size: int) -> int:
    """The size to which images are resized before their middle is cropped.

    Never the images' own: the views of the training are resized too, and the network
    knows no sharper ones.
    """
    return round(image_size * 15 / 14)


def build_backbone(
    image_size: int, dtype: str = "float32", dropout: float = 0.2
) -> kdh.AlexNetBackbone:
    """The small form with a stem of step 2: of 56 pixels 2 x 2 are left after pool5."""
    return kdh.AlexNetBackbone.small(
        image_size,
        filters=(96, 256, 384, 384, 256),
        stem_kernel_size=5,
        stem_strides=2,
        dropout=dropout,
        dtype=dtype,
    )


def build_classifier(
    image_size: int, dtype: str = "float32", dropout: float = 0.2
) -> keras.Model:
    backbone = build_backbone(image_size, dtype, dropout)
    preprocessor = kdh.Preprocessor(image_size, resize_size=canvas_of(image_size))
    inputs = keras.Input((image_size, image_size, 3))
    features = backbone(preprocessor.normalize(inputs))
    outputs = keras.layers.Dense(CLASSES, dtype="float32", name="classes")(features)
    model = keras.Model(inputs, outputs)
    model.backbone, model.preprocessor = backbone, preprocessor
    return model


def stretched_kernel(kernel: np.ndarray, old: tuple, new: tuple) -> np.ndarray:
    """The kernel of fc6 for another feature map: [h, w, channels] `old` to `new`.

    Linear between the old pixels, each of which has the weight of one altogether, so
    that fc6 says the same of an even map.
    """
    kernel = kernel.reshape(*old, -1)
    for axis in (0, 1):
        places = np.linspace(0, old[axis] - 1, new[axis])
        nearness = np.maximum(0, 1 - abs(places[:, None] - np.arange(old[axis])))
        nearness /= nearness.sum(axis=0)
        kernel = np.moveaxis(np.tensordot(nearness, kernel, (1, axis)), 0, axis)
    return kernel.reshape(np.prod(new), -1).astype(np.float32)


def begin_from(backbone: kdh.AlexNetBackbone, start: kdh.AlexNetBackbone) -> None:
    """Takes the weights of a backbone of this image size, or of a smaller one."""
    old, new = (b.get_layer("pool5").output.shape[1:] for b in (start, backbone))
    if new[0] < old[0]:
        raise ValueError(
            f"`--start` leaves {old[0]} pixels after pool5, these images {new[0]}: its "
            "fc6 cannot take fewer. Use images as large as those of the start."
        )
    for layer in backbone.layers:
        weights = start.get_layer(layer.name).get_weights()
        if layer.name == "fc6" and old != new:
            print(f"fc6 is stretched from {old} to {new}.", flush=True)
            weights[0] = stretched_kernel(weights[0], old, new)
        layer.set_weights(weights)
