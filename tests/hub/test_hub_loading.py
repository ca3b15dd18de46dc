"""Loading from the Hub: handles, revisions, the cache, no needless request."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import huggingface_hub
import keras
import numpy as np
import pytest

import keras_deephash as kdh
from keras_deephash import extensions
from keras_deephash.presets.hub.download import FILES, HubOptions, fetch_preset
from keras_deephash.presets.hub.handles import parse_hub_handle

HANDLE = "hf://org/tiny"


@pytest.mark.client
def test_every_form_of_revision(hub, repository, load, saved, tmp_path, images, codes):
    first = repository.refs["main"]
    repository.refs["v1"] = first
    repository.refs["feature/x"] = first
    metadata = json.loads((saved / "metadata.json").read_text())
    metadata["dataset"] = "another"
    changed = {"metadata.json": json.dumps(metadata).encode()}
    second = repository.commit("main", changed)
    np.testing.assert_array_equal(load().encode(images, verbose=0), codes)
    read = kdh.presets.read_preset_metadata
    options = {"endpoint": hub.endpoint, "cache_dir": tmp_path / "cache"}
    for revision, dataset in (
        (None, "another"),
        ("main", "another"),
        (second, "another"),
        (first, "CIFAR-10"),
        ("v1", "CIFAR-10"),
        ("feature/x", "CIFAR-10"),
    ):
        assert read(HANDLE, revision=revision, **options)["dataset"] == dataset
        if revision:
            handle = f"{HANDLE}@{revision}"
            assert read(handle, **options)["dataset"] == dataset


@pytest.mark.client
def test_only_the_files_of_the_preset_are_fetched(hub, repository, load, tmp_path):
    load()
    fetched = {
        path.rpartition("/")[2] for method, path in hub.requests if "resolve" in path
    }
    expected = {"config.json", "metadata.json", "model.weights.h5", "preprocessor.json"}
    assert fetched == expected
    names = {name for _, _, files in os.walk(tmp_path / "cache") for name in files}
    assert not names & {"notes.bin", "README.md", ".gitattributes"}


@pytest.mark.client
def test_no_request_for_a_cached_commit_or_an_embedded_preset(
    hub, repository, load, tmp_path, images, codes
):
    commit = repository.refs["main"]
    load(f"{HANDLE}@{commit}")
    assert hub.requests
    hub.requests.clear()
    for _ in range(2):
        model = load(f"{HANDLE}@{commit}")
        load(HANDLE, revision=commit)
    kdh.DCH.from_preset(HANDLE, revision=commit, cache_dir=tmp_path / "cache")
    load("dch_cifar10_48", load_weights=False)
    assert hub.requests == []
    np.testing.assert_array_equal(model.encode(images, verbose=0), codes)
    load()  # A branch is asked for, and nothing is downloaded again.
    assert not [path for _, path in hub.requests if "resolve" in path]


@pytest.mark.client
def test_cls_from_preset_takes_all_options(hub, repository, tmp_path):
    repository.private = True
    options = {"endpoint": hub.endpoint, "cache_dir": tmp_path / "cache"}
    with pytest.raises(kdh.PresetError, match="or it is private"):
        kdh.DCH.from_preset(HANDLE, **options)
    model = kdh.DCH.from_preset(HANDLE, token="hf_writer", revision="main", **options)
    assert model.bits == 16
    model = kdh.DCH.from_preset(HANDLE, local_files_only=True, gamma=3.0, **options)
    assert model.gamma == 3.0
    with pytest.raises(kdh.PresetError, match="'hf://org/tiny' is a DCH, not a DHN"):
        kdh.DHN.from_preset(HANDLE, local_files_only=True, **options)


def test_without_weights_and_with_overrides(repository, load):
    model = load(load_weights=False, bits=32)
    assert model.bits == 32
    with pytest.raises(kdh.PresetError, match="have 16 bits. Received: bits=32"):
        load(bits=32)


@pytest.mark.client
def test_the_cache_stands_in_when_the_hub_is_down(hub, repository, load, images, codes):
    load()
    hub.faults.add("500")
    with pytest.warns(UserWarning, match="the commit of the cache is used"):
        model = load()
    np.testing.assert_array_equal(model.encode(images, verbose=0), codes)


@pytest.mark.client
def test_local_files_only(hub, repository, load):
    with pytest.raises(kdh.PresetError, match="`local_files_only` forbids to fetch it"):
        load(local_files_only=True)
    assert hub.requests == []
    load()
    hub.requests.clear()
    load(local_files_only=True)
    assert hub.requests == []


@pytest.mark.client
def test_the_environment_variable_of_offline_work(hub, repository, load, tmp_path):
    """In a process of its own, since the client reads it when it is imported."""
    commit = repository.refs["main"]
    load()
    hub.requests.clear()
    script = (
        "import sys\n"
        "import keras_deephash as kdh\n"
        "from keras_deephash.cli import main\n"
        f"assert kdh.from_preset('{HANDLE}@{commit}').bits == 16\n"
        f"assert kdh.from_preset('{HANDLE}').bits == 16\n"
        "assert kdh.from_preset('dch_cifar10_48', load_weights=False).bits == 48\n"
        "sys.exit(main(['presets', 'hf://org/other']))\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": hub.endpoint}
    environment["HF_HUB_CACHE"] = str(tmp_path / "cache")
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1, done.stderr
    assert done.stderr.splitlines()[-1] == (
        "keras-deephash: error: `hf://org/other` is not in the cache, and "
        "HF_HUB_OFFLINE forbids to fetch it. Unset that variable, or load it once with "
        "a network."
    )
    assert "Traceback" not in done.stderr
    assert hub.requests == []


@pytest.mark.client
def test_many_load_the_same_at_once(hub, repository, saved, tmp_path):
    """The client locks its files, between processes as between threads."""
    options = HubOptions(cache_dir=tmp_path / "cache", endpoint=hub.endpoint)
    handle = parse_hub_handle(HANDLE)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: fetch_preset(handle, options), range(16)))
    (folder,) = folders
    for name in FILES:
        assert Path(folder, name).read_bytes() == (saved / name).read_bytes()
    assert not list((tmp_path / "cache").rglob("*.incomplete"))
    gets = [path for method, path in hub.requests if method == "GET"]
    assert sum("model.weights.h5" in path for path in gets) == 1


@pytest.mark.client
def test_a_partly_cached_commit_is_completed(hub, repository, load, tmp_path):
    commit = repository.refs["main"]
    load()
    snapshot = next((tmp_path / "cache").glob("models--*/snapshots/*"))
    assert snapshot.name == commit
    (snapshot / "config.json").unlink()
    with pytest.raises(kdh.PresetError, match="`local_files_only` forbids"):
        load(revision=commit, local_files_only=True)
    load(revision=commit)
    assert (snapshot / "config.json").exists()


def test_a_damaged_cache_is_repaired(hub, repository, load, tmp_path, images, codes):
    commit = repository.refs["main"]
    load()
    for name in ("model.weights.h5", "metadata.json"):
        snapshot = next((tmp_path / "cache").glob("models--*/snapshots/*"))
        blob = (snapshot / name).resolve()
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)
        model = load(revision=commit)
        np.testing.assert_array_equal(model.encode(images, verbose=0), codes)


def test_a_snapshot_directory_loads_as_any_other(repository, load, tmp_path):
    load()
    snapshot = next((tmp_path / "cache").glob("models--*/snapshots/*"))
    assert (snapshot / "config.json").is_symlink()
    assert kdh.from_preset(snapshot).bits == 16


def replace_links(snapshot):
    for path in snapshot.iterdir():
        content = path.read_bytes()
        path.unlink()
        path.write_bytes(content)


def test_files_in_place_of_links_are_compared_with_the_listing(
    hub, repository, load, saved, tmp_path, images, codes
):
    commit = repository.refs["main"]
    load()
    (snapshot,) = (tmp_path / "cache").glob("models--*/snapshots/*")
    replace_links(snapshot)
    hub.requests.clear()
    assert load(revision=commit).bits == 16  # As where there are no links.
    assert hub.requests == []
    # Another preset, whole by its own metadata.
    other = kdh.from_preset(saved)
    kernel = other.hash_layer.kernel
    kernel.assign(-kernel.numpy())
    other.save_to_preset(tmp_path / "other")
    for path in snapshot.iterdir():
        path.write_bytes((tmp_path / "other" / path.name).read_bytes())
    model = load(revision=commit)
    np.testing.assert_array_equal(model.encode(images, verbose=0), codes)
    assert hub.requests != []


@pytest.mark.client
def test_files_in_place_of_links_are_not_believed_without_a_listing(
    hub, repository, load, tmp_path
):
    commit = repository.refs["main"]
    load()
    (snapshot,) = (tmp_path / "cache").glob("models--*/snapshots/*")
    replace_links(snapshot)
    (listing,) = (tmp_path / "cache").glob("models--*/listings/*")
    client = listing.parent.parent / "trees" / listing.name
    client.parent.mkdir()
    listing.rename(client)  # That of the client will do.
    assert load(revision=commit, local_files_only=True).bits == 16
    client.unlink()
    with pytest.raises(kdh.HubError, match="is not in the cache"):
        load(revision=commit, local_files_only=True)
    hub.requests.clear()
    load(revision=commit)  # They are right, so only the listing is fetched.
    assert not [path for _, path in hub.requests if "resolve" in path]


@pytest.mark.client
def test_what_the_client_downloaded_is_used(hub, repository, load, tmp_path):
    cache = tmp_path / "cache"
    folder = huggingface_hub.snapshot_download(
        "org/tiny", cache_dir=cache, endpoint=hub.endpoint
    )
    assert load(local_files_only=True).bits == 16
    hub.requests.clear()
    assert load().bits == 16
    assert not [path for _, path in hub.requests if "resolve" in path]
    # And the other way round.
    again = huggingface_hub.snapshot_download(
        "org/tiny", cache_dir=cache, local_files_only=True
    )
    assert again == folder and huggingface_hub.scan_cache_dir(cache).warnings == []


@pytest.mark.client
def test_a_cache_without_links(hub, repository, load, tmp_path, monkeypatch):
    """As on Windows without the right to make them."""

    def refuse(*arguments):
        raise OSError("no links here")

    monkeypatch.setattr(os, "symlink", refuse)
    commit = repository.refs["main"]
    load()
    hub.requests.clear()
    assert load(revision=commit).bits == 16 and hub.requests == []
    assert not any(path.is_symlink() for path in (tmp_path / "cache").rglob("*"))


@pytest.mark.client
def test_a_killed_download_goes_on(hub, repository, load, tmp_path):
    """In a process of its own, killed in the middle of the weights."""
    script = (
        "import keras_deephash as kdh\n"
        "import keras_deephash.presets.hub.download as download\n"
        "download.SILENCE = 60\n"
        f"kdh.from_preset('{HANDLE}', endpoint='{hub.endpoint}', "
        f"cache_dir='{tmp_path / 'cache'}')\n"
    )
    hub.faults.add("hang", "weights", "GET", times=1)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    content = repository.commits[repository.refs["main"]]["model.weights.h5"]
    blobs = tmp_path / "cache" / "models--org--tiny" / "blobs"
    # By its own name: other files get theirs while this one is awaited.
    unfinished = blobs / f"{hashlib.sha256(content).hexdigest()}.incomplete"
    half = len(content) // 2
    while not unfinished.exists() or unfinished.stat().st_size < half:
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    hub.ranges.clear()
    assert load().bits == 16
    assert f"bytes={half}-" in hub.ranges
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


@pytest.mark.client
def test_a_download_killed_before_it_has_its_name(hub, repository, load, tmp_path):
    """All bytes are there; a request for those after the last would be refused."""
    load()
    (weights,) = (tmp_path / "cache").rglob("model.weights.h5")
    blob = weights.resolve()
    blob.rename(blob.with_name(f"{blob.name}.incomplete"))
    weights.unlink()
    hub.requests.clear()
    assert load().bits == 16
    assert not [path for _, path in hub.requests if "weights" in path]
    assert not list((tmp_path / "cache").rglob("*.incomplete"))


@pytest.mark.client
def test_a_part_of_something_else_is_thrown_away(hub, repository, load, tmp_path):
    commit = repository.refs["main"]
    content = repository.commits[commit]["model.weights.h5"]
    folder = tmp_path / "cache" / "models--org--tiny" / "blobs"
    folder.mkdir(parents=True)
    unfinished = folder / f"{hashlib.sha256(content).hexdigest()}.incomplete"
    for part in (b"x" * 100, content + b"x", content):
        unfinished.write_bytes(part)
        assert load().bits == 16
        assert not unfinished.exists()
        shutil.rmtree(tmp_path / "cache" / "models--org--tiny" / "snapshots")
        unfinished.with_suffix("").unlink()


@pytest.mark.parametrize(
    "handle",
    [
        "hf://",
        "hf://org",
        "hf://org/",
        "hf:///name",
        "hf://org/name/more",
        "hf://org/../name",
        "hf://org/na me",
        "hf://../name",
        "hf://org/..",
        "hf://org/na--me",
        "hf://org/.hidden",
        "hf:/org/name",
        "hf:org/name",
        "hf:///org/name",
        "hf://org/" + "n" * 93,
    ],
)
def test_what_is_no_handle(handle):
    with pytest.raises(kdh.PresetError, match="is named hf://org/name or"):
        kdh.from_preset(handle)


def test_the_name_of_a_repository_alone():
    with pytest.raises(kdh.PresetError, match="of the Hub is named hf://org/name"):
        kdh.from_preset("org/name")


@pytest.mark.parametrize("revision", ["", "../main", "a b", "/x", "x/", "a//b", "-x"])
def test_what_is_no_revision(revision):
    with pytest.raises(kdh.PresetError, match="must be the name of a branch"):
        kdh.from_preset(f"hf://org/name@{revision}")
    if revision:
        with pytest.raises(kdh.PresetError, match="must be the name of a branch"):
            kdh.from_preset("hf://org/name", revision=revision)


def test_handles():
    handle = parse_hub_handle("hf://org/my.name_1@v1.0")
    assert (handle.repo_id, handle.revision) == ("org/my.name_1", "v1.0")
    assert handle.name == "my.name_1" and handle.commit is None
    assert str(handle) == "hf://org/my.name_1@v1.0"
    assert parse_hub_handle("hf://a/b", "0" * 40).commit == "0" * 40
    assert parse_hub_handle("hf://a/b@v1", "v1").revision == "v1"
    with pytest.raises(kdh.PresetError, match="revision is given twice"):
        parse_hub_handle("hf://a/b@v1", "v2")
    with pytest.raises(kdh.PresetError, match="`revision` is for presets of the Hub"):
        kdh.from_preset("dch_cifar10_48", revision="main")


def test_nothing_is_written_outside_the_cache(repository, load, tmp_path):
    evil = {"../../../evil.txt": b"x", "/evil.txt": b"x", "a/../../config.json": b"x"}
    repository.commit("main", evil)
    assert load().bits == 16
    assert sorted(os.listdir(tmp_path)) == ["cache"]
    assert not [path for path in (tmp_path / "cache").rglob("evil.txt")]


def test_classes_of_others_are_not_built(repository, load, saved, tmp_path):
    @keras.saving.register_keras_serializable(package="others")
    class Loud(kdh.DCH):
        pass

    model = kdh.from_preset(saved)
    Loud(model.backbone, bits=16).save_to_preset(tmp_path / "loud")
    assert type(kdh.from_preset(tmp_path / "loud")) is Loud
    files = {path.name: path.read_bytes() for path in (tmp_path / "loud").iterdir()}
    repository.commit("main", files)
    with pytest.raises(kdh.PresetError, match="classes of keras_deephash alone"):
        load()
    with pytest.raises(kdh.PresetError, match="classes of keras_deephash alone"):
        kdh.upload_preset("hf://me/loud", tmp_path / "loud")


def test_classes_of_a_module_that_the_user_names(
    repository, load, saved, hub, tmp_path, monkeypatch
):
    @keras.saving.register_keras_serializable(package="mine")
    class Mine(kdh.DCH):
        pass

    monkeypatch.setattr(extensions, "_trusted", {"keras_deephash"})
    Mine(kdh.from_preset(saved).backbone, bits=16).save_to_preset(tmp_path / "mine")
    files = {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()}
    repository.commit("main", files)
    with pytest.raises(kdh.PresetError, match="`keras_deephash.presets.trust_module"):
        load()
    options = {"endpoint": hub.endpoint, "cache_dir": tmp_path / "cache"}
    assert type(Mine.from_preset(HANDLE, **options)) is Mine
    with pytest.raises(kdh.PresetError, match="`keras_deephash.presets.trust_module"):
        kdh.DHN.from_preset(HANDLE, **options)
    with pytest.raises(kdh.PresetError, match="classes of keras_deephash alone"):
        load()
    kdh.presets.trust_module(Mine.__module__)
    assert type(load()) is Mine
    commit = kdh.upload_preset(
        "hf://me/mine", tmp_path / "mine", endpoint=hub.endpoint, token="hf_writer"
    )
    assert type(load(f"hf://me/mine@{commit}")) is Mine
