"""A Milvus server that is not there, is killed, and comes back."""

import builtins
import time

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index, MilvusError

from ..conftest import clustered_codes, hamming_distances


def milvus(uri, **options):
    return Index(CodeSpec(48), backend="milvus", uri=uri, **options)


def test_what_a_killed_server_acknowledged_is_there_again(milvus_server):
    server = milvus_server
    codes = clustered_codes(60_000, 48)
    hasty = milvus(server.uri, collection="killed", retry_seconds=1)
    patient = milvus(server.uri, collection="killed", retry_seconds=120)
    hasty.add(codes[:4000])

    # It goes in the middle of an addition.
    insert, batches = hasty._store._insert, []

    def insert_and_kill(rows):
        if len(batches) == 3:
            server.kill()
        insert(rows)
        batches.append(len(rows))

    hasty._store._insert = insert_and_kill
    with pytest.raises(MilvusError, match="6000 of 20000 codes are added") as caught:
        hasty.add(codes[4000:24_000])
    np.testing.assert_array_equal(caught.value.ids, np.arange(4000, 24_000))
    hasty._store._insert = insert
    started = time.monotonic()
    with pytest.raises(MilvusError, match="does not answer `search` for 1") as failed:
        hasty.search(codes[:1], k=1)
    assert time.monotonic() - started < 10 and "\n" not in str(failed.value)

    # A call that can wait does so, and nothing is lost.
    server.start_again()
    ids = patient.ids
    assert np.isin(np.arange(10_000), ids).all()
    assert np.isin(ids, np.arange(12_000)).all()
    np.testing.assert_array_equal(patient.codes(ids), codes[ids])

    # The same addition once more completes it; nothing is there twice.
    hasty.add(codes[4000:24_000], ids=caught.value.ids)
    assert len(hasty) == 24_000
    np.testing.assert_array_equal(hasty.ids, np.arange(24_000))
    true = np.sort(hamming_distances(codes[:5], codes[:24_000]), axis=1)
    np.testing.assert_array_equal(hasty.search(codes[:5], k=50)[0], true[:, :50])


def test_a_batch_that_was_kept_but_not_acknowledged_is_there_once(milvus_server):
    codes = clustered_codes(3000, 48)
    index = milvus(milvus_server.uri, collection="unsure")
    index.add(codes)
    # As `MilvusConnection.call` does when the answer got lost.
    rows = index._store.items.known(np.arange(3000), ["vector", "name"])
    sent = [{**row, "vector": row["vector"][0]} for row in rows.values()]
    index._store._insert(sent)
    assert len(index) == 3000
    np.testing.assert_array_equal(index.ids, np.arange(3000))
    assert all(len(set(row)) == 20 for row in index.search(codes[:9], k=20)[1])


def test_an_unreachable_server_is_an_error_within_seconds():
    pytest.importorskip("pymilvus")
    started = time.monotonic()
    with pytest.raises(MilvusError, match="no Milvus server at 'http://127.0.0.1:1'"):
        milvus("http://127.0.0.1:1", collection="a")
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "options, message",
    [
        ({"uri": "127.0.0.1:19530"}, "`uri` must be the address"),
        ({"uri": None}, "`uri` must be the address"),
        ({"uri": "http://user:pw@host:19530"}, "must not hold a password"),
        ({"collection": "no-name"}, "`collection` must be a name"),
        ({"collection": None}, "`collection` must be a name"),
        ({"retry_seconds": -1}, "`retry_seconds` must be finite and >= 0"),
        ({"retry_seconds": 3601}, "`retry_seconds` must be at most 3600. Received"),
        ({"lists": 4}, '`lists` is an option of `kind="ivf"` alone'),
        ({"kind": "ivf", "probes": 0}, "`probes` must be an integer >= 1"),
        ({"kind": "hnsw"}, "must be one of .'flat', 'ivf'.. Received: kind='hnsw'"),
        ({"adress": 1}, "has no option `adress`"),
    ],
)
def test_wrong_options_are_named(options, message):
    options = {"uri": "http://127.0.0.1:1", "collection": "a", **options}
    with pytest.raises(ValueError, match=message):
        Index(CodeSpec(48), backend="milvus", **options)


def test_a_missing_client_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "pymilvus":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r'pip install "keras-deephash\[milvus\]"'):
        milvus("http://127.0.0.1:1", collection="a")
