"""Columns that do not fit, with sums that do: an IndexFileError, never a wrong find."""

import struct

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index, IndexFileError

from .conftest import Quantized, clustered_codes
from .saved_index import (
    edit_manifest,
    read_manifest,
    reseal,
    rewrite,
    rewrite_column,
    version_folder,
)

COUNT = 60


@pytest.fixture
def path(tmp_path):
    """An index whose codes repeat, with all columns."""
    save(tmp_path)
    return tmp_path


def save(path, count=COUNT, kind="flat"):
    index = Index(CodeSpec(16), kind=kind)
    labels = np.eye(3, dtype=np.uint8)[np.arange(count) % 3]
    names = [f"photo {number}" for number in range(count)]
    codes = np.tile(clustered_codes(count // 3, 16), (3, 1))
    index.add(codes, labels=labels, names=names)
    index.save(path)


def use(path, mmap):
    """All verbs that read."""
    index = Index.load(path, mmap=mmap)
    queries = clustered_codes(3, 16, seed=5)
    index.search(queries, k=COUNT), index.search(queries, radius=16)
    index.names(index.ids), index.labels(index.ids), index.codes(index.ids)
    index.find("photo 7")
    index.remove(index.ids[:1])


def header(text: str, magic=b"\x93NUMPY\x01\x00") -> bytes:
    text = text.encode()
    return magic + struct.pack("<H", len(text)) + text


def array_header(shape, dtype="<i8", order="False") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': {order}, 'shape': {shape}, }}\n"
    return header(text)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff",
        array_header("(1000000000000,)"),
        array_header("(60,)"),
        array_header("(60,)") + bytes(8 * 61),
        array_header("(60, 1)") + bytes(8 * 60),
        array_header("()") + bytes(8),
        array_header("(-60,)") + bytes(8 * 60),
        array_header("(60,)", "|O") + bytes(8 * 60),
        array_header("(60,)", ">i8") + bytes(8 * 60),
        array_header("(60,)", order="True") + bytes(8 * 60),
        array_header("(" + "9" * 5000 + ",)"),
        header("{'descr': '<i8', 'fortran_order': False, 'shape': (60"),
        header("(" * 60_000),
        header("__import__('os').system('true')\n"),
        array_header("(60,)").replace(b"\x01\x00", b"\x03\x00", 1) + bytes(8 * 60),
        b"PK\x03\x04" + bytes(500),
    ],
    ids=lambda content: content[:70],
)
def test_a_header_that_does_not_fit(content, mmap, path):
    rewrite(path, "ids.npy", lambda _: content)
    with pytest.raises(IndexFileError, match=r"ids\.npy"):
        Index.load(path, mmap=mmap)


def test_a_header_of_numpy_is_read(path):
    rewrite_column(path, "ids.npy", lambda ids: ids + 5)
    edit_manifest(path, next_id=COUNT + 5)
    np.testing.assert_array_equal(Index.load(path).ids, np.arange(5, COUNT + 5))


def swapped(first, second):
    def change(array):
        array[[first, second]] = array[[second, first]]
        return array

    return change


def put(place, value):
    def change(array):
        array[place] = value
        return array

    return change


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "name, change",
    [
        ("ids.npy", lambda ids: ids * 0),
        ("ids.npy", lambda ids: -ids),
        ("ids.npy", put(3, 4)),
        ("ids.npy", put(-1, COUNT)),
        ("ids.npy", put(-1, -(2**63))),  # Whose differences overflow.
        ("ids.npy", lambda ids: ids.astype("f4")),
        ("ids.npy", lambda ids: ids[:-1]),
        ("labels.npy", put(3, 2)),
        ("labels.npy", lambda labels: labels.astype(np.int64)),
        ("labels.npy", lambda labels: labels[1:]),
        ("labels.npy", lambda labels: labels[:, 0]),
        ("names.npy", lambda text: text[:-3]),
        ("names.npy", lambda text: np.append(text, text[:1])),
        ("name_ends.npy", lambda ends: ends.astype("f4")),
        ("name_ends.npy", lambda ends: ends[::-1]),
        ("name_ends.npy", put(0, -1)),
        ("name_ends.npy", put(5, 2**62)),
        ("name_ends.npy", put(slice(5, 7), [2**63 - 1, -(2**63)])),
        ("name_ends.npy", lambda ends: ends + 1),
        ("items.npy", lambda items: items * 0),
        ("items.npy", put(0, -1)),
        ("items.npy", put(0, COUNT)),
        ("items.npy", lambda items: items[:-1]),
        ("items.npy", lambda items: items.astype(np.int64)),
        ("item_ends.npy", lambda ends: ends[:-1]),
        ("item_ends.npy", lambda ends: ends * 0),
        ("item_ends.npy", put(0, 0)),
        ("item_ends.npy", put(2, -(2**31))),
        ("item_ends.npy", put(slice(2, 4), [2**31 - 1, -(2**31)])),
        ("item_ends.npy", lambda ends: np.arange(1, COUNT + 1, dtype=np.int32)),
    ],
)
def test_a_column_that_does_not_fit(name, change, mmap, path):
    use(path, mmap)
    rewrite_column(path, name, change)
    with pytest.raises(IndexFileError, match="The index is damaged"):
        use(path, mmap)
    if not mmap:
        with pytest.raises(IndexFileError, match="The index is damaged"):
            Index.load(path)


