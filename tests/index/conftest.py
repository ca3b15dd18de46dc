"""Codes to search, and their distances by plain NumPy."""

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh
from keras_deephash import CodeSpec


def clustered_codes(count: int, bits: int, seed: int = 0) -> np.ndarray:
    """Packed codes around ten centres, as trained models make them."""
    generator = np.random.default_rng(seed)
    centers = generator.integers(0, 2, (10, bits))
    flips = generator.random((count, bits)) < 0.08
    return np.packbits(centers[generator.integers(0, 10, count)] ^ flips, axis=1)


def hamming_distances(queries: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """[q, n], bit by bit."""
    queries, codes = np.unpackbits(queries, axis=1), np.unpackbits(codes, axis=1)
    return np.array([(query != codes).sum(axis=1) for query in queries])


class Quantized:
    """A random codebook, codes of it, queries, and their distances."""

    def __init__(self, metric, count=300, subcodebooks=4, subcenters=256, dim=12):
        generator = np.random.default_rng(1)
        centers = generator.standard_normal((subcodebooks, subcenters, dim))
        self.spec = CodeSpec(8 * subcodebooks, metric, centers.astype("float32"))
        self.codes = generator.integers(
            0, subcenters, (count, subcodebooks), dtype=np.uint8
        )
        self.queries = 2 * generator.standard_normal((7, dim)).astype("float32")

    def distances(self, queries, codes) -> np.ndarray:
        """[q, n] in double precision, pair by pair."""
        centers = self.spec.centers.astype("float64")
        sums = [sum(centers[m, b] for m, b in enumerate(code)) for code in codes]
        if self.spec.metric == "inner_product":
            return np.array([[-(q @ x) for x in sums] for q in queries])
        return np.array([[((q - x) ** 2).sum() for x in sums] for q in queries])


@pytest.fixture(params=["inner_product", "euclidean"])
def quantized(request):
    return Quantized(request.param)


@pytest.fixture(params=["DQN", "DTQ"])
def make_quantizer(request, make_model, images):
    """A function that makes a quantizer of 2 x 8 centres of 12 dimensions."""

    def make(fitted=True):
        model = getattr(kdh, request.param)(
            make_model().backbone, subcodebooks=2, subcenters=8, dim=12
        )
        if fitted:
            model.fit_codebook(images)
        return model

    return make


@pytest.fixture
def image_files(tmp_path, images):
    """Paths of 24 images."""
    paths = [tmp_path / f"{number:02}.png" for number in range(24)]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths
