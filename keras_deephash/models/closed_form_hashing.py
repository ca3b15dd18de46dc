"""The base class of the methods that find binary codes without labels."""

import numpy as np

from keras_deephash.models.base.closed_form import ClosedFormMixin
from keras_deephash.models.hashing_model import HashingModel
from keras_deephash.projections import FeatureMoments


class ClosedFormHashing(ClosedFormMixin, HashingModel):
    """Base class: bits are signs of projections of a backbone's features.

    The features are scaled to length 1 and centred. A method is a subclass that
    computes the projections in `directions`. `fit` passes once over the images, without
    labels and without `compile`, and sets the weights of one linear layer, whose
    outputs have standard deviation 1.

    Args:
        backbone: `keras.Model`, images to features [n, d]; or the name of a preset.
        bits: int. Length of a code, a multiple of 8.
        preprocessor: `Preprocessor`. Defaults to the backbone's own, else to the
            default one for the backbone's input size.
        **kwargs: `name` and `trainable` of `keras.Model`.

    Example:

    >>> class Axes(ClosedFormHashing):
    ...     def directions(self, moments, generator):
    ...         return np.eye(len(moments.mean))[:, : self.bits], {}
    """

    def directions(
        self, moments: FeatureMoments, generator: np.random.Generator
    ) -> tuple[np.ndarray, dict]:
        """Computes the projections of centred features from their moments.

        Args:
            moments: `FeatureMoments`: mean, covariance and a sample of the features.
            generator: `np.random.Generator`, seeded.

        Returns:
            Tuple of a float array [d, bits] and a dict that maps the names of figures
            to their values, for the history of `fit`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `directions`.")

    def solve(self, moments: FeatureMoments, seed: int) -> dict:
        directions, figures = self.directions(moments, np.random.default_rng(seed))
        # With outputs of deviation 1, "near zero" means the same for all models.
        variances = np.einsum(
            "db,de,eb->b", directions, moments.covariance, directions, optimize=True
        )
        deviation = np.sqrt(max(variances.mean(), 0))
        if not deviation > 1e-6:
            raise ValueError(
                "The images do not differ: the backbone's features are the same for "
                f"all {moments.count}. Give other images."
            )
        self.set_projection(moments, directions / deviation)
        return figures
