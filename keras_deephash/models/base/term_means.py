"""The means of the terms of a loss, as one Keras metric."""

import keras
from keras import ops

# The most figures that there is room for; their names are not known before a step.
# 32 code lengths have up to three terms each, and all but the longest a fourth one.
_CAPACITY = 128


class TermMeans(keras.metrics.Metric):
    """Means of named figures, one metric for all of them.

    Keras needs the variables of a metric before the training step is traced, but the
    names are known only in the step. So there is room for more figures than any loss
    has.

    Attributes:
        names: list of str, the names of the figures in the order of the step.
    """

    def __init__(self):
        super().__init__(name="terms", dtype="float32")
        self.names = []
        self.totals = self.add_variable(
            (_CAPACITY,), initializer=keras.initializers.Zeros(), name="totals"
        )
        self.count = self.add_variable(
            (), initializer=keras.initializers.Zeros(), name="count"
        )

    def update_state(self, figures: dict, sample_weight=1.0):
        """Adds the figures of a step.

        Args:
            figures: dict that maps names, the same at every step, to float32 scalars.
            sample_weight: float32 scalar. The weight of the step. Defaults to `1.0`.
        """
        if len(figures) > _CAPACITY:
            raise ValueError(
                f"A loss can have {_CAPACITY} terms at most. "
                f"Received: {len(figures)} terms."
            )
        self.names = list(figures)
        values = [ops.cast(value, "float32") for value in figures.values()]
        values += [ops.zeros(())] * (_CAPACITY - len(values))
        self.totals.assign_add(ops.stack(values) * sample_weight)
        self.count.assign_add(ops.cast(sample_weight, "float32"))

    def result(self) -> dict:
        means = ops.divide_no_nan(self.totals, self.count)
        return {name: means[i] for i, name in enumerate(self.names)}
