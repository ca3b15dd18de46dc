"""An inverted file that grows by small additions: its lists, and what they are worth.

Run with `python tests/benchmarks/bench_index_add.py`. The same codes go into an index
whose lists grow with them, and into one that keeps the lists of its first codes, as
they did before. Then both search, in turn. Nothing is asserted.
"""

import argparse
import time

import numpy as np
from search_data import hash_codes

from keras_deephash import CodeSpec, Index
from keras_deephash.index.faiss.structures import inverted_file


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--codes", type=int, default=200_000)
    parser.add_argument("--piece", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    codes = hash_codes(options.codes, seed=1)
    queries = hash_codes(1_000, seed=2)
    grows = inverted_file.InvertedFile._too_few_lists
    ways = {"lists of the first codes": lambda self: False, "lists that grow": grows}
    indexes, adding = {}, {}
    for way, too_few in ways.items():
        inverted_file.InvertedFile._too_few_lists = too_few
        indexes[way] = index = Index(CodeSpec(48), kind="ivf")
        start = time.process_time()
        for first in range(0, len(codes), options.piece):
            index.add(codes[first : first + options.piece])
        adding[way] = time.process_time() - start
    exact = Index(CodeSpec(48))
    exact.add(codes)
    true, _ = exact.search(queries, k=10)
    seconds = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, index in indexes.items():
            start = time.process_time()
            distances, _ = index.search(queries, k=10)
            seconds[way].append(time.process_time() - start)
    print(f"{options.codes:,} codes, {options.piece:,} at a time\n")
    print("| | Lists | Added, s | Searched, queries/s | As near as the 10 nearest |")
    print("|---|---|---|---|---|")
    for way, index in indexes.items():
        lists = index._store.structure.structure.index.nlist
        distances, _ = index.search(queries, k=10)
        print(
            f"| {way} | {lists} | {adding[way]:.1f} | "
            f"{len(queries) / np.median(seconds[way]):,.0f} | "
            f"{(distances <= true).mean():.3f} |"
        )


if __name__ == "__main__":
    main()
