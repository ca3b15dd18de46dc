"""A graph whose variables are constants: TensorFlow runs it faster."""

import numpy as np
import tensorflow as tf


class FoldedGraph:
    """A copy of a graph with the values of its variables, as long as they have them.

    TensorFlow then computes once what depends on constants alone, such as batch
    normalization folded into a kernel. Nothing tells when a variable is assigned, least
    of all in a training step, so `is_current` compares the values themselves.

    Args:
        graph: concrete function of pixels, to one tensor.
    """

    def __init__(self, graph):
        from tensorflow.python.framework import convert_to_constants

        # Copies: a tensor that is read may share its memory with the variable.
        values = [tf.constant(np.array(variable)) for variable in graph.variables]
        self._graph = convert_to_constants.convert_variables_to_constants_v2(graph)
        pairs = list(zip(graph.variables, values, strict=True))

        @tf.function
        @tf.autograph.experimental.do_not_convert
        def is_current():
            same = [
                tf.reduce_all(_bits(variable.read_value()) == _bits(value))
                for variable, value in pairs
            ]
            return tf.reduce_all(same)

        self._is_current = is_current

    def is_current(self) -> bool:
        """Whether all variables have the values of the constants, bit by bit."""
        return bool(self._is_current())

    def __call__(self, pixels):
        return tf.nest.flatten(self._graph(tf.constant(pixels)))[0]


def size_of_variables(graph) -> int:
    """The bytes of the variables that a concrete function reads."""
    return sum(v.dtype.size * v.shape.num_elements() for v in graph.variables)


def _bits(values):
    """Floats as integers of the same bits: NaN equals itself, and 0 is not -0."""
    if values.dtype.is_floating:
        integers = {1: tf.int8, 2: tf.int16, 4: tf.int32, 8: tf.int64}
        return tf.bitcast(values, integers[values.dtype.size])
    return values
