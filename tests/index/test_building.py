"""An index filled from image files."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_deephash import Index
from keras_deephash.index import building
from keras_deephash.index.building import IndexBuilder, index_files
from keras_deephash.index.file_stamps import FILE_STAMPS


@pytest.fixture
def model(make_model):
    return make_model()


@pytest.fixture
def paths(images, tmp_path):
    paths = [str(tmp_path / f"{number}.png") for number in range(4)]
    for path, pixels in zip(paths, images, strict=False):
        Image.fromarray(pixels).save(path)
    return paths


def test_a_path_is_added_once(model, paths):
    index = Index(model)
    listed = [paths[2], paths[0], paths[2], paths[1]]
    assert index_files(index, listed, labels=[5, 6, 7, 8], verbose=0) == {}
    assert index.names(index.ids) == [paths[2], paths[0], paths[1]]
    np.testing.assert_array_equal(index.labels(index.ids), [5, 6, 8])
    index_files(index, paths, labels=[0, 0, 0, 9], verbose=0)
    assert index.names(index.ids) == [paths[2], paths[0], paths[1], paths[3]]
    np.testing.assert_array_equal(index.labels(index.ids), [5, 6, 8, 9])


@pytest.fixture
def folder(model, paths, tmp_path):
    """An index of the four files, saved."""
    folder = tmp_path / "index"
    Index(model).save(folder)
    update(model, folder, paths)
    return folder


def update(model, folder, paths, labels=None, **options):
    """Opens the index, brings it up to date and returns it with its builder."""
    index = Index.load(folder, model)
    builder = IndexBuilder(index, folder, verbose=0, **options)
    builder.add(paths, labels)
    return index, builder


def check(index, model, paths):
    """Every path has its own code, once."""
    names = index.names(index.ids)
    assert sorted(names) == sorted(paths)
    np.testing.assert_array_equal(index.codes(index.ids), model.encode(names))


@pytest.mark.parametrize("part", [1, 2, 1024])
def test_changed_files_are_encoded_again(
    model, paths, folder, images, monkeypatch, part
):
    monkeypatch.setattr(building, "PART", part)
    index, builder = update(model, folder, paths)
    assert (builder.added, builder.updated) == (0, 0)
    before = dict(zip(index.names(index.ids), index.ids, strict=True))
    Image.fromarray(images[20]).save(paths[1])
    status = os.stat(paths[2])  # Of the same time, but another size.
    Image.fromarray(images[21][:9]).save(paths[2])
    os.utime(paths[2], ns=(status.st_atime_ns, status.st_mtime_ns))
    new = paths[0] + "-new.png"
    Image.fromarray(images[22]).save(new)
    index, builder = update(model, folder, [*paths, new])
    assert (builder.added, builder.updated) == (1, 2)
    check(index, model, [*paths, new])
    check(Index.load(folder, model), model, [*paths, new])
    after = dict(zip(index.names(index.ids), index.ids, strict=True))
    assert {path: after[path] for path in paths} == before
    _, builder = update(model, folder, [*paths, new])
    assert (builder.added, builder.updated) == (0, 0)


def test_labels_stay_with_their_files(model, paths, images, tmp_path):
    Index(model).save(tmp_path / "index")
    update(model, tmp_path / "index", paths, labels=[5, 6, 7, 8])
    Image.fromarray(images[20]).save(paths[2])
    index, _ = update(model, tmp_path / "index", paths[::-1], labels=[8, 9, 6, 5])
    labels = dict(zip(index.names(index.ids), index.labels(index.ids), strict=True))
    assert [labels[path] for path in paths] == [5, 6, 9, 8]


def test_a_file_that_is_damaged_by_now_goes(model, paths, folder, images):
    with open(paths[1], "wb") as file:
        file.write(b"no image")
    index, builder = update(model, folder, paths)
    assert list(builder.unreadable) == [paths[1]] and builder.updated == 0
    check(index, model, [paths[0], *paths[2:]])
    Image.fromarray(images[20]).save(paths[1])
    index, builder = update(model, folder, paths)
    assert builder.added == 1
    check(index, model, paths)
    with open(paths[1], "wb") as file:
        file.write(b"no image again")
    with pytest.raises(ValueError, match="1.png"):
        update(model, folder, paths, strict=True)
    assert len(Index.load(folder)) == 4  # As it was saved.


def test_what_is_gone_is_told_and_removed(model, paths, folder):
    os.remove(paths[3])
    index, builder = update(model, folder, paths[:3])
    assert builder.gone() == {3: paths[3]} and len(index) == 4
    index.add(model.encode(paths[:1]), names=["a name that is not a path"])
    assert builder.remove_gone() == 1 and builder.gone() == {}
    names = Index.load(folder).names(Index.load(folder).ids)
    assert names == [*paths[:3], "a name that is not a path"]


@pytest.mark.parametrize("damage", ["gone", "cut", "text", "huge", "other"])
def test_without_their_stamps_files_are_read_again(model, paths, folder, damage):
    stamps = folder / FILE_STAMPS
    whole, huge = stamps.read_bytes(), b"(400000000,), }"  # 9.6 GB.
    assert b"(4,), }        " in whole
    np.save(folder / "other.npy", np.arange(4.0))
    {
        "gone": stamps.unlink,
        "cut": lambda: stamps.write_bytes(whole[:-5]),
        "text": lambda: stamps.write_text("stamps"),
        "huge": lambda: stamps.write_bytes(whole.replace(b"(4,), }        ", huge)),
        "other": lambda: shutil.move(folder / "other.npy", stamps),
    }[damage]()
    index, builder = update(model, folder, paths)
    assert (builder.added, builder.updated) == (0, 4)
    check(index, model, paths)
    _, builder = update(model, folder, paths)
    assert builder.updated == 0


def test_stamps_survive_a_save_from_python(model, paths, folder, images):
    index = Index.load(folder, model)
    index.remove([2])
    index.save(folder)
    index, builder = update(model, folder, paths)
    assert (builder.added, builder.updated) == (1, 0)
    check(index, model, paths)
    # What Python has added is read once, and known then.
    extra = paths[0] + "-more.png"
    Image.fromarray(images[9]).save(extra)
    index.add([extra])
    index.save(folder)
    assert update(model, folder, [*paths, extra])[1].updated == 1
    assert update(model, folder, [*paths, extra])[1].updated == 0


def test_a_folder_is_added_by_its_path(model, paths, tmp_path):
    index = Index(model)
    index.add(tmp_path)
    check(index, model, paths)
    assert index.search(paths[2], k=1)[0] == [[0]]
    assert index.search(tmp_path, k=1)[0].shape == (4, 1)
