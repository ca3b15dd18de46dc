"""The engines behind an index, by name.

A backend of one's own is a class in a folder of its own and an entry in `BACKENDS`;
nothing else knows them by name. The class, a store, has

- `backend`, its name, and `file_names`, all files that it may write;
- `spec`, `kind`, `options` and `next_id`, and a constructor of spec, kind and options;
- `add`, `remove`, `optimize`, `search`, `range_search` and `rerank`, of codes, queries
  and ids as `CodeReader` makes them;
- `codes_of`, `labels_of`, `names_of`, `find`, `all_ids`, `stats`, `describe`, `arrays`
  and a length;
- `write`, which saves it in a folder, and `open`, which reads it from there and checks
  all that it reads: `columns.py` has what is needed for arrays.

`MilvusStore` is the plainer one to read.
"""

from keras_deephash.checks import check_option
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss.store import FaissStore
from keras_deephash.index.manifest import IndexFileError
from keras_deephash.index.milvus.store import MilvusStore

BACKENDS = {store.backend: store for store in (FaissStore, MilvusStore)}
# All files that a saved version may have; a directory with others is not an index.
FILES = {name for store in BACKENDS.values() for name in store.file_names}


def new_store(spec: CodeSpec, kind: str, backend: str, **options):
    """An empty store for codes."""
    check_option("backend", backend, tuple(BACKENDS))
    return BACKENDS[backend](spec, kind, **options)


def open_store(spec: CodeSpec, manifest: dict, folder: str, mmap: bool, **options):
    """The store that a manifest and the files in a folder describe."""
    backend = manifest.get("backend", FaissStore.backend)
    if backend not in BACKENDS:
        raise IndexFileError(
            f"The index in {folder!r} has the backend {backend!r}, this keras_deephash "
            f"knows {', '.join(BACKENDS)}. Upgrade keras_deephash."
        )
    return BACKENDS[backend].open(spec, manifest, folder, mmap, **options)
