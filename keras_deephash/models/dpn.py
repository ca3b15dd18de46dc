"""Deep Polarized Networks."""

import keras

from keras_deephash.losses import PolarizationLoss
from keras_deephash.models.class_hashing import ClassHashing
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DPN(ClassHashing):
    """Deep Polarized Networks: each bit on the side of its class's centre, by a margin.

    For many classes, and for images with one or several labels. It has the centres and
    the targets of `CSQ`, and a hinge loss in place of a quantization loss.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        bits: int. Length of a code, a multiple of 8.
        margin: float, > 0. Margin of each output. Defaults to `1.0`.
        square_weight: float, >= 0. Weight of the squared outputs, which keeps them near
            the margin. Defaults to `0.1`; the paper has no such term.
        classes: int. Number of classes. Defaults to `None`: the first `fit` counts
            them.
        seed: int. Seed of the centres. Defaults to `0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `lengths`, `distillation_weight`, and `name` and `trainable` of
            `keras.Model`.

    Example:

    >>> model = DPN(AlexNetBackbone.small(), bits=64)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)

    References:
        - [Fan et al., Deep Polarized Network for Supervised Learning of Accurate Binary
          Hashing Codes, IJCAI 2020](https://www.ijcai.org/proceedings/2020/115)
    """

    output_form = "linear"

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        margin: float = 1.0,
        square_weight: float = 0.1,
        classes: int | None = None,
        seed: int = 0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, bits, classes, seed, preprocessor, **kwargs)
        self.center_loss = PolarizationLoss(margin, square_weight, self.seed)
        self.margin = self.center_loss.margin
        self.square_weight = self.center_loss.square_weight

    def loss_terms(self, outputs, labels) -> dict:
        vectors = self.vectors_for(outputs)
        return {
            "center_loss": (1.0, self.center_loss(outputs, labels, vectors=vectors))
        }

    @classmethod
    def default_optimizer(cls):
        return keras.optimizers.RMSprop(1e-5, rho=0.99, weight_decay=1e-5)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "margin": self.margin,
            "square_weight": self.square_weight,
        }
