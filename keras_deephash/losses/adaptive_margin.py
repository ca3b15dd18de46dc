"""The adaptive-margin loss of Deep Visual-Semantic Quantization."""

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_number
from keras_deephash.losses.distances import normalize
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import check_codes_and_labels
from keras_deephash.losses.replicas import sum_over_replicas


@keras.saving.register_keras_serializable(package="keras_deephash")
class AdaptiveMarginLoss(LossLayer):
    """Hinge loss that ranks an image's own labels before all others, by word vectors.

    The mean of `max(0, delta_jk - cos(v_j, z_i) + cos(v_k, z_i))` over the images i
    of the global batch, the labels j that i has and the labels k that it does not have.
    `v_j` is the word vector of label j, and the margin `delta_jk = 1 - cos(v_j, v_k)`
    is wide between labels of different meaning. An image with no label, or with
    every label, does not count.

    Args:
        word_vectors: array [L, D], one vector for each label; the features have the
            same dimension. Vectors usually have length 1: see
            `datasets.word_vectors.load`.
        margin: float. One margin for all pairs of labels. Defaults to `None`, the
            adaptive margin.

    Call arguments:
        features: float tensor [batch, D].
        labels: tensor [batch, L], multi-hot.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = AdaptiveMarginLoss(np.eye(2, dtype="float32"))
    >>> loss(np.float32([[1, 1], [-1, 1]]), np.array([[0, 1], [0, 1]]))

    References:
        - [Cao et al., Deep Visual-Semantic Quantization for Efficient Image
          Retrieval, CVPR 2017](https://openaccess.thecvf.com/content_cvpr_2017/html/Cao_Deep_Visual-Semantic_Quantization_CVPR_2017_paper.html)
    """

    takes_labels = True

    def __init__(self, word_vectors, margin: float | None = None, **kwargs):
        if margin is not None:
            margin = check_number("margin", margin)
        super().__init__(**kwargs)
        self.word_vectors = check_word_vectors(word_vectors)
        self.margin = margin

    def call(self, features, labels):
        features = ops.cast(features, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(features, labels)
        if (features.shape[1], labels.shape[1]) != self.word_vectors.shape[::-1]:
            raise ValueError(
                "`features` must have the dimension of the word vectors and `labels` "
                "one column per word vector. Received: word vectors of shape "
                f"{self.word_vectors.shape}, features {tuple(features.shape)}, labels "
                f"{tuple(labels.shape)}."
            )
        lengths = np.linalg.norm(self.word_vectors, axis=1, keepdims=True)
        vectors = self.word_vectors / lengths
        cosines = ops.matmul(normalize(features), ops.transpose(vectors))
        if self.margin is None:
            margins = 1 - ops.matmul(vectors, ops.transpose(vectors))
        else:
            margins = ops.full((len(self.word_vectors),) * 2, self.margin)

        # Compares only an image's labels, [P], with all: images have few labels.
        images, own = ops.nonzero(labels)
        rows = ops.take(cosines, images, axis=0)
        own_cosines = ops.take_along_axis(rows, ops.expand_dims(own, 1), axis=1)
        hinges = ops.relu(ops.take(margins, own, axis=0) - own_cosines + rows)
        negatives = 1 - ops.take(labels, images, axis=0)
        pairs = sum_over_replicas(ops.sum(negatives))
        return ops.sum(hinges * negatives) / ops.maximum(pairs, 1.0)

    def get_config(self):
        return {
            **super().get_config(),
            "word_vectors": plain_word_vectors(self.word_vectors),
            "margin": self.margin,
        }


def check_word_vectors(word_vectors) -> np.ndarray:
    """Returns word vectors as a float32 array [L, D].

    Raises:
        ValueError: unless they are finite and different from zero.
    """
    array = np.asarray(word_vectors, dtype="float32")
    if array.ndim != 2 or 0 in array.shape or not np.isfinite(array).all():
        raise ValueError(
            "`word_vectors` must be a finite array [labels, dim]. "
            f"Received: shape {array.shape}."
        )
    zeros = np.flatnonzero(~array.any(axis=1))
    if len(zeros):
        raise ValueError(
            "Every label needs a word vector that is not zero. "
            f"Received: zeros at label {zeros[0]}."
        )
    return array


def plain_word_vectors(word_vectors: np.ndarray) -> list[list[float]]:
    """Returns word vectors for a config, as the shortest equal float32 numbers."""
    return [[float(str(value)) for value in row] for row in word_vectors]
