"""Fitting without labels, losses and epochs: one pass over the images."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from keras_deephash.checks import check_integer
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.models.base.encoder import EncoderMixin
from keras_deephash.models.base.encoding import OnError, check_finite
from keras_deephash.projections import FeatureMoments, principal_components

# Feature rows that are kept for steps that need more than mean and covariance, such
# as fitting a rotation.
SAMPLE_SIZE = 20_000


class ClosedFormMixin:
    """Features of length 1 and a linear layer, whose weights `solve` computes.

    It comes before `HashingModel` or `QuantizationModel` in the bases of a class.
    """

    is_closed_form = True
    needs_labels = False
    output_form = "linear"

    # Name of the argument that holds the number of directions in which the features
    # must differ; None if any number will do.
    directions_argument: str | None = None

    # === What a subclass defines ===

    def solve(self, moments: FeatureMoments, seed: int) -> dict:
        """Computes the weights from the moments of the features; see `set_projection`.

        Args:
            moments: `FeatureMoments`.
            seed: int.

        Returns:
            dict that maps the name of a figure to its values, for the history of `fit`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `solve`.")

    # === Fitting ===

    def fit(
        self,
        x,
        y=None,
        batch_size: int = 32,
        seed: int = 0,
        verbose="auto",
        on_error: OnError | None = None,
        **kwargs,
    ) -> keras.callbacks.History:
        """Fits the model to images in one pass over them; it needs no `compile`.

        Only the mean and the covariance of the features and a sample of 20,000 rows
        are kept in memory, however many images there are.

        Args:
            x: images as for `encode`, a `datasets.ImageSet`, or features, a float array
                [n, d] as `features` returns, which several models can share.
            y: labels, which are ignored. Defaults to `None`.
            batch_size: int. Images per step. Defaults to `32`.
            seed: int. Seed of the sample and of random projections. Defaults to `0`.
            verbose: as for `encode`.
            on_error: as for `encode`: images that cannot be read are left out.
                Defaults to `None`: an error is raised.

        Returns:
            `keras.callbacks.History`, whose `history` holds the figures of the method.

        Raises:
            ValueError: if there are fewer images than the method needs, or if their
                features do not differ.

        Example:

        >>> model = ITQ("efficientnet_lite0_imagenet", bits=128)
        >>> model.fit("photos")
        >>> codes = model.encode("photos")
        """
        if kwargs:
            raise ValueError(
                f"`{type(self).__name__}` is fitted in one pass over the images: leave "
                f"`{next(iter(kwargs))}` out."
            )
        seed = check_integer("seed", seed, minimum=0)
        if isinstance(x, ImageSet):
            x = x.images
        # Checked before the work, if the number is known.
        self._check_count(len(x) if isinstance(x, (list, np.ndarray)) else None)
        moments = FeatureMoments(self.backbone.output_shape[-1], SAMPLE_SIZE, seed)
        for rows in self._rows(x, batch_size, verbose, on_error):
            moments.add(rows)
        self._check_count(moments.count)
        history = keras.callbacks.History()
        history.set_model(self)
        history.history = self.solve(moments, seed)
        # They describe the old weights.
        self.training_record = self.radius_table = None
        return history

    def _rows(self, x, batch_size: int, verbose, on_error):
        """Returns an iterator over the features of images, batch by batch."""
        if not (isinstance(x, np.ndarray) and x.ndim == 2):
            return self.feature_batches(x, batch_size, verbose, on_error=on_error)
        dim = self.backbone.output_shape[-1]
        if x.shape[1] != dim or not np.issubdtype(x.dtype, np.floating):
            raise ValueError(
                f"Features must be floats of shape [n, {dim}], as `features` returns. "
                f"Received: {x.dtype} of shape {x.shape}."
            )
        check_finite(x)
        return (x[start : start + 4096] for start in range(0, len(x), 4096))

    def compile(self, *args, **kwargs):
        """Raises ValueError: `fit` needs no optimizer."""
        raise ValueError(
            f"`{type(self).__name__}` is fitted without an optimizer: call "
            "`fit(images)` without `compile`."
        )

    def _check_count(self, images: int | None) -> None:
        """Raises ValueError for too few images, or more directions than dimensions."""
        name, dim = self.directions_argument, self.backbone.output_shape[-1]
        count = 1 if name is None else getattr(self, name)
        if count > dim:
            raise ValueError(
                f"`{name}` must be at most {dim}, the dimension of the backbone's "
                f"features. Received: {name}={count}."
            )
        if images is None or images > max(count, 1):
            return
        if name is None or images < 2:
            raise ValueError(
                f"`{type(self).__name__}` needs at least 2 images to be fitted. "
                f"Received: {images}."
            )
        raise ValueError(
            f"{name}={count} needs more than {count} images to be fitted. "
            f"Received: {images}. Give more images, or lower `{name}`."
        )

    def components(self, moments: FeatureMoments) -> np.ndarray:
        """Returns the first principal components, [d, count].

        Their number is the value of the argument that `directions_argument` names.
        """
        name = self.directions_argument
        count = getattr(self, name)
        directions = principal_components(moments.covariance)
        if directions.shape[1] < count:
            raise ValueError(
                f"{name}={count} needs features that differ in {count} directions. "
                f"Received: {moments.count} images whose features differ in "
                f"{directions.shape[1]}. Give images that differ more, or lower "
                f"`{name}`."
            )
        return directions[:, :count]

    def set_projection(self, moments: FeatureMoments, directions: np.ndarray) -> None:
        """Sets the last layer to projections of the centred features.

        Args:
            moments: `FeatureMoments`, whose mean is subtracted.
            directions: float array [d, units].
        """
        layer = self.output_layer
        layer.kernel.assign(directions.astype(np.float32))
        layer.bias.assign((-moments.mean @ directions).astype(np.float32))

    # === As a model ===

    @property
    def is_fitted(self) -> bool:
        """Whether `fit` has been called, or weights were loaded."""
        return bool(np.any(ops.convert_to_numpy(self.output_layer.kernel)))

    def check_can_encode(self) -> None:
        if not self.is_fitted:
            raise ValueError(
                f"This `{type(self).__name__}` is not fitted yet: call `fit(images)`, "
                "which needs no labels."
            )

    def continuous_codes(self, *args, **kwargs) -> np.ndarray:
        ClosedFormMixin.check_can_encode(self)  # Otherwise all codes would be zero.
        return super().continuous_codes(*args, **kwargs)

    continuous_codes.__doc__ = EncoderMixin.continuous_codes.__doc__

    def new_output_layer(self, units: int, name: str) -> keras.layers.Layer:
        layer = super().new_output_layer(units, name)
        layer.kernel.assign(tf.zeros(layer.kernel.shape))  # Zero until `fit`.
        return layer

    def outputs_of(self, features, training=False):
        # float32: squares of half precision overflow.
        return self.output_layer(ops.normalize(ops.cast(features, "float32")))
