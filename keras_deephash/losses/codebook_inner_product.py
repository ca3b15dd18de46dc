"""The inner-product codebook loss of Deep Visual-Semantic Quantization."""

import keras
from keras import ops

from keras_deephash.losses.adaptive_margin import (
    check_word_vectors,
    plain_word_vectors,
)
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.replicas import mean_over_replicas


@keras.saving.register_keras_serializable(package="keras_deephash")
class InnerProductCodebookLoss(LossLayer):
    """Error of the inner products with all word vectors,
    `mean_i sum_c (v_c^T (z_i - x_i))^2`.

    Errors that do not change these inner products are ignored, so that a short code
    spends its bits on what maximum inner-product search compares.

    Args:
        word_vectors: array [L, D]. Normalize them, so that the loss has the same scale
            for every vocabulary.

    Call arguments:
        features: float tensor [batch, D].
        reconstructions: float tensor [batch, D], the sums of the features' centres.
            No gradient flows to them.

    Returns:
        float32 scalar; in a replica, the replica's share.

    Example:

    >>> loss = InnerProductCodebookLoss(word_vectors)
    >>> loss(features, codebook.decode(codebook.encode(features)))

    References:
        - [Cao et al., Deep Visual-Semantic Quantization for Efficient Image
          Retrieval, CVPR 2017](https://openaccess.thecvf.com/content_cvpr_2017/html/Cao_Deep_Visual-Semantic_Quantization_CVPR_2017_paper.html)
    """

    def __init__(self, word_vectors, **kwargs):
        super().__init__(**kwargs)
        self.word_vectors = check_word_vectors(word_vectors)

    def call(self, features, reconstructions):
        error = ops.cast(features, "float32") - ops.stop_gradient(reconstructions)
        products = ops.matmul(error, ops.transpose(self.word_vectors))
        return mean_over_replicas(ops.sum(ops.square(products), axis=-1))

    def get_config(self):
        return {
            **super().get_config(),
            "word_vectors": plain_word_vectors(self.word_vectors),
        }
