"""The meaning of a radius for the codes of a model."""

from keras_deephash.retrieval.radius_table import RadiusTable


class RadiusMixin:
    """The table of a calibrated model, and the radius that it gives."""

    @property
    def radius_table(self) -> RadiusTable | None:
        """The meaning of radii, as `keras_deephash.calibrate` measured it or the preset
        brought it; None of a model that is not calibrated. `fit` takes it away."""
        return vars(self).get("_radius_table")

    @radius_table.setter
    def radius_table(self, table: RadiusTable | None) -> None:
        object.__setattr__(self, "_radius_table", table)

    def radius(
        self, precision: float | None = None, false_positive_rate: float | None = None
    ) -> float:
        """The largest radius of a search with an expected precision.

        Args:
            precision: float from 0 to 1. The least share of relevant images among
                those found, in collections like the one of `radius_table`.
            false_positive_rate: float from 0 to 1. The largest share of other images
                that are found.

        Returns:
            float: bits of a hash code, or a distance of a quantizer, for
            `Index.search(radius=...)`.

        Raises:
            ValueError: if no radius has it, or the model is not calibrated.

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
