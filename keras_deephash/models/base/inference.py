"""The traced networks that `encode` and `features` run."""

from collections.abc import Callable

import keras
import tensorflow as tf


class Inference:
    """A part of a model in inference mode, as one graph.

    Args:
        function: function that maps pixels, uint8 [n, size, size, 3], to codes or
            features. It is traced at the first call of `run`.
        model: `keras.Model`, whose variables the function reads.
        size: int. Height and width of the images.
    """

    def __init__(self, function: Callable, model: keras.Model, size: int):
        self._variables = model.variables
        self.run = tf.function(
            function,
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )

    def fits(self, model: keras.Model) -> bool:
        """Returns whether the model still has the variables of the graph.

        LoRA, quantization and replaced layers give it new ones.
        """
        old, new = self._variables, model.variables
        return len(old) == len(new) and all(map(lambda a, b: a is b, old, new))
