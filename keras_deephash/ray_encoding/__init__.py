"""Encoding millions of image files on many devices, with Ray."""

from keras_deephash.ray_encoding.encode_files import encode_files

__all__ = ["encode_files"]
