"""The pairwise cosine loss of the Deep Quantization Network."""

import keras
from keras import ops

from keras_deephash.losses.distances import normalize
from keras_deephash.losses.pairwise import PairwiseLoss


@keras.saving.register_keras_serializable(package="keras_deephash")
class PairwiseCosineLoss(PairwiseLoss):
    """Squared error of the cosines over the pairs of a batch, self pairs included.

    `mean_ij w_ij * (s_ij - cos(z_i, z_j))^2`, where `s_ij` is 1 if two images share
    a label and else -1. A vector of zeros has a cosine of 0 with every other.

    Args:
        pair_weighting: `None` (paper), `"balanced"` or `"one_sided"`. See
            `PairwiseLoss`. Defaults to `None`.

    Call arguments:
        codes: float tensor [batch, dim], features.
        labels: tensor [batch, labels], multi-hot.

    Returns:
        float32 scalar.

    Example:

    >>> PairwiseCosineLoss()(np.float32([[1, 1], [-1, 1]]), np.array([[0, 1], [0, 1]]))

    References:
        - [Cao et al., Deep Quantization Network for Efficient Image Retrieval, AAAI
          2016](https://ojs.aaai.org/index.php/AAAI/article/view/10455)
    """

    include_self_pairs = True

    def __init__(self, pair_weighting: str | None = None, **kwargs):
        super().__init__(pair_weighting=pair_weighting, **kwargs)

    def pair_losses(self, codes, all_codes, similar):
        cosine = ops.matmul(normalize(codes), ops.transpose(normalize(all_codes)))
        return ops.square(2 * similar - 1 - cosine)
