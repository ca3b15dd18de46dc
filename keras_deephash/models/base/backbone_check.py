"""Checks of a backbone and its preprocessor."""

from keras_deephash.preprocessing import Preprocessor


def check_preprocessor(backbone, preprocessor: Preprocessor | None) -> Preprocessor:
    """Returns the preprocessor of a backbone, which may be its own or the default.

    Raises:
        ValueError: if the backbone does not map RGB images to feature vectors, or if
            the preprocessor has another image size.
    """
    shape = getattr(backbone, "input_shape", None) or ()
    if len(shape) != 4 or None in shape[1:]:
        raise ValueError(
            "`backbone` must be a Keras model with one fixed input shape "
            "(batch, height, width, channels), such as `AlexNetBackbone`. "
            f"Received: {backbone!r}."
        )
    if shape[3] != 3:
        raise ValueError(
            "`backbone` must take RGB images of 3 channels; grey images are converted. "
            f"Received: a backbone for {shape[3]} channels."
        )
    if (
        len(getattr(backbone, "outputs", [None])) != 1
        or len(backbone.output_shape) != 2
    ):
        raise ValueError(
            "`backbone` must return a feature vector for each image, [n, d]: end it "
            'with pooling, such as `pooling="avg"` of Keras Applications. '
            f"Received: features of shape {backbone.output_shape}."
        )
    if preprocessor is None:
        preprocessor = getattr(backbone, "preprocessor", None)
    if preprocessor is None:
        preprocessor = Preprocessor(backbone.input_shape[1])
    size = preprocessor.image_size
    if tuple(backbone.input_shape[1:3]) != (size, size):
        raise ValueError(
            "The preprocessor and the backbone must agree on the image size. "
            f"Received: image_size={size}, a backbone for "
            f"{backbone.input_shape[1]} x {backbone.input_shape[2]} pixels."
        )
    return preprocessor
