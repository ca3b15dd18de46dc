"""The base class of the methods whose codes are bits."""

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_bits
from keras_deephash.codebooks.arrays import as_features
from keras_deephash.models.base.encoding import NEAR_ZERO
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.hamming import (
    check_codes,
    code_planes,
    hamming_distances,
    pack_bits,
)

# Of the bits of a byte, the first of which is the highest.
_PLACES = np.float32([128, 64, 32, 16, 8, 4, 2, 1])


class HashingModel(RetrievalModel):
    """Base class of `DeepHashing` and `ClosedFormHashing`: codes are packed signs.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        bits: int. Length of a code, a multiple of 8.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    _near_zero = NEAR_ZERO

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        bits = check_bits(bits)
        # The name `hash_layer` is part of the weights file format.
        self.hash_layer = self.new_output_layer(bits, "hash_layer")
        self.bits = bits
        self.built = True

    @property
    def output_layer(self) -> keras.layers.Layer:
        return self.hash_layer

    def to_codes(self, continuous_codes: np.ndarray) -> np.ndarray:
        values = np.asarray(continuous_codes)
        bits = self.bits
        # A model of several lengths has shorter ones too. Bytes are packed codes.
        if values.ndim == 2 and np.issubdtype(values.dtype, np.floating):
            columns = values.shape[1]
            bits = columns if 0 < columns <= bits and columns % 8 == 0 else bits
        return pack_bits(as_features(values, bits, name="continuous_codes"))

    def code_tensor(self, outputs):
        # By sums: converters know no packing of bits. They are exact in float32.
        bits = ops.cast(outputs >= 0, "float32")
        bits = ops.reshape(bits, (-1, self.bits // 8, 8))
        return ops.cast(ops.sum(bits * _PLACES, axis=-1), "uint8")

    @property
    def code_distance(self) -> str:
        return "hamming"

    def distances(self, queries, codes) -> np.ndarray:
        codes = np.asarray(codes)
        # Those of a model of several lengths may be shorter.
        bits = 8 * codes.shape[1] if codes.ndim == 2 else 0
        queries = as_features(queries, bits or self.bits, name="queries")
        query_codes, codes = check_codes(pack_bits(queries), codes)
        return hamming_distances(query_codes, code_planes(codes))

    def ranking(self, query_codes, database_codes) -> dict:
        return {
            "query_codes": pack_bits(query_codes),
            "database_codes": pack_bits(database_codes),
        }

    def retrieval_metrics(
        self, query_codes, query_labels, database_codes, database_labels, **arguments
    ) -> dict:
        """As in `RetrievalModel`, with three figures for items within a radius.

        `map_at_radius` ranks the items by their codes, and `map_at_radius_reranked` by
        the continuous codes. `map_at_radius_released` follows the released evaluation:
        it is the latter without queries that have items within the radius, but no
        relevant one.
        """
        packed = {
            **self.ranking(query_codes, database_codes),
            "query_labels": query_labels,
            "database_labels": database_labels,
        }
        metrics = evaluate_retrieval(**packed, **arguments).as_dict()
        reranked = evaluate_retrieval(
            **packed,
            query_features=query_codes,
            database_features=database_codes,
            **arguments,
        )
        released = reranked.map_at_radius
        if reranked.unanswered == "zero":
            counted = reranked.empty_balls + reranked.answered_at_radius
            released = released / counted if counted else 0.0
        metrics["map_at_radius_reranked"] = reranked.map_at_radius
        if reranked.map_at_radius_interval is not None:
            interval = list(reranked.map_at_radius_interval)
            metrics["map_at_radius_reranked_interval"] = interval
        return {**metrics, "map_at_radius_released": released}

    def get_config(self) -> dict:
        return {**super().get_config(), "bits": self.bits}
