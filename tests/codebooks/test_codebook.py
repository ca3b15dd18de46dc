"""The codebook layer against exhaustive search and plain NumPy."""

import itertools

import faiss
import keras
import numpy as np
import pytest

from keras_deephash.codebooks import Codebook
from keras_deephash.codebooks.initialization import dimension_blocks


def clustered(n=400, dim=10, seed=0):
    """Features around some centres, as a trained network gives them."""
    generator = np.random.default_rng(seed)
    centers = generator.normal(size=(12, dim))
    noise = 0.4 * generator.normal(size=(n, dim))
    return (centers[generator.integers(12, size=n)] + noise).astype("float32")


def made(structure="additive", projection=None, subcodebooks=3, subcenters=5, dim=10):
    """A codebook with random centres."""
    codebook = Codebook(subcodebooks, subcenters, structure, projection)
    codebook.build((None, dim))
    centers = np.random.default_rng(1).normal(size=(subcodebooks, subcenters, dim))
    if structure == "product":
        for m, block in enumerate(dimension_blocks(dim, subcodebooks)):
            outside = np.ones(dim, bool)
            outside[block] = False
            centers[m][:, outside] = 0
    codebook.set_centers(centers.astype("float32"))
    return codebook


def naive_icm(feature, centers, projection, sweeps, turn):
    """The code of a feature by visiting its sub-codes in turn, and its error."""
    parts = np.zeros((len(centers), len(feature)))
    code = [0] * len(centers)
    for _ in range(sweeps):
        for m in turn:
            parts[m] = 0
            residual = feature - parts.sum(axis=0)
            errors = [
                np.sum((projection @ (residual - center)) ** 2) for center in centers[m]
            ]
            code[m] = int(np.argmin(errors))
            parts[m] = centers[m][code[m]]
    return np.sum((projection @ (feature - parts.sum(axis=0))) ** 2), code


@pytest.mark.parametrize("projected", [False, True])
def test_additive_codes_are_those_of_naive_icm(projected):
    generator = np.random.default_rng(3)
    projection = generator.normal(size=(6, 10)) if projected else None
    codebook = made(projection=projection)
    codebook.beam = None
    features = generator.normal(size=(50, 10)).astype("float32")
    centers = np.float64(np.asarray(codebook.centers))
    metric = np.eye(10) if projection is None else projection
    expected, backwards = [], 0
    for feature in np.float64(features):
        forward = naive_icm(feature, centers, metric, 3, [0, 1, 2])
        backward = naive_icm(feature, centers, metric, 3, [2, 1, 0])
        backwards += backward[0] < forward[0] - 1e-9
        expected.append(min(forward, backward)[1])
    assert 0 < backwards < len(features)  # Both turns play a part.
    codes = codebook.encode(features)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, expected)


def naive_search(feature, centers, projection, beam):
    """The best code of a beam search, and, but for a beam of 1, after a round of single
    changes."""

    def error(code):
        parts = sum(centers[m][k] for m, k in enumerate(code))
        return np.sum((projection @ (feature - parts)) ** 2)

    codes = [()]
    for m in range(len(centers)):
        codes = [(*code, k) for code in codes for k in range(len(centers[m]))]
        codes = sorted(codes, key=error)[:beam]
    code = list(codes[0])
    for m in range(len(centers) if beam > 1 else 0):
        changed = [[*code[:m], k, *code[m + 1 :]] for k in range(len(centers[m]))]
        code = min(changed, key=error)
    return error(code), code


@pytest.mark.parametrize("beam", [1, 3, 40])
@pytest.mark.parametrize("projected", [False, True])
def test_additive_codes_are_those_of_a_naive_beam_search(projected, beam):
    generator = np.random.default_rng(3)
    projection = generator.normal(size=(6, 10)) if projected else None
    codebook = made(projection=projection)
    features = generator.normal(size=(50, 10)).astype("float32")
    centers = np.float64(np.asarray(codebook.centers))
    metric = np.eye(10) if projection is None else projection
    expected = [naive_search(f, centers, metric, beam)[1] for f in np.float64(features)]
    codes = codebook.encode(features, beam=beam)
    assert codes.dtype == np.uint8
    np.testing.assert_array_equal(codes, expected)


