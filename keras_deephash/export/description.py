"""What an exported file says of its model, as JSON, checked when it is read."""

import base64
import dataclasses
import json
from dataclasses import dataclass

import numpy as np

from keras_deephash.checks import check_integer, check_lengths
from keras_deephash.codebooks.arrays import as_features
from keras_deephash.datasets.label_names import check_label_names
from keras_deephash.export.errors import ExportFileError
from keras_deephash.export.sealed_text import check_size, is_sealed, seal, sha256
from keras_deephash.index.code_spec import MAX_CENTERS, CodeSpec
from keras_deephash.preprocessing import Preprocessor
from keras_deephash.version import __version__

# 1: without a sha256 of the description.
FORMAT_VERSION = 2
# Its key in the properties of an ONNX file, its name as a file beside a SavedModel.
KEY = "keras_deephash"
FILE = "keras_deephash.json"
MAX_PIXELS = 4096  # Height and width of the images of a network.
MAX_UNITS = 1 << 16
MAX_BEAM = 1024
MAX_NAME = 200  # Of a class.
QUANTIZED = (None, "int8")


@dataclass(frozen=True, eq=False)
class Description:
    """A model without its network.

    Attributes:
        method: str. Name of its class.
        spec: `CodeSpec` of its codes.
        units: int. Length of a continuous code.
        preprocessor: `Preprocessor`.
        lengths: tuple of int, or None: the lengths of its codes, where it has several.
        label_names: list of str, or None.
        beam: int or None, as of `Codebook`; of a product it is 1.
        projection: float32 array [L, D] of a codebook's metric, or None.
        quantized: `"int8"`, or None for the float32 of the model.
    """

    method: str
    spec: CodeSpec
    units: int
    preprocessor: Preprocessor
    lengths: tuple[int, ...] | None = None
    label_names: list[str] | None = None
    beam: int | None = None
    projection: np.ndarray | None = None
    quantized: str | None = None

    @classmethod
    def of(
        cls,
        model,
        quantized: str | None = None,
        label_names: list[str] | None = None,
    ) -> "Description":
        """The description of a method that can encode.

        Args:
            model: a method.
            quantized: as for the attribute. Defaults to `None`.
            label_names: list of str, in place of the model's own. Defaults to `None`.
        """
        if label_names is None:
            label_names = getattr(model, "label_names", None)
        else:
            label_names = check_label_names(label_names)
        spec, codebook = CodeSpec.of(model), getattr(model, "codebook", None)
        beam = projection = None
        if codebook is not None:
            beam = 1 if codebook.structure == "product" else codebook.beam
            projection = codebook.projection
        if quantized is not None:  # Some of its bits differ: it is another model.
            sha256 = f"{spec.weights_sha256}-{quantized}"
            spec = dataclasses.replace(spec, weights_sha256=sha256)
        return cls(
            method=type(model).__name__,
            spec=spec,
            units=model.output_layer.units,
            preprocessor=model.preprocessor,
            lengths=getattr(model, "lengths", None),
            label_names=label_names,
            beam=beam,
            projection=projection,
            quantized=quantized,
        )

    def to_json(self, network: bytes | None = None) -> str:
        """The description as text, which `from_json` reads.

        Args:
            network: the bytes of the file before the description, whose sha256 it
                keeps. Defaults to `None`, no file.
        """
        table = self.spec.radius_table
        fields = {
            "format_version": FORMAT_VERSION,
            "keras_deephash_version": __version__,
            "method": self.method,
            "codes": self.spec.to_json(),
            "units": self.units,
            "preprocessor": self.preprocessor.get_config(),
            "lengths": None if self.lengths is None else list(self.lengths),
            "label_names": self.label_names,
            "radius_table": None if table is None else table.to_json(),
            "codebook": None,
            "quantized": self.quantized,
            "network_sha256": None if network is None else sha256(network),
        }
        if self.spec.is_quantizer:
            fields["codebook"] = {
                "centers": _array_to_json(self.spec.centers),
                "projection": _array_to_json(self.projection),
                "beam": self.beam,
            }
        return seal(json.dumps(fields))

    @classmethod
    def from_json(
        cls, text: str | bytes, network: bytes | memoryview | None = None
    ) -> "Description":
        """The description that `to_json` wrote.

        Args:
            text: str.
            network: the bytes of the file before the description, which must be those
                that it was written for. Defaults to `None`, which are not compared.

        Raises:
            ExportFileError: for anything else.
        """
        try:
            text = text.encode() if isinstance(text, str) else text
            check_size(text)
            fields = json.loads(text)
            version = fields["format_version"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ExportFileError(f"the description is not one: {error}") from None
        if not isinstance(version, int) or not 1 <= version <= FORMAT_VERSION:
            raise ExportFileError(
                f"it has format {str(version)[:20]}, this keras_deephash "
                f"({__version__}) reads up to format {FORMAT_VERSION}. Upgrade "
                "keras_deephash, or export the model again"
            )
        if version > 1 and not is_sealed(text):
            raise ExportFileError(
                "the sha256 of its description differs: it is damaged"
            )
        if network is not None and fields.get("network_sha256") != sha256(network):
            raise ExportFileError("the sha256 of its network differs: it is damaged")
        try:
            return cls._of_fields(fields)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ExportFileError(f"the description is damaged: {error}") from None

    @classmethod
    def _of_fields(cls, fields: dict) -> "Description":
        codebook, beam, projection, centers = fields["codebook"], None, None, None
        if codebook is not None:
            centers = _array_of_json(codebook["centers"], 3)
            projection, beam = codebook["projection"], codebook["beam"]
            if projection is not None:
                dim = centers.shape[2]
                if dim**2 > MAX_CENTERS:  # The matrix of its metric.
                    raise ValueError(f"`projection` must not have {dim:,} columns")
                projection = as_features(_array_of_json(projection, 2), dim)
            if beam is not None:
                beam = check_integer("beam", beam, minimum=1, maximum=MAX_BEAM)
        codes = {**fields["codes"], "radius_table": fields["radius_table"]}
        spec = CodeSpec.from_json(codes, centers)
        units = check_integer("units", fields["units"], 1, MAX_UNITS)
        expected = spec.bits if centers is None else centers.shape[2]
        if units != expected:
            raise ValueError(f"`units` must be {expected}. Received: {units}.")
        preprocessor = Preprocessor.from_config(fields["preprocessor"])
        check_integer("canvas_size", preprocessor.canvas_size, 1, MAX_PIXELS)
        names, quantized = fields["label_names"], fields["quantized"]
        if not isinstance(fields["method"], str) or quantized not in QUANTIZED:
            raise ValueError("`method` or `quantized` is of the wrong type")
        if not fields["method"].isidentifier() or len(fields["method"]) > MAX_NAME:
            raise ValueError("`method` is not the name of a class")
        are_strings = isinstance(names, list) and all(type(n) is str for n in names)
        if names is not None and not are_strings:
            raise ValueError("`label_names` must be a list of str")
        return cls(
            method=fields["method"],
            spec=spec,
            units=units,
            preprocessor=preprocessor,
            lengths=check_lengths(fields["lengths"], spec.bits),
            label_names=None if names is None else check_label_names(names),
            beam=beam,
            projection=projection,
            quantized=quantized,
        )


def _array_to_json(array: np.ndarray | None) -> dict | None:
    if array is None:
        return None
    array = np.ascontiguousarray(array, dtype="<f4")
    return {
        "shape": list(array.shape),
        "float32": base64.b64encode(array.tobytes()).decode(),
    }


def _array_of_json(fields: dict, dimensions: int) -> np.ndarray:
    shape = [check_integer("shape", n, 1, MAX_CENTERS) for n in fields["shape"]]
    values = np.frombuffer(base64.b64decode(fields["float32"], validate=True), "<f4")
    if len(shape) != dimensions:
        raise ValueError(f"`shape` must be of {dimensions} numbers. Received: {shape}.")
    return values.reshape(shape)
