"""Paths of the author's computer stay there."""

import pytest

from keras_deephash.presets.private_paths import (
    find_paths,
    is_absolute,
    shorten,
    shorten_names,
)


@pytest.mark.parametrize(
    "path, absolute",
    [
        ("/home/alice/a.png", True),
        ("~/a.png", True),
        ("~alice/a.png", True),
        ("C:\\Users\\alice\\a.png", True),
        ("C:/Users/a.png", True),
        ("\\\\server\\share\\a.png", True),
        ("file:///home/alice/a.png", True),
        ("photos/a.png", False),
        ("./a.png", False),
        ("a~b/c", False),
        ("https://example.org/a", False),
        ("hf://org/name", False),
        ("", False),
    ],
)
def test_absolute_paths(path, absolute):
    assert is_absolute(path) == absolute
    assert find_paths(f"see {path} there") == [path] * absolute
    assert find_paths(f"data={path}") == [path] * absolute


@pytest.mark.parametrize(
    "value, short",
    [
        (
            "keras-deephash train --data /home/alice/clients/acme --output out/x",
            "keras-deephash train --data acme --output out/x",
        ),
        ("train --data='/home/alice/my photos'", "train --data='my photos'"),
        ("train --data '/home/alice/my photos' -b 3", "train --data 'my photos' -b 3"),
        ("/home/alice/acme/backbone", "backbone"),
        ("of C:\\Users\\alice\\a.txt, 3 images", "of a.txt, 3 images"),
        ("50% of 3/4 and 1/2, hf://org/name, https://a.org/b", None),
        ("seed 1", None),
        (3, None),
        (None, None),
        ({"a": ["/x/y", 1], "b": "/z/w/"}, {"a": ["y", 1], "b": "w"}),
    ],
)
def test_shortened_values(value, short):
    assert shorten(value) == (value if short is None else short)
    assert shorten(shorten(value)) == shorten(value)


@pytest.mark.parametrize(
    "names, short",
    [
        (["/home/a/x/1.png", "/home/a/x/y/2.png"], ["1.png", "y/2.png"]),
        (["/home/a/1.png", "rel/2.png"], ["1.png", "rel/2.png"]),
        (["/home/ab/1.png", "/home/a/2.png"], ["ab/1.png", "a/2.png"]),
        (["C:\\a\\1.png", "/b/2.png"], ["1.png", "2.png"]),
        (["/1.png"], ["1.png"]),
        (["b/1.png", ""], ["b/1.png", ""]),
        ([], []),
    ],
)
def test_shortened_names(names, short):
    assert shorten_names(names) == short
