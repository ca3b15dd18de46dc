"""The base class of the methods that learn codebooks."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer, check_number
from keras_deephash.codebooks import Codebook, asymmetric_scores, symmetric_scores
from keras_deephash.codebooks.learner import CodebookLearner
from keras_deephash.codebooks.statistics import CodebookStatistics
from keras_deephash.losses.replicas import gather_rows
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate import evaluate_retrieval


class DeepQuantization(RetrievalModel):
    """Base class: a backbone, a tanh feature layer, a codebook and a loss.

    A method is a subclass that builds its two loss layers and its codebook, sets
    `search_metric`, and names its published learning rate in
    `default_learning_rate`. The loss is `similarity_loss(features, labels) +
    quantization_weight * codebook_loss(features, reconstructions)`. `fit` learns the
    codebook besides: see `codebooks.learner.CodebookLearner`.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        dim: int, D. Dimension of the features.
        codebook: `Codebook`.
        similarity_loss: layer, called with features [n, D] and labels [n, L].
        codebook_loss: layer, called with features [n, D] and reconstructions [n, D].
        quantization_weight: float, >= 0. Defaults to `1e-4`.
        quantization_start: int. First epoch of `fit`, from 0, with the codebook loss;
            before it, the codebook follows the features. Defaults to `2`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    # What codes are ranked by: "inner_product" or "euclidean".
    search_metric = "inner_product"
    is_quantizer = True

    def __init__(
        self,
        backbone: keras.Model,
        dim: int,
        codebook: Codebook,
        similarity_loss: keras.layers.Layer,
        codebook_loss: keras.layers.Layer,
        quantization_weight: float = 1e-4,
        quantization_start: int = 2,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        self.dim = check_integer("dim", dim, minimum=1)
        self.quantization_start = check_integer(
            "quantization_start", quantization_start, minimum=0
        )
        # The names `feature_layer` and `codebook` are part of the weights file format.
        self.feature_layer = self.new_output_layer(self.dim, "feature_layer")
        self.codebook = codebook
        self.codebook.build((None, self.dim))
        self.similarity_loss = similarity_loss
        self.codebook_loss = codebook_loss
        self.subcodebooks = codebook.subcodebooks
        self.subcenters = codebook.subcenters
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )
        self.codebook_statistics = None
        self.built = True

    @property
    def output_layer(self) -> keras.layers.Layer:
        return self.feature_layer

    @property
    def bits(self) -> int:
        """Length of a code, one byte for each sub-codebook."""
        return 8 * self.subcodebooks

    # === Codes ===

    def to_codes(self, continuous_codes: np.ndarray) -> np.ndarray:
        return self.codebook.encode(continuous_codes)

    def check_can_encode(self) -> None:
        self.codebook.check_fitted()

    def decode(self, codes) -> np.ndarray:
        """The reconstructions, float32 [n, D], of codes, uint8 [n, M]."""
        return self.codebook.decode(codes)

    def asymmetric_scores(
        self, query_features, codes, metric: str = "auto"
    ) -> np.ndarray:
        """Scores of coded items for continuous queries (AQD); higher is closer.

        Args:
            query_features: float array [queries, D], as `continuous_codes` returns.
            codes: uint8 array [n, M], as `encode` returns.
            metric: `"inner_product"`, `"euclidean"` (negative squared distance) or
                `"auto"`, the method's own. Defaults to `"auto"`.

        Returns:
            float32 array [queries, n].
        """
        return asymmetric_scores(
            query_features, *self._coded(codes), metric=self._metric(metric)
        )

    def symmetric_scores(self, query_codes, codes, metric: str = "auto") -> np.ndarray:
        """Scores of coded items for coded queries (SQD), as `asymmetric_scores`."""
        query_codes = self.codebook.check_codes(query_codes)
        return symmetric_scores(
            query_codes, *self._coded(codes), metric=self._metric(metric)
        )

    def fit_codebook(
        self,
        images_or_features,
        rounds: int = 10,
        seed: int = 0,
        batch_size: int = 32,
        verbose="auto",
    ) -> list[float]:
        """Learns the codebook anew, such as for a new database; the network stays.

        Codes made before cannot be compared with codes made after.

        Args:
            images_or_features: images as for `encode`, or features, a float array
                [n, D] as `continuous_codes` returns.
            rounds: int. Improvements of codes and centres in turn. Defaults to `10`.
            seed: int. Defaults to `0`.
            batch_size: int. Images per step. Defaults to `32`.
            verbose: as for `encode`.

        Returns:
            The distortion after each round.
        """
        features = images_or_features
        if not (isinstance(features, np.ndarray) and features.ndim == 2):
            features = self.continuous_codes(features, batch_size, verbose)
        return self.codebook.fit(features, rounds, seed)

    # === Training ===

    def compile(self, *args, **kwargs):
        super().compile(*args, **kwargs)
        with self.distribute_strategy.scope():
            self.codebook_statistics = CodebookStatistics(
                self.subcodebooks, self.subcenters, self.dim
            )
            # 1 while the quantization loss counts; the learner turns it.
            self.quantization_switch = tf.Variable(1.0, trainable=False)

    compile.__doc__ = RetrievalModel.compile.__doc__

    def check_optimizer(self, optimizer: keras.optimizers.Optimizer) -> None:
        super().check_optimizer(optimizer)
        if getattr(optimizer, "inner_optimizer", optimizer).use_ema:
            raise ValueError(
                f"`use_ema` must be False for `{type(self).__name__}`: the codebook is "
                "learned from the trained weights, and Keras puts their average in "
                "their place. Received: an optimizer with use_ema=True."
            )

    def own_callbacks(self) -> list[keras.callbacks.Callback]:
        return [self.new_codebook_learner()]

    def new_codebook_learner(self) -> CodebookLearner:
        return CodebookLearner(self.quantization_start)

    def train_step(self, data):
        logs = super().train_step(data)
        # The codebook is for features as they are encoded: without dropout.
        images = keras.utils.unpack_x_y_sample_weight(data)[0]
        features = self(images, training=False)
        everyone, _ = gather_rows(features)
        self.codebook_statistics.add(features, self.codebook.assign(features), everyone)
        return logs

    def loss_terms(self, outputs, labels) -> dict:
        reconstructions = ops.stop_gradient(self.codebook(outputs))
        # Without a codebook there is nothing to be close to.
        fitted = ops.convert_to_tensor(self.codebook.fitted)
        codebook_loss = fitted * self.codebook_loss(outputs, reconstructions)
        return {
            "similarity_loss": (1.0, self.similarity_loss(outputs, labels)),
            "quantization_loss": (
                self.quantization_weight * self.quantization_switch,
                codebook_loss,
            ),
        }

    # === Evaluation and config ===

    def ranking(self, query_codes, database_codes) -> dict:
        return {
            "query_codes": None,
            "database_codes": None,
            "query_features": query_codes,
            "database_features": self.decode(self.codebook.encode(database_codes)),
            "distance": self.search_metric,
        }

    def retrieval_metrics(
        self, query_codes, query_labels, database_codes, database_labels, **arguments
    ) -> dict:
        """As in `RetrievalModel`: `map` is that of AQD, `map_symmetric` of SQD,
        `map_features` of the continuous features, all by the method's metric."""
        if arguments.pop("radius", None) is not None:
            raise ValueError(
                "`radius` is a Hamming radius, and a quantizer has no Hamming "
                "distances: leave it out."
            )
        metrics = {}
        sides = [
            (codes, self.decode(self.codebook.encode(codes)))
            for codes in (query_codes, database_codes)
        ]
        for suffix, query, database in (
            ("", 0, 1),
            ("_symmetric", 1, 1),
            ("_features", 0, 0),
        ):
            found = evaluate_retrieval(
                None,
                query_labels,
                None,
                database_labels,
                query_features=sides[0][query],
                database_features=sides[1][database],
                distance=self.search_metric,
                **arguments,
            )
            if not metrics:
                metrics = found.as_dict()
            metrics[f"map{suffix}"] = found.map
        return metrics

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "subcodebooks": self.subcodebooks,
            "subcenters": self.subcenters,
            "dim": self.dim,
            "quantization_weight": self.quantization_weight,
            "quantization_start": self.quantization_start,
        }

    def _coded(self, codes):
        self.codebook.check_fitted()
        return self.codebook.check_codes(codes), ops.convert_to_numpy(
            self.codebook.centers
        )

    def _metric(self, metric: str) -> str:
        return self.search_metric if metric == "auto" else metric
