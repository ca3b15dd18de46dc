"""The pairwise logistic loss of the Deep Hashing Network."""

import keras
from keras import ops

from keras_deephash.checks import check_number, check_option
from keras_deephash.losses.distances import normalize
from keras_deephash.losses.pairwise import PairwiseLoss

SIMILARITIES = ("inner_product", "cosine")


@keras.saving.register_keras_serializable(package="keras_deephash")
class PairwiseLogisticLoss(PairwiseLoss):
    """Logistic loss over the pairs of a batch, self pairs included.

    `mean_ij w_ij * (log(1 + exp(alpha * p_ij)) - alpha * s_ij * p_ij)`, where `s_ij`
    is 1 if two images share a label and `p_ij` is the inner product or the cosine of
    their codes: `sigmoid(alpha * p_ij)` is the probability that they are similar.

    Args:
        alpha: float. Slope of the sigmoid. The paper's forms are 1/2 and 1 with the
            inner product; the released code's is 10 with the cosine.
            Defaults to `1.0`.
        similarity: `"inner_product"` (paper) or `"cosine"` (released code).
            Defaults to `"inner_product"`.
        pair_weighting: `"balanced"` (paper), `"one_sided"` (released code) or
            `None`. See `PairwiseLoss`. Defaults to `"balanced"`.
        clip: float. Inner products are clipped to +-`clip`, beyond which they have no
            gradient; the released code uses 15. Defaults to `None`, no clipping.

    Call arguments:
        codes: float tensor [batch, bits], continuous codes.
        labels: tensor [batch, labels], multi-hot.

    Returns:
        float32 scalar.

    Example:

    >>> loss = PairwiseLogisticLoss(alpha=10, similarity="cosine")
    >>> loss(np.float32([[1, 1], [-1, 1]]), np.array([[0, 1], [0, 1]]))

    References:
        - [Zhu et al., Deep Hashing Network for Efficient Similarity Retrieval, AAAI
          2016](https://ojs.aaai.org/index.php/AAAI/article/view/10235)
    """

    include_self_pairs = True

    def __init__(
        self,
        alpha: float = 1.0,
        similarity: str = "inner_product",
        pair_weighting: str | None = "balanced",
        clip: float | None = None,
        **kwargs,
    ):
        alpha = check_number("alpha", alpha, positive=True)
        check_option("similarity", similarity, SIMILARITIES)
        if clip is not None and similarity == "cosine":
            raise ValueError(
                '`clip` must be None, or > 0 with `similarity="inner_product"`. '
                f"Received: clip={clip}, similarity={similarity!r}."
            )
        if clip is not None:
            clip = check_number("clip", clip, positive=True)
        super().__init__(pair_weighting=pair_weighting, **kwargs)
        self.alpha = float(alpha)
        self.similarity = similarity
        self.clip = None if clip is None else float(clip)

    def pair_losses(self, codes, all_codes, similar):
        if self.similarity == "cosine":
            codes, all_codes = normalize(codes), normalize(all_codes)
        product = ops.matmul(codes, ops.transpose(all_codes))
        if self.clip is not None:
            product = ops.clip(product, -self.clip, self.clip)
        logits = self.alpha * product
        return ops.softplus(logits) - similar * logits

    def get_config(self):
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "similarity": self.similarity,
            "clip": self.clip,
        }
