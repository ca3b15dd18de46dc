"""Precision, recall and false positives within a radius, measured on pairs."""

from dataclasses import dataclass

from keras_deephash.checks import check_number, is_finite_number

DISTANCES = ("hamming", "inner_product", "euclidean")
MAX_ROWS = 1 << 17  # A row for each distance of codes of 65,536 bits, and a few.
# What `"auto"` asks for: one in a thousand of the other images is found. A precision
# would mean another radius in each collection.
AUTO_FALSE_POSITIVE_RATE = 1e-3


@dataclass(frozen=True)
class RadiusTable:
    """Expected figures of a search within a radius, for a row of radii.

    `keras_deephash.calibrate` measures it on pairs of images. Precision depends on how
    common relevant pairs are (`relevant_share`), so it is that of collections like
    the one it was measured on; recall and false-positive rate do not.

    Attributes:
        distance: `"hamming"`, `"inner_product"` or `"euclidean"`, as of `Index.search`.
        radii: tuple of floats, rising.
        false_positive_rate: tuple of floats, the share of pairs at most this far: of
            those that are not relevant, or of all where there were no labels.
        precision: tuple of floats, the share of relevant pairs among those at most
            this far (`None` for fewer than 100 pairs); or `None` without labels.
        recall: tuple of floats, the share of relevant pairs that are at most this far;
            or `None` without labels.
        images: int. How many were measured.
        relevant_share: float. Of all pairs; or `None` without labels.
        dataset: str. What it was measured on. Defaults to `None`.
    """

    distance: str
    radii: tuple[float, ...]
    false_positive_rate: tuple[float, ...]
    precision: tuple[float | None, ...] | None
    recall: tuple[float, ...] | None
    images: int
    relevant_share: float | None
    dataset: str | None = None

    def radius(
        self, precision: float | None = None, false_positive_rate: float | None = None
    ) -> float:
        """The largest radius with an expected precision or false-positive rate.

        Args:
            precision: float from 0 to 1, the least.
            false_positive_rate: float from 0 to 1, the most.

        Returns:
            float, as for `Index.search(radius=...)`.

        Raises:
            ValueError: if no radius has it, or without exactly one of both.
        """
        if (precision is None) == (false_positive_rate is None):
            raise ValueError(
                "Give `precision` or `false_positive_rate`, one of both. Received: "
                f"precision={precision!r}, false_positive_rate={false_positive_rate!r}."
            )
        if precision is not None:
            _check_share("precision", precision)
            if self.precision is None:
                raise ValueError(
                    "The table was measured without labels, so it has no precision. "
                    "Give `false_positive_rate`, or calibrate the model with labels: "
                    "`keras_deephash.calibrate(model, images, labels)`."
                )
            fits = [p is not None and p >= precision for p in self.precision]
            best = max((p for p in self.precision if p is not None), default=0.0)
            wanted, reached = f"precision={precision}", f"the best is {best:.3g}"
        else:
            _check_share("false_positive_rate", false_positive_rate)
            rates = self.false_positive_rate
            fits = [rate <= false_positive_rate for rate in rates]
            wanted = f"false_positive_rate={false_positive_rate}"
            reached = f"the lowest is {min(rates):.3g}"
        if not any(fits):
            raise ValueError(f"No radius has {wanted}: {reached}.")
        return max(r for r, fit in zip(self.radii, fits, strict=True) if fit)

    def auto_radius(self) -> float:
        """The radius of a false-positive rate of 0.001, or of the lowest there is."""
        least = min(self.false_positive_rate)
        return self.radius(false_positive_rate=max(AUTO_FALSE_POSITIVE_RATE, least))

    def expected(self, radius: float) -> dict:
        """The figures at a radius: those of the largest one in the table within it."""
        rows = [row for row, each in enumerate(self.radii) if each <= radius]
        if not rows:
            return {"precision": None, "recall": 0.0, "false_positive_rate": 0.0}
        columns = ("precision", "recall", "false_positive_rate")
        values = {name: getattr(self, name) for name in columns}
        return {name: v and v[rows[-1]] for name, v in values.items()}

    def to_json(self) -> dict:
        """The table, plain for JSON."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in vars(self).items()
        }

    @classmethod
    def from_json(cls, fields) -> "RadiusTable":
        """The table that `to_json` described, checked.

        Raises:
            ValueError: for anything else.
        """
        if not isinstance(fields, dict) or fields.keys() != cls.__annotations__.keys():
            raise ValueError("The radius table has other fields than it should.")
        if fields["distance"] not in DISTANCES:
            raise ValueError("The radius table has an unknown distance.")
        columns = ("radii", "false_positive_rate", "precision", "recall")
        known = {name: fields[name] for name in columns if fields[name] is not None}
        radii = known.get("radii")
        rows = len(radii) if isinstance(radii, list) else 0
        numbers = (
            all(
                isinstance(column, list) and len(column) == rows
                for column in known.values()
            )
            and {"radii", "false_positive_rate"} <= known.keys()
        )
        if not numbers or not 1 <= rows <= MAX_ROWS:
            raise ValueError("The columns of the radius table are not of one length.")
        for name, column in known.items():
            for value in column:
                if value is None and name == "precision":
                    continue
                is_number = is_finite_number(value)
                if not is_number or not (name == "radii" or 0 <= value <= 1):
                    raise ValueError(f"`{name}` of the radius table is out of range.")
        if list(known["radii"]) != sorted(set(known["radii"])):
            raise ValueError("The radii of the table do not rise.")
        images, dataset = fields["images"], fields["dataset"]
        share = fields["relevant_share"]
        if (
            not isinstance(images, int)
            or isinstance(images, bool)
            or images < 2
            or not isinstance(dataset, (str, type(None)))
            or not (share is None or (is_finite_number(share) and 0 <= share <= 1))
        ):
            raise ValueError("The radius table does not say what it was measured on.")
        return cls(
            **{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        )


def _check_share(name: str, value: float) -> None:
    if check_number(name, value) > 1:
        raise ValueError(f"`{name}` must be from 0 to 1. Received: {name}={value}.")
