"""Compares all methods on the same features, with the same head and budget.

  python zoo/benchmark.py --data DATA --features features --vectors word_vectors

Every method trains one layer above the frozen features of one backbone, with the same
optimizer, number of steps and batch. Its rate is chosen once for each set, at 32 bits,
by the MAP of held-out training images among themselves; queries and database have no
say. Then 3 seeds at each length. Results go into --output after each run, and what is
there is not run again, unless it was run at another rate; --sets and --methods name a
part of the work.
`benchmark_page.py` makes docs/comparison.md of the file.
"""

import argparse
import json
import os
from datetime import date
from pathlib import Path

import keras
import numpy as np
from benchmark_data import BACKBONE, SETS, SIZE, Benchmark, load
from benchmark_run import (
    ENTRIES,
    FLOAT_FEATURES,
    LENGTHS,
    codes_of,
    mean_average_precision,
    measure,
    measure_features,
    new_model,
    train,
)

import keras_deephash as kdh
from keras_deephash.backbones.loading import load_backbone
from keras_deephash.files import write_atomically

RATES = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
FIRST_RATES = RATES[2:5]  # The others where the best is at an end of what was tried.
RATE_BITS = 32
SEEDS = (0, 1, 2)
OUTPUT = Path(__file__).parent / "benchmark.json"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=SETS)
    names = [FLOAT_FEATURES, *ENTRIES]
    parser.add_argument("--methods", nargs="+", choices=names, default=names)
    options = parser.parse_args()
    results = Results(options.output)
    backbone = None
    for name in options.sets:
        data = load(name, options.data, options.features, options.vectors)
        backbone = backbone or load_backbone(BACKBONE, SIZE)
        for method in options.methods:
            run_method(results, backbone, data, method)


class Results:
    """The file of results: the rates that were tried, and the runs.

    Args:
        path: path of a JSON file, which may not be there yet.
    """

    def __init__(self, path: Path):
        self.path = path
        self.content = {"rates": {}, "runs": {}}
        if path.exists():
            self.content = json.loads(path.read_text())

    def keep(self, kind: str, key: str, value: dict) -> None:
        self.content[kind][key] = value
        text = json.dumps(self.content, indent=1, sort_keys=True)
        with write_atomically(self.path) as stream:
            stream.write(f"{text}\n".encode())


def run_method(results: Results, backbone, data: Benchmark, method: str) -> None:
    """All runs of a method on a set that are not in the results yet."""
    today = date.today().isoformat()
    if method == FLOAT_FEATURES:
        key = f"{data.name}/{method}"
        if key not in results.content["runs"]:
            found = {"map": measure_features(data), "date": today}
            results.keep("runs", key, found)
        return
    entry = ENTRIES[method]
    wanted = {
        (bits, seed): f"{data.name}/{method}/{bits}/{seed}"
        for bits in LENGTHS
        for seed in SEEDS
    }
    rate = choose_rate(results, backbone, data, method)
    runs = results.content["runs"]
    for (bits, seed), key in wanted.items():
        if key in runs and runs[key]["rate"] == rate:
            continue
        keras.utils.set_random_seed(seed)
        longest = max(LENGTHS) if entry.nested else bits
        model = new_model(entry, backbone, data, longest, seed)
        seconds = train(model, data.train, rate, seed)
        for length in LENGTHS if entry.nested else (bits,):
            found = measure(model, data, length)
            found = {name: round(value, 5) for name, value in found.items()}
            found |= {"rate": rate, "seconds": round(seconds, 1), "date": today}
            results.keep("runs", wanted[length, seed], found)
            print(wanted[length, seed], found, flush=True)


def choose_rate(results: Results, backbone, data: Benchmark, method: str):
    """The rate with the highest MAP of held-out images among themselves."""
    if getattr(kdh, ENTRIES[method].cls).is_closed_form:
        return None
    key = f"{data.name}/{method}"
    tried = dict(results.content["rates"].get(key, {}))
    while missing := [rate for rate in rates_to_try(tried) if str(rate) not in tried]:
        found = try_rate(backbone, data, method, missing[0])
        tried[str(missing[0])] = round(found, 5)
        results.keep("rates", key, tried)
        print(key, "rate", missing[0], "held out", round(found, 5), flush=True)
    return best_rate(tried)


def rates_to_try(tried: dict[str, float]) -> tuple[float, ...]:
    """The first rates; then, with those, the neighbours of the best."""
    if not all(str(rate) in tried for rate in FIRST_RATES):
        return FIRST_RATES
    at = RATES.index(best_rate(tried))
    return RATES[max(at - 1, 0) : at + 2]


def best_rate(tried: dict[str, float]) -> float:
    """The rate with the highest MAP, the lowest of several."""
    return max(sorted(map(float, tried)), key=lambda rate: tried[str(rate)])


def try_rate(backbone, data: Benchmark, method: str, rate: float) -> float:
    """MAP of held-out images among themselves after a training at a rate."""
    entry = ENTRIES[method]
    half = len(data.held_out) // 2
    rows = np.random.default_rng(1).permutation(len(data.held_out))
    keras.utils.set_random_seed(100)  # None of those that are reported.
    bits = max(LENGTHS) if entry.nested else RATE_BITS
    model = new_model(entry, backbone, data, bits, seed=100)
    train(model, data.train, rate, seed=100)
    sides = [
        (codes_of(model, part), part.labels)
        for part in (data.held_out.rows(rows[:half]), data.held_out.rows(rows[half:]))
    ]
    return mean_average_precision(model, *sides, data.top_k, RATE_BITS)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    main()
