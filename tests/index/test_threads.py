"""Searches in threads while another adds; and as many threads as CPUs."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index
from keras_deephash.index.faiss import threads

from .conftest import clustered_codes, hamming_distances


@pytest.mark.parametrize("kind", ["flat", "ivf", "hnsw", "hash"])
def test_searches_see_all_of_an_addition_or_nothing(kind):
    codes, queries = clustered_codes(3000, 48), clustered_codes(4, 48, seed=3)
    index = Index(CodeSpec(48), kind=kind)
    index.add(codes[:100])
    done, failures, seen = threading.Event(), [], []

    def search():
        try:
            while not done.is_set():
                distances, ids = index.search(queries, k=3000)
                count = ids.shape[1]
                seen.append(count)
                assert count % 100 == 0
                true = hamming_distances(queries, codes[:count])
                np.testing.assert_array_equal(
                    np.take_along_axis(true, ids, axis=1), distances
                )
                assert all(len(set(row)) == count for row in ids)
        except Exception as error:
            failures.append(error)

    searchers = [threading.Thread(target=search) for _ in range(2)]
    for searcher in searchers:
        searcher.start()
    try:
        for start in range(100, 3000, 100):
            index.add(codes[start : start + 100])
    finally:
        done.set()
        for searcher in searchers:
            searcher.join()
    assert not failures and seen


def test_a_quota_counts(tmp_path, monkeypatch):
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(threads, "CGROUP_QUOTA", str(quota))
    here = len(os.sched_getaffinity(0))
    assert threads.available_cpus() == here
    for text, expected in (("max 100000", here), ("50000 100000", 1), ("what", here)):
        quota.write_text(text)
        assert threads.available_cpus() == expected


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
def test_faiss_has_as_many_threads_as_the_process_has_cpus():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from keras_deephash.index.faiss.threads import load_faiss;"
        "print(load_faiss().omp_get_max_threads())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment
    )
    assert printed.stdout.strip() == "1", printed.stderr
