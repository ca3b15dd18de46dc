"""`backend="milvus"` on a real server, beside faiss and plain NumPy."""

import json
import threading

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index, MilvusError

from ..conftest import Quantized, clustered_codes, hamming_distances


@pytest.fixture
def make(milvus_server, request):
    """A function that makes an index in a collection of the test's own."""

    def build(spec, kind="flat", **options):
        options = {"collection": f"c{abs(hash(request.node.name))}", **options}
        return Index(spec, kind, "milvus", uri=milvus_server.uri, **options)

    return build


def faiss_twin(spec, codes):
    index = Index(spec)
    index.add(codes)
    return index


@pytest.mark.parametrize("kind", ["flat", "ivf"])
def test_hash_codes_have_the_distances_of_faiss(make, kind):
    codes = clustered_codes(3000, 48)
    index = make(
        CodeSpec(48), kind, **({"lists": 8, "probes": 8} if kind == "ivf" else {})
    )
    np.testing.assert_array_equal(index.add(codes[:1000]), np.arange(1000))
    np.testing.assert_array_equal(index.add(codes[1000:]), np.arange(1000, 3000))
    twin = faiss_twin(CodeSpec(48), codes)
    distances, ids = index.search(codes[:20], k=30)
    np.testing.assert_array_equal(distances, twin.search(codes[:20], k=30)[0])
    true = hamming_distances(codes[:20], codes)
    np.testing.assert_array_equal(np.take_along_axis(true, ids, axis=1), distances)
    assert all(len(set(row)) == 30 for row in ids)
    for radius in (0, 11, 12.5):
        distances, ids = index.search(codes[:20], radius=radius)
        for row, found, apart in zip(true, ids, distances, strict=True):
            np.testing.assert_array_equal(np.sort(found), np.flatnonzero(row <= radius))
            np.testing.assert_array_equal(apart, np.sort(row[row <= radius]))
    assert [len(row) for row in index.search(codes[:2], radius=-1)[1]] == [0, 0]


@pytest.mark.parametrize(
    "metric, kind", [("inner_product", "flat"), ("euclidean", "ivf")]
)
def test_quantizer_codes_have_the_distances_of_faiss(make, metric, kind):
    data = Quantized(metric, count=2000)
    index = make(
        data.spec, kind, **({"lists": 4, "probes": 4} if kind == "ivf" else {})
    )
    index.add(data.codes)
    distances, ids = index.search(data.queries, 20)
    expected = faiss_twin(data.spec, data.codes).search(data.queries, 20)[0]
    np.testing.assert_allclose(distances, expected, rtol=1e-4, atol=1e-4)
    true = data.distances(data.queries, data.codes)
    np.testing.assert_allclose(
        np.take_along_axis(true, ids, axis=1), distances, rtol=1e-4, atol=1e-4
    )
    # Halfway between two distances, so that rounding plays no part.
    radius = float(np.unique(true)[40:42].mean())
    distances, ids = index.search(data.queries, radius=radius)
    for row, found in zip(true, ids, strict=True):
        np.testing.assert_array_equal(np.sort(found), np.flatnonzero(row <= radius))
    np.testing.assert_array_equal(index.codes([3, 1]), data.codes[[3, 1]])
    candidates = np.tile(np.arange(50), (7, 1))
    distances, ids = index.rerank(data.queries, candidates, k=5)
    np.testing.assert_allclose(
        distances, np.sort(true[:, :50], axis=1)[:, :5], rtol=1e-4, atol=1e-4
    )


def test_a_radius_finds_more_than_milvus_returns_at_once(make):
    codes = np.repeat(clustered_codes(2, 16), 10_000, axis=0)
    index = make(CodeSpec(16))
    index.add(codes, verbose=0)
    distances, ids = index.search(codes[:1], radius=16)
    np.testing.assert_array_equal(np.sort(ids[0]), np.arange(20_000))
    np.testing.assert_array_equal(
        distances[0], np.sort(hamming_distances(codes[:1], codes)[0])
    )
    np.testing.assert_array_equal(index.ids, np.arange(20_000))
    with pytest.raises(ValueError, match="`k` must be at most 16384"):
        index.search(codes[:1], k=20_000)


