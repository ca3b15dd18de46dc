"""The loss of Deep Polarized Networks."""

import keras
from keras import ops

from keras_deephash.checks import check_integer, check_number
from keras_deephash.losses.class_loss import ClassLoss
from keras_deephash.losses.target_codes import target_codes


@keras.saving.register_keras_serializable(package="keras_deephash")
class PolarizationLoss(ClassLoss):
    """Hinge loss of each bit to the centre of an image's labels.

    The loss of an image is the mean over the bits of
    `max(0, margin - u t) + square_weight * u^2`: a bit should be on the side of its
    target, by the margin and not by much more. The target for several labels is the
    sign of the sum of their centres; where that is 0, a fixed vector decides.

    Args:
        margin: float, > 0. Defaults to `1.0`.
        square_weight: float, >= 0. Defaults to `0.1`.
        seed: int. Seed of that vector. Defaults to `0`.

    Call arguments:
        codes: float tensor [batch, bits], before any tanh.
        labels: tensor [batch, labels], multi-hot.
        vectors: float tensor [labels, bits], centres of +1 and -1, given by name.

    Returns:
        float32 scalar. In a replica of a `tf.distribute` strategy, the replica's
        share: the shares add up to the loss of the global batch.

    Example:

    >>> loss = PolarizationLoss()
    >>> loss(codes, labels, vectors=centers)

    References:
        - [Fan et al., Deep Polarized Network for Supervised Learning of Accurate Binary
          Hashing Codes, IJCAI 2020](https://www.ijcai.org/proceedings/2020/115)
    """

    def __init__(
        self,
        margin: float = 1.0,
        square_weight: float = 0.1,
        seed: int = 0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.margin = check_number("margin", margin, positive=True)
        self.square_weight = check_number("square_weight", square_weight)
        self.seed = check_integer("seed", seed, minimum=0)

    def image_losses(self, codes, labels, vectors):
        targets = target_codes(labels, vectors, self.seed)
        # A mean rather than a sum, so that one learning rate fits any number of bits.
        hinge = ops.relu(self.margin - codes * targets)
        return ops.mean(hinge + self.square_weight * ops.square(codes), axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "margin": self.margin,
            "square_weight": self.square_weight,
            "seed": self.seed,
        }
