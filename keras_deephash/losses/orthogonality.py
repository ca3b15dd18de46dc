"""The weak-orthogonality penalty of Deep Triplet Quantization."""

import keras
from keras import ops

from keras_deephash.losses.loss_layer import LossLayer


@keras.saving.register_keras_serializable(package="keras_deephash")
class OrthogonalityPenalty(LossLayer):
    """Redundancy of the sub-codebooks, `sum_m sum_m' |C_m^T C_m' - I|^2`.

    `C_m` is the matrix [D, K] of the centres of sub-codebook m, and `I` the [K, K]
    identity. The sum is over all pairs m, m', including m = m'.

    Call arguments:
        centers: float tensor [M, K, D].

    Returns:
        float32 scalar.

    Example:

    >>> OrthogonalityPenalty()(codebook.centers)

    References:
        - [Liu et al., Deep Triplet Quantization, ACM Multimedia 2018](
          https://arxiv.org/abs/1902.00153)
    """

    def call(self, centers):
        centers = ops.cast(centers, "float32")
        subcodebooks, subcenters, dim = centers.shape
        rows = ops.reshape(centers, (subcodebooks * subcenters, dim))
        gram = ops.matmul(rows, ops.transpose(rows))
        identities = ops.tile(ops.eye(subcenters), (subcodebooks, subcodebooks))
        return ops.sum(ops.square(gram - identities))
