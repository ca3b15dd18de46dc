"""What a saved index names is contacted only when the caller names it too."""

import json
import os
import socket
import struct
import subprocess
import sys
import threading

import numpy as np
import pytest

from keras_deephash import CodeSpec, Index, IndexFileError, MilvusError
from keras_deephash.cli import main

from .conftest import clustered_codes
from .saved_index import edit_manifest, read_manifest, rewrite, write_manifest


class Listener:
    """A port that takes connections, remembers what comes, and closes them."""

    def __init__(self):
        self.received: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self.received.append(connection.recv(4096))

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(monkeypatch):
    # It never answers as a server does.
    monkeypatch.setattr("keras_deephash.index.milvus.connection.CONNECT_SECONDS", 1)
    listener = Listener()
    yield listener
    listener.close()


def save_index(path, **codes) -> None:
    index = Index(CodeSpec(48))
    index.add(clustered_codes(5, 48), names=list("abcde"))
    index.save(path)
    if codes:
        edit_manifest(path, codes={**read_manifest(path)["codes"], **codes})


def as_if_in_milvus(path, uri) -> None:
    """Turns a saved index into one that says that a server has it."""
    manifest = read_manifest(path)
    options = {"uri": uri, "collection": "photos"}
    manifest.update(backend="milvus", kind="flat", files={}, options=options)
    write_manifest(path, manifest)


def test_no_address_that_a_file_names_is_connected_to(listener, tmp_path):
    pytest.importorskip("pymilvus")
    uri = f"http://127.0.0.1:{listener.port}"
    save_index(tmp_path)
    as_if_in_milvus(tmp_path, uri)
    token = {"token": "root:secret"}
    for options in ({}, token, {**token, "uri": None}):
        with pytest.raises(ValueError, match=f"names the address '{uri}'") as caught:
            Index.load(tmp_path, **options)
        assert "`uri=` of `Index.load`" in str(caught.value)
        assert not isinstance(caught.value, IndexFileError)
    for token in ("a", ["b"]):
        manifest = read_manifest(tmp_path)
        manifest["options"]["token"] = token
        write_manifest(tmp_path, manifest)
        with pytest.raises(IndexFileError, match="has no option `token`"):
            Index.load(tmp_path, uri="http://127.0.0.1:1")
    for seconds in (1e9, 10**400, -1, None, "1"):
        manifest = read_manifest(tmp_path)
        manifest["options"] = {"collection": "photos", "retry_seconds": seconds}
        write_manifest(tmp_path, manifest)
        with pytest.raises(IndexFileError, match="`retry_seconds` must be"):
            Index.load(tmp_path, uri="http://127.0.0.1:1")
    as_if_in_milvus(tmp_path, uri)
    assert listener.received == []
    # What the caller gives is connected to.
    with pytest.raises(MilvusError, match="no Milvus server at"):
        Index.load(tmp_path, uri=uri, token="root:secret")
    assert listener.received


@pytest.mark.parametrize("command", ["search", "index"])
def test_commands_ask_for_the_address(
    command, listener, make_model, images, tmp_path, capsys, image_files
):
    pytest.importorskip("pymilvus")
    model = make_model()
    model.save_to_preset(tmp_path / "preset")
    uri = f"http://127.0.0.1:{listener.port}"
    path, image = str(tmp_path / "index"), str(image_files[0])
    index = Index(model)
    index.add(images)
    index.save(path)
    as_if_in_milvus(path, uri)
    arguments = {
        "search": ["--index", path, "--images", image],
        "index": ["--output", path, "--images", image],
    }[command]
    arguments = [command, *arguments, "--preset", str(tmp_path / "preset")]
    assert main(arguments) == 1
    assert f"names the address '{uri}'" in capsys.readouterr().err
    assert listener.received == []
    assert main([*arguments, "--uri", uri]) == 1
    assert "There is no Milvus server" in capsys.readouterr().err
    assert listener.received


# Two searches of one process: with the arguments as they are, and with more of them.
SEARCH = """
import sys
from keras_deephash.cli import main
print(main(["search", *sys.argv[1:]]), flush=True)
more = sys.stdin.readline().split()
print(main(["search", *sys.argv[1:], *more]), flush=True)
"""


