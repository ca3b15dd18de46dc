"""Any image network of KerasHub as a backbone."""

import inspect
from collections.abc import Sequence

import keras

from keras_deephash.backbones.backbone import Backbone
from keras_deephash.backbones.layer_dtypes import default_dtype
from keras_deephash.backbones.layers import PACKAGE

# Names of the argument for the shape of the images, the newer one first.
_SHAPES = ("image_shape", "input_shape")
# Arguments that this class has itself.
_OWN = ("name", "trainable", "dtype", *_SHAPES)
_DEFAULT_SHAPE = (224, 224, 3)


@keras.saving.register_keras_serializable(package=PACKAGE)
class KerasHubBackbone(Backbone):
    """An image network of KerasHub, pooled by averages. Needs the package keras-hub.

    A method wraps a KerasHub backbone in it, for images of the preprocessor's size. The
    network is built again for one image size, with the same weights. KerasHub keeps the
    scaling of pixels in a converter, apart from the network: give the method a
    `Preprocessor` with the same scaling, or train with the default one.

    Args:
        network: backbone of `keras_hub.models` that takes images; or a str, the name
            of its class, for random weights.
        image_shape: tuple of 3 ints, (height, width, channels). Defaults to the
            network's own, and to `(224, 224, 3)` for one that takes any size.
        arguments: pairs of a name and a plain value, the arguments of a network that
            is given by name. Defaults to none.
        dtype: dtype or dtype policy of the layers. Defaults to the network's.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Raises:
        ImportError: if keras-hub is not installed.
        ValueError: if the network does not accept images of this size.

    Example:

    >>> network = keras_hub.models.Backbone.from_preset("resnet_18_imagenet")
    >>> preprocessor = keras_deephash.Preprocessor(160)
    >>> model = keras_deephash.DCH(network, bits=48, preprocessor=preprocessor)

    References:
        - [KerasHub](https://keras.io/keras_hub/)
    """

    def __init__(
        self,
        network: keras.Model | str,
        image_shape: Sequence[int] | None = None,
        arguments: Sequence[Sequence] = (),
        dtype=None,
        **kwargs,
    ):
        weights = None
        if not isinstance(network, str):
            weights = network.get_weights()
            dtype = network.dtype_policy.name if dtype is None else dtype
            kwargs.setdefault("name", network.name)
            network, arguments, own_shape = _describe(network)
            image_shape = own_shape if image_shape is None else image_shape
        image_shape = tuple(_DEFAULT_SHAPE if image_shape is None else image_shape)
        built = _build(network, image_shape, arguments, dtype)
        if weights is not None:
            try:
                built.set_weights(weights)
            except ValueError as error:
                raise ValueError(
                    f"The weights of the `{network}` do not fit images of shape "
                    f"{image_shape}: {str(error)[:300]} Use its original size, and "
                    "quantize or adapt it in the method."
                ) from None
        super().__init__(
            built.inputs[0],
            _pool(built, dtype),
            {
                "network": network,
                "image_shape": image_shape,
                "arguments": tuple(tuple(pair) for pair in arguments),
            },
            dtype=dtype,
            **kwargs,
        )


def is_keras_hub(network) -> bool:
    """Returns whether a network is from KerasHub."""
    is_model = isinstance(network, keras.Model)
    return is_model and type(network).__module__.partition(".")[0] == "keras_hub"


def _describe(network: keras.Model) -> tuple[str, list, tuple | None]:
    """Returns class, arguments and image shape of a network; None for any shape."""
    config = network.get_config()
    shape = next((tuple(config[key]) for key in _SHAPES if config.get(key)), None)
    arguments = [[name, value] for name, value in config.items() if name not in _OWN]
    for name, value in arguments:
        if not _is_plain(value):
            raise ValueError(
                "`network` must be a network of KerasHub whose arguments are numbers "
                "and strings, such as its `ResNetBackbone`. Received: a "
                f"`{type(network).__name__}` with {name}={str(value)[:80]}."
            )
    if shape is not None and None in shape:
        shape = None
    return type(network).__name__, arguments, shape


def _is_plain(value) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (bool, int, float, str))


def _build(network: str, image_shape: tuple, arguments, dtype) -> keras.Model:
    """Builds a KerasHub network for images of one size."""
    try:
        import keras_hub
    except ImportError as error:
        raise ImportError(
            "A backbone of KerasHub needs the package keras-hub, which cannot be "
            f"imported ({error}): pip install keras-hub"
        ) from None
    cls = getattr(keras_hub.models, str(network), None)
    if not (isinstance(cls, type) and issubclass(cls, keras_hub.models.Backbone)):
        raise ValueError(
            "`network` must be a backbone of `keras_hub.models`, or the name of its "
            f"class. Received: network={network!r}."
        )
    key = _shape_argument(cls)
    given = {str(name): value for name, value in arguments}
    with default_dtype(dtype) as policy:
        return cls(**given, **{key: image_shape}, dtype=policy)


def _shape_argument(cls: type) -> str:
    """Returns a KerasHub class's name of the argument for the image shape."""
    parameters = inspect.signature(cls.__init__).parameters
    for key in _SHAPES:
        if key in parameters:
            return key
    raise ValueError(
        f"`network` must take images. Received: a `{cls.__name__}`, which has no "
        "`image_shape`."
    )


def _pool(network: keras.Model, dtype):
    """Returns the features [n, d] of a network, averaged over the image."""
    output = network.outputs[0]
    if len(network.outputs) != 1 or len(output.shape) not in (2, 3, 4):
        shapes = [tuple(tensor.shape) for tensor in network.outputs]
        raise ValueError(
            "`network` must give one feature map or vector for each image. "
            f"Received: outputs of shapes {shapes}."
        )
    if len(output.shape) == 4:
        return keras.layers.GlobalAveragePooling2D(
            "channels_last", dtype=dtype, name="pool"
        )(output)
    if len(output.shape) == 3:  # The patches of a transformer.
        return keras.layers.GlobalAveragePooling1D(
            "channels_last", dtype=dtype, name="pool"
        )(output)
    return output