def test_items_out_of_their_order(path):
    items = np.load(version_folder(path) / "items.npy")
    ends = np.load(version_folder(path) / "item_ends.npy")
    # Two items of one code, the later first.
    (first, *_) = np.flatnonzero(np.diff(ends, prepend=0) > 1)
    place = ends[first] - 1
    assert items[place] > items[place - 1]
    rewrite_column(path, "items.npy", swapped(place, place - 1))
    with pytest.raises(IndexFileError, match="once each, in order"):
        Index.load(path)


def test_a_column_that_no_manifest_names_is_not_read(path):
    manifest = read_manifest(path)
    for name in ("name_ends.npy", "item_ends.npy", "ids.npy"):
        files = {key: value for key, value in manifest["files"].items() if key != name}
        edit_manifest(path, files=files)
        with pytest.raises(IndexFileError, match=f"does not name {name}"):
            Index.load(path)


@pytest.mark.parametrize(
    "kind, options, message",
    [
        ("hnsw", {"width": 2**31 - 1}, "`width` must be an integer from 1 to"),
        ("hnsw", {"width": 2**70}, "`width` must be an integer from 1 to"),
        ("hnsw", {"links": 2**20}, "`links` must be an integer from 1 to 2048"),
        ("hnsw", {"build_width": 2**20}, "`build_width` must be an integer from"),
        ("hnsw", {"links": 8}, "does not have the links of its options"),
        ("hash", {"tables": 2**31}, "`tables` must be an integer from 1 to"),
        ("hash", {"tables": 17}, "parts of 1 to 64 bits"),
        ("ivf", {"lists": 2**40}, "`lists` must be an integer from 1 to"),
        ("ivf", {"probes": "4"}, "`probes` must be an integer"),
        ("flat", {"width": 4}, "has no option `width`"),
    ],
)
def test_options_without_bounds(kind, options, message, tmp_path):
    save(tmp_path, kind=kind)
    edit_manifest(tmp_path, options={**read_manifest(tmp_path)["options"], **options})
    with pytest.raises(IndexFileError, match=message):
        Index.load(tmp_path)


def test_looks_into_tables_are_bounded(tmp_path):
    index = Index(CodeSpec(64), kind="hash", tables=1, flips=3)
    index.add(clustered_codes(20, 64))
    index.save(tmp_path)
    edit_manifest(tmp_path, options={"tables": 1, "flips": 32})
    with pytest.raises(IndexFileError, match="`flips` must let a search look up at"):
        Index.load(tmp_path)
    with pytest.raises(ValueError, match="`flips` must let a search look up at most"):
        Index(CodeSpec(64), kind="hash", tables=1, flips=32)


# === The files of faiss ===


def change_graph(path, change) -> None:
    """Changes the graph of an index of kind "hnsw", read and written by faiss."""
    import faiss

    file = str(version_folder(path) / "codes.faissbinary")
    index = faiss.read_index_binary(file)
    change(index.hnsw)
    faiss.write_index_binary(index, file)
    reseal(path)


def set_link(hnsw, place, value) -> None:
    import faiss

    size = int(hnsw.neighbors.size())
    faiss.rev_swig_ptr(hnsw.neighbors.data(), size)[place] = value


def set_array(name, place, value):
    def change(hnsw):
        import faiss

        vector = getattr(hnsw, name)
        array = faiss.vector_to_array(vector)
        array[place] = value
        faiss.copy_array_to_vector(array, vector)

    return change


def leave_level(hnsw) -> None:
    """Links a point of an upper level, on that level, to one that is not there."""
    import faiss

    levels = faiss.vector_to_array(hnsw.levels)
    offsets = faiss.vector_to_array(hnsw.offsets)
    upto = faiss.vector_to_array(hnsw.cum_nneighbor_per_level)
    (upper,), low = np.flatnonzero(levels > 1)[:1], np.flatnonzero(levels == 1)[0]
    set_link(hnsw, int(offsets[upper] + upto[1]), int(low))


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        lambda hnsw: set_link(hnsw, 3, 10**9),
        lambda hnsw: set_link(hnsw, -1, -2),
        lambda hnsw: setattr(hnsw, "entry_point", 10**6),
        lambda hnsw: setattr(hnsw, "entry_point", -1),
        lambda hnsw: setattr(hnsw, "max_level", 9),
        lambda hnsw: setattr(hnsw, "max_level", -1),
        set_array("levels", 5, 0),
        set_array("levels", 5, 2**30),
        set_array("offsets", 5, 2**60),
        set_array("offsets", -1, 0),
        set_array("cum_nneighbor_per_level", 1, 2**30),
        set_array("assign_probas", 0, 0),
        leave_level,
    ],
)
def test_a_graph_that_a_walk_would_leave(change, mmap, tmp_path):
    index = Index(CodeSpec(48), kind="hnsw")
    index.add(clustered_codes(400, 48))
    index.save(tmp_path)
    change_graph(tmp_path, lambda hnsw: None)
    assert len(Index.load(tmp_path, mmap=mmap)) == 400
    change_graph(tmp_path, change)
    with pytest.raises(IndexFileError, match="graph"):
        Index.load(tmp_path, mmap=mmap)