def test_search_fetches_nothing_that_an_index_names(listener, tmp_path, image_files):
    save_index(tmp_path / "i", preset="hf://evil/model", weights_sha256="1" * 64)
    environment = {**os.environ, "HF_ENDPOINT": f"http://127.0.0.1:{listener.port}"}
    environment["HF_HOME"] = str(tmp_path / "cache")

    arguments = ["--index", tmp_path / "i", "--images", image_files[0]]
    with subprocess.Popen(
        [sys.executable, "-c", SEARCH, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout.readline() == "1\n"
        assert listener.received == []
        out, errors = process.communicate("--preset hf://evil/model\n")
    first, _ = [row for row in errors.splitlines() if "error:" in row]
    assert "'hf://evil/model'" in first and "--preset" in first
    assert out == "1\n" and listener.received


@pytest.mark.parametrize(
    "preset", ["./preset", "preset", "/etc", "hf://evil/model", ["preset"], 5]
)
def test_search_loads_no_directory_that_an_index_names(
    preset, make_model, tmp_path, image_files, capsys, monkeypatch
):
    model = make_model()
    model.save_to_preset(tmp_path / "preset")
    monkeypatch.chdir(tmp_path)
    sha256 = CodeSpec.of(model).weights_sha256
    save_index(tmp_path / "i", preset=preset, weights_sha256=sha256, bits=48)
    arguments = ["search", "--index", "i", "--images", str(image_files[0])]
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert repr(preset) in error and "--preset" in error and "Traceback" not in error


def test_an_installed_preset_needs_no_confirmation(
    make_model, images, image_files, tmp_path, capsys, monkeypatch
):
    make_model().save_to_preset(tmp_path / "presets" / "mine")
    monkeypatch.setenv("KERAS_DEEPHASH_PRESETS", str(tmp_path / "presets"))
    import keras_deephash as kdh

    index = Index(kdh.from_preset("mine"))
    index.add(images, names=[str(path) for path in image_files])
    index.save(tmp_path / "i")
    arguments = ["search", "--index", str(tmp_path / "i"), "--json", "-k", "1"]
    arguments += ["--images", str(image_files[3])]
    assert main(arguments) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["neighbors"][0]["distance"] == 0
    # Its name with other weights, and without any.
    codes = read_manifest(tmp_path / "i")["codes"]
    for sha256, message in (("1" * 64, "makes other codes"), (None, "--preset")):
        edit_manifest(tmp_path / "i", codes={**codes, "weights_sha256": sha256})
        assert main(arguments) == 1
        assert message in capsys.readouterr().err


def test_no_file_that_a_file_of_faiss_names_is_opened(tmp_path):
    """faiss can keep inverted lists in another file, whose name it then writes."""
    named = tmp_path / "named"
    os.mkfifo(named)
    codes = np.unique(clustered_codes(5000, 48), axis=0)
    index = Index(CodeSpec(48), kind="ivf")
    index.add(codes)
    index.save(tmp_path / "i")
    opened = threading.Event()

    def wait():
        with open(named, "rb"):  # Returns when somebody opens it to write.
            opened.set()

    threading.Thread(target=wait, daemon=True).start()

    def point_elsewhere(content: bytes) -> bytes:
        start = content.index(b"ilar")
        lists, size = struct.unpack("<QQ", content[start + 4 : start + 20])
        name = os.fsencode(named)
        return b"".join(
            [
                content[:start] + b"ilod" + struct.pack("<QQ", lists, size),
                struct.pack("<Q", lists) + struct.pack("<3Q", 0, 0, 0) * lists,
                struct.pack("<Q", 0),  # Free room.
                struct.pack("<Q", len(name)) + name,
                struct.pack("<Q", 0),
            ]
        )

    rewrite(tmp_path / "i", "codes.faissbinary", point_elsewhere)
    for mmap in (False, True):
        with pytest.raises(IndexFileError, match="expected one of .'ilar',."):
            Index.load(tmp_path / "i", mmap=mmap)
    assert not opened.wait(0.2)
    # The listener waits for what faiss would do.
    import faiss

    with pytest.raises(RuntimeError):
        faiss.read_index_binary(str(tmp_path / "i" / "v1" / "codes.faissbinary"))
    assert opened.wait(5)
