"""An endpoint of an attacker: no file elsewhere, no answer without an end."""

import os
import time
import tracemalloc
import warnings
from contextlib import contextmanager, suppress

import huggingface_hub
import pytest
from loopback_hub import ATTACKS, Repository

import keras_deephash as kdh
from keras_deephash.presets.hub.download import FILES, HubOptions, fetch_preset
from keras_deephash.presets.hub.handles import parse_hub_handle
from keras_deephash.presets.hub.limits import limit_client
from keras_deephash.presets.publishing import SILENCE, _send
from keras_deephash.presets.upload_files import prepare_upload

HANDLE = "hf://org/tiny"
# What an answer is not looked at for: headers, and JSON in files and elsewhere.
HARMLESS = {
    "path_in_headers": ("revision", "tree", "config", "weights"),
    "path_as_sha": ("tree", "config", "weights"),
    "path_as_oid": ("revision", "config", "weights"),
    "deep_json": ("config", "weights"),
    "endless_pages": ("config", "weights"),
    "page_elsewhere": ("config", "weights"),
}


@pytest.fixture(autouse=True)
def short_limits(monkeypatch):
    huggingface_hub.get_session()  # What it imports takes its time.
    hub, seconds = "keras_deephash.presets.hub", 1.5
    monkeypatch.setattr(f"{hub}.fetching.GRACE", seconds)
    monkeypatch.setattr(f"{hub}.fetching.SLOWEST", 1_000_000)
    monkeypatch.setattr(f"{hub}.reader.JSON_SECONDS", seconds)
    monkeypatch.setattr(f"{hub}.limits.ANSWER_SECONDS", seconds)
    monkeypatch.setattr("keras_deephash.presets.publishing.CARD_SECONDS", seconds)


@pytest.fixture
def sentinel(hub, tmp_path):
    """A file outside the cache that the attacker wants to be replaced."""
    path = tmp_path / "home" / "profile"
    path.parent.mkdir()
    path.write_text("mine")
    hub.evil = "../" * 20 + str(path)[1:]
    yield path
    assert path.read_text() == "mine"
    assert os.listdir(path.parent) == ["profile"]
    assert set(os.listdir(tmp_path)) <= {"cache", "home"}
    assert not list(tmp_path.rglob("*evil*"))


@pytest.fixture(scope="module")
def upload(saved):
    """The files of the small preset and its card."""
    return prepare_upload(parse_hub_handle("hf://me/mine"), saved)


@contextmanager
def limited(hub):
    """Little time passes, and little memory and network are taken."""
    start = time.monotonic()
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert time.monotonic() - start < 30
    assert peak < 2**26 and hub.sent < 2**26


@pytest.mark.parametrize("path", ["revision", "tree", "config", "weights"])
@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_while_loading(
    hub, repository, sentinel, saved, tmp_path, kind, path
):
    options = HubOptions(cache_dir=tmp_path / "cache", endpoint=hub.endpoint)
    handle = parse_hub_handle(HANDLE)
    hub.faults.add(kind, path)
    with limited(hub):
        if path in HARMLESS.get(kind, ()):
            fetch_preset(handle, options)
        else:
            with pytest.raises(kdh.HubError) as caught:
                fetch_preset(handle, options)
            assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
    hub.faults.clear()
    folder = fetch_preset(handle, options)
    for name in FILES:
        with open(f"{folder}/{name}", "rb") as file:
            assert file.read() == (saved / name).read_bytes()
    assert not list(tmp_path.rglob("*.incomplete"))


@pytest.mark.parametrize("kind", ["path_in_headers", "path_as_oid", "flood", "drip"])
def test_an_attack_where_files_are_not_listed(
    hub, repository, sentinel, tmp_path, kind
):
    """Then their headers are all there is."""
    options = HubOptions(cache_dir=tmp_path / "cache", endpoint=hub.endpoint)
    hub.faults.add("empty_tree", "tree")
    hub.faults.add(kind, "resolve")
    with limited(hub):
        if kind == "path_as_oid":
            fetch_preset(parse_hub_handle(HANDLE), options)
        else:
            with pytest.raises(kdh.HubError):
                fetch_preset(parse_hub_handle(HANDLE), options)


# The commit and the list are read as in loading. For headers that drip, the client
# waits.
PUBLISHING = [
    (kind, path)
    for path in ("README", "preupload", "batch", "/lfs/", "/commit/")
    for kind in ATTACKS
    if kind != "drip_headers" or path == "README"
]


@pytest.mark.parametrize("kind, path", PUBLISHING)
def test_an_attack_while_publishing(hub, upload, sentinel, kind, path):
    repository = hub.repositories["me/mine"] = Repository()
    repository.commit("main", {"README.md": b"mine"})
    handle = parse_hub_handle("hf://me/mine")
    hub.faults.add(kind, path)
    with (
        limited(hub),
        suppress(Exception),  # `upload_preset` puts it into words.
        limit_client(handle, SILENCE),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", ".* was edited and is kept")
        _send(handle, *upload, False, "x", False, "hf_writer", hub.endpoint)
    for tree in list(repository.commits.values())[2:]:  # Whole, or none.
        assert tree["README.md"] == b"mine" and set(tree) >= {*FILES}
    hub.faults.clear()
    with pytest.warns(UserWarning, match="was edited and is kept"):
        _send(handle, *upload, False, "x", False, "hf_writer", hub.endpoint)


def test_answers_that_nobody_may_believe(hub, repository, load):
    hub.evil = "../../evil"
    for kind, path, message in (
        (
            "path_as_sha",
            "revision",
            "a commit that is not one: 40 .* Received: '../../",
        ),
        ("path_as_oid", "tree", "describes `.*` of .* wrongly: .* 40 or 64 hexadec"),
        ("flood", "revision", "answers with megabytes of JSON"),
        ("flood", "config", "sends more than the [0-9,]* bytes that it lists"),
        ("flood", "weights", "sends more than the [0-9,]* bytes that it lists"),
        ("gzip_bomb", "revision", "packs an answer, unasked"),
        ("deep_json", "revision", "JSON that nests too deep"),
        ("endless_pages", "tree", "lists its files on more than 20 pages"),
        (
            "page_elsewhere",
            "tree",
            "continues a list elsewhere, at 'http://127.0.0.1:9",
        ),
        ("drip", "revision", "is too slow .*: it takes longer than 2 seconds. Try"),
        ("drip", "weights", "is too slow about"),
        ("drip_headers", "weights", "is too slow about"),
    ):
        hub.faults.add(kind, path)
        hub.requests.clear()
        with pytest.raises(kdh.HubError, match=message):
            load()
        asked = [request for request in hub.requests if path in request[1]]
        assert len(asked) == (20 if kind == "endless_pages" else 1), kind
        hub.faults.clear()


@pytest.mark.parametrize(
    "handle",
    ["org/tiny.git", "org/tiny@" + "x" * 100_000, "org/" + "x" * 100_000],
)
def test_handles_that_no_hub_has(hub, load, handle):
    with pytest.raises(kdh.PresetError) as caught:
        load(f"hf://{handle}")
    assert len(str(caught.value)) < 300 and hub.requests == []
