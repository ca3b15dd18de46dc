"""Signs of principal components."""

import keras

from keras_deephash.models.closed_form_hashing import ClosedFormHashing


@keras.saving.register_keras_serializable(package="keras_deephash")
class PCAHash(ClosedFormHashing):
    """Signs of the principal components of a backbone's features.

    The starting point of `ITQ`, for comparison: the first bits carry much information,
    and the last ones little.

    Args:
        backbone: `keras.Model`, images to features [n, d]; or the name of a preset.
        bits: int. Length of a code, a multiple of 8, at most d.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = PCAHash("efficientnet_lite0_imagenet", bits=64)
    >>> model.fit("photos")
    >>> codes = model.encode("photos")

    References:
        - [Wang et al., Semi-Supervised Hashing for Large-Scale Search, TPAMI 2012](
          https://ieeexplore.ieee.org/document/6104044)
    """

    directions_argument = "bits"

    def directions(self, moments, generator):
        return self.components(moments), {}
