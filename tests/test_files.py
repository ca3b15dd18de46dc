"""Files are whole or absent, and what they replace keeps its kind."""

import os
import stat
import subprocess
import sys

import pytest

from keras_deephash.files import is_network_path, try_lock, write_atomically

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")


def write(path, content: bytes) -> None:
    with write_atomically(path) as file:
        file.write(content)


@pytest.mark.parametrize(
    "path, there",
    [
        ("//host/share/a.png", True),
        (r"\\host\share\a.png", True),
        (r"/\host/a.png", True),
        (r"\/host\a.png", True),
        (r"\\?\UNC\host\a.png", True),
        (r"\??\UNC\host\a.png", True),
        ("/photos//a.png", False),
        (r"C:\photos\a.png", False),
        (r"\photos\a.png", False),
        ("a.png", False),
        ("", False),
    ],
)
def test_paths_of_other_computers(path, there):
    assert is_network_path(path) == there


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "figures.json"
    write(path, b"old")
    with pytest.raises(KeyboardInterrupt), write_atomically(path) as file:
        file.write(b"new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["figures.json"]


def test_an_interruption_of_a_finished_write_is_one(tmp_path, interrupted_replace):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "figures.json", b"new")
    assert (tmp_path / "figures.json").read_bytes() == b"new"


@posix
def test_a_link_stays(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write(tmp_path / "link.txt", b"new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_bytes() == b"new"


@posix
def test_a_pipe_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(tmp_path / "pipe", b"content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


@posix
def test_what_is_called_a_device_is_written_to():
    program = (
        "from keras_deephash.files import write_atomically\n"
        "with write_atomically('/dev/stdout') as file: file.write(b'content')"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert printed.stdout == b"content", printed.stderr.decode()


@posix
def test_permissions_are_those_asked_for(tmp_path):
    umask = os.umask(0o027)
    try:
        write(tmp_path / "new", b"")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o640
    os.chmod(tmp_path / "new", 0o600)
    write(tmp_path / "new", b"replaced")
    assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o600


@posix
def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(IsADirectoryError):
        write(tmp_path, b"content")


@posix
def test_a_lock_is_one_persons(tmp_path):
    lock = try_lock(tmp_path)
    with pytest.raises(BlockingIOError):
        try_lock(tmp_path)
    os.close(lock)
    os.close(try_lock(tmp_path))
