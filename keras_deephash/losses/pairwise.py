"""The base class of the pair losses: weights, and pairs over the global batch."""

from keras import ops

from keras_deephash.checks import check_option
from keras_deephash.losses.loss_layer import LossLayer
from keras_deephash.losses.pairs import (
    check_codes_and_labels,
    self_pairs,
    similar_pairs,
)
from keras_deephash.losses.replicas import gather_rows

PAIR_WEIGHTINGS = ("balanced", "one_sided", None)


class PairwiseLoss(LossLayer):
    """Base class of the losses over all pairs of the global batch.

    A subclass implements `pair_losses`. Called inside a replica of a
    `tf.distribute` strategy, the layer scores the replica's own rows against the
    rows of all replicas and returns this replica's share of the loss: the shares
    add up to the loss of the global batch.

    Args:
        pair_weighting: `"balanced"`, `"one_sided"` or `None`. With S1 similar pairs
            and S0 dissimilar ones among S pairs, `"balanced"` weights them S / S1
            and S / S0; `"one_sided"` (the released code) weights them S / S1 and 1,
            counting all B^2 pairs; `None` weights all pairs 1.
            Defaults to `"balanced"`.

    Example:

    >>> class ContrastiveLoss(PairwiseLoss):
    ...     def pair_losses(self, codes, all_codes, similar):
    ...         d = pairwise_distances(codes, all_codes, "hamming")
    ...         return similar * d + (1 - similar) * ops.relu(8 - d)
    """

    takes_labels = True
    # Whether an image paired with itself counts.
    include_self_pairs = False

    def __init__(self, pair_weighting: str | None = "balanced", **kwargs):
        check_option("pair_weighting", pair_weighting, PAIR_WEIGHTINGS)
        super().__init__(**kwargs)
        self.pair_weighting = pair_weighting

    def pair_losses(self, codes, all_codes, similar):
        """Returns unweighted losses [n, N] of the pairs of `codes` and `all_codes`.

        Args:
            codes: float32 tensor [n, bits], this replica's.
            all_codes: float32 tensor [N, bits], those of all replicas.
            similar: float32 tensor [n, N], 1 where two images share a label, else 0.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `pair_losses`.")

    def call(self, codes, labels):
        codes = ops.cast(codes, "float32")
        labels = ops.cast(labels, "float32")
        check_codes_and_labels(codes, labels)
        all_codes, first = gather_rows(codes)
        all_labels, _ = gather_rows(labels)

        similar = similar_pairs(labels, all_labels)
        is_pair = ops.ones_like(similar)
        if not self.include_self_pairs:
            is_pair -= self_pairs(codes, all_codes, first)

        weights = is_pair * self._weights(similar, all_labels)
        losses = self.pair_losses(codes, all_codes, similar)
        batch = ops.cast(ops.shape(all_codes)[0], "float32")
        pairs = batch * batch if self.include_self_pairs else batch * (batch - 1)
        return ops.sum(weights * losses) / ops.maximum(pairs, 1.0)

    def _weights(self, similar, all_labels):
        """Weights of the pairs [n, N], from counts over the global batch."""
        if self.pair_weighting is None:
            return ops.ones_like(similar)
        all_similar = similar_pairs(all_labels, all_labels)
        batch = ops.cast(ops.shape(all_labels)[0], "float32")
        pairs, similars = batch * batch, ops.sum(all_similar)
        if self.pair_weighting == "one_sided":
            return similar * pairs / ops.maximum(similars, 1.0) + (1 - similar)
        if not self.include_self_pairs:
            pairs -= batch
            # An unlabelled image is not similar to itself either.
            similars -= ops.sum(ops.diagonal(all_similar))
        dissimilars = pairs - similars
        return similar * pairs / ops.maximum(similars, 1.0) + (
            1 - similar
        ) * pairs / ops.maximum(dissimilars, 1.0)

    def get_config(self):
        return {**super().get_config(), "pair_weighting": self.pair_weighting}