def test_items_are_removed_and_their_ids_not_given_again(make):
    codes = clustered_codes(100, 48)
    index = make(CodeSpec(48))
    index.add(codes)
    assert index.remove([99, 5, 5]) == 2
    assert len(index) == 98
    kept = np.setdiff1d(np.arange(100), [5, 99])
    np.testing.assert_array_equal(index.ids, kept)
    assert not np.isin(index.search(codes, k=98)[1], [5, 99]).any()
    with pytest.raises(ValueError, match="must be in the index: 1 are not"):
        index.remove([1, 5])
    np.testing.assert_array_equal(index.add(codes[:1]), [100])
    index.optimize()
    assert len(index) == 99


def test_labels_and_names_are_kept(make):
    codes = clustered_codes(6, 16)
    index = make(CodeSpec(16))
    labels = np.eye(3, dtype=np.uint8)[[0, 1, 2, 0, 1, 2]]
    index.add(codes[:4], labels=labels[:4])
    index.add(codes[4:], labels=labels[4:], names=["a", "ü"])
    np.testing.assert_array_equal(index.labels([[5], [0]]), labels[[[5], [0]]])
    assert index.names([5, 0]) == ["ü", ""]
    with pytest.raises(ValueError, match="give `labels` with every `add`"):
        index.add(codes)
    with pytest.raises(ValueError, match="form of those that are there"):
        index.add(codes, labels=np.arange(6))
    with pytest.raises(ValueError, match="at most 4096 bytes"):
        index.add(codes[:1], labels=labels[:1], names=["x" * 5000])
    with pytest.raises(ValueError, match="valid Unicode"):
        index.add(codes[:1], labels=labels[:1], names=["\udc80"])
    assert len(index) == 6


def test_items_are_found_and_removed_by_their_names(make, milvus_server):
    names = ["a.jpg", 'b "c".jpg', "a.jpg", "d\\e\n%_'ü.jpg", "", "A.jpg"]
    index = make(CodeSpec(16))
    index.add(clustered_codes(6, 16), names=names)
    for name in set(names):
        expected = [i for i, other in enumerate(names) if other == name]
        np.testing.assert_array_equal(index.find(name), expected)
    for name in ("a", 'x" or id >= 0 or name == "y', "x" * 5000, "\udc80", "a.jpg "):
        assert index.find(name).shape == (0,)
    with pytest.raises(ValueError, match="1 of these names are not. Received: 'z'"):
        index.remove(["a.jpg", "z"])
    assert len(index) == 6
    assert index.remove("a.jpg") == 2
    assert index.remove(names[3:4] + names[1:2]) == 2
    np.testing.assert_array_equal(index.ids, [4, 5])
    assert f"in Milvus at '{milvus_server.uri}'" in repr(index)


def test_classes_and_no_labels(make, request):
    codes = clustered_codes(3, 16)
    index = make(CodeSpec(16))
    index.add(codes, ids=[7, 2**62, 3], labels=[4, 0, 9])
    np.testing.assert_array_equal(index.labels([3, 7]), [9, 4])
    assert index.names([3]) is None
    # Whoever opens the collection goes on behind its largest id.
    np.testing.assert_array_equal(
        make(CodeSpec(16)).add(codes[:1], labels=[1]), [2**62 + 1]
    )
    index.remove(index.ids)  # What comes next may have other labels, or none.
    new = index.add(codes)
    assert index.labels(new) is None
    bare = make(CodeSpec(16), collection="bare")
    bare.add(codes)
    assert bare.labels([0]) is None
    with pytest.raises(ValueError, match="have no labels, so these can have none"):
        bare.add(codes, labels=[1, 2, 3])


def test_an_empty_collection_finds_nothing(make):
    codes = clustered_codes(3, 48)
    index = make(CodeSpec(48))
    assert len(index) == 0 and index.ids.shape == (0,)
    distances, ids = index.search(codes, k=5)
    assert distances.shape == ids.shape == (3, 0)
    assert [len(row) for row in index.search(codes, radius=3)[1]] == [0, 0, 0]
    assert index.search(codes[:0], k=5)[1].shape == (0, 0)
    assert index.remove([]) == 0 and index.add(codes[:0]).shape == (0,)
    index.add(codes)
    assert index.search(codes[:2], k=10)[1].shape == (2, 3)


