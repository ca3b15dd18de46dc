"""The Deep Quantization Network."""

from typing import Literal

import keras

from keras_deephash.codebooks import Codebook
from keras_deephash.losses import EuclideanCodebookLoss, PairwiseCosineLoss
from keras_deephash.models.deep_quantization import DeepQuantization
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DQN(DeepQuantization):
    """Deep Quantization Network: a product codebook under a pairwise cosine loss.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        subcodebooks: int. Bytes of a code. Defaults to `4`.
        subcenters: int. Centres per sub-codebook, 2 to 256. Defaults to `256`.
        dim: int. Dimension of the features. Defaults to `300`.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `1e-4`.
        quantization_start: int. First epoch, from 0, with the quantization loss.
            Defaults to `2`.
        pair_weighting: `None` (paper), `"balanced"` or `"one_sided"`.
            Defaults to `None`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = DQN(AlexNetBackbone.small(), subcodebooks=4)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)  # uint8 [n, 4]

    References:
        - [Cao et al., Deep Quantization Network for Efficient Image Retrieval, AAAI
          2016](https://ojs.aaai.org/index.php/AAAI/article/view/10455)
    """

    search_metric = "inner_product"

    def __init__(
        self,
        backbone: keras.Model,
        subcodebooks: int = 4,
        subcenters: int = 256,
        dim: int = 300,
        quantization_weight: float = 1e-4,
        quantization_start: int = 2,
        pair_weighting: Literal["balanced", "one_sided"] | None = None,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(
            backbone,
            dim,
            codebook=Codebook(subcodebooks, subcenters, structure="product"),
            similarity_loss=PairwiseCosineLoss(pair_weighting),
            codebook_loss=EuclideanCodebookLoss(),
            quantization_weight=quantization_weight,
            quantization_start=quantization_start,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.pair_weighting = pair_weighting

    @classmethod
    def default_learning_rate(cls):
        return keras.optimizers.schedules.ExponentialDecay(
            2e-3, decay_steps=500, decay_rate=0.5, staircase=True
        )

    def get_config(self) -> dict:
        return {**super().get_config(), "pair_weighting": self.pair_weighting}
