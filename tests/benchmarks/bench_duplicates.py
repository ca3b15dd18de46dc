"""Copies of pictures: how many are found, beside perceptual hashes; time and memory.

  python tests/benchmarks/bench_duplicates.py groups [--codes 1000000]
  python tests/benchmarks/bench_duplicates.py memory [--images 100000]
  python tests/benchmarks/bench_duplicates.py calibrate data/coco_mini --work work
  python tests/benchmarks/bench_duplicates.py pairs data/coco_mini --work work

`calibrate` measures the scores on the 2,000 images of train.txt and six copies of each,
and writes keras_deephash/duplicates/calibrations.json. `pairs` reports on other images:
334 of database.txt, drawn with seed 0, with six copies each, against all of
database.txt and test.txt. Hash methods of imagededup are measured too where it is
installed. WORK keeps records from run to run.
"""

import argparse
import json
import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from keras_deephash.datasets import read_image_list
from keras_deephash.duplicates import calibration, copies, group_codes, measuring
from keras_deephash.duplicates.cache import load_records, save_records
from keras_deephash.duplicates.calibration import Calibration, lowest_score
from keras_deephash.duplicates.grouping import group_records
from keras_deephash.duplicates.network import DEFAULT_MODEL, FeatureNetwork
from keras_deephash.duplicates.records import record_type
from keras_deephash.images import read_image

SOURCES = 334
RATES = (1e-4, 1e-5, 1e-6)
# As in the pilot that this repeats.
FIXED = {
    "half size": lambda image: copies.resized(image, 0.5),
    "JPEG 30": lambda image: copies.compressed(image, 30),
    "crop of 90 %": lambda image: copies.cropped(image, 0.9),
    "turned by 5": lambda image: copies.turned(image, 5),
    "brighter by 30 %": lambda image: copies.brightened(image, 1.3),
    "watermark": copies.watermarked,
}


# === A million codes ===


