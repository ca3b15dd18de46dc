"""Fifty clients at once: nothing is lost, and none is refused."""

import threading
import time

import pytest
from many_clients import check_every_id, run_clients

import keras_deephash as kdh
from keras_deephash.web.server.batching import Batcher


def test_what_fifty_clients_add_and_remove_is_on_the_disk(open_server, model):
    server = open_server()
    before = server.collection.index.ids
    outcome = run_clients(server.port, clients=50, rounds=3, label=1)
    assert outcome.refused == []
    assert len(outcome.added) == 150 and len(outcome.removed) == 50
    saved = kdh.Index.load(server.collection.path, model)
    check_every_id(saved, model, before, outcome)
    assert server.json("GET", "/api/stats")["count"] == len(saved)
    for number in outcome.added:
        expected = 404 if number in outcome.removed else 200
        assert server.request("GET", f"/api/items/{number}")[0] == expected


def test_calls_of_many_threads_become_few():
    calls = []

    def double(values):
        calls.append(len(values))
        time.sleep(0.02)
        return [2 * value for value in values]

    batcher, results = Batcher(double, most=8), {}

    def call(value):
        results[value] = batcher(value)

    threads = [threading.Thread(target=call, args=(value,)) for value in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {value: 2 * value for value in range(40)}
    assert max(calls) == 8 and len(calls) <= 10


def test_an_error_reaches_all_who_wait_and_not_the_next():
    def fail_once(values):
        if not failed:
            failed.append(True)
            raise ValueError("once")
        return values

    failed = []
    batcher = Batcher(fail_once, most=2)
    with pytest.raises(ValueError, match="once"):
        batcher(1)
    assert batcher(2) == 2
