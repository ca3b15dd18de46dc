"""The verbs of an index, with models and without."""

from pathlib import Path

import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import CodeSpec, Index


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def quantizer(make_quantizer):
    return make_quantizer()


def test_images_and_their_codes_are_the_same_items(model, images):
    index = Index(model)
    np.testing.assert_array_equal(index.add(images), np.arange(24))
    np.testing.assert_array_equal(index.codes(index.ids), model.encode(images))
    by_images = index.search(images[:5], k=7)
    by_codes = index.search(model.encode(images[:5]), k=7)
    by_floats = index.search(model.continuous_codes(images[:5]), k=7)
    for other in (by_codes, by_floats):
        np.testing.assert_array_equal(by_images[0], other[0])
        np.testing.assert_array_equal(by_images[1], other[1])
    assert (by_images[0][:, 0] == 0).all()


def test_a_quantizer_searches_by_features(quantizer, images):
    index = Index(quantizer)
    index.add(images)
    distances, ids = index.search(images[:5], k=24)
    features = quantizer.continuous_codes(images[:5])
    scores = quantizer.asymmetric_scores(features, quantizer.encode(images))
    np.testing.assert_allclose(
        distances, -np.take_along_axis(scores, ids, axis=1), rtol=1e-4, atol=1e-5
    )
    again = Index(quantizer)
    again.add(quantizer.continuous_codes(images))
    np.testing.assert_array_equal(again.codes(again.ids), index.codes(index.ids))


def test_ids_are_given_or_follow_the_largest(model, images):
    index = Index(model)
    np.testing.assert_array_equal(index.add(images[:3], ids=[7, 100, 5]), [7, 100, 5])
    np.testing.assert_array_equal(index.add(images[3:5]), [101, 102])
    codes = model.encode(images)
    np.testing.assert_array_equal(index.codes([5, 100, 7]), codes[[2, 1, 0]])
    np.testing.assert_array_equal(index.codes([[102], [5]]), codes[[[4], [2]]])
    assert index.remove([100]) == 1
    np.testing.assert_array_equal(index.ids, [7, 5, 101, 102])
    # Its id may be given again by hand.
    index.add(images[1:2], ids=[100])


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "hash"])
def test_results_name_ids_whether_or_not_they_count_the_items(kind):
    generator = np.random.default_rng(0)
    codes = generator.permutation(2**16)[:60].astype(">u2").view(np.uint8)
    codes = codes.reshape(60, 2)
    index = Index(CodeSpec(16), kind=kind)

    def check(items: list[int], ids: list[int]):
        np.testing.assert_array_equal(index.search(codes[items], k=1)[1][:, 0], ids)
        _distances, found = index.search(codes[items], radius=0)
        np.testing.assert_array_equal(np.concatenate(found), ids)

    index.add(codes[:10])
    index.add(codes[10:20])
    check([3, 15], [3, 15])
    index.add(codes[20:22], ids=[40, 30])
    check([3, 20, 21], [3, 40, 30])
    index.remove([40, 30, 0])
    check([3, 15], [3, 15])
    index.add(codes[22:24])
    check([15, 22, 23], [15, 41, 42])
    index = Index(CodeSpec(16), kind=kind)
    index.add(codes[:2], ids=[1, 0])
    check([0, 1], [1, 0])
    index.remove([0, 1])
    index.add(codes[2:4], ids=[0, 1])
    check([2, 3], [0, 1])


