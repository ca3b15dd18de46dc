"""A model of every kind that is exported, and its files."""

from functools import cache

import keras
import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

WORD_VECTORS = np.random.default_rng(7).normal(size=(4, 12)).astype("float32")
CODEBOOK = {"subcodebooks": 3, "subcenters": 8}
# One of each form of codes: outputs, lengths, projections and searches of codebooks.
KINDS = {
    "tanh": lambda: kdh.DCH(TinyBackbone(), bits=24),
    "bgr": lambda: kdh.DHN(
        TinyBackbone(normalization="lrn"),
        bits=24,
        preprocessor=kdh.Preprocessor(32, 40, channel_order="bgr", scale=(0.1, 0.2, 1)),
    ),
    "linear": lambda: kdh.HashNet(TinyBackbone(), bits=24),
    "normalized": lambda: kdh.OrthoHash(TinyBackbone(), bits=24, classes=4),
    "halved": lambda: kdh.BiHalf(TinyBackbone(), bits=24),
    "lengths": lambda: kdh.DCH(TinyBackbone(), bits=24, lengths=[8, 16, 24]),
    "ITQ": lambda: kdh.ITQ(TinyBackbone(), bits=8),
    "LSH": lambda: kdh.LSH(TinyBackbone(), bits=24),
    "PCAHash": lambda: kdh.PCAHash(TinyBackbone(), bits=8),
    "DQN": lambda: kdh.DQN(TinyBackbone(), dim=12, **CODEBOOK),
    "DVSQ": lambda: kdh.DVSQ(TinyBackbone(), word_vectors=WORD_VECTORS, **CODEBOOK),
    "DTQ": lambda: kdh.DTQ(TinyBackbone(), dim=12, **CODEBOOK),
    "modes": lambda: kdh.DTQ(TinyBackbone(), dim=12, **CODEBOOK),
    "RQ": lambda: kdh.RQ(TinyBackbone(hidden_dim=24), dim=12, **CODEBOOK),
}
QUANTIZERS = ("DQN", "DVSQ", "DTQ", "modes", "RQ")


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
