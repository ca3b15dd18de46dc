"""Images that cannot be read: errors, lists, names of any kind."""

import json

import pytest

from keras_deephash.images import ImageErrors, error_for, write_report
from keras_deephash.text import printable


def test_one_error_names_all():
    bad, gone = ValueError("bad: a.png"), FileNotFoundError("gone: b.png")
    for problems, kind, text in (
        ({3: bad}, ValueError, "Image 3: bad: a.png"),
        ({3: gone}, FileNotFoundError, "Image 3: gone: b.png"),
        (
            {3: bad, 5: gone},
            ValueError,
            "2 of 9 images cannot be read:\nImage 3: bad: a.png\nImage 5: gone: b.png",
        ),
    ):
        error = error_for(problems, 9)
        assert type(error) is kind and str(error) == text
    many = str(error_for({number: bad for number in range(30)}))
    assert many.startswith("30 images cannot be read:\nImage 0: ")
    assert many.endswith("\nImage 19: bad: a.png\n... and 10 more.")


def test_errors_are_kept_by_number():
    errors = ImageErrors(["a", "b", "a"])
    errors.on_error(0, ValueError("no image"))
    assert errors.readable == ["b", "a"] and errors.unreadable == {"a": "no image"}
    assert ImageErrors(["a"], strict=True).on_error is None


NAMES = {
    "plain.jpg": "plain.jpg",
    "two words é 写真.jpg": "two words é 写真.jpg",
    '"quoted".jpg': '"quoted".jpg',
    "a\nb\tc.jpg": r"a\nb\tc.jpg",
    "red\x1b[31m.jpg": r"red\x1b[31m.jpg",
    "line\u2028end.jpg": r"line\u2028end.jpg",
    "latin\udce9.jpg": r"latin\udce9.jpg",
    "alone\ud800.jpg": r"alone\ud800.jpg",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_for_a_line_of_text(name):
    shown = printable(name)
    assert shown == NAMES[name] and len(shown.splitlines()) == 1
    shown.encode()


def test_a_line_for_each_image_whatever_its_name(tmp_path):
    report = tmp_path / "unreadable.txt"
    write_report(report, {name: f"cannot be read:\n{name}" for name in NAMES})
    lines = report.read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(NAMES)
    for line, name in zip(lines, NAMES, strict=True):
        written, why = line.split("\t")
        assert (json.loads(written) if written[0] == '"' else written) == name
        assert why.startswith(r"cannot be read:\n")
    assert lines[0].startswith("plain.jpg\t")
    write_report(report, {})
    assert not report.exists()
    write_report(report, {})
