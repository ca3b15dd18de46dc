"""A full disk is found before the work, and named in one line."""

import errno
import os

import pytest

from keras_deephash.disk_room import check_room, disk_errors


def test_room_is_checked_without_a_trace(tmp_path):
    check_room(tmp_path / "new", 10_000)
    assert os.listdir(tmp_path) == []
    with pytest.raises(OSError, match="space|large"):
        check_room(tmp_path / "new", 1 << 60)
    assert os.listdir(tmp_path) == []
    (tmp_path / "old").write_text("old")
    with pytest.raises(FileExistsError):
        check_room(tmp_path / "old", 10)
    assert (tmp_path / "old").read_text() == "old"


@pytest.mark.parametrize(
    "raised, number",
    [
        (RuntimeError("Can't write\n (errno = 28, error message = 'x')"), errno.ENOSPC),
        (OSError(errno.EFBIG, "File too large"), errno.EFBIG),
    ],
)
def test_errors_of_a_disk_are_one_line(raised, number):
    with pytest.raises(OSError) as caught, disk_errors("a/b"):
        raise raised
    assert caught.value.errno == number and caught.value.filename == "a/b"
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "raised",
    [ValueError("bits"), RuntimeError("x"), OSError("no number"), KeyboardInterrupt()],
)
def test_other_errors_stay_as_they_are(raised):
    with pytest.raises(type(raised)) as caught, disk_errors("a/b"):
        raise raised
    assert caught.value is raised
