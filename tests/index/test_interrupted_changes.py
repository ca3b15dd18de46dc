"""Changes that fail or are interrupted leave the index as it was, or unusable."""

import threading

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index
from keras_deephash.index.faiss.read_write_lock import ReadWriteLock

from .conftest import Quantized, clustered_codes

KINDS = ["flat", "ivf", "hnsw", "hash"]


def interrupt_after(structure, monkeypatch, method="add"):
    """Has a structure's change be interrupted when it is done."""
    change = getattr(structure, method)

    def changed_then_interrupted(*arguments):
        change(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(structure, method, changed_then_interrupted)


@pytest.mark.parametrize("count", [50, 5000])
@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_addition_leaves_what_was_there(
    kind, count, monkeypatch, tmp_path
):
    codes, queries = clustered_codes(count, 48), clustered_codes(4, 48, seed=1)
    index, untouched = Index(CodeSpec(48), kind=kind), Index(CodeSpec(48), kind=kind)
    for each in (index, untouched):
        each.add(codes, labels=np.zeros(count, int), names=["a"] * count)
    interrupt_after(index._store.structure, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        index.add(queries, labels=np.ones(4, int), names=["b"] * 4)
    for each in (index, untouched):
        added = each.add(queries, labels=np.full(4, 2), names=["c"] * 4)
        np.testing.assert_array_equal(added, np.arange(count, count + 4))
    index.save(tmp_path / "index")
    for each in (index, Index.load(tmp_path / "index")):
        assert len(each) == count + 4
        distances, ids = each.search(queries, k=1)
        np.testing.assert_array_equal(distances, 0)
        np.testing.assert_array_equal(each.codes(ids[:, 0]), queries)
        np.testing.assert_array_equal(each.labels(added), 2)
        assert each.names(added) == ["c"] * 4
        np.testing.assert_array_equal(each.search(queries, 9)[0][:, 0], 0)


@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
def test_an_interrupted_addition_to_a_quantizers_index(kind, monkeypatch):
    data = Quantized("euclidean", count=4500, subcodebooks=4, subcenters=16)
    index = Index(data.spec, kind=kind)
    index.add(data.codes)
    interrupt_after(index._store.structure, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        index.add(data.codes[:7])
    np.testing.assert_array_equal(index.add(data.codes[:1]), [4500])
    np.testing.assert_array_equal(index.codes([4499, 4500]), data.codes[[4499, 0]])
    assert index.search(data.queries, k=4501)[1].max() <= 4500


@pytest.mark.parametrize("lists", [None, 64])
def test_an_interrupted_optimization_changes_nothing(lists, monkeypatch):
    data = Quantized("euclidean", count=9000, subcodebooks=4, subcenters=16)
    options = {} if lists is None else {"lists": lists}
    index = Index(data.spec, kind="ivf", **options)
    for part in (data.codes[:4500], data.codes[4500:]):  # Lists of the first part.
        index.add(part)
    before = index.search(data.queries, k=20)

    def interrupt(*_):
        raise KeyboardInterrupt

    structure = index._store.structure.structure
    monkeypatch.setattr(type(structure), "add_to_lists", interrupt)
    with pytest.raises(KeyboardInterrupt):
        index.optimize()
    monkeypatch.undo()
    for found, expected in zip(index.search(data.queries, k=20), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_after_an_interrupted_removal_the_index_says_so(monkeypatch, tmp_path):
    index = Index(CodeSpec(48), kind="hnsw")
    index.add(clustered_codes(50, 48))
    interrupt_after(index._store.structure, monkeypatch, "remove")
    with pytest.raises(KeyboardInterrupt):
        index.remove([3])
    for use in (
        lambda: index.search(clustered_codes(1, 48)),
        lambda: index.add(clustered_codes(1, 48)),
        lambda: index.codes([4]),
        lambda: index.save(tmp_path / "index"),
    ):
        with pytest.raises(RuntimeError, match="interrupted while it changed"):
            use()


def test_nothing_is_added_with_a_name_that_is_no_text():
    index = Index(CodeSpec(48))
    index.add(clustered_codes(3, 48), names=["a", "b", "c"])
    with pytest.raises(ValueError, match="`names` must be text"):
        index.add(clustered_codes(2, 48), names=["ok", "bad\ud83d"])
    assert len(index) == 3
    assert index.names(index.ids) == ["a", "b", "c"]
    assert index.add(clustered_codes(1, 48), names=["d"]) == [3]


def test_an_emptied_index_takes_other_labels():
    index = Index(CodeSpec(48))
    index.add(clustered_codes(3, 48), labels=[0, 1, 2], names=["a", "b", "c"])
    index.remove(index.ids)
    assert len(index) == 0
    new = index.add(clustered_codes(2, 48), labels=[[0, 1], [1, 1]])
    np.testing.assert_array_equal(new, [3, 4])
    np.testing.assert_array_equal(index.labels(new), [[0, 1], [1, 1]])
    assert index.names(new) is None


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_index_has_codes_of_bytes(kind):
    index = Index(CodeSpec(48), kind=kind)
    queries = clustered_codes(2, 48)
    assert index.arrays()["codes"].dtype == index.codes([]).dtype == np.uint8
    distances, ids = index.rerank(queries, index.search(queries)[1])
    assert distances.shape == ids.shape == (2, 0)


def test_an_interrupted_writer_lets_readers_in():
    lock, entered = ReadWriteLock(), threading.Event()
    with lock.read():

        def interrupt(_predicate):
            raise KeyboardInterrupt

        waiting = lock._changed.wait_for
        lock._changed.wait_for = interrupt
        with pytest.raises(KeyboardInterrupt), lock.write():
            pass
        lock._changed.wait_for = waiting

        def read():
            with lock.read():
                entered.set()

        threading.Thread(target=read, daemon=True).start()
        assert entered.wait(timeout=10)
    with lock.write():
        pass


def test_no_codes_bring_no_form_of_labels():
    index = Index(CodeSpec(48))
    index.add(clustered_codes(3, 48)[:0], labels=np.zeros((0, 3), int))
    index.add(clustered_codes(3, 48))
    assert index.labels(index.ids) is None


def test_used_up_ids_are_named():
    index = Index(CodeSpec(48))
    index.add(clustered_codes(1, 48), ids=[2**63 - 2])
    with pytest.raises(ValueError, match="no new ids above 9223372036854775806"):
        index.add(clustered_codes(1, 48))
    index.add(clustered_codes(1, 48), ids=[5])
    assert len(index) == 2
