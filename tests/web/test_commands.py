"""The commands `serve` and `page`, as a user calls them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from live_server import need_serve
from many_clients import Client, check_every_id, run_clients
from shapes import COUNT, LABELS

import keras_deephash as kdh
from keras_deephash.cli import main

ROOT = Path(__file__).parents[2]
START = "from keras_deephash.cli import main; exit(main())"


@pytest.fixture(scope="module")
def preset(model, tmp_path_factory):
    """An exported file: a server of it starts without TensorFlow."""
    pytest.importorskip("tf2onnx", reason="the extra `export` is not installed")
    file = tmp_path_factory.mktemp("preset") / "shapes.onnx"
    model.export(file, format="onnx")
    return str(file)


@pytest.fixture
def index(make_index, tmp_path):
    return make_index(tmp_path / "shapes.index")


@pytest.fixture
def start(index, preset):
    """A function that starts the command in a process, which is killed at the end."""
    need_serve()
    processes = []

    def serve(*arguments, stderr=None, **environment):
        command = [sys.executable, "-c", START, "serve", "--index", index]
        command += ["--preset", preset, "--port", "0", *arguments]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        processes.append(process)
        address = re.match(r"Open (http://\S+) - ", process.stdout.readline())[1]
        return process, address

    yield serve
    for process in processes:
        process.kill()
        process.wait()


def test_nothing_is_lost_when_the_server_is_killed(start, index, model, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("circle\nsquare\ncross\n")
    process, address = start("--labels", str(labels))
    port = int(re.search(r":(\d+)/", address)[1])
    stats = Client(port).json("GET", "/api/stats")
    assert [label["name"] for label in stats["labels"]] == ["circle", "square", "cross"]
    outcome = run_clients(port, clients=8, rounds=3, label=2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert outcome.refused == [] and len(outcome.added) == 24
    saved = kdh.Index.load(index, model)
    check_every_id(saved, model, range(COUNT), outcome)
    assert saved.labels(range(COUNT)).tolist() == LABELS


def test_another_address_has_a_token_and_control_c_ends_it(start):
    secret = "a-token-of-mine"
    process, address = start("--host", "0.0.0.0", KERAS_DEEPHASH_TOKEN=secret)
    assert address.endswith(f"/?token={secret}")
    url = address.partition("?")[0].replace("0.0.0.0", "127.0.0.1")
    headers = {"Authorization": f"Bearer {secret}"}
    with urlopen(Request(f"{url}api/stats", headers=headers)) as answer:
        assert answer.status == 200
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert process.wait(timeout=20) == 0 and time.monotonic() - started < 10


@pytest.mark.parametrize("presses", [1, 2])
def test_control_c_does_not_wait_for_an_upload_that_stalls(start, presses):
    process, address = start(stderr=subprocess.PIPE)
    port = int(re.search(r":(\d+)/", address)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(
            b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Length: 1000\r\n\r\nx"
        )
        time.sleep(0.5)
        started = time.monotonic()
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        _, printed = process.communicate(timeout=30)
        assert process.returncode == 0 and time.monotonic() - started < 9
        assert b" 503 " in connection.recv(4096)
    assert "Traceback" not in printed and len(printed.splitlines()) <= 1, printed


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--host", ""], "`host` must be an address"),
        (["--labels", "latin.txt"], "`--labels` must be a text file in UTF-8"),
        (["--uploads", "latin.txt"], "`uploads` must be a directory"),
        (["--port", "70000"], "`--port` must be an integer from 0 to 65535"),
        (["--labels", "no such file"], "no such file"),
        (["--index", "no such index"], "There is no saved index"),
    ],
)
def test_wrong_arguments_of_serve_are_errors(
    index, preset, arguments, words, capsys, monkeypatch, tmp_path
):
    need_serve()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "latin.txt").write_bytes("café\nb\n".encode("latin-1"))
    assert main(["serve", "--index", index, "--preset", preset, *arguments]) == 1
    assert words in capsys.readouterr().err


def test_a_port_that_is_taken_is_an_error(index, preset, capsys):
    need_serve()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["--index", index, "--preset", preset, "--port", port]
        assert main(["serve", *arguments]) == 1
    assert f"port {port}: it is taken" in capsys.readouterr().err


def test_page_says_what_it_wrote_and_what_is_missing(
    preset, paths, web_runtime, tmp_path, monkeypatch, capsys
):
    runtime = tmp_path / "runtime" / "dist"
    shutil.copytree(web_runtime, runtime)
    output, images = str(tmp_path / "site"), str(Path(paths[0]).parent)
    arguments = ["page", "--preset", preset, "--images", images, "--output", output]
    assert main([*arguments, "--runtime", str(runtime.parent)]) == 0
    assert f"{output}: a page with {COUNT} pictures" in capsys.readouterr().out
    assert {"index.html", "site.js", "style.css", "model.onnx"} <= set(
        os.listdir(output)
    )
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KERAS_DEEPHASH_CACHE", str(tmp_path / "cache"))
    assert main(arguments) == 1
    assert "npm, which fetches onnxruntime-web" in capsys.readouterr().err
    assert len(os.listdir(Path(output) / "thumbnails")) == COUNT


def test_a_page_in_the_folder_of_its_pictures_is_an_error(
    preset, paths, tmp_path, capsys
):
    shutil.copy(paths[0], tmp_path)
    arguments = ["page", "--preset", preset, "--images", str(tmp_path)]
    assert main([*arguments, "--output", str(tmp_path / "site")]) == 1
    assert "`--output` must lie outside of `--images`" in capsys.readouterr().err
    assert len(os.listdir(tmp_path)) == 1
