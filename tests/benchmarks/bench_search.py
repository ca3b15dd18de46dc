"""Indexes of hash codes and of a quantizer's codes: speed, recall, memory, building.

Run with `python tests/benchmarks/bench_search.py --codes 1000000`. Beside every index
stand faiss called directly, NumPy, usearch where it is installed, and what the
processor can do at most, measured by the loops of limits.c. "Of faiss alone" is the
speed of an index as a share of that of the faiss index within, called in turn with
queries in faiss's own form. Nothing is asserted.
"""

import argparse
import ctypes
import os
import subprocess
import tempfile
import time

import bench_evaluation
import numpy as np
import search_rows
from search_data import BITS, DIM, hash_codes, quantizer_data, repeating_codes
from search_rows import K, header, rate, report, report_index

from keras_deephash import CodeSpec, Index
from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.index.faiss.structures.padding import pad
from keras_deephash.index.faiss.structures.product_form import ProductForm
from keras_deephash.index.faiss.threads import available_cpus, load_faiss

SUBCODEBOOKS = 4


def load_limits():
    """The loops of limits.c, or None without a C compiler."""
    source = os.path.join(os.path.dirname(__file__), "limits.c")
    library = os.path.join(tempfile.mkdtemp(), "limits.so")
    command = ["cc", "-O3", "-march=native", "-shared", "-fPIC", source, "-o", library]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    limits = ctypes.CDLL(library)
    limits.popcount_scan.restype = ctypes.c_uint64
    limits.table_scan.restype = ctypes.c_float
    return limits


def pointer(array):
    return array.ctypes.data_as(ctypes.c_void_p)


