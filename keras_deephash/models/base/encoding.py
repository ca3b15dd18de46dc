"""Encoding a stream of images, with the same codes for any batch size."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import tensorflow as tf

from keras_deephash.checks import check_integer
from keras_deephash.images import pixels_to_uint8, read_image
from keras_deephash.progress import Progress

# The order of floating-point sums changes with the batch size and moves a code by
# about 1e-6. Images with a code closer to zero than this are encoded once more, one
# by one, so that the sign of every bit comes from the same computation.
NEAR_ZERO = 1e-4

_LONG_WORK = 1000


def continuous_codes(
    inference,
    preprocessor,
    units: int,
    images,
    batch_size: int,
    verbose,
    crops: int,
    near_zero: float,
) -> np.ndarray:
    """Continuous codes of images in any form, float32 [n, units].

    Args:
        inference: function of pixels [n, image_size, image_size, 3] to codes.
        preprocessor: `Preprocessor`.
        units: int. Length of a continuous code.
        images, batch_size, verbose, crops: as for `DeepHashing.encode`.
        near_zero: float. Images with a value closer to zero than this are computed
            once more, one by one.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    if crops not in (1, 10):
        raise ValueError(
            "`crops` must be 1 (centre crop) or 10 (corners, centre and mirrors). "
            f"Received: crops={crops!r}."
        )
    stream, count = image_stream(images)
    progress = None
    if verbose == 1 or (verbose == "auto" and count and count >= _LONG_WORK):
        progress = Progress(count, "image")

    numbered = enumerate(stream)

    def next_batch():
        return [views(*each) for each in islice(numbered, batch_size)]

    def views(number, image):
        try:
            if crops == 10:
                return preprocessor.ten_crops(image)
            return preprocessor.center_crop(image)[None]
        except ValueError as error:
            raise ValueError(f"Image {number}: {error}") from None

    def run(views):
        """Codes of images given as views [crops, h, w, 3], averaged over them."""
        codes = inference(tf.constant(np.concatenate(views)))
        return codes.numpy().reshape(len(views), crops, units).mean(axis=1)

    codes = [np.empty((0, units), "float32")]
    # One thread reads the next batch while the network runs this one.
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(next_batch)
        while batch := pending.result():
            pending = reader.submit(next_batch)
            batch_codes = run(batch)
            for row in np.flatnonzero(np.abs(batch_codes).min(axis=1) < near_zero):
                batch_codes[row] = run([batch[row]])[0]
            check_finite(batch_codes)
            codes.append(batch_codes)
            if progress:
                progress.add(len(batch))
    return np.concatenate(codes)


def codes_of_features(
    predict,
    features: np.ndarray,
    units: int,
    batch_size: int,
    crops: int,
    near_zero: float,
) -> np.ndarray:
    """Continuous codes of frozen features, float32 [n, units].

    Args:
        predict: `keras.Model.predict` of the model.
        features: array [n, h, w, c].
        units, batch_size, crops, near_zero: as for `continuous_codes`.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    if crops != 1:
        raise ValueError(
            "Frozen features are of the centre crops alone: encode the images. "
            f"Received: crops={crops!r}."
        )
    if not len(features):
        return np.empty((0, units), np.float32)
    codes = predict(features, batch_size=batch_size, verbose=0)
    for row in np.flatnonzero(np.abs(codes).min(axis=1) < near_zero):
        codes[row] = predict(features[row : row + 1], verbose=0)[0]
    check_finite(codes)
    return codes


def check_finite(codes: np.ndarray) -> None:
    """Raises ValueError for continuous codes that hold NaN."""
    if not np.isfinite(codes).all():
        raise ValueError(
            "The model's codes are not finite: its weights hold NaN or infinity. Check "
            "its training, or load it again."
        )


def image_stream(images) -> tuple[Iterator, int | None]:
    """An iterator over single images, and their number where it is known.

    Raises:
        ValueError: if `images` is nothing that `DeepHashing.encode` takes.
    """
    if isinstance(images, tf.data.Dataset):
        return _dataset_stream(images), None
    if isinstance(images, np.ndarray) and images.ndim == 1:
        images = list(images)  # Of paths, say.
    if isinstance(images, (list, tuple)):
        return iter(images), len(images)
    if isinstance(images, (np.ndarray, tf.Tensor)):
        array = np.asarray(images)
        if array.ndim != 4 or array.shape[-1] != 3:
            raise ValueError(
                "`images` must have shape [n, height, width, 3]; a single image "
                f"needs a batch axis, `image[None]`. Received: shape {array.shape}."
            )
        return iter(pixels_to_uint8(array)), len(array)
    raise ValueError(
        "`images` must be an array [n, height, width, 3], a list of paths or PIL "
        "images, or a tf.data.Dataset. A single path or image goes into a list. "
        f"Received: {type(images).__name__}."
    )


def _dataset_stream(dataset: tf.data.Dataset) -> Iterator[np.ndarray]:
    for element in dataset:
        batch = element[0] if isinstance(element, tuple) else element
        batch = np.asarray(batch)
        if batch.dtype == object:
            raise ValueError(
                "A `tf.data.Dataset` of images must hold pixels; paths go into a list. "
                f"Received: {str(batch.ravel()[0])[:80]}, for one."
            )
        if batch.ndim == 4:
            yield from pixels_to_uint8(batch)
        else:
            yield read_image(batch)
