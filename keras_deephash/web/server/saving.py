"""The saving of an index that is served."""

import os

from keras_deephash.index import Index
from keras_deephash.index.manifest import read_manifest


class IndexChangedError(RuntimeError):
    """Another program has saved the index meanwhile."""


class IndexSaver:
    """Saves an index where it lies, unless another program has saved there.

    Args:
        path: str, the directory of the index, which is read after this is made.
    """

    def __init__(self, path: str | os.PathLike):
        self._path = path
        self._manifest = read_manifest(path)

    def save(self, index: Index) -> None:
        """Writes the index to the disk.

        Raises:
            IndexChangedError: if it is not as it was read or last saved here.
        """
        if read_manifest(self._path) != self._manifest:
            raise IndexChangedError(
                "The index was changed by another program while it was served, so the "
                "change was not saved. Start the server again."
            )
        index.save(self._path)
        self._manifest = read_manifest(self._path)
