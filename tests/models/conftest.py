"""Fixtures for the tests of the methods."""

import numpy as np
import pytest
from tiny_backbone import TinyBackbone

import keras_deephash as kdh

WORD_VECTORS = np.random.default_rng(7).normal(size=(4, 12)).astype("float32")


@pytest.fixture
def make_backbone():
    """A function that makes a backbone of a few thousand weights."""

    def make(normalization="batch", dropout=0.0):
        return TinyBackbone(normalization=normalization, dropout=dropout)

    return make


@pytest.fixture
def make_quantizer(make_backbone):
    """A function that makes a DQN, DVSQ or DTQ with 3 x 8 centres of 12 dimensions."""

    def make(name, normalization="batch", dropout=0.0, **arguments):
        arguments = {"subcodebooks": 3, "subcenters": 8, **arguments}
        if name == "DVSQ":
            arguments.setdefault("word_vectors", WORD_VECTORS)
        else:
            arguments.setdefault("dim", 12)
        return getattr(kdh, name)(make_backbone(normalization, dropout), **arguments)

    return make
