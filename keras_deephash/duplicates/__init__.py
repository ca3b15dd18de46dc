"""Copies of pictures: resized, compressed, cropped, turned, brightened, watermarked."""

from keras_deephash.duplicates.calibration import Calibration
from keras_deephash.duplicates.code_groups import group_codes
from keras_deephash.duplicates.duplicate_group import DuplicateGroup
from keras_deephash.duplicates.finding import find_duplicates
from keras_deephash.duplicates.leaks import find_leaks
from keras_deephash.duplicates.measuring import calibrate

__all__ = [
    "Calibration",
    "DuplicateGroup",
    "calibrate",
    "find_duplicates",
    "find_leaks",
    "group_codes",
]
