"""Deflated datasets of a weights file, with a bound on their size in memory.

A dataset is one block, its bytes sorted by their place in a number, as HDF5's filters
`shuffle` and `deflate` do it. Numbers that would shrink to less than a fourth stay as
they are: no file takes more than four times its length in memory.
"""

import zlib

import h5py
import numpy as np

MAX_RATIO = 4
_MIN_BYTES = 4096
# Weights hardly repeat, and looking for repetitions makes them 4 % longer.
_STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY)
_FILTERS = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE]


def write_deflated(group: h5py.Group, name: str, values: np.ndarray) -> None:
    """Writes an array, deflated where that makes it smaller."""
    if values.nbytes < _MIN_BYTES:
        group.create_dataset(name, data=values, track_times=False)
        return
    numbers = np.ascontiguousarray(values).view(np.uint8)
    numbers = numbers.reshape(-1, values.itemsize).T.tobytes()
    block = min((_deflate(numbers, strategy) for strategy in _STRATEGIES), key=len)
    if not values.nbytes / MAX_RATIO <= len(block) < values.nbytes:
        group.create_dataset(name, data=values, track_times=False)
        return
    item = group.create_dataset(
        name,
        values.shape,
        values.dtype,
        chunks=values.shape,
        shuffle=True,
        compression="gzip",
        track_times=False,
    )
    item.id.write_direct_chunk((0,) * values.ndim, block)


def _deflate(data: bytes, strategy: int) -> bytes:
    compressor = zlib.compressobj(9, strategy=strategy)
    return compressor.compress(data) + compressor.flush()


def is_deflated(item: h5py.Dataset) -> bool:
    """Whether a dataset is one that `write_deflated` may have made.

    The block is unpacked here, by no more than the dataset's size, since HDF5 would
    make room for whatever comes out of it.
    """
    properties = item.id.get_create_plist()
    filters = [properties.get_filter(n)[0] for n in range(properties.get_nfilters())]
    if item.chunks != item.shape or filters != _FILTERS:
        return False
    size = item.size * item.dtype.itemsize
    if item.id.get_num_chunks() != 1 or size > MAX_RATIO * item.id.get_storage_size():
        return False
    mask, block = item.id.read_direct_chunk((0,) * item.ndim)
    unpacking = zlib.decompressobj()
    try:
        length = len(unpacking.decompress(block, size + 1))
    except zlib.error:
        return False
    return not mask and length == size and unpacking.eof
