"""The loss of Similarity Distribution Calibration."""

import math

import keras
from keras import ops

from keras_deephash.checks import check_integer, check_option
from keras_deephash.losses.distances import normalize
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.replicas import gather_rows

# Steps of Newton's method: enough for float32 at the ends of the distribution.
_STEPS = 30


@keras.saving.register_keras_serializable(package="keras_deephash")
class SimilarityDistributionLoss(LossLayer):
    """Spreads the cosines of codes, in the order of the cosines of features.

    `mean_ij |cos(z_i, z_j) - t_ij|` over the pairs of two different images of the
    global batch. The pairs are sorted by the cosines of their features. The target t of
    pair r of n is the quantile (2 r - 1) / (2 n) of a symmetric beta distribution on
    the range from -1 to 1: the similarities of codes use the whole range, even if those
    of features lie close together.

    Args:
        concentration: int, 1 to 20. Both parameters of the beta distribution; 1 gives
            the uniform distribution. Defaults to `5`.
        orthogonal: bool. Whether negative targets are set to 0, so that the less
            similar half of the pairs gets orthogonal codes, as published. Defaults to
            `True`.

    Call arguments:
        codes: float tensor [batch, bits].
        features: float tensor [batch, d]; no gradient flows to it.

    Returns:
        float32 scalar; 0 for a batch of one image. In a replica of a `tf.distribute`
        strategy, the replica's share: the shares add up to the loss of the global
        batch.

    Example:

    >>> loss = SimilarityDistributionLoss()
    >>> loss(codes, features)

    References:
        - [Ng et al., Unsupervised Hashing with Similarity Distribution Calibration,
          BMVC 2023](https://arxiv.org/abs/2302.07669)
    """

    def __init__(self, concentration: int = 5, orthogonal: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.concentration = check_integer("concentration", concentration, 1, 20)
        check_option("orthogonal", orthogonal, (True, False))
        self.orthogonal = bool(orthogonal)

    def call(self, codes, features):
        codes = normalize(ops.cast(codes, "float32"))
        features = ops.stop_gradient(ops.cast(features, "float32"))
        everyone, first = gather_rows(codes)
        all_features, _ = gather_rows(normalize(features))
        similarities = ops.matmul(all_features, ops.transpose(all_features))
        targets = self._targets(similarities)
        batch = ops.shape(everyone)[0]
        own = first + ops.arange(ops.shape(codes)[0])
        is_pair = ops.cast(own[:, None] != ops.arange(batch), "float32")
        cosines = ops.matmul(codes, ops.transpose(everyone))
        losses = ops.abs(cosines - ops.take(targets, own, axis=0))
        pairs = ops.cast(batch * (batch - 1), "float32")
        return ops.sum(is_pair * losses) / ops.maximum(pairs, 1.0)

    def _targets(self, similarities):
        """Returns the symmetric target cosines [N, N] for features' cosines [N, N]."""
        batch = ops.shape(similarities)[0]
        numbers = ops.arange(batch)
        # Each pair once; all other entries are sorted to the end.
        once = numbers[:, None] < numbers
        order = ops.argsort(ops.reshape(ops.where(once, similarities, 2.0), (-1,)))
        ranks = ops.reshape(ops.argsort(order), ops.shape(similarities))
        pairs = ops.maximum(batch * (batch - 1) // 2, 1)
        levels = ops.cast(ops.arange(pairs), "float32") + 0.5
        levels /= ops.cast(pairs, "float32")
        wanted = 2 * beta_quantiles(levels, self.concentration) - 1
        if self.orthogonal:
            wanted = ops.relu(wanted)
        targets = ops.take(wanted, ops.minimum(ranks, pairs - 1))
        targets = ops.where(once, targets, 0.0)
        return targets + ops.transpose(targets)

    def get_config(self):
        return {
            **super().get_config(),
            "concentration": self.concentration,
            "orthogonal": self.orthogonal,
        }


def beta_quantiles(probabilities, a: int):
    """Returns the quantiles of the beta distribution whose two parameters are a.

    Args:
        probabilities: float32 tensor, above 0 and below 1.
        a: int, >= 1.
    """
    # The distribution is symmetric, and its lower half is convex: starting at 1 / 2,
    # Newton's steps decrease to the quantile and do not fall below it.
    lower = ops.minimum(probabilities, 1 - probabilities)
    counts = [math.comb(2 * a - 1, j) for j in range(a, 2 * a)]

    def step(_, x):
        # The distribution function is the probability that at least a of 2 a - 1 draws
        # of probability x succeed. The step divides its error by the density.
        odds, total = x / (1 - x), 0.0
        for count in reversed(counts):
            total = total * odds + count
        density = a * counts[0] * (x * (1 - x)) ** (a - 1)
        return x - (total * odds**a * (1 - x) ** (2 * a - 1) - lower) / density

    x = ops.fori_loop(0, _STEPS, step, ops.full_like(lower, 0.5))
    return ops.where(probabilities < 0.5, x, 1 - x)
