"""Mutated indexes, each loaded and used in a process that may end.

`python tests/index/index_fuzzing.py FOLDER FIRST END` makes the indexes that are
mutated in FOLDER, unless they are there, and prints a line for each mutation from FIRST
to END - 1: `ok`, it loads and searches right; `refused`, an IndexFileError; or `WRONG`
and what happened. The mutations know what an index is made of, and let the sums of the
manifest vouch for most: what is found out otherwise is the work of the sums.
"""

import os
import random
import resource
import shutil
import struct
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from index.conftest import Quantized, clustered_codes, hamming_distances
from index.saved_index import read_manifest, reseal, version_folder, write_manifest
from keras_deephash import CodeSpec, Index, IndexFileError

MEMORY = 1 << 30  # What a mutated index may take, in bytes.
COUNT = 4300  # Enough for lists.
EXTREMES = [0, 1, -1, 2, 31, 255, 4096, 2**31 - 1, 2**31, 2**32, 2**40, 2**63 - 1]
VALUES = [*EXTREMES, -(2**63), 2**64, 1e308, -1.5, True, None, "", "x", "hf://a/b", []]
VALUES += [{}, ["flat"], {"a": 1}, "\ud800", "v1", "../v1", "ivf", "hnsw", "hash"]


def make_indexes(folder: Path) -> list[Path]:
    """The indexes that are mutated: every kind, with columns and without."""
    paths = [folder / name for name in SETTINGS]
    for name, path in zip(SETTINGS, paths, strict=True):
        if path.exists():
            continue
        spec, codes, kind, columns = SETTINGS[name]()
        index = Index(spec, kind=kind)
        index.add(codes, **columns)
        index.save(path)
    return paths


def hash_setting(kind: str, repeated: bool, columns: dict):
    def make():
        codes = np.unique(clustered_codes(COUNT + 400, 48), axis=0)[:COUNT]
        if repeated:
            parts = [codes, codes[:300], codes[:50].repeat(99, axis=0)]
            codes = np.concatenate(parts)
        given = {key: of(len(codes)) for key, of in columns.items()}
        return CodeSpec(48), codes, kind, given

    return make


def quantized_setting(kind: str, metric: str):
    def make():
        data = Quantized(metric, COUNT, subcodebooks=8, subcenters=16, dim=4)
        return data.spec, data.codes, kind, {"labels": np.arange(COUNT) % 3}

    return make


def names(count: int) -> list[str]:
    return [f"photo {number}.jpg" for number in range(count)]


COLUMNS = {
    "names": names,
    "labels": lambda count: np.eye(4, dtype=np.uint8)[np.arange(count) % 4],
    "ids": lambda count: np.random.default_rng(0).permutation(3 * count)[:count],
}
SETTINGS = {
    "flat": hash_setting("flat", False, COLUMNS),
    "ivf": hash_setting("ivf", False, {}),
    "hnsw": hash_setting("hnsw", False, {"names": names}),
    "hash": hash_setting("hash", False, {}),
    "flat_repeated": hash_setting("flat", True, {}),
    "ivf_repeated": hash_setting("ivf", True, COLUMNS),
    "hnsw_repeated": hash_setting("hnsw", True, {}),
    "hash_repeated": hash_setting("hash", True, {"names": names}),
    "pq_flat": quantized_setting("flat", "euclidean"),
    "pq_ivf": quantized_setting("ivf", "inner_product"),
    "pq_fast_scan": quantized_setting("fast_scan", "euclidean"),
}


# === Mutations ===


def change_manifest(path: Path, others: list[Path], draw: random.Random) -> str:
    manifest = read_manifest(path)
    inside = draw.choice([manifest, manifest, manifest["codes"], manifest["options"]])
    if draw.random() < 0.2:
        inside = manifest["files"]
    if draw.random() < 0.2:
        inside = draw.choice(list(manifest["files"].values()))
    names = [name for name in inside if name != "sha256"] or ["width"]
    known = ["links", "build_width", "width", "tables", "flips", "lists", "probes"]
    name = draw.choice([*names, *names, *known, "candidates", "backend"])
    action = draw.choice(["set", "set", "set", "drop"])
    value = draw.choice(VALUES)
    if action == "drop":
        inside.pop(name, None)
    else:
        inside[name] = value
    write_manifest(path, manifest)
    return f"manifest: {action} {name} {value!r}"


def change_manifest_bytes(path: Path, others: list[Path], draw: random.Random) -> str:
    file = path / "index.json"
    content = bytearray(file.read_bytes())
    for _ in range(draw.choice([1, 1, 3])):
        content[draw.randrange(len(content))] = draw.randrange(256)
    file.write_bytes(content)
    return "bytes of the manifest"


