"""Hash codes in Milvus: additions and searches a second, memory and disk.

  python tests/benchmarks/bench_milvus.py [--rows 200000] [--bits 48] [--uri URI]

Starts the server of the package `milvus` in a temporary folder, and measures that
process; with `--uri`, another server, in a collection that is dropped in the end.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from keras_deephash import CodeSpec, Index

COLLECTION = "bench_milvus"


def make_codes(rows: int, bits: int) -> np.ndarray:
    """Packed codes around a hundred centres, as trained models make them."""
    generator = np.random.default_rng(0)
    centers = generator.integers(0, 2, (100, bits), dtype=np.uint8)
    flips = generator.random((rows, bits), dtype=np.float32) < 0.08
    return np.packbits(centers[generator.integers(0, 100, rows)] ^ flips, axis=1)


def resident_mb(process) -> float:
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmRSS"].split()[0]) / 1024


def measure(name: str, index, queries: np.ndarray, **options) -> None:
    index.search(queries[:2], **options)
    started = time.perf_counter()
    index.search(queries, **options)
    batch = len(queries) / (time.perf_counter() - started)
    times = []
    for query in queries[:30]:
        started = time.perf_counter()
        index.search(query[None], **options)
        times.append(1e3 * (time.perf_counter() - started))
    p50, p99 = np.percentile(times, (50, 99))
    print(f"{name:30}{batch:>11,.0f}{p50:>10.0f}{p99:>10.0f}", flush=True)


def run(uri: str, options, process=None, folder: str | None = None) -> None:
    codes = make_codes(options.rows, options.bits)
    before = resident_mb(process) if process else 0
    for kind in ("flat", "ivf"):
        index = Index(
            CodeSpec(options.bits), kind, "milvus", uri=uri, collection=COLLECTION
        )
        client = index._store.connection.client
        try:
            started = time.perf_counter()
            index.add(codes, verbose=0)
            seconds = time.perf_counter() - started
            # Sealed, indexed and loaded, as a collection is that has come to rest.
            client.flush(COLLECTION)
            client.release_collection(COLLECTION)
            client.load_collection(COLLECTION)
            print(f"{kind}: {len(codes):,} codes of {options.bits} bits,", end=" ")
            print(f"{len(codes) / seconds:,.0f} added a second")
            print(f"{'':30}{'queries/s':>11}{'p50, ms':>10}{'p99, ms':>10}")
            measure("k=10, 500 queries a call", index, codes[:500], k=10)
            measure("radius=2, 500 queries a call", index, codes[:500], radius=2)
            if process:
                files = Path(folder, "data").rglob("*")
                disk = sum(file.stat().st_size for file in files if file.is_file())
                print(f"memory of the server {before:.0f} MB empty,", end=" ")
                print(f"{resident_mb(process):.0f} MB now; disk {disk / 1e6:.0f} MB")
        finally:
            client.drop_collection(COLLECTION)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--bits", type=int, default=48)
    parser.add_argument("--uri", help="a server that is there; starts one without")
    options = parser.parse_args()
    if options.uri:
        run(options.uri, options)
        return
    from milvus import MilvusServer

    with tempfile.TemporaryDirectory() as folder:
        server = MilvusServer()
        server.set_base_dir(folder)
        server.start()
        try:
            uri = f"http://127.0.0.1:{server.listen_port}"
            run(uri, options, server.server_proc, folder)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
