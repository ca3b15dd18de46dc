"""Text of others is shown as it is, but for what a terminal would obey."""

import pytest

from keras_deephash.text import printable


@pytest.mark.parametrize(
    "text, shown",
    [
        ("", ""),
        ("cat 1.png", "cat 1.png"),
        ("Bild ä 猫 \U0001f468\u200d\U0001f469 a\u00a0b", None),
        ("a\nb\r\t\x00", "a\\nb\\r\\t\\x00"),
        ("\x1b]0;title\x07\x9b2J\x7f", "\\x1b]0;title\\x07\\x9b2J\\x7f"),
        ("\ud800.png\udcff", "\\ud800.png\\udcff"),
        ("gpj.\u202eexe \u2066x\u2069", "gpj.\\u202eexe \\u2066x\\u2069"),
        ("a\u2028b\u2029c\x85", "a\\u2028b\\u2029c\\x85"),
    ],
)
def test_what_is_shown(text, shown):
    assert printable(text) == (text if shown is None else shown)
    printable(text).encode()


def test_what_is_kept():
    assert printable("a\nb\x1b", keep="\n") == "a\nb\\x1b"