def change_header(path: Path, others: list[Path], draw: random.Random) -> str:
    folder = version_folder(path)
    file = draw.choice(sorted(folder.glob("*.npy")))
    array = np.load(file)
    shape = draw.choice(
        [
            (2**40,),
            (len(array) + 1, *array.shape[1:]),
            (len(array) - 1, *array.shape[1:]),
            (*array.shape, 1),
            (0,),
            (-1,),
            (2**63, 2**63),
            (),
            array.shape,
        ]
    )
    types = ["<i8", "<i4", "|u1", "<f4", "<f8", "|b1", "|O", ">i8", "<U9", "<M8[s]"]
    dtype = draw.choice([array.dtype.str, *types])
    order = draw.choice(["False", "False", "True", "2"])
    header = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {shape!r}, }}"
    header = draw.choice([header, header, header, header[:20], "(" * 9000, "1" * 60000])
    header = (header.ljust(117) + "\n").encode()
    magic = draw.choice([b"\x93NUMPY\x01\x00"] * 4 + [b"\x93NUMPY\x02\x00", b"PK\x03"])
    length = draw.choice([len(header)] * 4 + [0, 65535])
    file.write_bytes(magic + struct.pack("<H", length) + header + array.tobytes())
    reseal(path)
    return f"header of {file.name}: {dtype} {order} {shape}"


def change_values(path: Path, others: list[Path], draw: random.Random) -> str:
    file = draw.choice(sorted(version_folder(path).glob("*.npy")))
    array = np.load(file)
    flat = array.reshape(-1)
    for _ in range(draw.choice([1, 5])):
        place = draw.choice([0, len(flat) - 1, draw.randrange(len(flat))])
        if array.dtype.kind == "f":
            flat[place] = draw.choice([np.nan, np.inf, 1e30])
        else:
            bounds = np.iinfo(array.dtype)
            value = draw.choice([*EXTREMES, int(flat[0]), bounds.max, bounds.min])
            flat[place] = min(max(value, bounds.min), bounds.max)
    np.save(file, array)
    reseal(path)
    return f"values of {file.name}"


def change_faiss(path: Path, others: list[Path], draw: random.Random) -> str:
    file = draw.choice(sorted(version_folder(path).glob("*.faiss*")))
    content = bytearray(file.read_bytes())
    for _ in range(draw.choice([1, 1, 4])):
        # Most of what matters is near the beginning, or behind the last large array.
        place = draw.choice(
            [
                draw.randrange(100),
                draw.randrange(len(content)),
                len(content) - 1 - draw.randrange(100),
            ]
        )
        form = draw.choice("BBiqq")
        size = struct.calcsize(form)
        place = min(place, len(content) - size)
        if form == "B":
            content[place] = draw.randrange(256)
        else:
            low, high = -(1 << 8 * size - 1), (1 << 8 * size - 1) - 1
            value = min(max(draw.choice(EXTREMES), low), high)
            content[place : place + size] = struct.pack(f"<{form}", value)
    file.write_bytes(content)
    reseal(path)
    return f"bytes of {file.name}"


