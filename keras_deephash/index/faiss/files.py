"""faiss's own files, written whole or with an error, and read after a check."""

import os
import threading

from keras_deephash.index.faiss.layouts import check_layout
from keras_deephash.index.faiss.threads import load_faiss

_limiting = threading.Lock()


def write_index(index, path: str) -> None:
    """Writes a faiss index; an OSError says why it cannot be."""
    faiss = load_faiss()
    binary = isinstance(index, faiss.IndexBinary)
    write = faiss.write_index_binary if binary else faiss.write_index
    # faiss's own files tell only the terminal when the last bytes find no room.
    with open(path, "wb") as file:
        write(index, faiss.PyCallbackIOWriter(file.write))


def read_index(path: str, mmap: bool, types: tuple[str, ...], dim, count, columns=0):
    """Reads or maps a faiss index.

    Args:
        path: str.
        mmap: bool. Whether to map its large arrays.
        types, dim, count, columns: what it must be; see `check_layout`.

    Raises:
        ValueError: if it is something else, or faiss cannot read it.
    """
    faiss = load_faiss()
    check_layout(path, types, dim, count, columns)
    read = faiss.read_index if columns else faiss.read_index_binary
    size = os.path.getsize(path)
    try:
        # The limits are faiss's own, one for all threads.
        with _limiting:
            usual = faiss.get_deserialization_vector_byte_limit()
            faiss.set_deserialization_vector_byte_limit(size + 1)
            faiss.set_deserialization_loop_limit(size + 1)
            try:
                return read(path, faiss.IO_FLAG_MMAP_IFC if mmap else 0)
            finally:
                faiss.set_deserialization_vector_byte_limit(usual)
                faiss.set_deserialization_loop_limit(0)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise ValueError(f"faiss cannot read {path!r}: {reason}") from None
