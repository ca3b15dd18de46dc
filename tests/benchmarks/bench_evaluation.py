"""Time and memory of `evaluate_retrieval` against a plain NumPy loop over queries.

Run with `python tests/benchmarks/bench_evaluation.py`. Nothing is asserted; the
figures are those of the machine and of what else runs on it.
"""

import time
import tracemalloc

import numpy as np

from keras_deephash.retrieval import evaluate_retrieval

QUERIES, DATABASE, BITS, CLASSES = 1_000, 54_000, 48, 10
REPEATS = 3


def make_data(seed: int = 0):
    """Codes scattered around one centre a class, with one-hot labels."""
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, CLASSES, QUERIES + DATABASE)
    centres = rng.integers(0, 2, (CLASSES, BITS), dtype=np.uint8)
    flips = rng.random((QUERIES + DATABASE, BITS), dtype=np.float32) < 0.15
    bits = centres[classes] ^ flips
    labels = np.eye(CLASSES, dtype=np.float32)[classes]
    return bits[:QUERIES], labels[:QUERIES], bits[QUERIES:], labels[QUERIES:]


def naive_map(query_signs, query_labels, database_signs, database_labels, kind):
    """Mean average precision over the full ranking, one query after the other."""
    total = 0.0
    ranks = np.arange(1, len(database_signs) + 1)
    for signs, label in zip(query_signs, query_labels, strict=True):
        ranking = np.argsort(-(database_signs @ signs), kind=kind)
        relevant = database_labels[ranking] @ label > 0
        precision = np.cumsum(relevant) / ranks
        total += np.sum(precision * relevant) / max(np.sum(relevant), 1)
    return total / len(query_signs)


def timed(function, repeats: int = 1):
    """Returns the best time of a few calls, and the result."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return min(seconds), result


def peak_memory(function) -> float:
    """Returns the peak of the memory that a call allocates, in MB."""
    tracemalloc.start()
    function()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    query_bits, query_labels, database_bits, database_labels = make_data()
    query_signs, database_signs = (
        2 * bits.astype(np.float32) - 1 for bits in (query_bits, database_bits)
    )
    arrays = (
        np.packbits(query_bits, axis=1),
        query_labels,
        np.packbits(database_bits, axis=1),
        database_labels,
    )
    print(f"{QUERIES:,} queries x {DATABASE:,} items, {BITS} bits, {CLASSES} classes")
    print(f"{'':42}{'seconds':>9}{'peak MB':>9}{'MAP':>12}")

    def report(name: str, seconds: float, value: float, memory: float | None = None):
        shown = "" if memory is None else f"{memory:.1f}"
        print(f"{name:42}{seconds:9.3f}{shown:>9}{value:12.8f}")

    naive = {}
    for kind in ("stable", "quicksort"):
        naive[kind], value = timed(
            lambda kind=kind: naive_map(
                query_signs, query_labels, database_signs, database_labels, kind
            )
        )
        report(f"NumPy loop, argsort(kind={kind!r})", naive[kind], value)
        if kind == "stable":
            stable_value = value
    ours = {}
    for ties in ("stable", "random", "expected"):

        def evaluate(ties=ties):
            return evaluate_retrieval(*arrays, ties=ties)

        ours[ties], metrics = timed(evaluate, REPEATS)
        name = f"evaluate_retrieval(ties={ties!r})"
        report(name, ours[ties], metrics.map, peak_memory(evaluate))
        if ties == "stable":
            difference = abs(metrics.map - stable_value)

    for kind, seconds in naive.items():
        print(f"expected ties: {seconds / ours['expected']:.1f} x the {kind} loop")
    print(f"MAP of the stable loop and of ties='stable' differ by {difference:.1e}")


if __name__ == "__main__":
    main()
