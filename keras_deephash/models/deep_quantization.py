"""The base class of the methods that learn codebooks."""

import keras
import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer, check_number
from keras_deephash.codebooks import Codebook
from keras_deephash.codebooks.learner import CodebookLearner
from keras_deephash.codebooks.running_sums import CodebookStatistics
from keras_deephash.losses.replicas import gather_rows
from keras_deephash.models.base.retrieval_model import RetrievalModel
from keras_deephash.models.quantization_model import QuantizationModel
from keras_deephash.preprocessing import Preprocessor


class DeepQuantization(QuantizationModel):
    """Base class: a backbone, a tanh feature layer, a codebook and a loss.

    A method is a subclass that builds its two loss layers and its codebook, sets
    `search_metric`, and names its published learning rate in
    `default_learning_rate`. The loss is `similarity_loss(features, labels) +
    quantization_weight * codebook_loss(features, reconstructions)`. `fit` also learns
    the codebook: see `codebooks.learner.CodebookLearner`.

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
        super().__init__(backbone, dim, codebook, preprocessor, **kwargs)
        self.quantization_start = check_integer(
            "quantization_start", quantization_start, minimum=0
        )
        self.similarity_loss = similarity_loss
        self.codebook_loss = codebook_loss
        self.quantization_weight = check_number(
            "quantization_weight", quantization_weight
        )
        self.codebook_statistics = None

    def compile(self, *args, **kwargs):
        super().compile(*args, **kwargs)
        with self.distribute_strategy.scope():
            self.codebook_statistics = CodebookStatistics(
                self.subcodebooks, self.subcenters, self.dim
            )
            # 1 while the quantization loss counts, else 0; the learner sets it.
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
        # The codebook is learned from features as they are encoded: without dropout.
        images = keras.utils.unpack_x_y_sample_weight(data)[0]
        features = self(images, training=False)
        everyone, _ = gather_rows(features)
        self.codebook_statistics.add(features, self.codebook.assign(features), everyone)
        return logs

    def loss_terms(self, outputs, labels) -> dict:
        reconstructions = ops.stop_gradient(self.codebook(outputs))
        # Before the codebook is fitted, there is nothing to be close to.
        fitted = ops.convert_to_tensor(self.codebook.fitted)
        codebook_loss = fitted * self.codebook_loss(outputs, reconstructions)
        return {
            "similarity_loss": (1.0, self.similarity_loss(outputs, labels)),
            "quantization_loss": (
                self.quantization_weight * self.quantization_switch,
                codebook_loss,
            ),
        }

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "quantization_weight": self.quantization_weight,
            "quantization_start": self.quantization_start,
        }
