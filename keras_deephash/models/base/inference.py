"""The traced networks that `encode` and `features` run."""

from collections.abc import Callable

import keras
import tensorflow as tf

from keras_deephash.models.base.folded_graph import FoldedGraph, size_of_variables

# Folding takes some seconds, which so many images are worth.
FOLD_AFTER = 1024
# Before each batch the variables are compared with what they were, which so many bytes
# are not worth.
MOST_BYTES = 1 << 26


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
        self._model = model
        self._folded: FoldedGraph | None = None
        # Images since the variables were last seen to change.
        self._images = 0
        # Always the same computation for the same images, however many came before.
        self.run_plainly = tf.function(
            function,
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.uint8)],
        )

    def run(self, pixels: tf.Tensor) -> tf.Tensor:
        """As `run_plainly`, and after some images with the variables as constants.

        The order of sums differs then, and the values by about 1e-6.
        """
        folded = self._current_fold()
        self._images += len(pixels)
        return self.run_plainly(pixels) if folded is None else folded(pixels)

    def _current_fold(self) -> FoldedGraph | None:
        folded = self._folded
        if folded is None and self._images >= FOLD_AFTER and self._may_fold():
            self._folded = folded = FoldedGraph(
                self.run_plainly.get_concrete_function()
            )
        if folded is not None and not folded.is_current():
            self._folded, self._images = None, 0
            return None
        return folded

    def _may_fold(self) -> bool:
        if tf.config.functions_run_eagerly() or self._model.run_eagerly:
            return False
        # Copies of variables on several devices, and GPUs, where it was not measured.
        strategy = self._model.distribute_strategy or tf.distribute.get_strategy()
        if strategy.num_replicas_in_sync > 1 or tf.config.list_logical_devices("GPU"):
            return False
        graph = self.run_plainly.get_concrete_function()
        return size_of_variables(graph) <= MOST_BYTES

    def fits(self, model: keras.Model) -> bool:
        """Returns whether the model still has the variables of the graph.

        LoRA, quantization and replaced layers give it new ones.
        """
        old, new = self._variables, model.variables
        return len(old) == len(new) and all(map(lambda a, b: a is b, old, new))
