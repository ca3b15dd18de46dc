"""Residual quantization of a backbone's features."""

import keras
import numpy as np
from keras import ops

from keras_deephash.codebooks import Codebook
from keras_deephash.models.base.closed_form import ClosedFormMixin
from keras_deephash.models.quantization_model import QuantizationModel
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class RQ(ClosedFormMixin, QuantizationModel):
    """Residual quantization: an additive codebook of features, without labels.

    The features are scaled to length 1, centred, projected to their first principal
    components and scaled to length 1 again; the codebook encodes them in a few bytes.
    Up to the quantization error, the squared distance of a query to a code is 2 - 2
    times their cosine. `fit` passes once over the images.

    Args:
        backbone: `keras.Model`, images to features [n, d]; or the name of a preset.
        subcodebooks: int. Bytes of a code. Defaults to `8`.
        subcenters: int. Centres per sub-codebook, 2 to 256. Defaults to `256`.
        dim: int. Dimension of the projected features, at most d. Defaults to `128`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = RQ("efficientnet_lite0_imagenet", subcodebooks=8)
    >>> model.fit("photos")
    >>> codes = model.encode("photos")  # uint8 [n, 8]

    References:
        - [Chen et al., Approximate Nearest Neighbor Search by Residual Vector
          Quantization, Sensors 2010](https://doi.org/10.3390/s101211259)
    """

    search_metric = "euclidean"
    directions_argument = "dim"

    def __init__(
        self,
        backbone: keras.Model,
        subcodebooks: int = 8,
        subcenters: int = 256,
        dim: int = 128,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        codebook = Codebook(subcodebooks, subcenters)
        super().__init__(backbone, dim, codebook, preprocessor, **kwargs)

    def solve(self, moments, seed):
        components = self.components(moments)
        self.set_projection(moments, components)
        projected = ((moments.sample - moments.mean) @ components).astype(np.float32)
        features = ops.convert_to_numpy(ops.normalize(projected))
        return {"distortion": self.codebook.fit(features, seed=seed)}

    def outputs_of(self, features, training=False):
        return ops.normalize(super().outputs_of(features))

    def check_can_encode(self) -> None:
        ClosedFormMixin.check_can_encode(self)
        self.codebook.check_fitted()
