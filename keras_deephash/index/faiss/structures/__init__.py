"""The search structures, by what they search and how."""

from keras_deephash.index.code_spec import CodeSpec
from keras_deephash.index.faiss.structures.distinct_codes import DistinctCodes
from keras_deephash.index.faiss.structures.hamming_flat import HammingFlat
from keras_deephash.index.faiss.structures.hamming_hash import HammingHash
from keras_deephash.index.faiss.structures.hamming_hnsw import HammingHNSW
from keras_deephash.index.faiss.structures.hamming_ivf import HammingIVF
from keras_deephash.index.faiss.structures.quantized_fast_scan import QuantizedFastScan
from keras_deephash.index.faiss.structures.quantized_flat import QuantizedFlat
from keras_deephash.index.faiss.structures.quantized_ivf import QuantizedIVF
from keras_deephash.index.faiss.structures.structure import Structure

HAMMING = {c.kind: c for c in (HammingFlat, HammingIVF, HammingHNSW, HammingHash)}
QUANTIZED = {c.kind: c for c in (QuantizedFlat, QuantizedIVF, QuantizedFastScan)}


def new_structure(spec: CodeSpec, kind: str, **options) -> Structure:
    """An empty structure for codes, by the name of its kind."""
    kinds = QUANTIZED if spec.is_quantizer else HAMMING
    if kind not in kinds:
        what = "a quantizer's" if spec.is_quantizer else "hash"
        raise ValueError(
            f"`kind` of an index of {what} codes must be one of {tuple(kinds)}. "
            f"Received: kind={kind!r}."
        )
    return DistinctCodes(kinds[kind](spec, **options))
