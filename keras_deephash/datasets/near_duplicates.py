"""Images that are nearly the same: copies, other sizes, other compressions."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_deephash.datasets.readable import map_images

# Two images are nearly the same if their small pictures differ by less than this
# many of 256 levels, root mean square. A JPEG that is saved again at quality 75, or at
# half its size, differs by 1 or 2; photos of different things by 20 to 80.
_LEVELS = 3.0
_LUMA, _CHROMA = 16, 4  # Sides of the small pictures in pixels.
# Neighbours that are searched for each picture; they link larger groups.
_NEIGHBORS = 8
# Larger sets are searched in part, each picture in the cells that lie next to it.
_MOST_COMPARED = 50_000


def group_near_duplicates(images: Sequence) -> np.ndarray:
    """Groups images that are nearly the same, so that a split can keep them together.

    Args:
        images: n images that `read_image` accepts, such as paths.

    Returns:
        int array [n], the number of each image's group, from 0.

    Raises:
        ValueError: if images cannot be read; the error names all of them.

    Example:

    >>> group_near_duplicates(["a.jpg", "b.jpg", "a_smaller.jpg"])
    array([0, 1, 0])
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pictures = map_images(_small_picture, images)
    if not pictures:
        return np.empty(0, np.int64)
    pictures = np.stack(pictures)
    # Many equal pictures would be each other's nearest, and hide the others.
    distinct, number = np.unique(pictures, axis=0, return_inverse=True)
    rows, columns = _close_pairs(distinct.astype(np.float32))
    ones = np.ones(len(rows), bool)
    graph = coo_array((ones, (rows, columns)), shape=(len(distinct),) * 2)
    return connected_components(graph, directed=False)[1][number.ravel()]


def _small_picture(pixels: np.ndarray) -> np.ndarray:
    """Brightness 16 x 16 and colour 4 x 4, uint8 [288]."""
    luma = Image.fromarray(pixels).resize((_LUMA, _LUMA), Image.Resampling.BOX)
    luma = luma.convert("YCbCr")
    chroma = luma.resize((_CHROMA, _CHROMA), Image.Resampling.BOX)
    parts = np.asarray(luma)[..., 0], np.asarray(chroma)[..., 1:]
    return np.concatenate([part.ravel() for part in parts])


def _close_pairs(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import faiss

    count, size = pictures.shape
    if count <= _MOST_COMPARED:
        index = faiss.IndexFlatL2(size)
    else:
        index = faiss.index_factory(size, f"IVF{int(4 * count**0.5)},Flat")
        index.nprobe = 8
        index.train(pictures)
    index.add(pictures)
    distances, found = index.search(pictures, min(_NEIGHBORS, count))
    rows, places = np.nonzero((distances < _LEVELS**2 * size) & (found >= 0))
    return rows, found[rows, places]
