"""The means of the terms of a loss, as one Keras metric."""

import keras
from keras import ops

# Room for the names that a method's loss gives; they are not known before it is run.
# Of 32 lengths of codes each has three, and all but the longest learn from another.
_CAPACITY = 128


class TermMeans(keras.metrics.Metric):
    """Means of named figures, one metric for all of them.

    Keras wants the variables of a metric before the training step is traced, and only
    the step tells the names: so there are variables for more figures than any loss has.

    Attributes:
        names: list of str, those that the step has given, in its order.
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
        """Takes the figures of a step.

        Args:
            figures: dict, name to float32 scalar; the same names at every step.
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
