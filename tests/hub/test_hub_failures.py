"""Each failure of the Hub has its own short error that says what to do."""

import json
import os
import resource
import shutil
import time

import huggingface_hub
import pytest
from loopback_hub import Repository

import keras_deephash as kdh
from keras_deephash.files import describe_file

HANDLE = "hf://org/tiny"


def refused(load, message, handle=HANDLE, **arguments):
    start = time.monotonic()
    with pytest.raises(kdh.PresetError, match=message) as caught:
        load(handle, **arguments)
    text = str(caught.value)
    assert len(text) < 300 and "\n" not in text and "Traceback" not in text
    assert time.monotonic() - start < 30
    return caught.value


def test_unknown_name(load):
    message = r"There is no preset and no directory .* Did you mean .*'dch_cifar10_48'"
    refused(load, message, "dch_cifar_48")


def test_repository_missing_or_private(hub, repository, load):
    refused(load, "no repository `org/other` .* or it is private", "hf://org/other")
    repository.private = True
    refused(load, "no repository `org/tiny` .* give `token=`")
    refused(load, "no repository `org/tiny`", revision=repository.refs["main"])
    assert load(token="hf_writer").bits == 16


def test_gated(hub, repository, load):
    repository.gated = True
    refused(load, "is gated: accept its conditions")
    assert load(token="hf_writer").bits == 16


def test_a_refused_token(hub, repository, load):
    hub.faults.add("401", "revision")
    refused(load, "The Hub refuses the token for `org/tiny`. Give another `token=`")
    hub.faults.clear()
    hub.faults.add("403", "revision")
    refused(load, "forbids this .* Give a `token=`")


def test_revision_missing(repository, load):
    refused(load, "has no revision 'v9'", f"{HANDLE}@v9")
    refused(load, f"has no revision '{'0' * 40}'", revision="0" * 40)


def test_no_network_and_not_cached(hub, load):
    hub.close()
    refused(load, "not in the cache, and the Hub cannot be reached. Check the network")


@pytest.mark.parametrize(
    "kind, message",
    [
        ("500", "does not work at the moment .status 500.. Try again in a few minutes"),
        ("drop", "connection to the Hub broke off at .* Try again"),
    ],
)
def test_the_hub_is_down(hub, repository, load, kind, message):
    hub.faults.add(kind)
    refused(load, message)
    assert len(hub.requests) <= 3


def test_the_hub_does_not_answer(hub, repository, load, monkeypatch):
    monkeypatch.setattr("keras_deephash.presets.hub.download.TIMEOUT", 0.5)
    hub.faults.add("stall")
    refused(load, "The Hub does not answer .* Try again in a few minutes")
    assert len(hub.requests) == 1


@pytest.mark.parametrize(
    "kind, path, method",
    [
        ("hang", "weights", "GET"),  # In the middle of the body.
        ("stall", "weights", "GET"),
        ("stall", "config", "GET"),
        ("stall", "tree", "GET"),
        ("hang", "tree", "GET"),
    ],
)
def test_the_hub_hangs_in_the_middle(
    hub, repository, load, monkeypatch, kind, path, method
):
    """No request of the client waits for longer than the silence that is allowed."""
    hub.faults.add(kind, path, method)
    start = time.monotonic()
    with monkeypatch.context() as patch:
        patch.setattr("keras_deephash.presets.hub.download.SILENCE", 0.2)
        refused(load, "The Hub does not answer about .* Try again in a few minutes")
    assert time.monotonic() - start < 20
    asked = [request for request in hub.requests if path in request[1]]
    assert len([which for which, _ in asked if which == method]) <= 7
    hub.faults.clear()
    assert load().bits == 16
    hooks = huggingface_hub.get_session().event_hooks
    assert len(hooks["request"]) == 1 and hooks["response"] == []


def test_the_timeout_of_the_environment_holds(hub, repository, load, monkeypatch):
    name = "huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT"
    monkeypatch.setattr(name, 0.1)
    hub.faults.add("stall", "tree")
    start = time.monotonic()
    refused(load, "The Hub does not answer about")
    assert time.monotonic() - start < 5


def test_a_hang_in_the_middle_is_resumed(hub, repository, load, monkeypatch):
    monkeypatch.setattr("keras_deephash.presets.hub.download.SILENCE", 0.5)
    hub.faults.add("hang", "weights", "GET", times=2)
    assert load().bits == 16


def test_attempts_end_when_the_client_has_tried_for_long(
    hub, repository, load, monkeypatch
):
    monkeypatch.setattr("keras_deephash.presets.hub.download.PATIENCE", 0)
    hub.faults.add("500", "weights", "GET")
    refused(load, "does not work at the moment")
    asked = [method for method, path in hub.requests if "weights" in path]
    assert asked.count("GET") <= 7