def test_ids_that_are_there_are_refused_and_nothing_is_added(model, images):
    index = Index(model)
    index.add(images[:3], ids=[7, 100, 5])
    for ids, message in (
        ([100], "`ids` must be new: 1 are there.*Received: 100"),
        ([-1], "between 0"),
        ([1.5], "must be integers"),
        ([1, 2], r"shape \[1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            index.add(images[3:4], ids=ids)
    with pytest.raises(ValueError, match="`ids` must be new"):
        index.add(images[3:5], ids=[8, 8])
    assert len(index) == 3
    with pytest.raises(ValueError, match="`ids` must be in the index: 1 are not.*6"):
        index.remove([7, 6])
    assert len(index) == 3


def test_labels_and_names_stay_with_their_items(model, images, labels):
    index = Index(model)
    names = [f"bild {number} ä.png" for number in range(24)]
    index.add(images[:10], labels=labels[:10], names=names[:10])
    index.add(images[10:], labels=labels[10:], names=names[10:])
    index.remove([0, 3, 12])
    np.testing.assert_array_equal(index.labels([1, 20, 13]), labels[[1, 20, 13]])
    assert index.names([1, 20, 13]) == [names[1], names[20], names[13]]


def test_paths_are_names(model, image_files):
    index = Index(model)
    index.add(image_files)
    assert index.names(index.ids) == [str(path) for path in image_files]
    codes = np.zeros((1, 2), np.uint8)
    assert index.names(index.add(codes)) == [""]


def test_an_array_of_paths_gives_names_too(model, image_files):
    index = Index(model)
    index.add(np.array(image_files))
    assert index.names(index.ids) == list(map(str, image_files))


@pytest.mark.parametrize("mmap", [None, False, True])
def test_items_are_found_and_removed_by_their_names(mmap, tmp_path):
    names = ["a.jpg", "b.jpg", "", "a.jpg", "ab.jpg", "bild ä.png", "\udcff.jpg", "c"]
    codes = np.arange(16, dtype=np.uint8).reshape(8, 2)
    index = Index(CodeSpec(16))
    index.add(codes, ids=np.arange(8) * 3 + 1, names=names)
    if mmap is not None:
        index.save(tmp_path)
        index = Index.load(tmp_path, mmap=mmap)
    for name in set(names):
        expected = [3 * i + 1 for i, other in enumerate(names) if other == name]
        np.testing.assert_array_equal(index.find(name), expected)
    np.testing.assert_array_equal(index.find(Path("c")), [22])
    for name in ("a", "a.jp", "a.jpg ", "A.jpg", "nothing", "c\0"):
        found = index.find(name)
        assert found.dtype == np.int64 and found.shape == (0,)
    for wrong in (5, None, ["a.jpg"], [], b"a.jpg"):
        with pytest.raises(ValueError, match="`name` must be a str"):
            index.find(wrong)
    with pytest.raises(ValueError, match="2 of these names are not. Received: 'x'"):
        index.remove(["a.jpg", "x", "y"])
    assert len(index) == 8
    assert index.remove("a.jpg") == 2
    assert index.remove(["b.jpg", Path("c"), "b.jpg"]) == 2
    assert index.remove(np.array(["\udcff.jpg"])) == 1
    np.testing.assert_array_equal(index.ids, [7, 13, 16])
    assert index.names(index.ids) == ["", "ab.jpg", "bild ä.png"]
    np.testing.assert_array_equal(index.codes(index.ids), codes[[2, 4, 5]])


def test_an_index_without_names_finds_none():
    index = Index(CodeSpec(16))
    index.add(np.zeros((2, 2), np.uint8))
    assert index.find("a").shape == index.find("").shape == (0,)
    with pytest.raises(ValueError, match="1 of these names are not. Received: 'a'"):
        index.remove("a")


def test_names_are_found_among_many_of_equal_length():
    names = [f"{number:07}{'x' * 2000}.jpg" for number in range(1500)]
    index = Index(CodeSpec(16))
    index.add(np.zeros((1500, 2), np.uint8), names=names)
    np.testing.assert_array_equal(index.find(names[1234]), [1234])
    assert index.remove(names[::2]) == 750
    assert index.names(index.ids) == names[1::2]


def test_an_index_says_what_it_holds():
    index = Index(CodeSpec(48, preset="dch_cifar10_48"), kind="ivf")
    assert repr(index) == (
        "Index(kind='ivf', backend='faiss': 0 items, codes of 48 bits, hamming, preset "
        "'dch_cifar10_48', weights unknown)"
    )
    index.add(np.zeros((1, 6), np.uint8))
    assert "'faiss': 1 item, codes" in repr(index)
    index.add(np.zeros((1999, 6), np.uint8))
    assert "'faiss': 2,000 items, codes" in repr(index)


def test_labels_are_given_always_or_never(model, images, labels):
    index = Index(model)
    index.add(images[:4], labels=[0, 2, 1, 1])
    with pytest.raises(ValueError, match="give `labels` with every `add`"):
        index.add(images[4:])
    with pytest.raises(ValueError, match="have the form of those that are there"):
        index.add(images[4:], labels=labels[4:])
    bare = Index(model)
    bare.add(images[:4])
    with pytest.raises(ValueError, match="codes that are there have no labels"):
        bare.add(images[4:6], labels=[0, 1])
    with pytest.raises(ValueError, match=r"shape \[4\] or \[4, L\]"):
        Index(model).add(images[:4], labels=[0])
    with pytest.raises(ValueError, match="must be 0 or 1"):
        Index(model).add(images[:2], labels=[[0, 2], [1, 0]])


def test_codes_of_another_length_are_refused(model):
    index = Index(model)
    for codes in (np.zeros((2, 6), np.uint8), np.zeros((2, 2), np.int64)):
        with pytest.raises(ValueError, match=r"must be uint8 of shape \[n, 2\]"):
            index.add(codes)
        with pytest.raises(ValueError, match=r"must be uint8 of shape \[n, 2\]"):
            index.search(codes)
    with pytest.raises(ValueError, match=r"floats of shape \[n, 16\]"):
        index.search(np.zeros((2, 3), "float32"))
    with pytest.raises(ValueError, match="finite"):
        index.search(np.full((2, 16), np.nan, "float32"))


def test_a_quantizers_codes_must_name_its_centres(quantizer):
    index = Index(quantizer)
    with pytest.raises(ValueError, match="centres 0 to"):
        index.add(np.full((1, 2), 255, np.uint8))


def test_codes_of_another_model_are_refused(make_model, model, images, tmp_path):
    index = Index(model)
    index.add(images)
    index.save(tmp_path / "index")
    with pytest.raises(ValueError, match="The model makes other codes"):
        Index.load(tmp_path / "index", make_model())
    with pytest.raises(ValueError, match="The model makes other codes"):
        Index.load(tmp_path / "index", make_model(bits=24))
    same = Index.load(tmp_path / "index", model)
    np.testing.assert_array_equal(
        same.search(images[:2])[1], index.search(images[:2])[1]
    )


def test_a_model_that_learned_on_makes_other_codes(model, images, labels):
    before = CodeSpec.of(model)
    assert CodeSpec.of(model).weights_sha256 == before.weights_sha256
    model.compile("sgd")
    model.fit(images, labels, batch_size=24, verbose=0)
    with pytest.raises(ValueError, match="Encode with the model of the index"):
        before.check_same(CodeSpec.of(model), "The model")


def test_a_model_that_changes_under_its_index_is_refused(model, quantizer, images):
    for learner, weights in (
        (model, model.output_layer.kernel),
        (quantizer, quantizer.codebook.centers),
    ):
        index = Index(learner)
        index.add(images[:4], verbose=0)
        before = weights.numpy()
        weights.assign(before[..., ::-1])
        for change in (index.add, index.search):
            with pytest.raises(ValueError, match="has changed since, makes other"):
                change(images[4:])
        assert len(index) == 4
        weights.assign(before)
        index.add(images[4:], verbose=0)
        index.search(images[:2], k=3)
    # What a query does not look at, an addition does.
    weights = model.backbone.get_layer("conv1").kernel
    index = Index(model)
    weights.assign(-weights)
    with pytest.raises(ValueError, match="has changed since, makes other"):
        index.add(images)


def test_other_centres_are_refused_of_a_spec_by_hand(quantizer, images, tmp_path):
    for centers in (quantizer.codebook.centers.numpy() + 1, np.zeros((2, 8, 5))):
        spec = CodeSpec(16, quantizer.search_metric, centers)
        index = Index(spec)
        index.add(quantizer.encode(images))
        index.save(tmp_path / "index")
        with pytest.raises(ValueError, match="by other centres"):
            Index.load(tmp_path / "index", quantizer)


def test_a_preset_names_itself():
    model = kdh.from_preset("dch_cifar10_48")
    spec = CodeSpec.of(model)
    assert (spec.preset, spec.bits) == ("dch_cifar10_48", 48)
    stats = Index(model, kind="ivf", probes=3).stats()
    assert stats["preset"] == "dch_cifar10_48" and stats["probes"] == 3
    assert stats["count"] == 0 and stats["kind"] == "ivf" and not stats["exact"]


def test_codes_alone_need_no_model_and_images_do(images):
    index = Index(CodeSpec(16))
    index.add(np.zeros((2, 2), np.uint8))
    assert len(index) == 2
    for use in (index.add, index.search):
        with pytest.raises(ValueError, match="need the model that encodes them"):
            use(images)


def test_hash_candidates_are_ranked_by_continuous_codes(model, images):
    index = Index(model)
    index.add(images)
    _, candidates = index.search(images[:5], k=12)
    distances, ids = index.rerank(images[:5], candidates, k=6)
    queries = model.continuous_codes(images[:5])
    signs = np.where(model.continuous_codes(images) >= 0, 1, -1)
    for row in range(5):
        scores = {i: -float(queries[row] @ signs[i]) for i in candidates[row]}
        best = sorted(scores.values())[:6]
        np.testing.assert_allclose(distances[row], best, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            [scores[i] for i in ids[row]], distances[row], rtol=1e-5, atol=1e-6
        )


def test_candidates_of_one_index_are_ranked_by_another(model, quantizer, images):
    first, second = Index(model), Index(quantizer)
    ids = np.arange(100, 124)
    first.add(images, ids=ids)
    second.add(images, ids=ids)
    _, candidates = first.search(images[:5], k=24)
    distances, found = second.rerank(images[:5], candidates, k=24)
    expected, _ = second.search(images[:5], k=24)
    # All are candidates, so the second stage is the search of the second index.
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(np.sort(found, axis=1), [ids] * 5)
    with pytest.raises(ValueError, match="`ids` must be in the index"):
        second.rerank(images[:1], [[5]])
    with pytest.raises(ValueError, match=r"ids of shape \[5, c\]"):
        second.rerank(images[:5], candidates[:2])


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kind": "tree"}, "must be one of .*'flat', 'ivf', 'hnsw', 'hash'"),
        ({"backend": "other"}, 'must be one of "faiss", "milvus"'),
        ({"probes": 3}, "has no option `probes`"),
        ({"kind": "ivf", "probes": 0}, "must be an integer >= 1"),
        ({"kind": "hash", "tables": 0}, "must be an integer >= 1"),
        ({"kind": "hash", "flips": None}, "must be an integer >= 1"),
        ({"kind": "hnsw", "links": None}, "must be an integer >= 1"),
        ({"kind": "hash", "tables": 40}, "parts of 1 to 64 bits"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Index(CodeSpec(16), **arguments)


def test_wrong_searches_are_named(model, images):
    index = Index(model)
    index.add(images)
    radii = [{"radius": radius} for radius in (float("nan"), 10**400, "2", True)]
    for arguments in ({"k": 0}, {"k": 1.5}, *radii):
        with pytest.raises(ValueError, match="Received"):
            index.search(images, **arguments)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"bits": 13}, "multiple of 8"),
        ({"bits": 16, "metric": "cosine"}, "`metric` must be one of"),
        ({"bits": 16, "metric": "euclidean"}, "need `centers`"),
        (
            {"bits": 16, "metric": "euclidean", "centers": np.zeros((3, 4, 5))},
            "M = 2",
        ),
    ],
)
def test_wrong_specs_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        CodeSpec(**arguments)


def test_an_unfitted_codebook_has_no_index(make_quantizer):
    with pytest.raises(ValueError, match="not fitted"):
        Index(make_quantizer(fitted=False))
