"""The base class of all losses: float32, and what `compile(loss=)` of Keras asks."""

import keras


class LossLayer(keras.layers.Layer, keras.losses.Loss):
    """Base class of the losses.

    Losses of codes and labels serve a network of one's own too, in
    `network.compile(loss=)`: its outputs are the codes. Keras calls a loss with labels,
    codes and weights of samples, always all three, while the layer is called with codes
    and labels: the number of arguments tells which. As a `keras.losses.Loss` it is not
    wrapped by Keras, which would leave out the third.
    """

    # Whether the loss is a function of codes and labels, as Keras asks.
    takes_labels = False

    def __init__(self, **kwargs):
        # Losses are computed in float32 also under mixed precision.
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)

    def __call__(self, *args, **kwargs):
        if len(args) == 3:
            return self._call_by_keras(*args)
        return super().__call__(*args, **kwargs)

    def _call_by_keras(self, labels, codes, sample_weight):
        """The loss of the outputs of a network that is not a method of this library."""
        name = type(self).__name__
        if not self.takes_labels:
            raise ValueError(
                f"`{name}` is not a function of codes and labels, and cannot be the "
                "`loss` of `compile`. Add it to a loss of your own, in `compute_loss` "
                "of a subclass of `keras.Model`, or derive a method from "
                "`keras_deephash.DeepHashing`: see docs/own_method.md."
            )
        if sample_weight is not None:
            raise ValueError(
                f"`{name}` takes no weights of samples. Give `fit` images and labels "
                "alone, without `sample_weight` and `class_weight`."
            )
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            raise ValueError(
                "Labels must be multi-hot [batch, labels], with two columns or more "
                "(for class indices use `keras.utils.to_categorical`). "
                f"Received: labels of shape {tuple(labels.shape)}."
            )
        return self(codes, labels)
