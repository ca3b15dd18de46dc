"""Locality-sensitive hashing by random projections."""

import keras

from keras_deephash.models.closed_form_hashing import ClosedFormHashing


@keras.saving.register_keras_serializable(package="keras_deephash")
class LSH(ClosedFormHashing):
    """Signs of random projections of a backbone's features, centred.

    The expected Hamming distance of two codes is `bits` times the angle between their
    features, divided by pi. It learns the mean alone, so it can have more bits than
    the features have dimensions; with few bits `ITQ` finds more.

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
