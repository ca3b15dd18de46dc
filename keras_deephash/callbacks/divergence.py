"""Stopping a training whose loss or weights are no longer finite."""

import keras
import numpy as np

_ADVICE = (
    "Lower the learning rate, as in `model.compile(keras.optimizers.SGD(1e-4))` or "
    "--learning-rate, or look for unusual images."
)


class StopWhenDiverged(keras.callbacks.Callback):
    """Stops a training at the first step whose loss is NaN or infinite.

    `fit` of the models adds it after all other callbacks, so that
    `keras.callbacks.TerminateOnNaN`, if it is given, ends the training first.

    Raises:
        ValueError: from `fit`, with the advice to lower the learning rate.
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
    """Raises ValueError if weights are not finite: a backup must not keep them."""
    for weight in model.weights:
        values = keras.ops.convert_to_numpy(weight.value)
        # A float of the dtypes that NumPy lacks, such as bfloat16, is of kind "V".
        if values.dtype.kind in "fV" and not np.isfinite(values.astype("f4")).all():
            raise ValueError(
                f"The training has diverged: the weight {weight.path!r} is not finite. "
                f"This epoch is not kept in the backup. {_ADVICE}"
            )
