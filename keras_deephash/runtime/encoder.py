"""Images to codes by an exported file."""

import dataclasses
import os

import numpy as np

from keras_deephash.checks import check_integer, check_option
from keras_deephash.codebooks.arrays import as_features
from keras_deephash.codebooks.scores import asymmetric_scores, symmetric_scores
from keras_deephash.export.arguments import format_of
from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.models.base.encoding import (
    NEAR_ZERO,
    OnError,
    check_length,
    encoded_batches,
)
from keras_deephash.models.base.radius import RadiusMixin
from keras_deephash.preprocessing import PREPROCESSING_VERSION
from keras_deephash.retrieval.hamming import (
    check_codes,
    code_planes,
    hamming_distances,
    pack_bits,
)
from keras_deephash.runtime.codebook import FixedCodebook
from keras_deephash.runtime.exported_file import read_exported
from keras_deephash.runtime.network_classes import RUNTIMES, network_class
from keras_deephash.runtime.preset_files import read_preset_file


class Encoder(RadiusMixin):
    """Encodes images by an exported file, without TensorFlow and Keras.

    It has the codes of the model that was exported, encodes what the model's `encode`
    does, and takes the model's place in an `Index`, also in one that the model made.
    Only NumPy, Pillow and the runtime are imported. It cannot be trained.

    Args:
        source: str. A file that `model.export` wrote, `.onnx` or `.tflite`; or the
            name, directory or handle of a preset, whose ONNX file is made once, with
            TensorFlow, and kept in `~/.cache/keras_deephash` (the environment variable
            `KERAS_DEEPHASH_CACHE` names another folder).
        runtime: `"onnxruntime"`; `"openvino"`, or `"openvino-bfloat16"`, which is
            faster and turns some bits; or `"litert"`, of `.tflite` files. Defaults to
            `"onnxruntime"`, and to `"litert"` for `.tflite` files.
        threads: int. Threads of the network. Defaults to `None`, what the runtime
            chooses.

    Attributes:
        bits: int. Length of a code.
        lengths: tuple of int, or None: its shorter codes, where it has several.
        method: str. Name of the model's class.
        preset: str or None. Name of the preset.
        label_names: list of str, or None.
        preprocessor: `Preprocessor`.
        codebook: of a quantizer, else None.

    Raises:
        FileNotFoundError: if there is no such file.
        PresetError: if there is no such preset.
        ValueError: if the file is not an exported model, or of another runtime.
        ImportError: if the runtime is not installed.

    Example:

    >>> encoder = keras_deephash.Encoder("model.onnx")
    >>> index = keras_deephash.Index(encoder)
    >>> index.add("photos")
    >>> distances, ids = index.search(["query.jpg"], k=5)
    """

    def __init__(
        self,
        source: str | os.PathLike,
        runtime: str | None = None,
        threads: int | None = None,
    ):
        if not isinstance(source, (str, os.PathLike)):
            raise ValueError(
                "`source` must be an exported file or a preset. "
                f"Received: {type(source).__name__}. A model encodes by itself."
            )
        if runtime is not None:
            check_option("runtime", runtime, RUNTIMES)
        if threads is not None:
            threads = check_integer("threads", threads, minimum=1)
        path, preset = os.fspath(source), None
        if format_of(path) is None:
            new_network = network_class("onnx", runtime)
            preset = path
            path, content, description = read_preset_file(preset)
        else:
            new_network = network_class(format_of(path), runtime)
            content, description = read_exported(path)
        self._network = new_network(content, description, threads)
        self.method = description.method
        self.lengths = description.lengths
        self.label_names = description.label_names
        self.preprocessor = description.preprocessor
        self.radius_table = description.spec.radius_table
        self.units = description.units
        # Images become pixels as in this version of the library.
        self.code_spec: CodeSpec = dataclasses.replace(
            description.spec,
            preset=preset or description.spec.preset,
            preprocessing_version=PREPROCESSING_VERSION,
        )
        self.is_quantizer = self.code_spec.is_quantizer
        self.codebook = FixedCodebook(description) if self.is_quantizer else None

    @property
    def bits(self) -> int:
        return self.code_spec.bits

    @property
    def preset(self) -> str | None:
        return self.code_spec.preset

    # === Codes ===

    def encode(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
        bits: int | None = None,
    ) -> np.ndarray:
        """Encodes images into codes; arguments as for `encode` of a model.

        Returns:
            uint8 array [n, bits / 8].
        """
        bits = check_length(self, bits)
        codes = self.to_codes(
            self.continuous_codes(images, batch_size, verbose, crops, on_error)
        )
        return codes[:, : bits // 8]

    def continuous_codes(
        self,
        images,
        batch_size: int = 32,
        verbose="auto",
        crops: int = 1,
        on_error: OnError | None = None,
    ) -> np.ndarray:
        """The continuous codes of images; arguments as for `encode` of a model.

        Returns:
            float32 array [n, units].
        """
        batches = encoded_batches(
            self._network,
            self.preprocessor,
            self.units,
            images,
            batch_size=batch_size,
            verbose=verbose,
            crops=crops,
            near_zero=0.0 if self.is_quantizer else NEAR_ZERO,
            on_error=on_error,
        )
        return np.concatenate([np.empty((0, self.units), "float32"), *batches])

    def to_codes(self, continuous_codes: np.ndarray) -> np.ndarray:
        """The codes, uint8 [n, bits / 8], of continuous codes, float [n, units]."""
        values = as_features(continuous_codes, self.units, name="continuous_codes")
        if self.is_quantizer:
            return self.codebook.encode(values)
        return pack_bits(values)

    # === Distances ===

    @property
    def code_distance(self) -> str:
        """`"hamming"`, or a quantizer's `"inner_product"` or `"euclidean"`."""
        return self.code_spec.metric

    def distances(self, queries, codes) -> np.ndarray:
        """The distances of queries to codes, as `Index.search` measures them.

        Args:
            queries: float array [queries, units], as `continuous_codes` returns.
            codes: uint8 array [n, bits / 8], as `encode` returns.

        Returns:
            Array [queries, n]; smaller is nearer.
        """
        if self.is_quantizer:
            return -self.asymmetric_scores(queries, codes)
        query_codes, codes = check_codes(self.to_codes(queries), codes)
        return hamming_distances(query_codes, code_planes(codes))

    def asymmetric_scores(
        self, query_features, codes, metric: str = "auto"
    ) -> np.ndarray:
        """As of a `DeepQuantization` model: scores, float32 [queries, n]."""
        return asymmetric_scores(query_features, *self._coded(codes, metric))

    def symmetric_scores(self, query_codes, codes, metric: str = "auto") -> np.ndarray:
        """As of a `DeepQuantization` model: scores, float32 [queries, n]."""
        coded = self._coded(codes, metric)
        return symmetric_scores(self.codebook.check_codes(query_codes), *coded)

    def _coded(self, codes, metric: str) -> tuple:
        if not self.is_quantizer:
            raise ValueError(
                f"Scores are a quantizer's. Received: codes of `{self.method}`, which "
                "are bits: compare them by `distances`."
            )
        metric = self.code_distance if metric == "auto" else metric
        return self.codebook.check_codes(codes), self.codebook.centers, metric

    def __repr__(self) -> str:
        return f"Encoder({self.method}: {self.code_spec.describe()})"
