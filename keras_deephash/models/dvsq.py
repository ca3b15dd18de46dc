"""Deep Visual-Semantic Quantization."""

import keras
import numpy as np

from keras_deephash.codebooks import Codebook
from keras_deephash.losses import AdaptiveMarginLoss, InnerProductCodebookLoss
from keras_deephash.losses.adaptive_margin import (
    check_word_vectors,
    plain_word_vectors,
)
from keras_deephash.models.deep_quantization import DeepQuantization
from keras_deephash.preprocessing import Preprocessor


@keras.saving.register_keras_serializable(package="keras_deephash")
class DVSQ(DeepQuantization):
    """Deep Visual-Semantic Quantization: features in the space of word vectors.

    Codes keep the features' inner products with the labels' word vectors. A preset
    holds the word vectors that it was trained with.

    Args:
        backbone: `keras.Model`, images to features [n, d].
        word_vectors: array [L, D], one vector for each label, such as
            `datasets.word_vectors.load` returns; scaled to length 1 here. The
            features have the same dimension.
        subcodebooks: int. Bytes of a code. Defaults to `4`.
        subcenters: int. Centres per sub-codebook, 2 to 256. Defaults to `256`.
        margin: float. One margin for all pairs of labels. Defaults to `None`, the
            adaptive margin.
        quantization_weight: float, >= 0. Weight of the quantization loss.
            Defaults to `1e-4`.
        quantization_start: int. First epoch, from 0, with the quantization loss.
            Defaults to `2`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> vectors = datasets.word_vectors.load(["cat", "dog"], "glove.txt")
    >>> model = DVSQ(AlexNetBackbone.small(), vectors)
    >>> model.compile()
    >>> model.fit(images, labels, batch_size=128, epochs=10)
    >>> codes = model.encode(images)  # uint8 [n, 4]

    References:
        - [Cao et al., Deep Visual-Semantic Quantization for Efficient Image
          Retrieval, CVPR 2017](https://openaccess.thecvf.com/content_cvpr_2017/html/Cao_Deep_Visual-Semantic_Quantization_CVPR_2017_paper.html)
    """

    search_metric = "inner_product"

    def __init__(
        self,
        backbone: keras.Model,
        word_vectors,
        subcodebooks: int = 4,
        subcenters: int = 256,
        margin: float | None = None,
        quantization_weight: float = 1e-4,
        quantization_start: int = 2,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        vectors = check_word_vectors(word_vectors)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.allclose(lengths, 1, atol=1e-6):  # Those of a preset do not change.
            vectors = vectors / lengths
        super().__init__(
            backbone,
            vectors.shape[1],
            codebook=Codebook(subcodebooks, subcenters, projection=vectors),
            similarity_loss=AdaptiveMarginLoss(vectors, margin),
            codebook_loss=InnerProductCodebookLoss(vectors),
            quantization_weight=quantization_weight,
            quantization_start=quantization_start,
            preprocessor=preprocessor,
            **kwargs,
        )
        self.word_vectors = vectors
        self.margin = None if margin is None else float(margin)

    @property
    def classes(self) -> int:
        """The number of labels, one for each word vector."""
        return len(self.word_vectors)

    @classmethod
    def default_learning_rate(cls):
        return keras.optimizers.schedules.ExponentialDecay(
            2e-2, decay_steps=500, decay_rate=0.5, staircase=True
        )

    def get_config(self) -> dict:
        config = super().get_config()
        del config["dim"]  # It is that of the word vectors.
        return {
            **config,
            "word_vectors": plain_word_vectors(self.word_vectors),
            "margin": self.margin,
        }
