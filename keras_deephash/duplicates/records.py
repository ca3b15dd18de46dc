"""The record of each picture: hashes, features, and the state of its file."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from keras_deephash.duplicates.network import FeatureNetwork
from keras_deephash.duplicates.perceptual_hashes import perceptual_hashes
from keras_deephash.images import reader_count


def record_type(units: int) -> np.dtype:
    """Returns the columns of a record, little-endian as in the cache."""
    return np.dtype(
        [
            ("bytes", "<i8"),  # Size of the file; -1 if the image is not in a file.
            ("modified_ns", "<i8"),
            ("width", "<i4"),  # In pixels.
            ("height", "<i4"),
            ("phash", "<u8"),
            ("dhash", "<u8"),
            ("features", "<f2", (units,)),
        ]
    )


def make_records(
    network: FeatureNetwork, images: Sequence, batch_size: int
) -> Iterator[tuple[int, np.ndarray | Exception]]:
    """Yields the record of each image, or the error, in order.

    Args:
        network: `FeatureNetwork`.
        images: sequence of images that `read_image` accepts.
        batch_size: int. Images per step of the network.

    Yields:
        Tuples of the number of an image, and its record, an array of `record_type`
        without `bytes` and `modified_ns`, or an exception.
    """
    with ThreadPoolExecutor(reader_count()) as readers:
        read = _reader(network)

        def start(first: int) -> list:
            part = images[first : first + batch_size]
            return [readers.submit(read, image) for image in part]

        pending = start(0)
        for first in range(0, len(images), batch_size):
            results = [future.result() for future in pending]
            pending = start(first + batch_size)  # Read while the network runs.
            views = [result[0] for result in results if isinstance(result, tuple)]
            features = iter(network.features(np.stack(views)) if views else ())
            for number, result in enumerate(results, start=first):
                if isinstance(result, Exception):
                    yield number, result
                    continue
                _, (width, height), (phash, dhash) = result
                record = np.zeros((), record_type(network.units))
                record["width"], record["height"] = width, height
                record["phash"], record["dhash"] = phash, dhash
                record["features"] = next(features)
                record["bytes"] = -1
                yield number, record


def _reader(network: FeatureNetwork) -> Callable:
    def read(image):
        try:
            view, size = network.view(image)
        except (ValueError, OSError) as error:
            error.__context__ = None  # The frames of both tracebacks hold the image.
            return error.with_traceback(None)
        return view, size, perceptual_hashes(view)

    return read
