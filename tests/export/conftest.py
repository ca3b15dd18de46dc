"""A model of every kind that is exported, and its ONNX file."""

from functools import cache

import keras
import numpy as np
import pytest
from model_kinds import KINDS


@pytest.fixture(scope="session")
def model_of():
    """A function that returns the model of a kind, made once; do not change it."""
    generator = np.random.default_rng(3)
    images = generator.integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)

    @cache
    def make(kind: str):
        keras.utils.set_random_seed(0)
        model = KINDS[kind]()
        if model.is_closed_form:
            model.fit(images)
        elif model.is_quantizer:
            model.fit_codebook(images)
        if kind == "modes":
            model.codebook.beam = None
        if kind == "normalized":  # Statistics that are not the first ones.
            model.hash_layer.moving_mean.assign(generator.normal(0, 0.1, 24))
            model.hash_layer.moving_deviation.assign(generator.uniform(0.1, 2, 24))
        return model

    return make


@pytest.fixture(scope="session")
def onnx_of(model_of, tmp_path_factory):
    """A function that returns the path of the ONNX file of a kind, made once."""
    folder = tmp_path_factory.mktemp("onnx")

    @cache
    def export(kind: str) -> str:
        path = str(folder / f"{kind}.onnx")
        model_of(kind).export(path, format="onnx")
        return path

    return export
