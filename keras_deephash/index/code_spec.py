"""The description of codes: their length, their metric, the model that made them."""

import dataclasses
import hashlib
from dataclasses import dataclass

import numpy as np

from keras_deephash.checks import check_bits, check_option
from keras_deephash.codebooks.scores import METRICS
from keras_deephash.preprocessing import PREPROCESSING_VERSION
from keras_deephash.retrieval.radius_table import RadiusTable

# Beyond these, an index without a single code could fill the memory.
MAX_BITS, MAX_CENTERS = 1 << 16, 1 << 26
MAX_LENGTH = 1e12  # Squared, and summed over many codes, far below float32's limit.


@dataclass(frozen=True, eq=False)
class CodeSpec:
    """The codes of one model.

    `CodeSpec.of(model)` describes the codes of a model; one made by hand describes
    codes that come from elsewhere.

    Args:
        bits: int. Bits of a hash code, a multiple of 8 up to 65,536; for a quantizer
            8 for each sub-codebook, one byte each.
        metric: `"hamming"` for hash codes, `"inner_product"` or `"euclidean"` for a
            quantizer's. Defaults to `"hamming"`.
        centers: float array [M, K, D], the codebook of a quantizer, K up to 256.
            Defaults to `None`, hash codes.
        preset: str. Name of the preset that made the codes. Defaults to `None`.
        weights_sha256: str. Of the model's weights; codes of two models compare
            only where it is equal. Defaults to `None`, unknown.
        preprocessing_version: int. Of how images became pixels. Defaults to `None`,
            unknown.
        radius_table: `RadiusTable` of a calibrated model. Defaults to `None`.

    Raises:
        ValueError: for bits that are not a multiple of 8, an unknown metric, or
            centres that do not fit.

    Example:

    >>> CodeSpec(bits=48)
    >>> CodeSpec.of(keras_deephash.from_preset("dtq_cifar10_32"))
    """

    bits: int
    metric: str = "hamming"
    centers: np.ndarray | None = None
    preset: str | None = None
    weights_sha256: str | None = None
    preprocessing_version: int | None = None
    radius_table: RadiusTable | None = None

    def __post_init__(self):
        object.__setattr__(self, "bits", check_bits(self.bits))
        if self.bits > MAX_BITS:
            raise ValueError(
                f"`bits` must be at most {MAX_BITS:,}. Received: bits={self.bits}."
            )
        for name in ("preset", "weights_sha256"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                raise ValueError(f"`{name}` must be a str. Received: {name}={value!r}.")
        check_option("metric", self.metric, ("hamming", *METRICS))
        if (self.centers is None) != (self.metric == "hamming"):
            raise ValueError(
                "Quantizer codes need `centers` [M, K, D], hash codes have none. "
                f"Received: metric={self.metric!r}, centers "
                f"{'missing' if self.centers is None else 'given'}."
            )
        if self.centers is None:
            return
        centers = np.ascontiguousarray(self.centers, dtype=np.float32)
        if (
            centers.ndim != 3
            or not 2 <= centers.shape[1] <= 256
            or 8 * len(centers) != self.bits
        ):
            raise ValueError(
                f"`centers` must have shape [M, K, D] with M = {self.bits // 8}, a "
                f"byte each, and K from 2 to 256. Received: shape {centers.shape}."
            )
        # A search fills each sub-codebook up to 256 centres.
        if len(centers) * 256 * centers.shape[2] > MAX_CENTERS:
            raise ValueError(
                f"`centers` must have M * 256 * D <= {MAX_CENTERS:,}. "
                f"Received: shape {centers.shape}."
            )
        if not np.isfinite(centers).all():
            raise ValueError("`centers` must be finite. Received: NaN or infinity.")
        longest = np.abs(centers).max(axis=(1, 2), initial=0).sum(dtype=np.float64)
        if longest > MAX_LENGTH:
            raise ValueError(
                f"`centers` must add up to values below {MAX_LENGTH:.0e}. "
                f"Received: {longest:.1e}."
            )
        object.__setattr__(self, "centers", centers)

    @classmethod
    def of(cls, model, bits: int | None = None) -> "CodeSpec":
        """The codes of a `DeepHashing` or `DeepQuantization` model, or an `Encoder`.

        Args:
            model: a method, or an `Encoder`, whose `code_spec` never changes.
            bits: int, one of the `lengths` of a model that has several. Defaults to
                `None`, the whole code.
        """
        if bits is not None and bits != model.bits:
            if bits not in (getattr(model, "lengths", None) or ()):
                raise ValueError(
                    f"`bits` must be {model.bits}, or one of the `lengths` of a model "
                    f"that has several. Received: bits={bits!r}."
                )
            return dataclasses.replace(
                cls.of(model), bits=bits, radius_table=None
            )  # The radii are of the whole code.
        if (known := getattr(model, "code_spec", None)) is not None:
            return known
        described = dict(
            bits=model.bits,
            preset=getattr(model, "preset", None),
            weights_sha256=weights_sha256(model),
            preprocessing_version=PREPROCESSING_VERSION,
            radius_table=getattr(model, "radius_table", None),
        )
        codebook = getattr(model, "codebook", None)
        if codebook is None:
            return cls(**described)
        codebook.check_fitted()
        return cls(
            **described,
            metric=model.search_metric,
            centers=np.asarray(codebook.centers),
        )

    @classmethod
    def from_json(cls, fields: dict, centers: np.ndarray | None = None) -> "CodeSpec":
        """The codes that `to_json` described, and the centres of a quantizer.

        A `radius_table` may stand beside the fields."""
        fields = {**fields, "preprocessing_version": version_of_json(fields)}
        if (table := fields.pop("radius_table", None)) is not None:
            table = RadiusTable.from_json(table)
        return cls(centers=centers, radius_table=table, **fields)

    @property
    def bytes(self) -> int:
        """Bytes of a code."""
        return self.bits // 8

    @property
    def is_quantizer(self) -> bool:
        return self.centers is not None

    def check_codes(self, codes, name: str = "codes") -> np.ndarray:
        """Codes as a uint8 array [n, bytes], or a ValueError."""
        codes = np.asarray(codes)
        if codes.dtype != np.uint8 or codes.ndim != 2 or codes.shape[1] != self.bytes:
            raise ValueError(
                f"`{name}` must be uint8 of shape [n, {self.bytes}]: this index holds "
                f"codes of {self.bits} bits. Received: {codes.dtype} of shape "
                f"{codes.shape}."
            )
        if self.is_quantizer and codes.size and codes.max() >= self.centers.shape[1]:
            raise ValueError(
                f"`{name}` must name centres 0 to {self.centers.shape[1] - 1}. "
                f"Received: {codes.max()}."
            )
        return np.ascontiguousarray(codes)

    def check_same(self, other: "CodeSpec", what: str) -> None:
        """Raises ValueError where the codes of `other` do not compare with these.

        Args:
            other: `CodeSpec`.
            what: str. Its name in the error, such as "The model".
        """
        same_centers = True
        if self.is_quantizer and other.is_quantizer:
            same_centers = np.array_equal(self.centers, other.centers)
        fields = ("bits", "metric", "weights_sha256")
        pairs = [(getattr(self, name), getattr(other, name)) for name in fields]
        if all(a == b or None in (a, b) for a, b in pairs) and same_centers:
            check_versions(self.preprocessing_version, other.preprocessing_version)
            return
        raise ValueError(
            f"{what} makes other codes than those in the index"
            f"{'' if same_centers else ', by other centres'}. Expected: "
            f"{self.describe()}. Received: {other.describe()}. Encode with the model "
            "of the index, or build a new index."
        )

    def describe(self) -> str:
        """One readable line."""
        known = "unknown"
        if self.weights_sha256:  # An exported file of 8 bits has "-int8" at its end.
            known = self.weights_sha256[:12] + self.weights_sha256[64:]
        return (
            f"{self.bits} bits, {self.metric}, preset {self.preset!r}, weights {known}"
        )

    def to_json(self) -> dict:
        """All fields but the centres and the table of radii, plain for JSON."""
        return {
            "bits": self.bits,
            "metric": self.metric,
            "preset": self.preset,
            "weights_sha256": self.weights_sha256,
            "preprocessing_version": self.preprocessing_version,
        }


def version_of_json(fields: dict) -> int | None:
    """The `preprocessing_version` of `CodeSpec.to_json`; of a model's codes 1, where
    it was not written down yet."""
    implied = None if fields.get("weights_sha256") is None else 1
    return fields.get("preprocessing_version", implied)


def check_versions(index: int | None, model: int | None) -> None:
    """Raises ValueError where the images of an index became pixels in another way.

    Args:
        index: int. The `preprocessing_version` of its codes; `None` fits any other.
        model: int. That of the codes to be compared with them.
    """
    if index != model and None not in (index, model):
        raise ValueError(
            "The codes of the index were made by another version of the "
            "preprocessing, which reads some images differently. Expected: version "
            f"{model}. Received: version {index}. Build the index again from its "
            "images. Codes can still be searched, without a model."
        )


def weights_sha256(model) -> str:
    """The sha256 of a model's weights, values and shapes, and of its preprocessing."""
    config = model.preprocessor.get_config()
    del config["version"]  # `CodeSpec` has a field for it.
    preprocessing = sorted(config.items())
    digest = hashlib.sha256(repr(preprocessing).encode())
    vectors = getattr(
        model, "class_vectors", ()
    )  # No code of an image depends on them.
    left_out = {id(weight) for layer in vectors for weight in layer.weights}
    for weight in model.weights:
        if id(weight) in left_out:
            continue
        value = np.ascontiguousarray(weight, dtype="<f4")
        digest.update(repr(value.shape).encode())
        digest.update(value)
    return digest.hexdigest()