def test_an_addition_may_be_repeated_and_another_is_refused(make):
    codes = clustered_codes(10, 48)
    index = make(CodeSpec(48))
    ids = index.add(codes[:6], names=list("abcdef"))
    index.add(codes, ids=np.arange(10), names=list("abcdefghij"))
    assert len(index) == 10
    np.testing.assert_array_equal(index.codes(np.arange(10)), codes)
    for changed, names in ((~codes[:6], list("abcdef")), (codes[:6], list("abcdex"))):
        with pytest.raises(ValueError, match="`ids` must be new"):
            index.add(changed, ids=ids, names=names)
    with pytest.raises(ValueError, match="given twice"):
        index.add(codes[:2], ids=[20, 20])
    assert len(index) == 10


def test_two_that_add_in_turn_do_not_overwrite_one_another(make):
    codes = clustered_codes(9, 48)
    one, other = make(CodeSpec(48)), make(CodeSpec(48))
    np.testing.assert_array_equal(one.add(codes[:5]), np.arange(5))
    np.testing.assert_array_equal(other.add(codes[5:8]), [5, 6, 7])
    with pytest.raises(ValueError, match="`ids` must be new"):
        one.add(codes[8:], ids=[6])
    np.testing.assert_array_equal(one.add(codes[8:]), [8])
    np.testing.assert_array_equal(one.codes(np.arange(9)), codes)


def test_a_saved_index_is_opened_again(make, milvus_server, tmp_path):
    data = Quantized("euclidean", count=100)
    index = make(data.spec)
    index.add(data.codes)
    index.remove([99])
    path = tmp_path / "index"
    index.save(path)
    index.save(path)
    assert sorted(p.name for p in path.iterdir()) == ["index.json", "v2"]
    manifest = json.loads((path / "index.json").read_text())
    assert manifest["options"]["uri"] == milvus_server.uri
    assert "token" not in manifest["options"]
    uri = milvus_server.uri
    with pytest.raises(ValueError, match=f"names the address '{uri}'"):
        Index.load(path, token="user:secret")
    opened = Index.load(path, uri=uri, token="user:secret")
    assert opened.stats() == index.stats()
    np.testing.assert_array_equal(
        opened.search(data.queries, 5)[0], index.search(data.queries, 5)[0]
    )
    np.testing.assert_array_equal(opened.add(data.codes[:1]), [100])
    opened._store.connection.client.drop_collection(manifest["options"]["collection"])
    with pytest.raises(MilvusError, match="is no longer in Milvus"):
        Index.load(path, uri=uri)


def test_collections_of_others_are_refused(make):
    index = make(CodeSpec(48, preset="a", weights_sha256="1" * 64))
    make(CodeSpec(48, preset="a", weights_sha256="1" * 64))
    for spec in (CodeSpec(48, weights_sha256="2" * 64), CodeSpec(64)):
        with pytest.raises(ValueError, match="holds the codes of another model"):
            make(spec)
    with pytest.raises(ValueError, match="has kind='flat'. Received: kind='ivf'"):
        make(CodeSpec(48), "ivf")
    centers = np.ones((2, 4, 3), "float32")
    make(CodeSpec(16, "euclidean", centers), collection="centres")
    with pytest.raises(ValueError, match="another model: centers_sha256"):
        make(CodeSpec(16, "euclidean", 2 * centers), collection="centres")
    index._store.connection.client.create_collection("foreign", dimension=4)
    with pytest.raises(ValueError, match="was not made by keras_deephash"):
        make(CodeSpec(16), collection="foreign")


def test_searches_run_while_another_thread_adds(make):
    codes = clustered_codes(9000, 48)
    index = make(CodeSpec(48))
    index.add(codes[:1000])
    true = hamming_distances(codes[:5], codes)
    adding = threading.Thread(target=index.add, args=(codes[1000:],))
    adding.start()
    while adding.is_alive():
        distances, ids = index.search(codes[:5], k=10)
        np.testing.assert_array_equal(np.take_along_axis(true, ids, axis=1), distances)
    adding.join()
    np.testing.assert_array_equal(
        index.search(codes[:5], k=10)[0], np.sort(true, axis=1)[:, :10]
    )
