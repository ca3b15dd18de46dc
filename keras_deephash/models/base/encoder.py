"""Encoding: images of any size to codes, continuous codes and features."""

import numpy as np
from keras import ops

from keras_deephash.models.base.encoding import (
    OnError,
    check_length,
    codes_of_features,
    codes_of_vectors,
    encoded_batches,
)
from keras_deephash.models.base.inference import Inference


class EncoderMixin:
    """Encoding with a model that has a `backbone` and a `preprocessor`."""

    # Continuous codes closer to zero than this are computed image by image, so that
    # they are the same for every batch size.
    _near_zero = 0.0
    _code_inference = _feature_inference = None

    def encode(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
        bits: int | None = None,
    ) -> np.ndarray:
        """Encodes images into codes.

        The codes of a hashing method are packed bits: bit k is 1 where the continuous
        code is >= 0, and the first bit is the highest of the first byte, as in
        `numpy.packbits`. The codes of a float32 model do not depend on `batch_size`.
        The code of a quantizer holds the indices of its centres, one byte for each
        sub-codebook.

        Args:
            images: array [n, h, w, 3] of RGB pixels from 0 to 255 (uint8 or float,
                any size), a list of paths, PIL images or arrays [h, w, 3], the path of
                an image or a folder, a `tf.data.Dataset` of images or of (images,
                labels), batched or not, an `ImageSet`, a Hugging Face data set or one
                of its columns, or any other sequence of images.
                With `crops=1`, images that have the network's input size are used
                as they are; others are resized and cropped.
            batch_size: int. Images per step. Defaults to `32`.
            verbose: `"auto"`, 0 or 1. Whether to show a progress bar; `"auto"`
                shows one for long work. Defaults to `"auto"`.
            crops: 1, the centre crop, or 10, the mean of ten crops (the published
                protocol). Defaults to `1`.
            on_error: function that is called for each image that cannot be read, with
                its position in `images` and the exception; the image is left out of
                the codes. Defaults to `None`: an error is raised that names all
                unreadable images.
            bits: int, one of the `lengths` of a model that has several: the code is
                the first `bits` bits. Defaults to `None`, the whole code.

        Returns:
            uint8 array [n, bits / 8].

        Raises:
            FileNotFoundError: if a path does not exist.
            ValueError: if an input is not an image, or if the codebook of a quantizer
                is not fitted.

        Example:

        >>> model = DCH.from_preset("dch_cifar10_48")
        >>> model.encode(["cat.jpg", "dog.jpg"]).shape
        (2, 6)
        """
        self.check_can_encode()  # Before the work.
        bits = check_length(self, bits)
        codes = self.to_codes(
            self.continuous_codes(images, batch_size, verbose, crops, on_error)
        )
        return codes[:, : bits // 8]

    def to_codes(self, continuous_codes: np.ndarray) -> np.ndarray:
        """Returns the codes, uint8 [n, bits / 8], of continuous codes [n, units]."""
        raise NotImplementedError(f"{type(self).__name__} must define `to_codes`.")

    def check_can_encode(self) -> None:
        """Raises ValueError if the model cannot encode yet."""

    def continuous_codes(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
    ) -> np.ndarray:
        """Computes the continuous codes of images; arguments as for `encode`.

        Features, as `features` returns them, are accepted in place of images.

        Returns:
            float32 array [n, units]. The values lie between -1 and 1 for
            `output_form="tanh"` and for `HashNet`, and are unbounded otherwise.
        """
        units = self.output_layer.units
        if isinstance(images, np.ndarray) and self.takes_as_features(images):
            return codes_of_features(
                self,
                images,
                units,
                batch_size=batch_size,
                crops=crops,
                near_zero=self._near_zero,
            )
        if isinstance(images, np.ndarray) and images.ndim == 2:
            dim = self.backbone.output_shape[-1]
            return codes_of_vectors(
                self.outputs_of, images, dim, units, self._near_zero
            )
        inference = self._codes_inference()
        batches = encoded_batches(
            inference.run,
            self.preprocessor,
            units,
            images,
            batch_size=batch_size,
            verbose=verbose,
            crops=crops,
            near_zero=self._near_zero,
            on_error=on_error,
            run_again=inference.run_plainly,
        )
        return np.concatenate([np.empty((0, units), "float32"), *batches])

    def features(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
    ) -> np.ndarray:
        """Computes the backbone's features of images; arguments as for `encode`.

        Returns:
            float32 array [n, d].

        Example:

        >>> features = model.features("photos")
        >>> features /= np.linalg.norm(features, axis=1, keepdims=True)
        >>> similarities = features @ features.T
        """
        batches = self.feature_batches(images, batch_size, verbose, crops, on_error)
        dim = self.backbone.output_shape[-1]
        return np.concatenate([np.empty((0, dim), "float32"), *batches])

    def feature_batches(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
    ):
        """Computes features batch by batch, for more images than fit into memory.

        The arguments are those of `features`.

        Returns:
            Iterator of float32 arrays [n, d].
        """
        return encoded_batches(
            self._features_inference().run,
            self.preprocessor,
            self.backbone.output_shape[-1],
            images,
            batch_size=batch_size,
            verbose=verbose,
            crops=crops,
            near_zero=0.0,
            on_error=on_error,
        )

    def _codes_inference(self) -> Inference:
        """Returns the graph that computes continuous codes from pixels."""
        if self._code_inference is None or not self._code_inference.fits(self):
            self._code_inference = Inference(
                lambda pixels: self(pixels, training=False),
                self,
                self.preprocessor.image_size,
            )
        return self._code_inference

    def _features_inference(self) -> Inference:
        """Returns the graph that computes features from pixels."""

        def features(pixels):
            pixels = self.preprocessor.normalize(pixels)
            return ops.cast(self.backbone(pixels, training=False), "float32")

        if self._feature_inference is None or not self._feature_inference.fits(self):
            size = self.preprocessor.image_size
            self._feature_inference = Inference(features, self, size)
        return self._feature_inference
