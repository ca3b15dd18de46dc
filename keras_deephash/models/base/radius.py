"""Search radii for an expected precision."""

from keras_deephash.retrieval.radius_table import RadiusTable


class RadiusMixin:
    """The radius table of a calibrated model, and radii for an expected precision."""

    @property
    def radius_table(self) -> RadiusTable | None:
        """`RadiusTable` of the precision of each radius; None if not calibrated.

        `keras_deephash.calibrate` measures it, a preset may hold it, and `fit` removes
        it.
        """
        return vars(self).get("_radius_table")

    @radius_table.setter
    def radius_table(self, table: RadiusTable | None) -> None:
        object.__setattr__(self, "_radius_table", table)

    def radius(
        self, precision: float | None = None, false_positive_rate: float | None = None
    ) -> float:
        """Returns the largest search radius with an expected precision.

        Args:
            precision: float from 0 to 1. The least share of relevant images among
                those found, in collections like the one of `radius_table`.
            false_positive_rate: float from 0 to 1. The largest share of the images that
                are not relevant that may be found.

        Returns:
            float: bits of a hash code, or a distance of a quantizer, for
            `Index.search(radius=...)`.

        Raises:
            ValueError: if no radius reaches it, or the model is not calibrated.

        Example:

        >>> model = keras_deephash.from_preset("itq_imagenet_128")
        >>> index.search(["query.jpg"], radius=model.radius(precision=0.9))
        """
        if self.radius_table is None:
            raise ValueError(
                "The model is not calibrated. Measure what its radii mean on images "
                "that it was not trained on: "
                "`keras_deephash.calibrate(model, images, labels)`."
            )
        return self.radius_table.radius(precision, false_positive_rate)
