"""Two ways to hold a quantizer's codes in Milvus: recall, speed and memory.

  python tests/benchmarks/bench_milvus_quantizer.py [--codes FILE.npz] [--rows 54000]

The signs of the reconstructions as a binary vector, candidates by Hamming distance, and
AQD of their code bytes in the client; against the reconstructions as float vectors,
compared by inner product or Euclidean distance in the server. FILE.npz holds `codes`
[n, M], `centers` [M, K, D] and `queries` [q, D]; without one, the features are tanh of
12 random factors with noise. Recall@10 counts neighbours as near as the true tenth.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from milvus import MilvusServer
from pymilvus import DataType, MilvusClient

from keras_deephash import CodeSpec
from keras_deephash.codebooks import Codebook
from keras_deephash.codebooks.scores import reconstruct
from keras_deephash.index.ranking import candidate_distances, nearest_candidates

K, BATCH, CANDIDATES = 10, 2000, (100, 500, 1000, 5000)


def make_data(rows: int):
    """Codes, centres and queries."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(12, 300))

    def features(count):
        factors = generator.normal(size=(count, 12)) @ mixing
        noise = 0.3 * generator.normal(size=(count, 300))
        return np.tanh(factors / 2 + noise).astype("float32")

    database, queries = features(rows), features(200)
    codebook = Codebook(4, 256)
    codebook.fit(database[:5000])
    return codebook.encode(database), np.asarray(codebook.centers), queries


def signs(features: np.ndarray) -> np.ndarray:
    """Packed signs, zeros up to a whole byte."""
    return np.packbits(features > 0, axis=1)


def resident_mb(server) -> float:
    with open(f"/proc/{server.server_proc.pid}/status", encoding="ascii") as file:
        lines = dict(line.split(":", 1) for line in file)
    return int(lines["VmRSS"].split()[0]) / 1024


class Collection:
    """One way to hold the codes, in a fresh server."""

    def __init__(self, vector_type, dim, index_type, metric):
        self.folder = tempfile.TemporaryDirectory()
        self.server = MilvusServer()
        self.server.set_base_dir(self.folder.name)
        self.server.start()
        address = f"http://127.0.0.1:{self.server.listen_port}"
        self.client = MilvusClient(uri=address, timeout=30)
        schema = self.client.create_schema(auto_id=False)
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("vector", vector_type, dim=dim)
        schema.add_field("code", DataType.VARCHAR, max_length=64)
        index = self.client.prepare_index_params()
        index.add_index("vector", index_type=index_type, metric_type=metric)
        self.client.create_collection(
            "codes", schema=schema, index_params=index, consistency_level="Strong"
        )
        self.metric = metric
        self.idle_mb = resident_mb(self.server)

    def add(self, vectors, codes) -> float:
        started = time.perf_counter()
        for start in range(0, len(codes), BATCH):
            rows = [
                {"id": i, "vector": vectors(i), "code": codes[i].tobytes().hex()}
                for i in range(start, min(start + BATCH, len(codes)))
            ]
            self.client.insert("codes", rows)
        # Sealed, indexed and loaded, as a collection is that has come to rest.
        self.client.flush("codes")
        self.client.release_collection("codes")
        self.client.load_collection("codes")
        return time.perf_counter() - started

    def search(self, vectors, limit, fields):
        return self.client.search(
            "codes",
            vectors,
            limit=limit,
            output_fields=fields,
            search_params={"metric_type": self.metric},
        )

    def close(self) -> float:
        used = resident_mb(self.server) - self.idle_mb
        self.client.close()
        self.server.stop()
        self.folder.cleanup()
        return used


def search_binary(collection, spec, queries, candidates):
    found = collection.search(
        [q.tobytes() for q in signs(queries)], candidates, ["code"]
    )
    text = "".join(hit["entity"]["code"] for hits in found for hit in hits)
    shape = (len(queries), -1, spec.bytes)
    codes = np.frombuffer(bytes.fromhex(text), np.uint8).reshape(shape)
    ids = np.array([[hit["id"] for hit in hits] for hits in found])
    return nearest_candidates(candidate_distances(spec, queries, codes), ids, K)


def search_float(collection, spec, queries):
    found = collection.search(list(queries), K, None)
    distances = np.array([[hit["distance"] for hit in hits] for hits in found])
    ids = np.array([[hit["id"] for hit in hits] for hits in found])
    return -distances if spec.metric == "inner_product" else distances, ids


def report(name, search, queries, worst) -> None:
    search(queries[:2])
    started = time.perf_counter()
    batches = [search(queries[i : i + 50]) for i in range(0, len(queries), 50)]
    batch = len(queries) / (time.perf_counter() - started)
    times = []
    for query in queries[:30]:
        started = time.perf_counter()
        search(query[None])
        times.append(time.perf_counter() - started)
    distances = np.concatenate([found for found, _ in batches])
    near = distances <= worst[:, None] + 1e-4 * np.abs(worst[:, None])
    print(
        f"{name:34}{near.mean():>9.4f}{batch:>11.0f}{1e3 * np.median(times):>11.0f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", help=".npz of codes, centers and queries")
    parser.add_argument("--rows", type=int, default=54_000)
    parser.add_argument("--metric", default="inner_product")
    options = parser.parse_args()
    if options.codes:
        data = np.load(options.codes)
        codes, centers, queries = data["codes"], data["centers"], data["queries"]
    else:
        codes, centers, queries = make_data(options.rows)
    codes, queries = codes[: options.rows], queries[:200].astype("float32")
    spec = CodeSpec(8 * codes.shape[1], options.metric, centers)
    worst = []
    sums = reconstruct(codes, spec.centers)
    for query in queries:
        if spec.metric == "inner_product":
            true = -(sums @ query)
        else:
            true = np.square(sums - query).sum(axis=1)
        worst.append(np.partition(true, K - 1)[K - 1])
    worst = np.array(worst)
    dim = sums.shape[1]

    print(f"{len(codes):,} codes of {spec.bits} bits, D = {dim}, {spec.metric}")
    print(f"{'':34}{'recall':>9}{'queries/s':>11}{'one, ms':>11}")
    bits = signs(sums)
    binary = Collection(
        DataType.BINARY_VECTOR, 8 * bits.shape[1], "BIN_FLAT", "HAMMING"
    )
    added = binary.add(lambda i: bits[i].tobytes(), codes)
    for candidates in CANDIDATES:
        report(
            f"signs, {candidates} candidates, AQD",
            lambda q, c=candidates: search_binary(binary, spec, q, c),
            queries,
            worst,
        )
    print(f"{'':4}{len(codes) / added:,.0f} added a second, {binary.close():.0f} MB")
    metric = "IP" if spec.metric == "inner_product" else "L2"
    floats = Collection(DataType.FLOAT_VECTOR, dim, "FLAT", metric)
    added = floats.add(lambda i: sums[i], codes)
    report(
        "reconstructions, float vectors",
        lambda q: search_float(floats, spec, q),
        queries,
        worst,
    )
    print(f"{'':4}{len(codes) / added:,.0f} added a second, {floats.close():.0f} MB")


if __name__ == "__main__":
    main()
