"""Any network of Keras Applications as a backbone, with its own preprocessing."""

import inspect
from collections.abc import Sequence

import keras
import numpy as np

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layer_dtypes import default_dtype
from keras_deephash.backbones.layers import PACKAGE
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.progress import plain_lines

_IMAGENET_STDDEV = np.array([0.229, 0.224, 0.225], "float32")


@keras.saving.register_keras_serializable(package=PACKAGE)
class ApplicationBackbone(Backbone):
    """A network of Keras Applications without its classifier, pooled by averages.

    Its `preprocessor` does the same as the network's own `preprocess_input`. For a
    method, the string `"keras:NAME"` means this backbone with ImageNet weights.

    Args:
        application: str. Name in `keras.applications`, such as `"MobileNetV2"`.
        image_shape: tuple of 3 ints, (height, width, channels), of equal height and
            width. Defaults to `(224, 224, 3)`.
        weights: `"imagenet"` (Keras downloads them once), the path of a weights file
            of the network without its classifier, or `None` for random weights.
            Defaults to `"imagenet"`.
        dtype: dtype or dtype policy of the layers. Defaults to Keras's.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Raises:
        ValueError: if there is no such network, or its weights cannot be loaded.

    Example:

    >>> backbone = ApplicationBackbone("MobileNetV2", (96, 96, 3), weights=None)
    >>> model = keras_deephash.DCH(backbone, bits=48)
    >>> model = keras_deephash.DCH("keras:MobileNetV2", bits=48)

    References:
        - [Keras Applications](https://keras.io/api/applications/)
    """

    def __init__(
        self,
        application: str,
        image_shape: Sequence[int] = (224, 224, 3),
        weights: str | None = "imagenet",
        dtype=None,
        **kwargs,
    ):
        _find(application)
        image_shape = tuple(image_shape)
        if len(image_shape) != 3 or image_shape[0] != image_shape[1]:
            raise ValueError(
                "`image_shape` must be (height, width, channels) of equal height and "
                f"width. Received: image_shape={image_shape}."
            )
        try:
            with default_dtype(dtype) as policy:
                network = _build(application, image_shape, weights)
        except Exception as error:  # Keras raises a bare one for a failed download.
            raise ValueError(
                f"`{application}` cannot be built with weights={weights!r} and "
                f"image_shape={image_shape}: {error} Without internet, give the path "
                "of a weights file, or `weights=None` for random weights."
            ) from None
        arguments = {"application": application, "image_shape": image_shape}
        super().__init__(
            network.inputs[0], network.outputs[0], arguments, dtype=policy, **kwargs
        )
        self.preprocessor = own_preprocessor(application, image_shape[0])

    def get_config(self) -> dict:
        # The weights are in the file that the configuration belongs to.
        return {**super().get_config(), "weights": None}

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "ApplicationBackbone":
        # A file must not make Keras download another one.
        if config.get("weights") is not None:
            raise ValueError(
                "`weights` in a configuration must be None: give them to "
                f"`{cls.__name__}(...)` itself. Received: {config['weights']!r}."
            )
        return super().from_config({**config, "weights": None}, custom_objects)


def own_preprocessor(application: str, image_size: int) -> Preprocessor:
    """Returns a `Preprocessor` that is equal to the network's `preprocess_input`.

    All of Keras's functions are `(pixels - mean) * scale`, some with swapped channels,
    so they are determined by their results for black and for three pure colours.
    """
    module = inspect.getmodule(_find(application))
    black = np.zeros((1, 1, 1, 3), "float32")
    colors = 255 * np.eye(3, dtype="float32").reshape(3, 1, 1, 3)

    def apply(images):
        images = module.preprocess_input(images.copy(), data_format="channels_last")
        return np.asarray(images, "float64").reshape(-1, 3)

    offset = apply(black)[0]
    slopes = (apply(colors) - offset) / 255  # [colour, output channel]
    order = slopes.argmax(axis=0).tolist()
    scale = slopes.max(axis=0)
    return Preprocessor(
        image_size,
        channel_order={(0, 1, 2): "rgb", (2, 1, 0): "bgr"}[tuple(order)],
        mean=0 - offset / scale,
        scale=scale,
    )


def _build(application: str, image_shape: tuple, weights: str | None) -> keras.Model:
    """Builds the network, with the same layers for all kinds of weights."""
    arguments = dict(include_top=False, input_shape=image_shape, pooling="avg")
    with plain_lines():  # Keras may download the weights.
        network = _find(application)(weights=weights, **arguments)
    if weights is None or not application.startswith("EfficientNetB"):
        return network
    # Keras divides by the roots of these a second time, in a layer that exists only for
    # `weights="imagenet"`: not in a preset, and not with the same file by path.
    pretrained, network = network, _find(application)(weights=None, **arguments)
    network.set_weights(pretrained.get_weights())
    normalization = next(
        n for n in network.layers if isinstance(n, keras.layers.Normalization)
    )
    mean, variance, *count = normalization.get_weights()
    if weights == "imagenet" or np.allclose(variance, _IMAGENET_STDDEV, rtol=1e-2):
        normalization.set_weights([mean, variance * _IMAGENET_STDDEV, *count])
    normalization.finalize_state()
    return network


def _find(application: str):
    """Returns the function of Keras Applications with a name; ValueError if none."""
    names = [n for n in dir(keras.applications) if n[0].isupper()]
    if application not in names:
        raise ValueError(
            f"`application` must be a name of Keras Applications: {', '.join(names)}. "
            f"Received: application={application!r}."
        )
    return getattr(keras.applications, application)
