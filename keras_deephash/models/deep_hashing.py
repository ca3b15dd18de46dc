"""The base class of the methods that learn binary codes by gradients."""

import keras
from keras import ops

from keras_deephash.losses import mean_over_replicas
from keras_deephash.models.hashing_model import HashingModel
from keras_deephash.preprocessing import Preprocessor

# A continuous code at least this far from zero counts as saturated.
SATURATION = 0.9


class DeepHashing(HashingModel):
    """Base class: a backbone, a tanh hash layer and a loss over the global batch.

    A method is a subclass that makes its loss layers, gives the terms of its loss in
    `loss_terms`, its arguments in `get_config`, and its published learning rate in
    `default_learning_rate`. docs/own_method.md builds one from nothing.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        bits: int. Length of a code, a multiple of 8.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        _check_arguments(type(self), kwargs)
        super().__init__(backbone, bits, preprocessor, **kwargs)

    def watched_figures(self, outputs) -> dict:
        saturated = ops.cast(ops.abs(outputs) > SATURATION, "float32")
        return {"saturated_bits": mean_over_replicas(ops.mean(saturated, axis=-1))}


def _check_arguments(cls: type, arguments: dict) -> None:
    """Raises ValueError for arguments that this class once had."""
    for name in ("pair_loss", "quantization_loss", "quantization_weight"):
        if name in arguments:
            raise ValueError(
                f"`{name}` is an argument of `PairwiseHashing`: derive "
                f"`{cls.__name__}` from it in place of `DeepHashing`, or make the "
                "layers of the loss yourself and return its terms in `loss_terms`."
            )
