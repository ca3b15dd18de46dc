"""The engines behind an index, by name."""

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss_store import FaissStore


def new_store(spec: CodeSpec, kind: str, backend: str, **options):
    """An empty store for codes."""
    if backend == "faiss":
        return FaissStore(spec, kind, **options)
    raise ValueError(
        f'`backend` must be "faiss" or "milvus". Received: backend={backend!r}.'
    )
