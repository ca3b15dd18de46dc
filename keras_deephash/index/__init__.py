from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.index import Index
from keras_deephash.index.manifest import IndexChangedError, IndexFileError
from keras_deephash.index.milvus.connection import MilvusError

__all__ = ["CodeSpec", "Index", "IndexChangedError", "IndexFileError", "MilvusError"]