def bench_hamming(count: int, queries: int, limits) -> None:
    faiss = load_faiss()
    codes, asked = hash_codes(count, 1), hash_codes(queries, 2)
    spec = CodeSpec(BITS)
    header(f"{count:,} hash codes of {BITS} bits, batches of {queries:,} queries")

    direct = faiss.IndexBinaryFlat(BITS)
    direct.add(codes)
    report("faiss, 48 bits", lambda q: direct.search(q, K), asked)
    padded = faiss.IndexBinaryFlat(64)
    padded.add(pad(codes))
    true = padded.search(pad(asked), K)[0]
    report("faiss, padded to 64", lambda q: padded.search(pad(q), K), asked, true)
    for kind, options in (
        ("flat", {}),
        ("hash", {}),
        ("ivf", {}),
        ("ivf", {"probes": 8}),
        ("hnsw", {}),
    ):
        # Multi-index hashing is more than one call of faiss.
        prepare = None if kind == "hash" else pad
        report_index(spec, codes, asked, true, kind, prepare, **options)
    few = asked[: max(1, min(20, 20_000_000 // count))]

    def numpy_search(rows):
        best = []
        for row in rows:
            apart = np.bitwise_count(codes ^ row).sum(axis=1, dtype=np.uint8)
            nearest = np.argpartition(apart, K)[:K]
            best.append(np.sort(apart[nearest]))
        return (np.array(best),)

    report("NumPy, bit counts", numpy_search, few, true[: len(few)])
    report_usearch(codes, asked, true)
    if limits:
        words = pad(codes).view("<u8").ravel()
        query = ctypes.c_uint64(int(words[0]))
        seconds = 1 / rate(
            lambda: limits.popcount_scan(pointer(words), query, ctypes.c_long(count)), 1
        )
        threads = available_cpus()
        print(
            f"| popcount loop in C x {threads} CPUs | {threads / seconds:,.0f} |||||||"
        )


def report_usearch(codes, asked, true) -> None:
    try:
        from usearch.index import Index as Usearch
    except ImportError:
        return
    index = Usearch(ndim=BITS, metric="hamming", dtype="b1")
    start = time.perf_counter()
    index.add(np.arange(len(codes)), codes, threads=available_cpus())
    built = time.perf_counter() - start

    def search(rows):
        found = index.search(rows, K, threads=available_cpus())
        return (np.atleast_2d(found.distances),)

    report("usearch, graph", search, asked, true, built)


def bench_quantized(count: int, queries: int, metric: str, limits) -> None:
    faiss = load_faiss()
    centers, codes, asked = quantizer_data(count, queries, SUBCODEBOOKS, 256)
    spec = CodeSpec(8 * SUBCODEBOOKS, metric, centers)
    header(
        f"{count:,} codes of {SUBCODEBOOKS} bytes, D = {DIM}, {metric}, batches of "
        f"{queries:,} queries"
    )
    form = ProductForm(spec.centers, metric)
    width = form.columns * DIM
    direct = faiss.IndexPQ(width, form.columns, 8, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(form.faiss_centers().ravel(), direct.pq.centroids)
    direct.is_trained = True
    direct.add_sa_codes(form.codes(codes))
    true = form.distances(direct.search(form.queries(asked), K)[0], asked)
    tiled = form.queries(asked)
    report("faiss.IndexPQ, tiled queries", lambda q: direct.search(q, K), tiled)
    report_residual(faiss, spec, codes, asked)
    for kind, options in (("flat", {}), ("ivf", {}), ("ivf", {"probes": 8})):
        report_index(spec, codes, asked, true, kind, form.queries, **options)
    fast = quantizer_data(count, queries, 2 * SUBCODEBOOKS, 16)
    fast_spec = CodeSpec(16 * SUBCODEBOOKS, metric, fast[0])
    exact = Index(fast_spec)
    exact.add(fast[1])
    fast_true = exact.search(fast[2], K)[0]
    report_index(fast_spec, *fast[1:], fast_true, "fast_scan")
    few = asked[: max(1, min(20, 20_000_000 // count))]

    def numpy_search(rows):
        tables = np.einsum("qd,mkd->mqk", rows, spec.centers)
        best = []
        for query in range(len(rows)):
            scores = sum(tables[m, query][codes[:, m]] for m in range(SUBCODEBOOKS))
            best.append(np.sort(-scores)[:K])
        return (np.array(best),)

    if metric == "inner_product":
        report("NumPy, look-up tables", numpy_search, few, true[: len(few)])
    if limits:
        tables = np.einsum("d,mkd->mk", asked[0], spec.centers)
        tables = np.ascontiguousarray(tables)
        arguments = pointer(codes), pointer(tables), ctypes.c_long(count), SUBCODEBOOKS
        seconds = 1 / rate(lambda: limits.table_scan(*arguments), 1)
        threads = available_cpus()
        print(
            f"| look-up loop in C x {threads} CPUs | {threads / seconds:,.0f} |||||||"
        )


def report_residual(faiss, spec, codes, asked) -> None:
    """faiss's own additive quantizer with the same centres."""
    kind = faiss.AdditiveQuantizer
    search_type = kind.ST_LUT_nonorm
    metric = faiss.METRIC_INNER_PRODUCT
    if spec.metric == "euclidean":
        search_type, metric = kind.ST_norm_float, faiss.METRIC_L2
    index = faiss.IndexResidualQuantizer(DIM, SUBCODEBOOKS, 8, metric, search_type)
    books = spec.centers.reshape(-1, DIM)
    faiss.copy_array_to_vector(books.ravel(), index.rq.codebooks)
    index.rq.is_trained = index.is_trained = True
    rows = codes
    if spec.metric == "euclidean":
        norms = np.concatenate(
            [
                np.square(reconstruct(part, spec.centers)).sum(axis=1)
                for part in np.array_split(codes, max(1, len(codes) // 50_000))
            ]
        ).astype("<f4")
        rows = np.hstack([codes, norms.view(np.uint8).reshape(-1, 4)])
    index.add_sa_codes(np.ascontiguousarray(rows))
    report("faiss.IndexResidualQuantizer", lambda q: index.search(q, K), asked)


def bench_repeating(count: int, queries: int) -> None:
    faiss = load_faiss()
    codes, asked = repeating_codes(count, 1), repeating_codes(queries, 2)
    # Some of the items ask for themselves.
    some = codes[:: max(1, count // queries)][:queries]
    distinct = len(np.unique(pad(codes).view(np.uint64)))
    header(
        f"{count:,} hash codes of {BITS} bits that repeat, {distinct:,} of them "
        f"distinct, batches of {queries:,} queries"
    )
    direct = faiss.IndexBinaryFlat(64)
    direct.add(pad(codes))
    true = Index(CodeSpec(BITS))
    true.add(codes)
    true = true.search(asked, K)[0]
    few = asked[: max(1, min(queries, 200_000_000 // count))]
    report("faiss, all codes", lambda q: direct.search(pad(q), K), few)
    for kind, options in (
        ("flat", {}),
        ("hash", {}),
        ("ivf", {}),
        ("ivf", {"probes": 8}),
        ("hnsw", {}),
    ):
        prepare = None if kind == "hash" else pad
        spec = CodeSpec(BITS)
        index = report_index(spec, codes, asked, true, kind, prepare, **options)
        own = (index.search(some, 1)[0][:, 0] == 0).mean()
        print(f"  found by their own code: {own:.4f}", flush=True)


def bench_opening(count: int) -> None:
    index = Index(CodeSpec(BITS))
    index.add(hash_codes(count, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "index")
        start = time.perf_counter()
        index.save(path)
        saved = time.perf_counter() - start
        print(f"\n{count:,} codes: saved in {saved:.2f} s")
        for mmap in (False, True):
            start = time.perf_counter()
            Index.load(path, mmap=mmap)
            opened = time.perf_counter() - start
            print(f"opened in {opened:.2f} s with mmap={mmap}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument(
        "--only",
        choices=(
            "hamming",
            "repeating",
            "inner_product",
            "euclidean",
            "opening",
            "evaluation",
        ),
    )
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count seconds of the processor, with one thread: for a machine that is "
        "shared with other work",
    )
    options = parser.parse_args()
    if options.processor_time:
        load_faiss().omp_set_num_threads(1)
        search_rows.clock = time.process_time
    limits = load_limits()
    if options.only in (None, "hamming"):
        bench_hamming(options.codes, options.queries, limits)
    if options.only in (None, "repeating"):
        bench_repeating(options.codes, options.queries)
    for metric in ("inner_product", "euclidean"):
        if options.only in (None, metric):
            bench_quantized(options.codes, options.queries, metric, limits)
    if options.only in (None, "opening"):
        bench_opening(options.codes)
    if options.only in (None, "evaluation"):
        print()
        bench_evaluation.main()


if __name__ == "__main__":
    main()
