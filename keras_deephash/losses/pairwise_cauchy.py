"""The pairwise Cauchy cross-entropy of Deep Cauchy Hashing."""

import keras
from keras import ops

from keras_deephash.checks import check_number, check_option
from keras_deephash.losses.distances import DISTANCES, pairwise_distances
from keras_deephash.losses.pairwise import PairwiseLoss

# Smaller distances are raised to this, so that the loss of equal codes is finite.
SMALLEST_DISTANCE = 1e-6


@keras.saving.register_keras_serializable(package="keras_deephash")
class PairwiseCauchyLoss(PairwiseLoss):
    """Cauchy cross-entropy over the pairs of different images in a batch.

    `mean_ij w_ij * (s_ij * log(1 + d_ij / gamma)
    + (1 - s_ij) * log(1 + gamma / d_ij))`, where `s_ij` is 1 if two images share a
    label. The probability of similarity, `gamma / (gamma + d)`, falls off slowly
    outside a Hamming ball of `gamma`, so the loss concentrates similar images
    within a small Hamming radius.

    Args:
        gamma: float. Scale of the Cauchy distribution, in units of the distance.
            Defaults to `30.0`.
        distance: `"hamming"` (the paper's continuous Hamming distance, 0 to `bits`)
            or `"squared_euclidean"` (the released code's; 4 times the Hamming
            distance on +-1 codes, so that its gamma is 4 times as large for the
            same effect). Defaults to `"hamming"`.
        pair_weighting: `"balanced"` (paper), `"one_sided"` (released code) or
            `None`. See `PairwiseLoss`. Defaults to `"balanced"`.

    Call arguments:
        codes: float tensor [batch, bits], continuous codes.
        labels: tensor [batch, labels], multi-hot.

    Returns:
        float32 scalar.

    Example:

    >>> loss = PairwiseCauchyLoss(gamma=20)
    >>> loss(np.float32([[1, 1], [-1, 1]]), np.array([[0, 1], [0, 1]]))

    References:
        - [Cao et al., Deep Cauchy Hashing for Hamming Space Retrieval, CVPR 2018](
          https://openaccess.thecvf.com/content_cvpr_2018/html/Cao_Deep_Cauchy_Hashing_CVPR_2018_paper.html)
    """

    def __init__(
        self,
        gamma: float = 30.0,
        distance: str = "hamming",
        pair_weighting: str | None = "balanced",
        **kwargs,
    ):
        check_cauchy_arguments(gamma, distance)
        super().__init__(pair_weighting=pair_weighting, **kwargs)
        self.gamma = float(gamma)
        self.distance = distance

    def pair_losses(self, codes, all_codes, similar):
        d = pairwise_distances(codes, all_codes, self.distance)
        d = ops.maximum(d, SMALLEST_DISTANCE)
        return similar * ops.log1p(d / self.gamma) + (1 - similar) * ops.log1p(
            self.gamma / d
        )

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "distance": self.distance}


def check_cauchy_arguments(gamma: float, distance: str) -> None:
    """Raises ValueError for a scale or a distance that a Cauchy loss cannot use."""
    check_number("gamma", gamma, positive=True)
    check_option("distance", distance, DISTANCES)
