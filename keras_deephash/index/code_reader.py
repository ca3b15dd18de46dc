"""Codes or queries made of images, codes or continuous codes."""

import hashlib
import os

import numpy as np

from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.retrieval.hamming import pack_bits

_CHANGED = "The model, which has changed since,"


class CodeReader:
    """Makes codes and queries of images, codes or continuous codes.

    Args:
        spec: `CodeSpec`, what the codes are.
        model: the model, or `None` where only codes come.
    """

    def __init__(self, spec: CodeSpec, model=None):
        self.spec, self.model = spec, model
        self._last_layers = None if model is None else _last_layers(model)

    def codes(
        self, values, batch_size: int = 32, verbose="auto", on_error=None
    ) -> np.ndarray:
        """Codes, uint8 [n, bytes], of images, codes or continuous codes."""
        if not is_matrix(values):
            model = self._model()
            self.spec.check_same(CodeSpec.of(model, self.spec.bits), _CHANGED)
            codes = model.encode(values, batch_size, verbose, on_error=on_error)
            return codes[:, : self.spec.bytes]
        if values.dtype.kind != "f":
            return self.spec.check_codes(values)
        values = self._continuous(values)
        if not self.spec.is_quantizer:
            return pack_bits(values)
        model = self._model("Continuous codes")
        self._check_unchanged(model)
        return model.codebook.encode(values)

    def queries(self, values, continuous: bool = False) -> np.ndarray:
        """The queries of a store: packed codes, or a quantizer's features.

        `continuous` leaves the continuous codes of a hash model as they are.
        """
        quantizer = self.spec.is_quantizer
        if not is_matrix(values):
            model = self._model()
            self._check_unchanged(model)
            if quantizer:
                return model.continuous_codes(values)
            if continuous:
                return model.continuous_codes(values)[:, : self.spec.bits]
            return model.encode(values)[:, : self.spec.bytes]
        if values.dtype.kind != "f":
            codes = self.spec.check_codes(values)
            return reconstruct(codes, self.spec.centers) if quantizer else codes
        values = self._continuous(values)
        return values if quantizer or continuous else pack_bits(values)

    def names(self, values, names) -> list[str] | None:
        """The given names, or the paths of images that are paths."""
        if names is not None:
            names = list(names)
            if not all(isinstance(name, str) for name in names):
                raise ValueError("`names` must be a list of str.")
            return names
        if isinstance(values, np.ndarray) and values.ndim == 1:
            values = values.tolist()  # For example an array of paths.
        paths = isinstance(values, (list, tuple)) and bool(values)
        if paths and all(isinstance(value, (str, os.PathLike)) for value in values):
            return [os.fspath(value) for value in values]
        return None

    def _check_unchanged(self, model) -> None:
        """As `check_same`, but only the last layers, so that a query does not wait."""
        if _last_layers(model) != self._last_layers:
            self.spec.check_same(CodeSpec.of(model, self.spec.bits), _CHANGED)

    def _model(self, what: str = "Images"):
        if self.model is None:
            raise ValueError(
                f"{what} need the model that encodes them: make the index with "
                "`Index(model)` or open it with `Index.load(path, model)`. Without "
                f"one, give codes, uint8 [n, {self.spec.bytes}]."
            )
        return self.model

    def _continuous(self, values: np.ndarray) -> np.ndarray:
        spec = self.spec
        units = spec.centers.shape[2] if spec.is_quantizer else spec.bits
        if values.shape[1] != units:
            raise ValueError(
                f"Continuous codes must be floats of shape [n, {units}]. "
                f"Received: shape {values.shape}."
            )
        values = np.ascontiguousarray(values, dtype=np.float32)
        if not np.isfinite(values).all():
            raise ValueError("Continuous codes must be finite. Received: NaN.")
        return values


def _last_layers(model) -> bytes:
    """A digest of the weights that every training changes."""
    digest = hashlib.sha256()
    if hasattr(model, "code_spec"):  # No training changes it.
        return digest.digest()
    codebook = getattr(model, "codebook", None)
    weights = list(model.output_layer.weights)
    weights += [] if codebook is None else [codebook.centers]
    for weight in weights:
        digest.update(np.ascontiguousarray(weight))
    return digest.digest()


def is_matrix(values) -> bool:
    """Whether values are codes rather than images."""
    return isinstance(values, np.ndarray) and values.ndim == 2
