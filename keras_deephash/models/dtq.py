"""Deep Triplet Quantization."""

from typing import Literal

import keras

from keras_deephash.checks import check_integer, check_number, check_option
from keras_deephash.codebooks import Codebook
from keras_deephash.codebooks.learner import CodebookLearner
from keras_deephash.codebooks.scores import METRICS
from keras_deephash.losses import EuclideanCodebookLoss, TripletLoss
from keras_deephash.models.deep_quantization import DeepQuantization
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DTQ(DeepQuantization):
    """Deep Triplet Quantization: an additive codebook under a triplet loss.

    docs/released_code.md lists the differences from the released code.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        subcodebooks: int. Bytes of a code. Defaults to `4`.
        subcenters: int. Centres per sub-codebook, 2 to 256. Defaults to `256`.
        dim: int. Dimension of the features. Defaults to `300`.
        margin: float, in squared units of the features. Defaults to `30.0`.
        mining: `"margin"` (Group-Hard), `"hard"` or `"all"`, the triplets of a batch:
            see `TripletLoss`. Defaults to `"margin"`.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `1e-4`.
        quantization_start: int. First epoch, from 0, with the quantization loss.
            Defaults to `2`.
        orthogonality_weight: float, >= 0. Weight of `OrthogonalityPenalty`, which `fit`
            adds to the mean squared error when it updates the centres (paper).
            Defaults to `0.0`, as in the released code.
        seed: int. Seed of the triplets. Defaults to `0`.
        search_metric: `"euclidean"`, the distance of the triplet loss, or
            `"inner_product"`, by which the released evaluation ranks. It decides how
            codes are ranked, not what is learned. Defaults to `"euclidean"`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> model = DTQ(AlexNetBackbone.small(), subcodebooks=4)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)  # uint8 [n, 4]

    References:
        - [Liu et al., Deep Triplet Quantization, ACM Multimedia 2018](
          https://arxiv.org/abs/1902.00153)
    """

    def __init__(
        self,
        backbone: keras.Model,
        subcodebooks: int = 4,
        subcenters: int = 256,
        dim: int = 300,
        margin: float = 30.0,
        mining: Literal["margin", "hard", "all"] = "margin",
        quantization_weight: float = 1e-4,
        quantization_start: int = 2,
        orthogonality_weight: float = 0.0,
        seed: int = 0,
        search_metric: Literal["euclidean", "inner_product"] = "euclidean",
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        check_option("search_metric", search_metric, METRICS)
        super().__init__(
            backbone,
            dim,
            codebook=Codebook(subcodebooks, subcenters),
            similarity_loss=TripletLoss(margin, mining, seed),
            codebook_loss=EuclideanCodebookLoss(),
            quantization_weight=quantization_weight,
            quantization_start=quantization_start,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.margin = float(margin)
        self.mining = mining
        self.orthogonality_weight = check_number(
            "orthogonality_weight", orthogonality_weight
        )
        self.seed = check_integer("seed", seed, minimum=0)
        self.search_metric = search_metric

    @classmethod
    def default_learning_rate(cls) -> float:
        return 3e-5

    def new_codebook_learner(self) -> CodebookLearner:
        return CodebookLearner(
            self.quantization_start, orthogonality_weight=self.orthogonality_weight
        )

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "margin": self.margin,
            "mining": self.mining,
            "orthogonality_weight": self.orthogonality_weight,
            "seed": self.seed,
            "search_metric": self.search_metric,
        }
