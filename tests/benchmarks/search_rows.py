"""Times searches and prints them as the rows of a table."""

import os
import tempfile
import time

import numpy as np

from keras_deephash import Index

K = 10
# Seconds: of the clock, or of the processor where other work shares it.
clock = time.perf_counter
SECONDS = 2.0  # Each figure takes at least this long.


def rate(function, items: int) -> float:
    """Items a second: the best of calls over a few seconds."""
    best, end = np.inf, clock() + SECONDS
    while clock() < end:
        start = clock()
        function()
        best = min(best, clock() - start)
    return items / best


def latencies(search, queries) -> tuple[float, float]:
    """Milliseconds of single queries, p50 and p99."""
    taken, end = [], clock() + SECONDS
    while clock() < end or len(taken) < 100:
        query = queries[len(taken) % len(queries)][None]
        start = clock()
        search(query)
        taken.append(1e3 * (clock() - start))
    return tuple(np.percentile(taken, (50, 99)))


def size_on_disk(index) -> int:
    with tempfile.TemporaryDirectory() as folder:
        index.save(os.path.join(folder, "index"))
        return sum(
            os.path.getsize(os.path.join(root, name))
            for root, _, names in os.walk(folder)
            for name in names
        )


def of_direct(search, direct) -> float:
    """The speed of a search, as a share of another's; both run in turn."""
    taken = [], []
    end = clock() + SECONDS
    while clock() < end or len(taken[0]) < 5:
        for function, seconds in zip((search, direct), taken, strict=True):
            start = clock()
            function()
            seconds.append(clock() - start)
    return np.median(taken[1]) / np.median(taken[0])


def header(title: str) -> None:
    print(f"\n{title}\n")
    print(
        "| | Queries/s | p50, ms | p99, ms | Recall@10 | Build, s | Bytes per code | "
        "Of faiss alone |\n"
        "|---|---|---|---|---|---|---|---|"
    )


def report(name, search, queries, true=None, built=None, size=None, share=None) -> None:
    """Prints one row."""
    speed = rate(lambda: search(queries), len(queries))
    p50, p99 = latencies(search, queries)
    recall = ""
    if true is not None:
        # By distance, not by id: codes at equal distance are equally good.
        recall = f"{np.mean(search(queries)[0] <= true[:, -1:] + 1e-3):.3f}"
    built = "" if built is None else f"{built:.1f}"
    size = "" if size is None else f"{size:.1f}"
    share = "" if share is None else f"{100 * share:.0f} %"
    print(
        f"| {name} | {speed:,.0f} | {p50:.2f} | {p99:.2f} | {recall} | {built} | "
        f"{size} | {share} |",
        flush=True,
    )


def direct_search(structure, queries, prepared):
    """A search by the faiss index within a structure."""
    inner = structure.index
    if not hasattr(inner, "search_preassigned") or queries.dtype == np.uint8:
        return lambda: inner.search(prepared, K)
    lists = structure._query_lists

    def search():
        nearness, chosen = lists.search(queries, inner.nprobe)
        inner.search_preassigned(prepared, K, chosen, np.zeros_like(nearness))

    return search


def report_index(spec, codes, queries, true, kind, prepare=None, **options) -> Index:
    """The row of an `Index`, which is returned.

    `prepare` makes queries those of the faiss index within, which is then called
    directly for comparison.
    """
    index = Index(spec, kind=kind, **options)
    start = clock()
    index.add(codes)
    index.optimize()
    built = clock() - start
    size = size_on_disk(index) / len(codes)

    def search(rows):
        return index.search(rows, K)

    share = None
    if prepare:
        structure = index._store.structure.structure
        direct = direct_search(structure, queries, prepare(queries))
        share = of_direct(lambda: search(queries), direct)
    shown = "".join(f", {key}={value}" for key, value in options.items())
    report(f'`kind="{kind}"`{shown}', search, queries, true, built, size, share)
    return index
