"""Saved indexes: whole, checked, mapped, and left whole by a kill."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index, IndexFileError
from keras_deephash.index import IndexChangedError

from .conftest import Quantized, clustered_codes
from .saved_index import edit_manifest, read_manifest

HASH_KINDS = ["flat", "ivf", "hnsw", "hash"]


def new_index(kind="flat", count=5000):
    index = Index(CodeSpec(48), kind=kind)
    index.add(
        clustered_codes(count, 48),
        ids=np.arange(count) * 3,
        labels=np.arange(count) % 7,
        names=[f"name {number}" for number in range(count)],
    )
    return index


def check_equal(index, other, queries):
    assert len(index) == len(other)
    np.testing.assert_array_equal(index.ids, other.ids)
    np.testing.assert_array_equal(index.codes(index.ids), other.codes(other.ids))
    for one, two in zip(index.search(queries), other.search(queries), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", HASH_KINDS)
def test_hash_indexes_come_back_and_grow(kind, mmap, tmp_path):
    index, queries = new_index(kind), clustered_codes(9, 48, seed=5)
    index.save(tmp_path / "index")
    opened = Index.load(tmp_path / "index", mmap=mmap)
    check_equal(index, opened, queries)
    assert opened.stats() == index.stats()
    np.testing.assert_array_equal(opened.labels([9, 3]), [3, 1])
    assert opened.names([9, 3]) == ["name 3", "name 1"]
    for grown in (index, opened):
        grown.remove([3, 6])
        new = grown.add(queries, labels=np.zeros(9, int))
        np.testing.assert_array_equal(new, np.arange(14998, 15007))
    check_equal(index, opened, queries)
    opened.save(tmp_path / "index")
    check_equal(index, Index.load(tmp_path / "index"), queries)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
def test_quantizer_indexes_come_back_and_grow(kind, mmap, quantized, tmp_path):
    data = Quantized(quantized.spec.metric, count=5000, subcodebooks=8, subcenters=16)
    index = Index(data.spec, kind=kind)
    index.add(data.codes)
    index.save(tmp_path / "index")
    opened = Index.load(tmp_path / "index", mmap=mmap)
    check_equal(index, opened, data.queries)
    index.add(data.codes[:3])
    opened.add(data.codes[:3])
    check_equal(index, opened, data.queries)


@pytest.mark.parametrize("kind", HASH_KINDS)
def test_an_empty_index_comes_back(kind, tmp_path):
    Index(CodeSpec(48), kind=kind).save(tmp_path / "index")
    opened = Index.load(tmp_path / "index")
    assert len(opened) == 0
    np.testing.assert_array_equal(opened.add(clustered_codes(2, 48)), [0, 1])


def test_a_mapped_index_outlives_a_save_over_its_files(tmp_path):
    path, queries = tmp_path / "index", clustered_codes(5, 48)
    new_index().save(path)
    mapped = Index.load(path, mmap=True)
    mapped.save(path)
    mapped.add(queries, labels=[0] * 5)
    assert len(mapped) == 5005
    mapped.save(path)
    check_equal(mapped, Index.load(path), queries)
    assert sorted(os.listdir(path)) == ["index.json", "v3"]


@pytest.mark.parametrize("kind", HASH_KINDS)
def test_a_mapped_index_changes_when_its_files_are_gone(kind, tmp_path):
    index, queries = new_index(kind), clustered_codes(5, 48, seed=2)
    index.save(tmp_path / "index")
    mapped = Index.load(tmp_path / "index", mmap=True)
    mapped.save(tmp_path / "copy")
    for folder in ("index", "copy"):
        shutil.rmtree(tmp_path / folder)
    for changed in (index, mapped):
        changed.add(queries, labels=np.zeros(5, int))
        changed.remove([3])
    check_equal(index, mapped, queries)


def test_an_index_loads_while_it_is_saved(tmp_path):
    path = tmp_path / "index"
    index = new_index()
    index.save(path)
    done, failures = threading.Event(), []

    def save():
        try:
            while not done.is_set():
                index.save(path)
        except BaseException as error:
            failures.append(error)

    saving = threading.Thread(target=save)
    saving.start()
    try:
        for _ in range(40):
            assert len(Index.load(path)) == 5000
    finally:
        done.set()
        saving.join()
    assert not failures


def test_several_save_at_one_path_and_one_of_them_is_there(tmp_path):
    path, failures = tmp_path / "index", []

    def save(count):
        try:
            index = new_index(count=count)
            for _ in range(15):
                index.save(path)
        except BaseException as error:
            failures.append(error)

    saving = [threading.Thread(target=save, args=[n]) for n in (10, 20, 30)]
    for thread in saving:
        thread.start()
    for thread in saving:
        thread.join()
    assert not failures
    assert len(Index.load(path)) in (10, 20, 30)
    assert len(os.listdir(path)) == 2


def test_a_save_of_many_over_the_last_one_alone_loses_nothing(tmp_path):
    path, failures = tmp_path / "index", []
    new_index(count=10).save(path)

    def add(number):
        try:
            while True:  # Until nobody else has saved since this was read.
                manifest = read_manifest(path)
                index = Index.load(path)
                index.add(clustered_codes(1, 48), ids=[number], labels=[0])
                try:
                    return index.save(path, replaces=manifest)
                except IndexChangedError:
                    continue
        except BaseException as error:
            failures.append(error)

    adding = [threading.Thread(target=add, args=[n]) for n in range(100, 112)]
    for thread in adding:
        thread.start()
    for thread in adding:
        thread.join()
    assert not failures
    index = Index.load(path)
    assert set(range(100, 112)) <= set(index.ids.tolist()) and len(index) == 22
    manifest = index.save(path, replaces=read_manifest(path))
    assert manifest == read_manifest(path)
    shutil.rmtree(path)
    with pytest.raises(IndexChangedError, match="Another program"):
        index.save(path, replaces=manifest)


def test_every_truncated_or_changed_file_is_an_error(tmp_path):
    path = tmp_path / "index"
    new_index("ivf").save(path)
    folder = path / "v1"
    for name in sorted(os.listdir(folder)):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(IndexFileError, match=f"damaged.*{name}.*bytes"):
            Index.load(path)
        with pytest.raises(IndexFileError, match="damaged"):
            Index.load(path, mmap=True)
        changed = bytearray(content)
        changed[-1] ^= 1
        (folder / name).write_bytes(changed)
        with pytest.raises(IndexFileError, match=f"sha256 of .*{name}.* differs"):
            Index.load(path)
        (folder / name).unlink()
        with pytest.raises(IndexFileError, match=f"{name}.* is missing"):
            Index.load(path)
        (folder / name).write_bytes(content)
    assert len(Index.load(path)) == 5000


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"format_version": 1}',
        b'{"format_version": 1, "version": "../v1", "files": {}}',
        b"[" * 100_000,
        b" " * (1 << 21),
    ],
)
def test_a_foreign_manifest_is_an_error(content, tmp_path):
    path = tmp_path / "index"
    new_index(count=3).save(path)
    (path / "index.json").write_bytes(content)
    with pytest.raises(IndexFileError, match="not a manifest of an index"):
        Index.load(path)


@pytest.mark.parametrize(
    "field, value, message",
    [
        ("format_version", 99, "Upgrade keras_deephash"),
        ("count", 4, "should hold 4 codes"),
        ("kind", "hnsw", "damaged"),
        ("kind", "tree", "damaged"),
        ("format_version", True, "Upgrade keras_deephash"),
        ("format_version", 0, "Upgrade keras_deephash"),
        ("count", 3.0, "fields are wrong"),
        ("count", -3, "fields are wrong"),
        ("count", True, "fields are wrong"),
        ("count", 2**70, "fields are wrong"),
        ("next_id", 6, "damaged: its ids are not there once each, from 0 to 5"),
        ("next_id", 2**63 - 1, None),
        ("next_id", 2, "damaged"),
        ("backend", "other", "has the backend 'other'"),
        ("backend", ["faiss"], "fields are wrong"),
        ("kind", ["flat"], "fields are wrong"),
        ("version", "v1000000000", "fields are wrong"),
        ("files", {}, "damaged: .*does not name codes.faissbinary"),
        ("options", {"nonsense": 1}, "damaged"),
        ("options", {"spec": 1}, "damaged"),
        ("codes", {"bits": 48, "preset": {}}, "`preset` must be a str"),
        ("codes", {"bits": 48.0}, "damaged"),
        ("codes", {"bits": True}, "damaged"),
        ("codes", {"bits": 48, "centers": [[[1]]]}, "damaged"),
        ("codes", {"bits": 48, "metric": ["hamming"]}, "damaged"),
        ("codes", {"bits": 1 << 40}, "`bits` must be at most 65,536"),
        ("codes", {"bits": 128}, "damaged"),
        ("codes", {"bits": "48"}, "damaged"),
        ("files", {"../../secret.npy": {"bytes": 1, "sha256": ""}}, "fields are wrong"),
    ],
)
def test_a_manifest_that_does_not_fit_is_an_error(field, value, message, tmp_path):
    path = tmp_path / "index"
    new_index(count=3).save(path)
    edit_manifest(path, **{field: value})
    if message is None:
        assert len(Index.load(path)) == 3
        return
    with pytest.raises(IndexFileError, match=message):
        Index.load(path)


@pytest.mark.parametrize("field", ["count", "next_id", "options", "codes", "version"])
def test_a_manifest_that_was_changed_is_an_error(field, tmp_path):
    new_index(count=3).save(tmp_path)
    manifest = read_manifest(tmp_path)
    (tmp_path / "index.json").write_text(json.dumps(manifest))
    assert len(Index.load(tmp_path)) == 3  # However it is written.
    del manifest[field]
    (tmp_path / "index.json").write_text(json.dumps(manifest))
    with pytest.raises(IndexFileError, match="damaged: the sha256 of .*index.json"):
        Index.load(tmp_path)


def test_a_manifest_without_a_sum_is_of_an_older_index(tmp_path):
    index = new_index(count=3)
    index.save(tmp_path)
    manifest = read_manifest(tmp_path)
    del manifest["sha256"]
    (tmp_path / "index.json").write_text(json.dumps(manifest))
    check_equal(index, Index.load(tmp_path), clustered_codes(2, 48))


def test_the_highest_number_of_a_version_is_not_the_end(tmp_path):
    index = new_index(count=3)
    index.save(tmp_path)
    (tmp_path / "v999999999").mkdir()
    index.add(clustered_codes(1, 48), labels=[1])
    for _ in range(3):
        index.save(tmp_path)
        check_equal(index, Index.load(tmp_path), clustered_codes(2, 48))
        assert len(os.listdir(tmp_path)) == 2


FILLING = """
import resource, signal, sys, numpy as np
from keras_deephash.index import CodeSpec, Index
index = Index.load(sys.argv[1])
index.add(np.random.default_rng(0).integers(0, 256, (9000, 6), dtype=np.uint8))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        index.save(sys.argv[1])
    except OSError as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize("kind", HASH_KINDS)
