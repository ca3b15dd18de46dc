"""Iterative quantization."""

import keras

from keras_deephash.models.closed_form_hashing import ClosedFormHashing
from keras_deephash.projections import random_rotation, sign_rotation


@keras.saving.register_keras_serializable(package="keras_deephash")
class ITQ(ClosedFormHashing):
    """Iterative quantization: principal components, rotated so that signs lose little.

    The best method here for images without labels, and the one to start with: see
    docs/general_codes.md. `fit` passes once over the images.

    Args:
        backbone: `keras.Model`, images to features [n, d]; or the name of a preset.
        bits: int. Length of a code, a multiple of 8, at most d.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = ITQ("efficientnet_lite0_imagenet", bits=128)
    >>> history = model.fit("photos")
    >>> history.history["quantization_error"]  # Falls from round to round.
    >>> codes = model.encode("photos")

    References:
        - [Gong et al., Iterative Quantization: A Procrustean Approach to Learning
          Binary Codes, TPAMI 2013](https://ieeexplore.ieee.org/document/6296665)
    """

    directions_argument = "bits"

    def directions(self, moments, generator):
        components = self.components(moments)
        projected = (moments.sample - moments.mean) @ components
        rotation = random_rotation(self.bits, generator)
        rotation, errors = sign_rotation(projected, rotation)
        return components @ rotation, {"quantization_error": errors}
