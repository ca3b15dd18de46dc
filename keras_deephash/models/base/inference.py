"""The traced network that `encode` runs."""

import keras
import tensorflow as tf


class Inference:
    """A model in inference as one graph, made when it is first wanted.

    Args:
        model: `keras.Model`.
        size: int. Height and width of its images.
    """

    def __init__(self, model: keras.Model, size: int):
        self._variables = model.variables
        self.run = tf.function(
            lambda x: model(x, training=False),
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )

    def fits(self, model: keras.Model) -> bool:
        """Whether the model still has the variables of the graph: LoRA, quantization
        and other layers give it new ones."""
        old, new = self._variables, model.variables
        return len(old) == len(new) and all(map(lambda a, b: a is b, old, new))
