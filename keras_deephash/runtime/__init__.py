"""Encoding by exported files: NumPy, Pillow and a runtime, without Keras."""

from keras_deephash.runtime.encoder import Encoder

__all__ = ["Encoder"]
