"""The base class of the methods whose codes are indices into a codebook."""

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.codebooks import Codebook, asymmetric_scores, symmetric_scores
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate import evaluate_retrieval


class QuantizationModel(RetrievalModel):
    """Base class of `DeepQuantization` and `RQ`: features and their codebook.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        dim: int, D. Dimension of the features.
        codebook: `Codebook`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    # The metric that codes are ranked by, one of `codebooks.scores.METRICS`.
    search_metric = "inner_product"
    is_quantizer = True

    def __init__(
        self,
        backbone: keras.Model,
        dim: int,
        codebook: Codebook,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        self.dim = check_integer("dim", dim, minimum=1)
        # The names `feature_layer` and `codebook` are part of the weights file format.
        self.feature_layer = self.new_output_layer(self.dim, "feature_layer")
        self.codebook = codebook
        self.codebook.build((None, self.dim))
        self.subcodebooks = codebook.subcodebooks
        self.subcenters = codebook.subcenters
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

    def code_tensor(self, outputs):
        return ops.cast(self.codebook.assign(outputs, tables=False), "uint8")

    def check_can_encode(self) -> None:
        self.codebook.check_fitted()

    def decode(self, codes) -> np.ndarray:
        """Returns the reconstructions, float32 [n, D], of codes, uint8 [n, M]."""
        return self.codebook.decode(codes)

    def asymmetric_scores(
        self, query_features, codes, metric: str = "auto"
    ) -> np.ndarray:
        """Scores encoded items for continuous queries (AQD); higher is closer.

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
        """Scores encoded items for encoded queries (SQD), like `asymmetric_scores`."""
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
        """Learns the codebook again, such as for a new database; keeps the network.

        Codes made before cannot be compared with codes made after.

        Args:
            images_or_features: images as for `encode`, or features, a float array
                [n, D] as `continuous_codes` returns.
            rounds: int. Number of rounds, in each of which the codes and then the
                centres are improved. Defaults to `10`.
            seed: int. Defaults to `0`.
            batch_size: int. Images per step. Defaults to `32`.
            verbose: as for `encode`.

        Returns:
            The distortion after each round.
        """
        features = images_or_features
        if not (isinstance(features, np.ndarray) and features.ndim == 2):
            features = self.continuous_codes(features, batch_size, verbose)
        history = self.codebook.fit(features, rounds, seed)
        self.radius_table = None  # It describes the old codes.
        return history

    # === Evaluation and config ===

    @property
    def code_distance(self) -> str:
        return self.search_metric

    def distances(self, queries, codes) -> np.ndarray:
        return -self.asymmetric_scores(queries, codes)

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
        """As in `RetrievalModel`, with three figures under the method's metric.

        `map` is that of AQD, `map_symmetric` that of SQD, and `map_features` that of
        the continuous features.
        """
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
            "codebook_beam": self.codebook.beam,
            "subcodebooks": self.subcodebooks,
            "subcenters": self.subcenters,
            "dim": self.dim,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects=None) -> "QuantizationModel":
        config = dict(config)
        # Older presets have no beam, and are encoded as before there was one.
        beam = config.pop("codebook_beam", None)
        model = super().from_config(config, custom_objects)
        model.codebook.beam = beam
        return model

    def _coded(self, codes):
        self.codebook.check_fitted()
        return self.codebook.check_codes(codes), ops.convert_to_numpy(
            self.codebook.centers
        )

    def _metric(self, metric: str) -> str:
        return self.search_metric if metric == "auto" else metric