def test_a_full_disk_is_an_error_of_one_line_and_the_old_index_stays(kind, tmp_path):
    resource = pytest.importorskip("resource")  # Of Unix.
    index, queries = Index(CodeSpec(48), kind=kind), clustered_codes(5, 48)
    index.add(clustered_codes(1000, 48))
    index.save(tmp_path)
    assert resource.RLIMIT_FSIZE  # A file as long as that is what a full disk allows.
    # 9,000 codes are 72,000 bytes: the last of them are written when the file closes.
    limits = ["0", "200", "9000", "72020"]
    done = subprocess.run(
        [sys.executable, "-c", FILLING, str(tmp_path), *limits],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(limits)
    for line in lines:
        assert line.startswith("OSError [Errno ")
        assert "cannot be saved in" in line and "before is whole" in line
    assert sorted(os.listdir(tmp_path)) == ["index.json", "v1"]
    check_equal(index, Index.load(tmp_path), queries)


def test_other_directories_are_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="is not a saved index"):
        new_index(count=3).save(tmp_path / "photos")
    with pytest.raises(IndexFileError, match="no saved index"):
        Index.load(tmp_path / "photos")
    with pytest.raises(IndexFileError, match="no saved index"):
        Index.load(tmp_path / "nothing")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileExistsError, match="is not a saved index"):
        new_index(count=3).save(tmp_path / "file")


