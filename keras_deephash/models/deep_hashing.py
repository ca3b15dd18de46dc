"""The base class of the methods that learn binary codes by gradients."""

from collections.abc import Sequence
from itertools import pairwise

import keras
from keras import ops

from keras_deephash.checks import check_lengths, check_number
from keras_deephash.losses import mean_over_replicas
from keras_deephash.losses.similarity_preserving import SimilarityPreservingLoss
from keras_deephash.models.hashing_model import HashingModel
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate import evaluate_retrieval

# A continuous code at least this far from zero counts as saturated.
SATURATION = 0.9


class DeepHashing(HashingModel):
    """Base class: a backbone, a hash layer and a loss over the global batch.

    A method is a subclass that creates its loss layers and returns the terms of its
    loss in `loss_terms`, its arguments in `get_config`, and its published learning rate
    in `default_learning_rate`. docs/own_method.md builds one step by step.

    With `lengths` one model has codes of several lengths: a shorter code is the
    beginning of a longer one. The loss is then the mean of the method's losses for all
    lengths, plus a loss that gives each shorter code the similarities of the next
    longer one.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        bits: int. Length of a code, a multiple of 8.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        lengths: list of int, 32 at most. Code lengths: increasing multiples of 8, the
            last of which is `bits`. Every subclass accepts it in its `**kwargs`.
            Defaults to `None`: codes of `bits` only.
        distillation_weight: float, >= 0. Weight of the loss by which shorter codes
            learn from longer ones. Defaults to `0.1`.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = DCH(backbone, bits=64, lengths=[16, 32, 64])
    >>> model.fit(images, labels)
    >>> model.encode(images, bits=16)  # uint8 [n, 2]

    References:
        - [He et al., Nested Hash Layer: A Plug-and-play Module for Multiple-length Hash
          Code Learning, 2024](https://arxiv.org/abs/2412.08922): several lengths in one
          layer. Its dynamic weights of the lengths are not implemented.
    """

    # Arguments of this constructor that subclasses take in their `**kwargs`.
    shared_arguments = ("lengths", "distillation_weight")

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        preprocessor: Preprocessor | None = None,
        lengths: Sequence[int] | None = None,
        distillation_weight: float = 0.1,
        **kwargs,
    ):
        _check_arguments(type(self), kwargs)
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.lengths = check_lengths(lengths, self.bits)
        self.distillation_weight = check_number(
            "distillation_weight", distillation_weight
        )
        self.distillation_loss = SimilarityPreservingLoss()

    def all_loss_terms(self, outputs, *others) -> dict:
        if self.lengths is None:
            return super().all_loss_terms(outputs, *others)
        terms = {}
        for length in self.lengths:
            own = super().all_loss_terms(outputs[:, :length], *others)
            for name, (weight, term) in own.items():
                terms[f"{name}_{length}"] = (weight / len(self.lengths), term)
        for shorter, longer in pairwise(self.lengths):
            terms[f"distillation_loss_{shorter}"] = (
                self.distillation_weight / len(self.lengths),
                self.distillation_loss(outputs[:, :shorter], outputs[:, :longer]),
            )
        return terms

    def watched_figures(self, outputs) -> dict:
        if self.output_form != "tanh":
            return {}
        saturated = ops.cast(ops.abs(outputs) > SATURATION, "float32")
        return {"saturated_bits": mean_over_replicas(ops.mean(saturated, axis=-1))}

    def retrieval_metrics(
        self, query_codes, query_labels, database_codes, database_labels, **arguments
    ) -> dict:
        """As in `HashingModel`; with `lengths`, also figures such as `map_16`."""
        metrics = super().retrieval_metrics(
            query_codes, query_labels, database_codes, database_labels, **arguments
        )
        arguments.pop("bootstrap", None)  # Intervals only for the whole codes.
        for length in (self.lengths or [])[:-1]:
            metrics[f"map_{length}"] = evaluate_retrieval(
                **self.ranking(query_codes[:, :length], database_codes[:, :length]),
                query_labels=query_labels,
                database_labels=database_labels,
                **arguments,
            ).map
        return metrics

    def get_config(self) -> dict:
        config = super().get_config()
        if self.lengths is None:  # So that a subclass need not accept them.
            return config
        return {
            **config,
            "lengths": list(self.lengths),
            "distillation_weight": self.distillation_weight,
        }


def _check_arguments(cls: type, arguments: dict) -> None:
    """Raises ValueError for arguments that this class once had."""
    for name in ("pair_loss", "quantization_loss", "quantization_weight"):
        if name in arguments:
            raise ValueError(
                f"`{name}` is an argument of `PairwiseHashing`: derive "
                f"`{cls.__name__}` from it in place of `DeepHashing`, or make the "
                "layers of the loss yourself and return its terms in `loss_terms`."
            )
