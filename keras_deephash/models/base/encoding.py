"""Encoding a stream of images, with the same codes for any batch size.

Nothing here imports Keras: `keras_deephash.Encoder` encodes in the same way.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.datasets.huggingface import images_of
from keras_deephash.datasets.image_set import ImageSet
from keras_deephash.images import (
    error_for,
    image_paths,
    pixels_to_uint8,
    read_ahead,
    read_image,
    reader_count,
)
from keras_deephash.progress import Progress

# The order of floating-point sums changes with the batch size and moves a code by
# about 1e-6. Images with a code closer to zero than this are encoded once more, one
# by one, so that the sign of every bit comes from the same computation.
NEAR_ZERO = 1e-4

_LONG_WORK = 1000
_VECTORS = 4096  # Feature vectors per step.

# Called with the position of an image that cannot be read, and the exception.
OnError = Callable[[int, Exception], None]


def check_length(model, bits: int | None) -> int:
    """Returns `bits`, or the model's own code length for None.

    Raises:
        ValueError: if the model was not trained for this code length.
    """
    if bits is None:
        return model.bits
    lengths = getattr(model, "lengths", None) or (model.bits,)
    if isinstance(bits, bool) or bits not in lengths:
        raise ValueError(
            f"`bits` must be one of the lengths of this `{type(model).__name__}`: "
            f"{', '.join(map(str, lengths))}. Received: bits={bits!r}. To get several "
            "lengths, train a model with `lengths`."
        )
    return int(bits)


def encoded_batches(
    inference,
    preprocessor,
    units: int,
    images,
    batch_size: int,
    verbose,
    crops: int,
    near_zero: float,
    on_error: OnError | None = None,
    run_again=None,
) -> Iterator[np.ndarray]:
    """Yields the network's outputs for images in any form, batch by batch.

    Args:
        inference: function that maps pixels [n, image_size, image_size, 3] to codes.
        preprocessor: `Preprocessor`.
        units: int. Length of a continuous code.
        images, batch_size, verbose, crops, on_error: as for `DeepHashing.encode`.
        near_zero: float. Images with a value closer to zero than this are computed
            once more, one by one.
        run_again: as `inference`, for the images that are computed once more. Defaults
            to `None`, `inference`.

    Yields:
        float32 arrays [n, units], without the images that `on_error` was called for.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    if crops not in (1, 10):
        raise ValueError(
            "`crops` must be 1 (centre crop) or 10 (corners, centre and mirrors). "
            f"Received: crops={crops!r}."
        )
    if crops == 10:
        preprocessor.check_ten_crops()
    views = preprocessor.center_crop if crops == 1 else preprocessor.ten_crops
    stream, count = image_stream(images)
    progress = None
    if verbose == 1 or (verbose == "auto" and count and count >= _LONG_WORK):
        progress = Progress(count, "image")

    read = read_ahead(partial(_try, views), stream, reader_count())

    def next_batch():
        return list(islice(read, batch_size))

    def run(batch, inference=inference):
        """Codes of images given as views [crops, h, w, 3], averaged over them."""
        codes = np.asarray(inference(np.concatenate(batch)))
        return codes.reshape(len(batch), crops, units).mean(axis=1)

    # One thread has the next batch read while the network runs this one.
    with ThreadPoolExecutor(max_workers=1) as reader:
        pending = reader.submit(next_batch)
        while taken := pending.result():
            problems = {each.number: each.error for each in taken if each.error}
            if problems and on_error is None:
                problems |= {each.number: each.error for each in read if each.error}
                raise error_for(problems, count)
            pending = reader.submit(next_batch)
            for number, error in problems.items():
                on_error(number, error)
            if batch := [each.views for each in taken if each.error is None]:
                batch_codes = run(batch)
                for row in _near_zero_rows(batch_codes, near_zero):
                    again = run([batch[row]], run_again or inference)
                    batch_codes[row] = again[0]
                check_finite(batch_codes)
                yield batch_codes
            if progress:
                progress.add(len(taken))


class _Taken(NamedTuple):
    """An image that was taken from the stream: its views, or the error."""

    number: int
    views: np.ndarray | None = None
    error: Exception | None = None


def _try(views, number: int, image) -> _Taken:
    try:
        pixels = views(image)
    except (ValueError, OSError) as error:
        error.__context__ = None  # The frames of both hold the image.
        return _Taken(number, error=error.with_traceback(None))
    return _Taken(number, pixels if pixels.ndim == 4 else pixels[None])


