"""One meaning of "an integer" at every door."""

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash.checks import check_integer, check_number, check_option
from keras_deephash.retrieval.neighbors import search

CODES = np.arange(200, dtype=np.uint8).reshape(100, 2)


@pytest.fixture(scope="module")
def index():
    index = kdh.Index(kdh.CodeSpec(16))
    index.add(CODES)
    return index


@pytest.fixture(scope="module")
def codebook():
    codebook = kdh.codebooks.Codebook(1, 4)
    codebook.fit(np.random.default_rng(0).normal(size=(50, 3)), rounds=1)
    return codebook


# Each door: what it is called, and a call with a value where 16 is a good one.
DOORS = {
    "bits of a method": ("bits", lambda kit, n: kit.make_model(bits=n)),
    "bits of codes": ("bits", lambda kit, n: kdh.CodeSpec(bits=n)),
    "subcodebooks": ("subcodebooks", lambda kit, n: kdh.codebooks.Codebook(n)),
    "subcenters": ("subcenters", lambda kit, n: kdh.codebooks.Codebook(1, n)),
    "rounds": ("rounds", lambda kit, n: kit.codebook.fit(np.eye(3), rounds=n)),
    "dim": ("dim", lambda kit, n: kdh.DQN(kit.model.backbone, dim=n)),
    "quantization_start": (
        "quantization_start",
        lambda kit, n: kdh.DQN(kit.model.backbone, dim=8, quantization_start=n),
    ),
    "seed of triplets": ("seed", lambda kit, n: kdh.losses.TripletLoss(seed=n)),
    "seed of epochs": ("seed", lambda kit, n: kdh.callbacks.EpochSeeds(n)),
    "image_size": ("image_size", lambda kit, n: kdh.Preprocessor(n)),
    "padding": ("padding", lambda kit, n: kdh.Preprocessor(32, padding=n)),
    "batch_size of encode": (
        "batch_size",
        lambda kit, n: kit.model.encode(kit.images, batch_size=n),
    ),
    "batch_size of a pipeline": (
        "batch_size",
        lambda kit, n: kdh.datasets.image_dataset(kit.set, kit.preprocessor, n),
    ),
    "batch_size of features": (
        "batch_size",
        lambda kit, n: kdh.datasets.feature_dataset(
            np.zeros((1, 24, 3)), np.ones((1, 24, 2)), n
        ),
    ),
    "every": (
        "every",
        lambda kit, n: kdh.callbacks.RetrievalEvaluation(kit.set, kit.set, every=n),
    ),
    "probes": (
        "probes",
        lambda kit, n: kdh.Index(kdh.CodeSpec(16), kind="ivf", probes=n),
    ),
    "k of an index": ("k", lambda kit, n: kit.index.search(CODES[:1], k=n)),
    "k of rerank": ("k", lambda kit, n: kit.index.rerank(CODES[:1], [[1]], k=n)),
    "k of search": ("k", lambda kit, n: search(CODES, CODES, n)),
    "top_k": (
        "top_k",
        lambda kit, n: kdh.evaluate_retrieval(
            CODES, np.ones((100, 1)), CODES, np.ones((100, 1)), top_k=n
        ),
    ),
    "radius of evaluation": (
        "radius",
        lambda kit, n: kdh.evaluate_retrieval(
            CODES, np.ones((100, 1)), CODES, np.ones((100, 1)), radius=n
        ),
    ),
}


@pytest.fixture
def kit(make_model, images, labels, index, codebook):
    class Kit:
        pass

    kit = Kit()
    kit.make_model, kit.images, kit.index, kit.codebook = (
        make_model,
        images,
        index,
        codebook,
    )
    kit.model = make_model()
    kit.preprocessor = kit.model.preprocessor
    kit.set = kdh.datasets.ImageSet(images, labels.astype(np.uint8))
    return kit


@pytest.mark.parametrize("door", DOORS)
def test_an_integer_is_the_same_everywhere(kit, door):
    name, call = DOORS[door]
    call(kit, 16)
    call(kit, np.int64(16))
    call(kit, np.uint8(16))
    for value in (True, np.True_, 16.0, np.float64(16), "16", np.array([16])):
        with pytest.raises(ValueError) as error:
            call(kit, value)
        wanted = "a multiple of 8" if name == "bits" else "an integer "
        assert f"`{name}` must be {wanted}" in str(error.value)
        assert f"Received: {name}={value!r}." in str(error.value)


def test_bounds_of_integers():
    assert check_integer("n", np.int64(3), minimum=3, maximum=3) == 3
    assert type(check_integer("n", np.int64(3), minimum=0)) is int
    with pytest.raises(ValueError, match="`n` must be an integer >= 3. Received: n=2."):
        check_integer("n", 2, minimum=3)
    with pytest.raises(ValueError, match="`n` must be an integer from 2 to 256. .*257"):
        check_integer("n", 257, minimum=2, maximum=256)
    check_integer("n", 2**70, minimum=0)


@pytest.mark.parametrize("value", ["c", None, 1, ["a"], np.array(["a", "b"])])
def test_options_are_named_whole(value):
    with pytest.raises(ValueError, match='`kind` must be one of "a", "b". Received: '):
        check_option("kind", value, ("a", "b"))
    check_option("kind", None, ("a", None))
    with pytest.raises(ValueError, match="`kind` must be one of"):
        check_option("kind", [], {"a": 1})  # It cannot be looked up.


@pytest.mark.parametrize("value", [-1, 10**400, np.inf, np.nan, True, None, "1", 1j])
def test_numbers_that_are_none(value):
    with pytest.raises(ValueError, match="`margin` must be finite and >= 0. Received"):
        check_number("margin", value)


def test_numbers():
    assert check_number("margin", np.int64(3)) == 3.0
    assert check_number("margin", 0) == 0.0
    with pytest.raises(ValueError, match="`margin` must be finite and > 0"):
        check_number("margin", 0, positive=True)