@pytest.mark.parametrize("path", ["tree", "config", "weights"])
def test_the_limit_of_requests_within_a_download(hub, repository, load, path):
    """The client itself would sleep for the hour that the Hub asks for."""
    hub.faults.add("rate_limit", path)
    refused(load, "limits the number of requests. Try again in 3600 seconds")
    hub.faults.clear()
    hub.faults.add("429", path, times=1)
    assert load().bits == 16


def test_the_limit_of_requests(hub, repository, load):
    hub.faults.add("rate_limit", "revision")
    refused(load, "limits the number of requests. Try again in 3600 seconds")
    assert len(hub.requests) == 1
    hub.faults.clear()
    hub.faults.add("429", "revision", times=1)
    assert load().bits == 16


def test_one_failing_answer_is_asked_again(hub, repository, load):
    hub.faults.add("500", "revision", times=2)
    assert load().bits == 16


def test_the_disk_is_full(hub, repository, load, tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        refused(load, "no room on the disk .* Free some")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load().bits == 16


def test_a_download_cut_in_the_middle_is_resumed(hub, repository, load):
    hub.faults.add("cut", "weights", "GET", times=1)
    assert load().bits == 16


def test_a_download_that_is_cut_for_good_is_refused(hub, repository, load, tmp_path):
    hub.faults.add("cut", "weights", "GET")
    refused(load, "The connection to the Hub broke off at .* Try again")
    assert not list((tmp_path / "cache").rglob("model.weights.h5"))
    hub.faults.clear()
    assert load().bits == 16


@pytest.mark.parametrize("kind", ["wrong_bytes", "wrong_length"])
@pytest.mark.parametrize("name", ["model.weights.h5", "metadata.json"])
def test_damaged_on_the_way(hub, repository, load, kind, name):
    hub.faults.add(kind, f"resolve.*{name}", "GET")
    refused(load, "arrived damaged and was thrown away|could not be fetched")
    hub.faults.clear()
    assert load().bits == 16


def test_a_file_that_differs_from_the_metadata(hub, repository, load, saved):
    content = bytearray((saved / "model.weights.h5").read_bytes())
    content[len(content) // 2] ^= 1
    repository.commit("main", {"model.weights.h5": bytes(content)})
    refused(load, "is not the file that the metadata describes: its sha256 differs")


def test_metadata_of_a_newer_format(repository, load, saved):
    metadata = json.loads((saved / "metadata.json").read_text())
    metadata["format_version"] = 99
    repository.commit("main", {"metadata.json": json.dumps(metadata).encode()})
    refused(load, "has format 99, .* Upgrade keras_deephash")


def test_a_file_that_is_too_long_is_not_fetched(hub, repository, load):
    repository.commit("main", {"metadata.json": b" " * (16 * 2**20 + 1)})
    refused(load, "`metadata.json` of .* is longer than any file of a preset")
    assert not [path for _, path in hub.requests if "resolve" in path]


def test_a_repository_that_is_no_preset(hub, load):
    repository = hub.repositories["org/tiny"] = Repository()
    repository.commit("main", {"pytorch_model.bin": b"x"})
    refused(load, "is not a preset of keras_deephash: it has no `config.json`")


def test_an_empty_listing_is_not_believed(hub, repository, load):
    hub.faults.add("empty_tree", "tree")
    assert load().bits == 16
    hub.requests.clear()
    assert load(revision=repository.refs["main"]).bits == 16
    assert hub.requests == []


def test_a_class_that_we_do_not_have(repository, load, saved, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(saved, folder)
    config = json.loads((folder / "config.json").read_text())
    config["class"] = "keras_deephash>DCH2030"
    metadata = json.loads((folder / "metadata.json").read_text())
    text = json.dumps(config).encode()
    (folder / "config.json").write_bytes(text)
    metadata["files"]["config.json"] = describe_file(folder / "config.json")
    files = {"config.json": text, "metadata.json": json.dumps(metadata).encode()}
    repository.commit("main", files)
    refused(load, "needs the class 'keras_deephash>DCH2030', .* upgrade keras_deephash")


def test_an_answer_that_cannot_be_read(hub, repository, load):
    hub.faults.add("wrong_length", "revision")
    refused(load, "gave an answer .* that cannot be read")


@pytest.mark.parametrize("endpoint", ["nonsense", "ftp://127.0.0.1", "http://[::1"])
def test_an_endpoint_that_is_no_url(load, endpoint):
    refused(load, "The address of the Hub is not a URL", endpoint=endpoint)


def test_the_cache_cannot_be_written(hub, repository, tmp_path):
    (tmp_path / "file").write_text("no directory")
    message = "cannot be written to the cache: .*file.* Give another `cache_dir`"
    with pytest.raises(kdh.HubError, match=message):
        kdh.from_preset(HANDLE, endpoint=hub.endpoint, cache_dir=tmp_path / "file")
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="needs a /sys")
def test_the_cache_is_read_only(hub, repository, load):
    """Not even the superuser can make a directory there."""
    with pytest.raises(kdh.HubError, match="cannot be written to the cache: .*'/sys/"):
        load(cache_dir="/sys/keras_deephash")
