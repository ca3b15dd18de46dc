"""Locality-sensitive hashing by random projections."""

import keras

from keras_deephash.models.closed_form_hashing import ClosedFormHashing


@keras.saving.register_keras_serializable(package="keras_deephash")
class LSH(ClosedFormHashing):
    """Locality-sensitive hashing: signs of random projections of centred features.

    The expected Hamming distance of two codes is `bits` times the angle between their
    features, divided by pi. Only the mean is learned, so there can be more bits than
    the features have dimensions; with few bits, `ITQ` is more accurate.

    Args:
        backbone: `keras.Model`, images to features [n, d]; or the name of a preset.
        bits: int. Length of a code, a multiple of 8.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = LSH("efficientnet_lite0_imagenet", bits=256)
    >>> model.fit("photos")
    >>> codes = model.encode("photos")

    References:
        - [Charikar, Similarity Estimation Techniques from Rounding Algorithms, STOC
          2002](https://dl.acm.org/doi/10.1145/509907.509965)
    """

    def directions(self, moments, generator):
        return generator.standard_normal((len(moments.mean), self.bits)), {}
