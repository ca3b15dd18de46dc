"""The end of a training whose loss or weights are no longer finite."""

import keras
import numpy as np

_ADVICE = (
    "Lower the learning rate, as in `model.compile(keras.optimizers.SGD(1e-4))` or "
    "--learning-rate, or look for what is odd in the images."
)


class StopWhenDiverged(keras.callbacks.Callback):
    """Stops a training at the first step whose loss is NaN or infinite.

    `fit` of the models has it after all other callbacks, so that
    `keras.callbacks.TerminateOnNaN`, where it is given, ends the training in its way.

    Raises:
        ValueError: from `fit`, which says to lower the learning rate.
    """

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or np.isfinite(float(loss)) or self.model.stop_training:
            return
        raise ValueError(
            f"The training has diverged: the loss is {float(loss)} at step {batch + 1} "
            f"of epoch {self._epoch + 1}. {_ADVICE}"
        )


def check_weights(model: keras.Model) -> None:
    """Raises ValueError for weights that are not finite, which no backup may keep."""
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight.value)
        # A float of the dtypes that NumPy lacks, such as bfloat16, is of kind "V".
        if values.dtype.kind in "fV" and not np.isfinite(values.astype("f4")).all():
            raise ValueError(
                f"The training has diverged: the weight {weight.path!r} is not finite. "
                f"This epoch is not kept in the backup. {_ADVICE}"
            )