def test_a_wider_beam_finds_closer_codes():
    codebook = made(subcodebooks=4)
    features = np.random.default_rng(3).normal(size=(200, 10)).astype("float32")
    found = [
        codebook.distortion(features, codebook.encode(features, beam=beam))
        for beam in (1, 8, 625)
    ]
    assert found[0] > found[1] > found[2]
    centers = np.asarray(codebook.centers)
    everything = np.array(list(itertools.product(range(5), repeat=4)))
    sums = sum(centers[m][everything[:, m]] for m in range(4))
    best = np.square(features[:, None] - sums).sum(axis=2).min(axis=1).mean()
    assert found[2] == pytest.approx(best, rel=1e-5)


@pytest.mark.parametrize("beam", [0, 2.5, True])
def test_a_beam_is_a_number_of_codes(beam):
    with pytest.raises(ValueError, match="`beam` must be an integer from 1 to 1024"):
        made().encode(clustered(5), beam=beam)


@pytest.mark.parametrize("dim", [9, 10, 11])
def test_product_codes_are_exact(dim):
    codebook = made("product", dim=dim)
    features = np.random.default_rng(4).normal(size=(40, dim)).astype("float32")
    centers = np.asarray(codebook.centers)
    everything = list(itertools.product(range(5), repeat=3))
    sums = np.array([sum(centers[m][c] for m, c in enumerate(x)) for x in everything])
    errors = np.sum((features[:, None] - sums) ** 2, axis=2)
    best = np.array(everything)[errors.argmin(axis=1)]
    np.testing.assert_array_equal(codebook.encode(features), best)


@pytest.mark.parametrize("dim, subcodebooks", [(10, 3), (300, 7), (5, 5), (4, 1)])
def test_blocks_cover_all_dimensions(dim, subcodebooks):
    blocks = dimension_blocks(dim, subcodebooks)
    covered = np.concatenate([np.arange(dim)[block] for block in blocks])
    np.testing.assert_array_equal(covered, np.arange(dim))
    lengths = [len(np.arange(dim)[block]) for block in blocks]
    assert max(lengths) - min(lengths) <= 1


def test_decode_sums_the_centres():
    codebook = made()
    codes = np.uint8([[0, 4, 2], [3, 3, 3]])
    centers = np.asarray(codebook.centers)
    expected = [centers[0][0] + centers[1][4] + centers[2][2], centers[:, 3].sum(0)]
    np.testing.assert_allclose(codebook.decode(codes), expected, rtol=1e-6)
    assert codebook.decode(codes).dtype == np.float32


def test_layer_gives_the_reconstructions():
    codebook, features = made(), clustered(20)
    np.testing.assert_allclose(
        codebook(features), codebook.decode(codebook.encode(features)), rtol=1e-5
    )


def test_codes_do_not_depend_on_the_batches():
    codebook, features = made(), clustered(50)
    np.testing.assert_array_equal(
        codebook.encode(features), codebook.encode(features, batch_size=7)
    )