def change_length(path: Path, others: list[Path], draw: random.Random) -> str:
    file = draw.choice(sorted(version_folder(path).iterdir()))
    content = file.read_bytes()
    cut = draw.choice([0, 1, 10, len(content) // 2, len(content) - 1])
    file.write_bytes(draw.choice([content[:cut], content + bytes(cut), content * 2]))
    reseal(path)
    return f"length of {file.name}"


def change_unseen(path: Path, others: list[Path], draw: random.Random) -> str:
    """Bytes of any file, with the old sums."""
    file = draw.choice(sorted(version_folder(path).iterdir()))
    content = bytearray(file.read_bytes())
    content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    file.write_bytes(content)
    return f"a bit of {file.name}, sums as they were"


def swap_files(path: Path, others: list[Path], draw: random.Random) -> str:
    folder = version_folder(path)
    file = draw.choice(sorted(folder.iterdir()))
    other = draw.choice(sorted(folder.iterdir()))
    if draw.random() < 0.7:
        other = draw.choice(sorted(version_folder(draw.choice(others)).iterdir()))
    shutil.copy(other, folder / f"{file.name}.new")
    os.replace(folder / f"{file.name}.new", file)
    reseal(path)
    return f"{file.name} from {other.parts[-3]}/{other.name}"


def remove_file(path: Path, others: list[Path], draw: random.Random) -> str:
    manifest, folder = read_manifest(path), version_folder(path)
    name = draw.choice(sorted(manifest["files"]))
    if draw.random() < 0.7:
        del manifest["files"][name]
        write_manifest(path, manifest)
    if draw.random() < 0.7:
        (folder / name).unlink()
    return f"{name} removed"


MUTATIONS = [
    *[change_manifest] * 4,
    change_manifest_bytes,
    *[change_header] * 2,
    *[change_values] * 4,
    *[change_faiss] * 6,
    change_length,
    change_unseen,
    *[swap_files] * 2,
    remove_file,
]


# === Use ===


def use(path: Path, mmap: bool) -> str:
    """Loads an index, uses all of it, and says how that went."""
    try:
        index = Index.load(path, mmap=mmap)
    except IndexFileError:
        return "refused"
    try:
        wrong = check(index)
        ids = index.ids
        if len(ids):
            index.names(ids[-3:]), index.find("photo 3.jpg"), index.labels(ids[:3])
            index.rerank(queries(index.spec), ids[None, :5].repeat(2, axis=0), k=2)
            if mmap:
                Index.load(path, mmap=True).names(ids)
            index.remove(ids[:1])
            labels = index.labels(ids[1:2])
            index.add(index.codes(ids[1:2]), labels=labels)
            index.optimize()
            wrong = wrong or check(index)
        index.save(path.with_name("again"))
        again = Index.load(path.with_name("again"))
        wrong = wrong or check(again)
        same = np.array_equal(again.codes(again.ids), index.codes(index.ids))
        return "ok" if same and not wrong else f"WRONG {wrong or 'not as saved'}"
    except IndexFileError as error:
        # What is read entirely at once is also refused at once.
        return "refused" if mmap else f"WRONG refused late: {error}"
    finally:
        shutil.rmtree(path.with_name("again"), ignore_errors=True)


def queries(spec: CodeSpec) -> np.ndarray:
    if spec.is_quantizer:
        return np.random.default_rng(0).standard_normal(
            (2, spec.centers.shape[2]), np.float32
        )
    return np.random.default_rng(0).integers(0, 256, (2, spec.bytes), np.uint8)


def check(index: Index) -> str | None:
    """What is wrong about searches, beside the codes that the index gives out."""
    ids, asked = index.ids, queries(index.spec)
    if len(index) != len(ids) or len(np.unique(ids)) != len(ids):
        return "ids"
    distances, found = index.search(asked, k=5)
    index.search(asked, radius=float(distances.max(initial=0)))
    if not len(ids):
        return None if found.shape == (2, 0) else "empty"
    if index.spec.is_quantizer:
        codes = index.codes(ids).astype(int)
        centers = index.spec.centers.astype("float64")
        sums = sum(centers[m][codes[:, m]] for m in range(len(centers)))
        true = -asked @ sums.T
        if index.spec.metric == "euclidean":
            true = np.square(asked[:, None] - sums[None]).sum(axis=2)
        near = 1e-3
    else:
        true, near = hamming_distances(asked, index.codes(ids)), 0
    places = np.argsort(ids)[np.searchsorted(np.sort(ids), found)]
    if not np.array_equal(ids[places], found):
        return "ids that are not there"
    if not np.allclose(np.take_along_axis(true, places, axis=1), distances, 0, near):
        return "distances"
    nearest = np.sort(true)[:, :5]
    if index.stats()["exact"] and not np.allclose(nearest, distances, 0, near):
        return "neighbours"
    return None


def run(folder: Path, number: int) -> str:
    """The mutation of a number, and how it went."""
    draw = random.Random(number)
    paths = [folder / name for name in SETTINGS]
    original, mutate = draw.choice(paths), draw.choice(MUTATIONS)
    path = folder / "mutated"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(original, path)
    what = f"{original.name}: {mutate(path, paths, draw)}"
    print(number, what, end=" | ", flush=True)
    outcomes = []
    for mmap in (False, True):
        try:
            outcomes.append(use(path, mmap))
        except Exception as error:
            outcomes.append(f"WRONG {type(error).__name__}: {str(error)[:300]}")
    wrong = [outcome for outcome in outcomes if outcome.startswith("WRONG")]
    return (wrong or outcomes)[0].replace("\n", " ")


def limit_memory() -> None:
    """Bounds the memory from here on; what is loaded already is not counted."""
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))


def main() -> None:
    folder, first, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    make_indexes(folder)
    limit_memory()
    for number in range(first, end):
        print(run(folder, number), flush=True)


if __name__ == "__main__":
    main()
