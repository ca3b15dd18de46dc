"""A model of every kind that is exported: its outputs, its codes, its codebook."""

import numpy as np
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