@pytest.mark.parametrize("metric", [None, "inner_product", "euclidean"])
def test_lists_that_do_not_hold_the_codes(metric, tmp_path):
    import faiss

    if metric is None:
        index = Index(CodeSpec(48), kind="ivf", probes=4096)
        index.add(np.unique(clustered_codes(5000, 48), axis=0))
    else:
        data = Quantized(metric, count=5000)
        index = Index(data.spec, kind="ivf", probes=4096)
        index.add(data.codes)
    read, write = faiss.read_index, faiss.write_index
    if metric is None:
        read, write = faiss.read_index_binary, faiss.write_index_binary
    queries = (
        clustered_codes(20, 48, seed=3)
        if metric is None
        else np.tile(data.queries, (3, 1))
    )
    ids = index.ids
    for value in (10**12, -1, 0):
        index.save(tmp_path)
        (file,) = version_folder(tmp_path).glob("*.faiss*")
        inner = read(str(file))
        for number in range(inner.nlist):
            if size := inner.invlists.list_size(number):
                faiss.rev_swig_ptr(inner.invlists.get_ids(number), size)[-1] = value
        write(inner, str(file))
        reseal(tmp_path)
        with pytest.raises(IndexFileError, match="its lists do not hold the codes"):
            Index.load(tmp_path)
        mapped = Index.load(tmp_path, mmap=True)
        if value > len(ids):
            with pytest.raises(IndexFileError, match="name codes that are not there"):
                mapped.search(queries, k=len(ids))
        with pytest.raises(IndexFileError, match="its lists do not hold the codes"):
            mapped.remove(ids[:1])


@pytest.mark.parametrize("kind", ["flat", "ivf", "fast_scan"])
def test_codes_that_name_no_centre(kind, tmp_path):
    data = Quantized("inner_product", count=300, subcodebooks=4, subcenters=16)
    index = Index(data.spec, kind=kind)
    index.add(data.codes)
    index.save(tmp_path)
    first = data.codes[:1].tobytes()
    for name in read_manifest(tmp_path)["files"]:
        if name.startswith("codes"):
            rewrite(tmp_path, name, lambda b: b.replace(first, b"\xff" * 4))
    with pytest.raises(IndexFileError, match="centres that are not there"):
        Index.load(tmp_path)
    mapped = Index.load(tmp_path, mmap=True)
    if kind == "fast_scan":  # Which scores the codes itself.
        with pytest.raises(IndexFileError, match="name what is not there"):
            mapped.search(data.queries, k=300)
    with pytest.raises(IndexFileError, match="must name centres 0 to 15"):
        mapped.codes(mapped.ids)


def test_lengths_of_a_quantizers_codes(tmp_path):
    data = Quantized("euclidean", count=300)
    index = Index(data.spec)
    index.add(data.codes)
    index.save(tmp_path)
    structure = index._store.structure.structure
    row = structure.form.codes(data.codes[:1])
    wrong = row.copy()
    wrong[0, -1] ^= 128  # The highest digit.
    rewrite(
        tmp_path, "codes.faiss", lambda b: b.replace(row.tobytes(), wrong.tobytes())
    )
    with pytest.raises(IndexFileError, match="the lengths of its codes"):
        Index.load(tmp_path)


@pytest.mark.parametrize("name", ["centers.npy", "lists.npy"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_centres_that_are_not_finite(name, value, tmp_path):
    data = Quantized("euclidean", count=5000, dim=4)
    index = Index(data.spec, kind="ivf")
    index.add(data.codes)
    index.save(tmp_path)
    rewrite_column(tmp_path, name, put((0, 0), value))
    with pytest.raises(IndexFileError, match="NaN or infinity"):
        Index.load(tmp_path)


def test_centres_beyond_measure(tmp_path):
    data = Quantized("euclidean", count=5000, dim=4)
    index = Index(data.spec, kind="ivf")
    index.add(data.codes)
    index.save(tmp_path)
    rewrite_column(tmp_path, "centers.npy", put((0, 0), 1e30))
    with pytest.raises(IndexFileError, match="must add up to values below 1e"):
        Index.load(tmp_path)


def test_bits_behind_the_codes(path):
    code = clustered_codes(COUNT // 3, 16)[0].tobytes() + bytes(2)
    rewrite(path, "codes.faissbinary", lambda b: b.replace(code, code[:3] + b"\x01"))
    with pytest.raises(IndexFileError, match="there are bits behind the codes"):
        Index.load(path)