def test_no_row_gives_no_code():
    codebook = made()
    assert codebook.encode(np.zeros((0, 10))).shape == (0, 3)
    assert codebook.decode(np.zeros((0, 3), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize(
    "structure, projected",
    [("product", False), ("additive", False), ("additive", True)],
)
def test_fit_lowers_the_distortion(structure, projected):
    features = clustered()
    projection = np.random.default_rng(3).normal(size=(6, 10)) if projected else None
    codebook = Codebook(3, 8, structure, projection)
    history = codebook.fit(features, rounds=5)
    assert len(history) == 5 and min(history) <= history[0]
    codes = codebook.encode(features)
    error = np.float64(features) - codebook.decode(codes)
    if projected:
        error = error @ projection.T
    found = np.mean(np.sum(error**2, axis=1))
    assert found == pytest.approx(min(history), rel=1e-4)
    if not projected:
        alone = np.mean(np.sum((features - features.mean(axis=0)) ** 2, axis=1))
        assert found < alone / 4


def test_product_centres_stay_in_their_blocks():
    codebook = Codebook(3, 8, "product")
    codebook.fit(clustered(), rounds=3)
    for m, block in enumerate(dimension_blocks(10, 3)):
        outside = np.asarray(codebook.centers)[m].copy()
        outside[:, block] = 0
        assert not outside.any()


@pytest.mark.parametrize("structure", ["product", "additive"])
@pytest.mark.parametrize("n", [1, 5, 20])
def test_fewer_samples_than_centres(structure, n):
    features = clustered(n)
    codebook = Codebook(2, 32, structure)
    codebook.fit(features)
    # Every sample can have centres of its own.
    np.testing.assert_allclose(
        codebook.decode(codebook.encode(features)), features, atol=1e-3
    )


def test_few_samples_a_centre_do_not_make_it_worse():
    features = np.random.default_rng(0).normal(size=(500, 16)).astype("float32")
    codebook = Codebook(4, 64)  # Two samples for each centre.
    history = codebook.fit(features, rounds=10)
    assert history[-1] < history[0]
    codes = codebook.encode(features)
    assert codebook.distortion(features, codes) == pytest.approx(min(history), rel=1e-4)


def test_equal_features_are_no_problem():
    features = np.full((50, 10), 0.5, "float32")
    codebook = Codebook(2, 8)
    assert codebook.fit(features)[-1] == pytest.approx(0, abs=1e-6)


def test_fit_is_repeatable():
    one, two = Codebook(2, 8), Codebook(2, 8)
    assert one.fit(clustered(), seed=3) == two.fit(clustered(), seed=3)
    np.testing.assert_array_equal(one.centers, two.centers)


def test_weights_and_config(tmp_path):
    # These names are the file format.
    codebook = made(projection=np.ones((2, 10)))
    assert sorted(weight.path.split("/")[-1] for weight in codebook.weights) == [
        "centers",
        "fitted",
    ]
    assert codebook.trainable_weights == []
    config = keras.saving.serialize_keras_object(codebook)
    again = keras.saving.deserialize_keras_object(config)
    again.set_weights(codebook.get_weights())
    features = clustered(20)
    np.testing.assert_array_equal(again.encode(features), codebook.encode(features))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0,), "`subcodebooks` must be an integer >= 1"),
        ((2.5,), "`subcodebooks` must be an integer >= 1"),
        ((2, 257), "`subcenters` must be an integer from 2 to 256"),
        ((2, 1), "`subcenters` must be an integer from 2 to 256"),
        ((2, 16, "dense"), "`structure` must be one of"),
        ((2, 16, "product", np.ones((2, 4))), "`projection` needs"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        Codebook(*arguments)


def test_bad_features_and_codes():
    codebook = made()
    with pytest.raises(ValueError, match="must be floats of shape"):
        codebook.encode(np.ones((2, 9)))
    with pytest.raises(ValueError, match="must be finite"):
        codebook.encode(np.full((2, 10), np.nan))
    with pytest.raises(ValueError, match=r"must be uint8 of shape \[n, 3\]"):
        codebook.decode(np.zeros((2, 4), np.uint8))
    with pytest.raises(ValueError, match="must name centres 0 to 4"):
        codebook.decode(np.full((2, 3), 5, np.uint8))
    with pytest.raises(ValueError, match="at least one row"):
        codebook.fit(np.zeros((0, 10)))
    with pytest.raises(ValueError, match="needs a dimension of the features"):
        Codebook(11).build((None, 10))
    with pytest.raises(ValueError, match="`projection` must have shape"):
        Codebook(2, projection=np.ones((3, 4))).build((None, 10))


def test_a_codebook_without_centres_says_so():
    with pytest.raises(ValueError, match="not fitted yet"):
        Codebook(2).encode(clustered(5))


def test_features_whose_squares_overflow_are_refused():
    features = np.random.default_rng(0).normal(size=(40, 6)).astype("float32")
    with pytest.raises(ValueError, match="`features` must be at most 1e"):
        Codebook(2, 4).fit(features * 1e20)
    codebook = Codebook(2, 4)
    codebook.fit(features * 1e10)
    assert np.isfinite(codebook.centers).all()


def test_rows_held_out_are_no_farther_than_by_the_quantizer_of_faiss():
    """Few rows a centre, which a codebook could learn by heart."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(32, 32)) * 0.8 ** np.arange(32)
    rows = (generator.normal(size=(1200, 32)) @ mixing.T).astype("float32")
    rows, held_out = rows[:400], rows[400:]
    theirs = faiss.ResidualQuantizer(32, 4, 4)
    theirs.max_beam_size = 5
    theirs.train(rows)
    decoded = theirs.decode(theirs.compute_codes(held_out))
    expected = np.square(held_out - decoded).sum(axis=1).mean()
    ours = Codebook(4, 16)
    ours.fit(rows)
    found = ours.distortion(held_out, ours.encode(held_out))
    assert found <= expected


def test_fewer_rows_than_dimensions_are_enough():
    rows = np.random.default_rng(0).normal(size=(24, 300)).astype("float32")
    codebook = Codebook(2, 8)
    history = codebook.fit(rows, rounds=3)
    assert history[-1] < np.square(rows - rows.mean(axis=0)).sum(axis=1).mean()
