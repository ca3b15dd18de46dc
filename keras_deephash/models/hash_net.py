"""HashNet."""

import keras
from keras import ops

from keras_deephash.callbacks.continuation import Continuation
from keras_deephash.checks import check_integer
from keras_deephash.losses import PairwiseLogisticLoss
from keras_deephash.models.deep_hashing import DeepHashing
from keras_deephash.preprocessing import Preprocessor

# The published slope is this number, divided by the number of bits.
_ALPHA = 10.0


@keras.saving.register_keras_serializable(package="keras_deephash")
class HashNet(DeepHashing):
    """HashNet: codes that become binary by continuation.

    The continuous codes are `tanh(beta * u)`, where `beta` grows during the training as
    `sqrt(1 + step)`. The loss is the balanced logistic loss of pairs, as in DHN,
    without a quantization loss.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        alpha: float, > 0. Slope of the sigmoid. Defaults to `None`, 10 / bits.
        continuation: int, >= 1. Number of epochs for each step of `beta`. Defaults to
            `None`: 20 of 150 epochs, as in DeepHash-pytorch, scaled to the epochs of
            the training. The authors' code has 200 training steps for each.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = HashNet(AlexNetBackbone.small(), bits=48)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Cao et al., HashNet: Deep Learning to Hash by Continuation, ICCV 2017](
          https://arxiv.org/abs/1702.00758)
    """

    output_form = "linear"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        alpha: float | None = None,
        continuation: int | None = None,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, preprocessor, **kwargs)
        self.pair_loss = PairwiseLogisticLoss(_ALPHA if alpha is None else alpha)
        self.alpha = None if alpha is None else self.pair_loss.alpha
        if continuation is not None:
            continuation = check_integer("continuation", continuation, minimum=1)
        self.continuation = continuation
        # The name `beta` is part of the weights file format.
        self.beta = self.add_weight(
            shape=(),
            initializer="ones",
            dtype="float32",
            trainable=False,
            name="beta",
        )

    def outputs_of(self, features, training=False):
        return ops.tanh(self.beta * super().outputs_of(features, training))

    def loss_terms(self, outputs, labels) -> dict:
        if self.alpha is None:
            # Divides inner products by the number of bits, of shorter codes too.
            outputs = outputs / outputs.shape[-1] ** 0.5
        return {"pair_loss": (1.0, self.pair_loss(outputs, labels))}

    def own_callbacks(self) -> list[keras.callbacks.Callback]:
        return [*super().own_callbacks(), Continuation(self.continuation)]

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.RMSprop(1e-5, rho=0.99, weight_decay=1e-5)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "alpha": self.alpha,
            "continuation": self.continuation,
        }
