"""The callback that learns a model's codebook during `fit`."""

import keras
import numpy as np

from keras_deephash.codebooks.least_squares import reseed_unused, solve_centers
from keras_deephash.codebooks.orthogonality import solve_with_penalty


class CodebookLearner(keras.callbacks.Callback):
    """Learns the codebook from what the training steps have gathered.

    Until the quantization loss is on, the codebook is started anew at the end of every
    epoch, from the epoch's latest features. From then on it is improved: the sums of
    the epoch are solved for the centres, unused centres start anew, and the result is
    taken unless it is much worse for the latest features. If the loss is to be on and
    there is no codebook yet, it is made when there are 32 samples per centre, or at the
    epoch's end. After an epoch of fewer than 4 samples per centre it is started anew
    too: their sums say too little to improve it.

    `DeepQuantization.fit` puts it before all other callbacks, so that they see the
    epoch's codebook. Losses of validation data are those with the codebook before.

    Args:
        start: int. First epoch, from 0, with the quantization loss.
        orthogonality_weight: float. Weight of DTQ's penalty beside the mean squared
            error, where the codebook is improved. Defaults to `0.0`.
        seed: int. Defaults to `0`.
    """

    # Rounds of improvement on the samples that start a codebook.
    _ROUNDS = 3
    _SAMPLES_PER_CENTER = 4
    _WORST = 1.1

    def __init__(self, start: int, orthogonality_weight: float = 0.0, seed: int = 0):
        super().__init__()
        self.start = start
        self.orthogonality_weight = orthogonality_weight
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.model.codebook_statistics.reset()
        self.model.quantization_switch.assign(float(epoch >= self.start))
        self.wanted = epoch >= self.start and not self.model.codebook.is_fitted
        self.made_now = False

    def on_train_batch_end(self, batch, logs=None):
        if self.wanted and self.model.codebook_statistics.full:
            self._start_anew()
            self.wanted, self.made_now = False, True

    def on_epoch_end(self, epoch, logs=None):
        if epoch < self.start or not self.model.codebook.is_fitted:
            self._start_anew()
        elif not self.made_now:  # Else the sums belong to centres that no longer exist.
            self._improve()

    def on_train_end(self, logs=None):
        self.after_training()

    def after_training(self) -> None:
        """The quantization loss of `evaluate` counts, whatever the epochs were."""
        if self.model is not None:  # Else the training has not begun.
            self.model.quantization_switch.assign(1.0)

    def _samples(self) -> np.ndarray:
        """The epoch's latest features; none where a diverged training is to stop."""
        samples = self.model.codebook_statistics.samples()
        if np.isfinite(samples).all():
            return samples
        if self.model.stop_training:  # For example by `TerminateOnNaN`.
            return samples[:0]
        raise ValueError(
            "The training has diverged: features are NaN or infinite. Lower the "
            "learning rate, or look for unusual images."
        )

    def _start_anew(self) -> None:
        samples = self._samples()
        if len(samples):
            self.model.codebook.fit(samples, self._ROUNDS, self.seed)

    def _improve(self) -> None:
        codebook, statistics = self.model.codebook, self.model.codebook_statistics
        gram, products = statistics.sums()
        samples = self._samples()
        if not len(samples):
            return
        rows = np.trace(gram) / codebook.subcodebooks
        if rows < self._SAMPLES_PER_CENTER * codebook.subcenters:
            self._start_anew()
            return
        old = keras.ops.convert_to_numpy(codebook.centers)
        codes = codebook.encode(samples)
        distortion = codebook.distortion(samples, codes)
        centers = solve_centers(old, gram, products, codebook.structure)
        if self.orthogonality_weight:
            centers = solve_with_penalty(
                centers, gram, products, self.orthogonality_weight
            )
        counts = np.diagonal(gram).reshape(centers.shape[:2])
        if (counts == 0).any():
            centers = reseed_unused(
                centers, counts, samples, codes, codebook.structure, self.epoch
            )
        codebook.set_centers(centers)
        if self.orthogonality_weight:
            return  # Worth some distortion.
        # A little worse can lead to much better, so only a leap back is refused.
        found = codebook.distortion(samples, codebook.encode(samples))
        if found > self._WORST * distortion:
            codebook.set_centers(old)
