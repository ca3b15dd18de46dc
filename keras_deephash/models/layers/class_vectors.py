"""A vector for each class, in the space of the continuous codes."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deephash")
class ClassVectors(keras.layers.Layer):
    """Fixed centres or trained proxies: a weight `vectors` [classes, units].

    The weight is created when the number of classes is known. It is zero until `assign`
    sets it.

    Args:
        units: int. Length of a vector.
        trainable: bool. Whether the vectors are trained. Defaults to `False`.
        **kwargs: of `keras.layers.Layer`.
    """

    def __init__(self, units: int, trainable: bool = False, **kwargs):
        super().__init__(trainable=trainable, **kwargs)
        self.units = units
        self.vectors = None
        self._learn = trainable  # Unchanged when `trainable` is switched later.

    def make(self, classes: int) -> None:
        """Creates the weight, filled with zeros; replaces an earlier one."""
        if self.vectors is not None:
            self._untrack_variable(self.vectors)
        self.vectors = self.add_weight(
            shape=(classes, self.units),
            initializer="zeros",
            trainable=self._learn,
            name="vectors",
        )

    @property
    def are_known(self) -> bool:
        """Whether the vectors have been set."""
        return self.vectors is not None and bool(
            np.any(ops.convert_to_numpy(self.vectors))
        )

    def assign(self, vectors: np.ndarray) -> None:
        """Sets the vectors, a float array [classes, units]."""
        self.vectors.assign(vectors.astype(np.float32))

    def get_config(self):
        return {**super().get_config(), "units": self.units}