def codes_of_features(
    model,
    features: np.ndarray,
    units: int,
    batch_size: int,
    crops: int,
    near_zero: float,
) -> np.ndarray:
    """Continuous codes of frozen features, float32 [n, units].

    Args:
        model: `keras.Model`.
        features: array [n, h, w, c].
        units, batch_size, crops, near_zero: as for `continuous_codes`.
    """
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    if crops != 1:
        raise ValueError(
            "Frozen features are computed from centre crops only: for ten crops, "
            "encode the images. "
            f"Received: crops={crops!r}."
        )
    if not len(features):
        return np.empty((0, units), np.float32)
    codes = model.predict(features, batch_size=batch_size, verbose=0)
    for row in _near_zero_rows(codes, near_zero):
        # Not `predict`, which builds an input pipeline in each call.
        codes[row] = model.predict_on_batch(features[row : row + 1])[0]
    check_finite(codes)
    return codes


def codes_of_vectors(
    outputs_of, features: np.ndarray, dim: int, units: int, near_zero: float
) -> np.ndarray:
    """Continuous codes of the backbone's features, float32 [n, units].

    Args:
        outputs_of: function that maps features, a float32 tensor [n, d], to codes.
        features: array [n, d].
        dim: int, d.
        units, near_zero: as for `continuous_codes`.
    """
    if features.shape[1] != dim or not np.issubdtype(features.dtype, np.floating):
        raise ValueError(
            f"Features must be floats of shape [n, {dim}], as `features` returns. "
            f"Received: {features.dtype} of shape {features.shape}."
        )
    codes = np.empty((len(features), units), np.float32)
    for start in range(0, len(features), _VECTORS):
        rows = features[start : start + _VECTORS].astype(np.float32)
        codes[start : start + _VECTORS] = np.asarray(outputs_of(rows))
    for row in _near_zero_rows(codes, near_zero):
        alone = features[row : row + 1].astype(np.float32)
        codes[row] = np.asarray(outputs_of(alone))[0]
    check_finite(codes)
    return codes


def _near_zero_rows(codes: np.ndarray, near_zero: float) -> np.ndarray:
    """Returns the indices of rows that have a value near zero."""
    sizes = np.abs(codes)
    # Rounding errors grow with the largest value of a row.
    limits = near_zero * np.maximum(sizes.max(axis=1, initial=0), 1)
    return np.flatnonzero(sizes.min(axis=1, initial=np.inf) < limits)


def check_finite(codes: np.ndarray) -> None:
    """Raises ValueError for continuous codes that hold NaN or infinity."""
    if not np.isfinite(codes).all():
        raise ValueError(
            "The model's codes are not finite: its weights hold NaN or infinity. Check "
            "its training, or load it again."
        )


def image_stream(images) -> tuple[Iterator, int | None]:
    """Returns an iterator over single images, and their number if it is known.

    Raises:
        ValueError: if `DeepHashing.encode` does not accept `images`.
    """
    images = images_of(image_paths(images))
    if isinstance(images, ImageSet):
        images = images.images
    tf = sys.modules.get("tensorflow")  # Else nobody has such images.
    if tf is not None and isinstance(images, tf.data.Dataset):
        return _dataset_stream(images), None
    if isinstance(images, np.ndarray) and images.ndim == 1:
        images = list(images)  # For example an array of paths.
    if isinstance(images, Sequence) and not isinstance(images, bytes):
        return iter(images), len(images)  # Also one that is decoded on the way.
    is_tensor = tf is not None and isinstance(images, tf.Tensor)
    if isinstance(images, np.ndarray) or is_tensor:
        array = np.asarray(images)
        if array.ndim != 4 or array.shape[-1] != 3:
            raise ValueError(
                "`images` must have shape [n, height, width, 3]; a single image "
                f"needs a batch axis, `image[None]`. Received: shape {array.shape}."
            )
        return iter(pixels_to_uint8(array)), len(array)
    raise ValueError(
        "`images` must be an array [n, height, width, 3], a list of paths or PIL "
        "images, a path, or a tf.data.Dataset. Put a single PIL image into a list. "
        f"Received: {type(images).__name__}."
    )


def _dataset_stream(dataset) -> Iterator[np.ndarray]:
    for element in dataset:
        batch = element[0] if isinstance(element, tuple) else element
        batch = np.asarray(batch)
        if batch.dtype == object:
            raise ValueError(
                "A `tf.data.Dataset` of images must hold pixels; pass paths as a list. "
                f"Received: elements such as {str(batch.ravel()[0])[:80]}."
            )
        if batch.ndim == 4:
            yield from pixels_to_uint8(batch)
        else:
            yield read_image(batch)
