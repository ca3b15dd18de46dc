"""The base class of the methods that learn binary codes."""

import keras
import numpy as np
from keras import ops

from keras_deephash.checks import check_bits, check_number
from keras_deephash.models.base.encoding import NEAR_ZERO, OnError
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.retrieval.evaluate import evaluate_retrieval
from keras_deephash.retrieval.hamming import pack_bits

# A continuous code at least this far from zero counts as saturated.
SATURATION = 0.9


class DeepHashing(RetrievalModel):
    """Base class: a backbone, a tanh hash layer and a loss over the global batch.

    A method is a subclass that builds its two loss layers, sets `pair_loss` and
    `quantization_loss`, and names its published learning rate in
    `default_learning_rate`. The loss is `pair_loss(codes, labels) +
    quantization_weight * quantization_loss(codes)`.

    Args:
        backbone: `keras.Model`, images to features [n, d], such as
            `AlexNetBackbone`.
        bits: int. Length of a code, a multiple of 8.
        pair_loss: layer, called with codes [n, bits] and labels [n, L].
        quantization_loss: layer, called with codes [n, bits].
        quantization_weight: float, >= 0. Defaults to `0.0`.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.
    """

    _near_zero = NEAR_ZERO

    def __init__(
        self,
        backbone: keras.Model,
        bits: int,
        pair_loss: keras.layers.Layer,
        quantization_loss: keras.layers.Layer,
        quantization_weight: float = 0.0,
        preprocessor: Preprocessor | None = None,
        **kwargs,
    ):
        super().__init__(backbone, preprocessor, **kwargs)
        bits = check_bits(bits)
        # The name `hash_layer` is part of the weights file format.
        self.hash_layer = self.new_output_layer(bits, "hash_layer")
        self.pair_loss = pair_loss
        self.quantization_loss = quantization_loss
        self.bits = bits
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )
        self.pair_loss_tracker = keras.metrics.Mean(name="pair_loss")
        self.quantization_loss_tracker = keras.metrics.Mean(name="quantization_loss")
        self.saturation_tracker = keras.metrics.Mean(name="saturated_bits")
        self.built = True

    @property
    def output_layer(self) -> keras.layers.Layer:
        return self.hash_layer

    def encode(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
    ) -> np.ndarray:
        """Encodes images into packed binary codes.

        Bit k of a code is 1 where the continuous code is >= 0; the first bit is the
        highest of the first byte, as in `numpy.packbits`. The codes of a float32
        model do not depend on `batch_size`.

        Args:
            images: array [n, h, w, 3] of RGB pixels from 0 to 255 (uint8 or float,
                any size), a list of paths, PIL images or arrays [h, w, 3], a path of an
                image or of a folder, or a `tf.data.Dataset` of images or of (images,
                labels), batched or not.
                With `crops=1`, images that have the network's input size are taken
                as they are; others are resized and cropped.
            batch_size: int. Images a step. Defaults to `32`.
            verbose: `"auto"`, 0 or 1. Whether to show a progress bar; `"auto"`
                shows one for long work. Defaults to `"auto"`.
            crops: 1, the centre crop, or 10, the mean code of ten crops (the
                published protocol). Defaults to `1`.
            on_error: function of the number of an image in `images` and an exception,
                called for each image that cannot be read, which is then left out of
                the codes. Defaults to `None`: an error that names all of them.

        Returns:
            uint8 array [n, bits / 8].

        Raises:
            FileNotFoundError: for a path that names no file.
            ValueError: for input that is not an image, naming it.

        Example:

        >>> model = DCH.from_preset("dch_cifar10_48")
        >>> model.encode(["cat.jpg", "dog.jpg"]).shape
        (2, 6)
        """
        return pack_bits(
            self.continuous_codes(images, batch_size, verbose, crops, on_error)
        )

    def loss_terms(self, outputs, labels) -> dict:
        saturated = ops.cast(ops.abs(outputs) > SATURATION, "float32")
        self.saturation_tracker.update_state(saturated)
        return {
            "pair_loss": (1.0, self.pair_loss(outputs, labels)),
            "quantization_loss": (
                self.quantization_weight,
                self.quantization_loss(outputs),
            ),
        }

    def ranking(self, query_codes, database_codes) -> dict:
        return {
            "query_codes": pack_bits(query_codes),
            "database_codes": pack_bits(database_codes),
        }

    def retrieval_metrics(
        self, query_codes, query_labels, database_codes, database_labels, **arguments
    ) -> dict:
        """As in `RetrievalModel`; `map_at_radius` ranks the ball by the codes alone,
        `map_at_radius_reranked` by the continuous codes (the published protocol)."""
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
        return {**metrics, "map_at_radius_reranked": reranked.map_at_radius}

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "bits": self.bits,
            "quantization_weight": self.quantization_weight,
        }
