"""The engines behind an index, by name."""

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss_store import FaissStore
from keras_deephash.index.milvus_store import MilvusStore


def new_store(spec: CodeSpec, kind: str, backend: str, **options):
    """An empty store for codes."""
    if backend == "faiss":
        return FaissStore(spec, kind, **options)
    if backend == "milvus":
        return MilvusStore(spec, kind, **options)
    raise ValueError(
        f'`backend` must be "faiss" or "milvus". Received: backend={backend!r}.'
    )
