"""Released weights of other libraries, for the backbones here."""

from keras_deephash.backbones.porting.reference_weights import (
    load_reference_weights,
    read_reference_weights,
)

__all__ = ["load_reference_weights", "read_reference_weights"]
