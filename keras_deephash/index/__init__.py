from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.index import Index
from keras_deephash.index.index_files import IndexFileError

__all__ = ["CodeSpec", "Index", "IndexFileError"]
