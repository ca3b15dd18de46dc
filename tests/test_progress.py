"""Progress of long work, on a terminal and in a log."""

import http.server
import io
import re
import sys
import threading
from functools import partial

import keras
import pytest

from keras_deephash import progress
from keras_deephash.progress import Progress, keras_verbosity, plain_lines


class Terminal(io.StringIO):
    def isatty(self):
        return True

    def screen(self) -> list[str]:
        """What is to be seen: each line is written over from its beginning."""
        lines = []
        for line in self.getvalue().split("\n"):
            seen = ""
            for text in line.split("\r"):
                seen = text + seen[len(text) :]
            lines.append(seen.rstrip())
        return lines


@pytest.fixture
def begin_terminal(monkeypatch):
    """A function that has a `Terminal` be what is printed to, until the test ends."""

    def begin():
        monkeypatch.setattr(sys, "stdout", Terminal())
        return sys.stdout

    return begin


def test_a_log_has_one_line_at_the_end(capsys):
    shown = Progress(3000, "image")
    for _ in range(30):
        shown.add(100)
    out = capsys.readouterr().out
    assert re.fullmatch(r"3,000 images in 0 s, [\d,]+/s\n", out)


def test_a_log_has_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "_LOG_SECONDS", 0)
    shown = Progress(4, "code")
    for done in (1, 2, 4):
        shown.update(done)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for done, line in zip((1, 2), lines, strict=False):
        assert re.fullmatch(rf"{done} of 4 codes, [\d,]+/s, 0 s left", line)
    assert lines[2].startswith("4 codes in 0 s")


def test_a_line_of_a_terminal_changes(begin_terminal, monkeypatch):
    terminal = begin_terminal()
    monkeypatch.setattr(progress, "_TERMINAL_SECONDS", 0)
    shown = Progress(1000, "image")
    shown.update(999)
    before = terminal.screen()
    assert len(before) == 1 and before[0].startswith("999 of 1,000 images, ")
    shown.update(1000)
    # Shorter than what stood there, and nothing of that is left.
    last, empty = terminal.screen()
    assert re.fullmatch(r"1,000 images in 0 s, [\d,]+/s", last) and empty == ""
    assert len(last) < len(before[0])


def test_a_terminal_is_not_written_to_all_the_time(begin_terminal):
    terminal = begin_terminal()
    shown = Progress(10**6, "image")
    for _ in range(1000):
        shown.add(1)
    assert terminal.getvalue() == ""


def test_silence(capsys):
    shown = Progress(2, "image", verbose=False)
    shown.add(2)
    assert shown.done == 2 and capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "seconds, text",
    [(0.4, "0 s"), (59, "59 s"), (59.7, "1:00"), (125, "2:05"), (11229, "3:07:09")],
)
def test_times(seconds, text):
    assert progress._clock(seconds) == text


def test_one_is_no_plural(capsys):
    Progress(1, "image").add(1)
    assert capsys.readouterr().out.startswith("1 image in 0 s")


def test_verbosity_of_keras(begin_terminal):
    assert [keras_verbosity(value) for value in ("auto", 0, 1, 2)] == [2, 0, 1, 2]
    begin_terminal()
    assert [keras_verbosity(value) for value in ("auto", 0, 1, 2)] == ["auto", 0, 1, 2]


def test_fit_and_evaluate_write_plain_lines(make_model, images, labels, capsys):
    model = make_model()
    model.fit(images, labels, batch_size=12, epochs=2)
    model.evaluate(images, labels, batch_size=12)
    model.predict(images)
    model.encode(list(images), verbose=1)
    out = capsys.readouterr().out
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", out)
    assert "Epoch 2/2\n2/2 - " in out and "24 images in " in out


@pytest.fixture
def downloaded(tmp_path):
    """A function that downloads a file of 300 kB by Keras from a server here."""
    (tmp_path / "file.bin").write_bytes(bytes(300_000))
    (tmp_path / "cache").mkdir()  # Else Keras takes a folder that all share.
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def download(name):
        origin = f"http://127.0.0.1:{server.server_port}/file.bin"
        return keras.utils.get_file(name, origin, cache_dir=tmp_path / "cache")

    yield download
    server.shutdown()
    server.server_close()


def test_downloads_of_keras_write_plain_lines(downloaded, capsys, begin_terminal):
    with plain_lines():
        downloaded("one.bin")
        print("saved")
    out = capsys.readouterr().out
    assert re.fullmatch(r"Downloading data from http:.*\nsaved\n", out)
    terminal = begin_terminal()
    with plain_lines():
        downloaded("two.bin")
    assert "\r" in terminal.getvalue()


def test_bars_of_gensim_leave_no_empty_lines(capsys):
    with plain_lines():
        for part in ("=   ", "==  ", "===="):
            sys.stdout.write(f"\r[{part}]")
            sys.stdout.flush()
        sys.stdout.write("\n")
        print("one")
        print()
        print("two")
    assert capsys.readouterr().out == "one\n\ntwo\n"


def test_errors_pass_through():
    with pytest.raises(KeyError), plain_lines():
        raise KeyError("x")
    assert not isinstance(sys.stdout, progress._WithoutBars)
