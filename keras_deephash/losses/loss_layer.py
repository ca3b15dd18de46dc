"""The base class of all losses, which Keras's `compile(loss=...)` accepts too."""

import keras


class LossLayer(keras.layers.Layer, keras.losses.Loss):
    """Base class of the losses.

    A loss of codes and labels can also be used with any Keras network whose outputs are
    codes, as `network.compile(loss=...)`. Keras calls it with three arguments: labels,
    codes and sample weights. As a layer it is called with codes and labels, so the
    number of arguments tells the two cases apart. It derives from `keras.losses.Loss`
    because Keras would wrap any other function and drop the sample weights.
    """

    # Whether the loss is a function of codes and labels, as Keras expects.
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
                f"`{name}` does not support sample weights. Pass `fit` only images and "
                "labels, without `sample_weight` and `class_weight`."
            )
        if len(labels.shape) == 2 and labels.shape[1] == 1:
            raise ValueError(
                "Labels must be multi-hot [batch, labels], with two columns or more "
                "(for class indices use `keras.utils.to_categorical`). "
                f"Received: labels of shape {tuple(labels.shape)}."
            )
        return self(codes, labels)