@pytest.mark.parametrize("name", ["weights.h5", "features.npy"])
@pytest.mark.parametrize("manifest", [None, "{}", "[1]", '{"version": "v1"}'])
def test_other_directories_with_versions_are_left_alone(manifest, name, tmp_path):
    (tmp_path / "v1").mkdir()
    (tmp_path / "v1" / name).write_text("mine")
    if manifest is not None:
        (tmp_path / "index.json").write_text(manifest)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FileExistsError, match="is not a saved index"):
        new_index(count=3).save(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("kind", [*HASH_KINDS, "fast_scan"])
def test_every_file_of_a_version_goes_with_it(kind, tmp_path):
    if kind == "fast_scan":
        data = Quantized("euclidean", count=5000, subcodebooks=8, subcenters=16)
        indexes = [Index(data.spec, kind=k) for k in ("flat", "ivf", "fast_scan")]
        for index in indexes:
            index.add(data.codes, labels=np.zeros(5000, int), names=["a"] * 5000)
    else:
        indexes = [new_index(kind)]
    for index in indexes:
        index.save(tmp_path)
        assert len(os.listdir(tmp_path)) == 2


def test_what_else_lies_in_the_directory_stays(tmp_path):
    new_index(count=3).save(tmp_path)
    (tmp_path / "v7").mkdir()
    (tmp_path / "v7" / "weights.h5").write_text("mine")
    new_index(count=4).save(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["index.json", "v7", "v8"]
    assert len(Index.load(tmp_path)) == 4


SAVING = """
import sys, numpy as np
from keras_deephash.index import CodeSpec, Index
index = Index.load(sys.argv[1])
print("ready", flush=True)
while True:
    index.add(np.random.default_rng(len(index)).integers(
        0, 256, (20000, 6), dtype=np.uint8))
    index.save(sys.argv[1])
    print(len(index), flush=True)
"""


def test_a_kill_leaves_the_last_saved_index_whole(tmp_path):
    path = tmp_path / "index"
    index = Index(CodeSpec(48))
    index.add(clustered_codes(1000, 48))
    index.save(path)
    generator = np.random.default_rng(0)
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", SAVING, str(path)], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.2 + 0.3 * generator.random())
            process.send_signal(signal.SIGKILL)
            said = process.stdout.read().split()
        opened = Index.load(path)
        # What was reported as saved is there; one more may have been saved in time.
        assert (len(opened) - 1000) % 20000 == 0
        assert len(opened) >= (int(said[-1]) if said else 1000)
        np.testing.assert_array_equal(opened.ids, np.arange(len(opened)))
    # The next save clears away what the kills left, at whichever step they came.
    (path / ".index.json-unfinished").write_text("{")
    opened.save(path)
    assert len(os.listdir(path)) == 2


def test_an_interruption_after_the_save_keeps_it(tmp_path, interrupted_replace):
    path = tmp_path / "index"
    index = new_index(count=10)
    with pytest.raises(KeyboardInterrupt):
        index.save(path)
    assert len(Index.load(path)) == 10
    index.add(clustered_codes(5, 48), labels=np.zeros(5, int))
    with pytest.raises(KeyboardInterrupt):
        index.save(path)
    interrupted_replace.undo()
    assert len(Index.load(path)) == 15
    index.save(path)
    assert len(os.listdir(path)) == 2
