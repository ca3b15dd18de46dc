"""The steps of training on a loss over the global batch, and what they log."""

import keras
import tensorflow as tf
from keras import ops

from keras_deephash.losses.replicas import count_rows
from keras_deephash.models.base.batch_checks import (
    checked_batch,
    checked_pixels,
    images_and_labels,
)
from keras_deephash.models.base.label_forms import to_multi_hot
from keras_deephash.models.base.learning_rates import scale_gradients
from keras_deephash.models.base.replica_checks import check_rows
from keras_deephash.models.base.term_means import TermMeans


class GlobalBatchSteps(keras.Model):
    """The training, evaluation and prediction steps on a batch.

    A subclass implements `loss_terms` and `output_layer`. The logs show each term of
    the loss under its name.
    """

    # Whether the loss uses labels; otherwise `fit` uses only images.
    needs_labels = True
    # Whether `loss_terms` is given the backbone's features as a third argument.
    needs_features = False
    # Whether the backbone is trained. A method whose targets are its features leaves it
    # unchanged: it runs without dropout, and with fixed batch statistics.
    trains_backbone = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.learning_rate_multipliers = None
        self._term_means = TermMeans()
        self._classes = None  # The number of classes of class indices, if known.

    # === What a subclass defines ===

    @property
    def output_layer(self) -> keras.layers.Layer:
        """The layer after the backbone, which has its own learning-rate multipliers."""
        raise NotImplementedError(f"{type(self).__name__} must define `output_layer`.")

    def loss_terms(self, outputs, labels, features=None) -> dict:
        """Computes the terms of the loss, under the names that the logs show.

        A method with `needs_features = True` takes the third argument; all others
        define `loss_terms(self, outputs, labels)`.

        The loss is the sum of the terms, each multiplied by its weight. A term is a
        float32 scalar: this replica's share of a loss over the global batch, as the
        loss layers of `keras_deephash.losses` return it, or `losses.mean_over_replicas`
        of a loss for each image.

        Args:
            outputs: float32 tensor [n, units], the continuous codes of this replica.
            labels: tensor [n, L], multi-hot. L may be unknown if the dataset does not
                say. [n, 0] for a method with `needs_labels = False`.
            features: tensor [n, d], the backbone's features of this replica.

        Returns:
            dict that maps names to (weight, term). A weight is a float or a scalar
            tensor.

        Example:

        >>> def loss_terms(self, outputs, labels):
        ...     return {
        ...         "center_loss": (1.0, self.center_loss(outputs, labels)),
        ...         "quantization_loss": (0.1, self.quantization_loss(outputs)),
        ...     }
        """
        raise NotImplementedError(f"{type(self).__name__} must define `loss_terms`.")

    def watched_figures(self, outputs) -> dict:
        """Computes figures for the logs that are not part of the loss.

        Args:
            outputs: float32 tensor [n, units], the continuous codes of this replica.

        Returns:
            dict that maps names to this replica's share of a mean over the global
            batch; may be empty.
        """
        return {}

    def all_loss_terms(self, *arguments) -> dict:
        """The terms of the loss: `loss_terms`, unless a base class adds more."""
        return self.loss_terms(*arguments)

    @property
    def trainable_variables(self) -> list:
        """The variables that are trained."""
        variables = super().trainable_variables
        if self.trains_backbone:
            return variables
        of_backbone = {id(variable) for variable in self.backbone.variables}
        return [each for each in variables if id(each) not in of_backbone]

    # === Steps ===

    def predict_step(self, data):
        images, *_ = keras.utils.unpack_x_y_sample_weight(data)
        if self.takes_as_features(images):
            return self(images, training=False)
        return self(checked_pixels(images), training=False)

    def train_step(self, data):
        images, labels = self._checked_batch(data)
        with tf.GradientTape() as tape:
            outputs, *features = self._outputs_and_features(images, training=True)
            loss = self._loss_share(outputs, labels, *features)
            scaled_loss = self.optimizer.scale_loss(loss)
        variables = self.trainable_variables
        gradients = tape.gradient(scaled_loss, variables)
        gradients = scale_gradients(
            gradients, variables, self.backbone, self.learning_rate_multipliers
        )
        # The shares of the replicas add up to the global loss, and so do the gradients,
        # which the optimizer sums over the replicas.
        self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return self.compute_metrics(images, labels, outputs)

    def test_step(self, data):
        images, labels = self._checked_batch(data)
        outputs, *features = self._outputs_and_features(images, training=False)
        self._loss_share(outputs, labels, *features)
        return self.compute_metrics(images, labels, outputs)

    def _outputs_and_features(self, images, training: bool) -> tuple:
        """Returns the continuous codes, and the features if the loss needs them."""
        if self.needs_features:
            return self(images, training=training, with_features=True)
        return (self(images, training=training),)

    def _checked_batch(self, data):
        """Returns the checked images and multi-hot labels of a batch."""
        images, labels = images_and_labels(data, self.needs_labels)
        if self.needs_labels:
            labels = to_multi_hot(labels, self._classes)
        pixels = not self.takes_as_features(images)
        by_class = self.needs_labels and hasattr(self, "class_vectors")
        classes = self.classes if by_class else None
        images, labels = checked_batch(
            check_rows(self, images), labels, pixels, classes
        )
        return self.preprocessor.fit_size(images) if pixels else images, labels

    def _loss_share(self, outputs, labels, *features):
        """This replica's share of the loss of the global batch."""
        terms = self.all_loss_terms(outputs, labels, *features)
        loss = sum(weight * share for weight, share in terms.values())
        replicas = self.distribute_strategy.num_replicas_in_sync
        for other in self.losses:  # Regularizers, once for all replicas together.
            loss += ops.sum(ops.cast(other, "float32")) / replicas
        # Shares add up over the replicas, while the trackers average over them.
        weight = count_rows(outputs) / replicas
        self._loss_tracker.update_state(loss * replicas, sample_weight=weight)
        shares = {name: share for name, (_, share) in terms.items()}
        shares |= self.watched_figures(outputs)
        figures = {name: share * replicas for name, share in shares.items()}
        self._term_means.update_state(figures, sample_weight=weight)
        return loss

    @property
    def metrics_names(self) -> list[str]:
        """The names in the logs; names of loss terms are known after the first step."""
        means = self._term_means
        names = [means.names if m is means else [m.name] for m in self.metrics]
        return [name for each in names for name in each]

    def _flatten_metrics_in_order(self, logs):
        # Keras would sort the values of one metric alphabetically.
        names = [name for name in ("loss", *self._term_means.names) if name in logs]
        others = {name: value for name, value in logs.items() if name not in names}
        if not others:
            return [logs[name] for name in names]
        others = super()._flatten_metrics_in_order(others)
        others = others if isinstance(others, list) else [others]
        return [logs[name] for name in names] + others