def bench_groups(count: int) -> None:
    generator = np.random.default_rng(0)
    random = generator.integers(0, 256, (count, 8), dtype=np.uint8)
    sets = {
        "random": random,
        "half of them equal": np.concatenate([random[: count // 2]] * 2),
        "100 of each, up to 3 bits off": _noisy(random[: count // 100], 100),
        "a tenth near one": np.concatenate(
            [_noisy(random[:1], count // 10), random[: count - count // 10]]
        ),
    }
    print(
        f"| {count:,} codes of 64 bits, radius 8 | Groups | Processor, s | Peak, MB |"
    )
    print("|---|---|---|---|")
    for name, codes in sets.items():
        started = time.process_time()
        groups = group_codes(codes, radius=8).max() + 1
        seconds = time.process_time() - started
        print(f"| {name} | {groups:,} | {seconds:.1f} | {peak()} |", flush=True)


def _noisy(codes: np.ndarray, times: int) -> np.ndarray:
    generator = np.random.default_rng(1)
    bits = np.unpackbits(codes.repeat(times, axis=0), axis=1)
    for _ in range(3):
        bits[np.arange(len(bits)), generator.integers(0, 64, len(bits))] ^= 1
    return np.packbits(bits, axis=1)


# === Memory ===


def bench_memory(count: int) -> None:
    """Records of random features, a twentieth of them near another's."""
    network = FeatureNetwork(DEFAULT_MODEL)
    network.features(np.zeros((32, 224, 224, 3), np.uint8))
    known = calibration.calibration_for(network.digest)
    generator = np.random.default_rng(0)
    records = np.zeros(count, record_type(network.units))
    for name in ("phash", "dhash"):
        records[name] = generator.integers(0, 2**64, count, np.uint64)
    # Like those of photos: the cosine of two images is 0.32 on average, and more than
    # 0.67 of one pair in a thousand.
    shared = 0.69 * generator.standard_normal(network.units, np.float32)
    factors = generator.standard_normal((40, network.units), np.float32) / 40**0.5
    for start in range(0, count, 1000):
        size = min(1000, count - start)
        part = generator.standard_normal((size, 40), np.float32) @ factors + shared
        part /= np.linalg.norm(part, axis=1, keepdims=True)
        records["features"][start : start + size] = part
    copied = generator.permutation(count)[: count // 10].reshape(2, -1)
    for name in ("phash", "dhash", "features"):
        records[name][copied[0]] = records[name][copied[1]]
    records["phash"][copied[0]] ^= np.uint64(5)
    print(f"{count:,} records: peak {peak()} MB with the network and TensorFlow")
    started, wall = time.process_time(), time.perf_counter()
    labels = group_records(records, known, lowest_score(count, None))
    seconds = time.process_time() - started, time.perf_counter() - wall
    print(
        f"grouped into {labels.max() + 1:,} in {seconds[0]:.0f} s of the processor, "
        f"{seconds[1]:.0f} s by the clock; peak {peak()} MB"
    )
    started = time.process_time()
    save_records("/tmp/bench.cache", network.digest, map(str, range(count)), records)
    load_records("/tmp/bench.cache", network.digest, network.units)
    size = os.path.getsize("/tmp/bench.cache") / 1e6
    os.unlink("/tmp/bench.cache")
    seconds = time.process_time() - started
    print(f"cache of {size:.0f} MB written and read in {seconds:.1f} s; peak {peak()}")


def peak() -> int:
    """The most memory so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


# === Copies of images ===


class Workplace:
    """Records of sets of images, kept in a directory."""

    def __init__(self, data: str, folder: str):
        self.data, self.folder = data, folder
        self.network = FeatureNetwork(DEFAULT_MODEL)

    def paths(self, name: str) -> list[str]:
        path = os.path.join(self.data, f"{name}.txt")
        return read_image_list(path, verify_images=False).images

    def records(self, name: str, images) -> np.ndarray:
        file = os.path.join(self.folder, name)
        digest, units = self.network.digest, self.network.units
        known = load_records(file, digest, units)[1]
        if len(known) != len(images):
            print(name, flush=True)
            known = measuring.records_of(self.network, images, verbose=1)
            save_records(file, digest, map(str, range(len(images))), known)
        return known

    def sources(self) -> np.ndarray:
        count = len(self.paths("database"))
        chosen = np.random.default_rng(0).choice(count, SOURCES, replace=False)
        return np.sort(chosen)


def bench_calibrate(place: Workplace) -> None:
    images = place.paths("train")
    records = place.records("train", images)
    copied = place.records("train_copies", measuring.Copies(images, 0))
    measured = measuring.measure(
        records, copied, place.network.digest, 0, "COCO mini, train.txt"
    )
    print(json.dumps(measured.to_json(), indent=1))
    path = os.path.join(os.path.dirname(calibration.__file__), calibration._FILE)
    with open(path, "w") as file:
        json.dump([measured.to_json()], file, indent=1)
        file.write("\n")


class Changed:
    """Copies of images, made when they are asked for."""

    def __init__(self, paths: list[str], changes):
        self.pairs = [(path, change) for path in paths for change in changes]

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, chosen):
        return [
            np.asarray(change(Image.fromarray(read_image(path))))
            for path, change in self.pairs[chosen]
        ]


def bench_pairs(place: Workplace) -> None:
    database, query = place.paths("database"), place.paths("test")
    sources = place.sources()
    chosen = [database[row] for row in sources]
    known = calibration.calibration_for(place.network.digest)
    base = np.concatenate(
        [place.records("database", database), place.records("test", query)]
    )
    fixed = Changed(chosen, FIXED.values())
    drawn = measuring.Copies(chosen, 1)
    for name, images in (("fixed", fixed), ("random", drawn)):
        copied = place.records(name, images)
        kinds = list(FIXED if name == "fixed" else copies.COPIES)
        origins = sources.repeat(len(kinds))
        print(
            f"\n{len(copied):,} copies of {SOURCES} images, {name} strength, among "
            f"{len(base):,}: {len(copied) * (len(base) - 1):,} random pairs\n"
        )
        print(f"| | R@1 | {' | '.join(f'at {r:g}' for r in RATES)} | ", end="")
        print(f"{' | '.join(kinds)} (at {RATES[0]:g}) |\n{'|---' * (5 + len(kinds))}|")
        for method, scores in score_tables(known, copied, base, images, place):
            report(method, scores, origins, len(kinds))
        found(known, copied, base, origins, kinds)


def score_tables(known: Calibration, copied, base, images, place: Workplace):
    """Names of methods, and their scores [copies, base]: more is more alike."""
    cosines = copied["features"].astype("f4") @ base["features"].astype("f4").T
    yield "features, cosine", cosines
    apart = {
        name: np.bitwise_count(copied[name][:, None] ^ base[name][None])
        for name in ("phash", "dhash")
    }
    for name, distances in apart.items():
        yield f"imagehash.{name}, 64 bits", -distances.astype("f4")
    yield from imagededup_tables(images, place)
    weights = np.float32(known.weights)
    logits = weights[0] * (1 - cosines) + np.float32(known.bias)
    logits += weights[1] / 64 * apart["phash"] + weights[2] / 64 * apart["dhash"]
    hashes = apart["phash"].astype("u2") + apart["dhash"]
    yield "find_duplicates", np.where(hashes <= known.hash_limit, logits, -99)


def imagededup_tables(images, place: Workplace):
    try:
        from imagededup.methods import AHash, DHash, PHash, WHash
    except ImportError:
        return
    base = [read_image(p) for n in ("database", "test") for p in place.paths(n)]
    for method in (PHash(), DHash(), AHash(), WHash()):
        words = [
            np.array([int(method.encode_image(image_array=i), 16) for i in part], "u8")
            for part in (images[0 : len(images)], base)
        ]
        distances = np.bitwise_count(words[0][:, None] ^ words[1][None])
        yield f"imagededup {type(method).__name__}", -distances.astype("f4")


def report(method: str, scores: np.ndarray, origins: np.ndarray, kinds: int) -> None:
    rows = np.arange(len(scores))
    own = scores[rows, origins]
    others = scores.copy()
    others[rows, origins] = -np.inf
    best = others.max(axis=1)
    ties = (others == best[:, None]).sum(axis=1)
    # Of equally near ones, the true one is first with the chance of a draw.
    first = np.where(own > best, 1, np.where(own == best, 1 / (1 + ties), 0)).mean()
    most = int(others.size * 1e-3)
    tail = np.sort(np.partition(others, others.size - most, axis=None)[-most:])[::-1]
    cells = [f"{first:.3f}"]
    shares = []
    for rate in RATES:
        share = share_at(own, tail, rate * (others.size - len(others)))
        low, high = interval(share.reshape(-1, kinds).mean(axis=1))
        cells.append(f"{share.mean():.4f} ({low:.3f}-{high:.3f})")
        shares.append(share.reshape(-1, kinds).mean(axis=0))
    cells += [f"{share:.3f}" for share in shares[0]]
    print(f"| {method} | {' | '.join(cells)} |", flush=True)


def share_at(own: np.ndarray, tail: np.ndarray, allowed: float) -> np.ndarray:
    """Which true pairs are found with `allowed` false ones; ties count in proportion.

    Where many pairs score the same, as with hashes, some of those are allowed.
    """
    threshold = tail[int(allowed)]
    above, equal = (tail > threshold).sum(), (tail == threshold).sum()
    part = min(1.0, max(0.0, (allowed - above) / equal))
    return np.where(own > threshold, 1.0, np.where(own == threshold, part, 0.0))


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 %, of a mean over images; where all are found, by the rule of three."""
    if values.min() == 1:
        return 1 - 3 / len(values), 1.0
    draws = np.random.default_rng(0).integers(0, len(values), (2000, len(values)))
    return tuple(np.quantile(values[draws].mean(axis=1), [0.025, 0.975]))


def found(known: Calibration, copied, base, origins, kinds) -> None:
    """What `find_duplicates` puts in a group, with candidates by codes."""
    print()
    every = np.concatenate([base, copied])
    for rate in (None, 1e-4, 1e-5, 1e-6):
        lowest = lowest_score(len(every), rate)
        labels = group_records(every, known, lowest)
        together = labels[len(base) :] == labels[origins]
        shares = together.reshape(-1, len(kinds)).mean(axis=0)
        # Images of the base that are in a group with another one of the base.
        sizes = np.bincount(labels[: len(base)])
        wrong = int((sizes[labels[: len(base)]] > 1).sum())
        print(
            f"rate {10**-lowest:.1e}{'' if rate else ' (default)'}: "
            f"{together.mean():.4f} of the copies with their image "
            f"({', '.join(f'{share:.3f}' for share in shares)}); {wrong} of the other "
            f"{len(base):,} images are in a group with each other",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("groups", "memory", "calibrate", "pairs"))
    parser.add_argument("data", nargs="?", help="directory of COCO mini")
    parser.add_argument("--work", default="duplicates_work", metavar="DIR")
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--images", type=int, default=100_000)
    options = parser.parse_args()
    if options.what == "groups":
        bench_groups(options.codes)
    elif options.what == "memory":
        bench_memory(options.images)
    elif options.what == "calibrate":
        bench_calibrate(Workplace(options.data, options.work))
    else:
        bench_pairs(Workplace(options.data, options.work))


if __name__ == "__main__":
    main()
