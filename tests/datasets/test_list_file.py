"""List files: what they may say, and what an error says about them."""

import os

import numpy as np
import pytest
from PIL import Image

from keras_deephash.datasets import read_image_list


def rewrite(folder, *lines):
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    return folder / "train.txt"


def test_multi_hot_list(folder):
    images = read_image_list(folder / "train.txt")
    assert len(images) == 6
    assert images.images[3] == str(folder / "images" / "3.png")
    expected = [[i % 2, (i + 1) % 2, int(i == 3)] for i in range(6)]
    np.testing.assert_array_equal(images.labels, expected)
    assert images.labels.dtype == np.uint8


def test_class_index_list(folder):
    path = rewrite(folder, "images/0.png 2", "", "images/1.png 0")
    images = read_image_list(path)
    np.testing.assert_array_equal(images.labels, [[0, 0, 1], [1, 0, 0]])
    assert read_image_list(path, classes=5).labels.shape == (2, 5)


def test_label_names_stand_beside_the_list(folder):
    (folder / "labels.txt").write_text("cat\ndog\nred\n")
    images = read_image_list(folder / "train.txt")
    assert images.label_names == ["cat", "dog", "red"]


def test_label_names_may_have_a_byte_order_mark(folder):
    (folder / "labels.txt").write_bytes(b"\xef\xbb\xbfcat\r\ndog\r\n\r\nred\r\n")
    images = read_image_list(folder / "train.txt")
    assert images.label_names == ["cat", "dog", "red"]
    (folder / "labels.txt").write_bytes("café\n".encode("latin-1"))
    with pytest.raises(ValueError, match="labels.txt' is not a readable text file"):
        read_image_list(folder / "train.txt")


def test_paths_with_spaces_windows_lines_and_a_byte_order_mark(folder):
    os.rename(folder / "images" / "0.png", folder / "images" / "my cat 7.png")
    text = "images/my cat 7.png 0 1\r\nimages/1.png\t1 0\r\n"
    (folder / "train.txt").write_bytes(b"\xef\xbb\xbf" + text.encode())
    images = read_image_list(folder / "train.txt")
    assert images.images[0].endswith("my cat 7.png")
    np.testing.assert_array_equal(images.labels, [[0, 1], [1, 0]])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_byte_order_marks_name_the_encoding(folder, encoding):
    """PowerShell's `>` writes UTF-16."""
    expected = read_image_list(folder / "train.txt")
    for name, text in (
        ("train.txt", (folder / "train.txt").read_text()),
        ("labels.txt", "cät\ndog\nred\n"),
    ):
        text = text.replace("\n", "\r\n")
        (folder / name).write_bytes(text.encode(encoding))
    images = read_image_list(folder / "train.txt")
    assert images.images == expected.images
    assert images.label_names == ["cät", "dog", "red"]
    np.testing.assert_array_equal(images.labels, expected.labels)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "latin-1"])
def test_other_encodings_are_named(folder, encoding):
    (folder / "train.txt").write_bytes("images/é.png 0 1\n".encode(encoding))
    with pytest.raises(
        ValueError, match="train.txt' is not a readable.*Save it as UTF-8"
    ):
        read_image_list(folder / "train.txt")


def test_absolute_paths_below_the_root(folder, tmp_path_factory):
    expected = read_image_list(folder / "train.txt")
    lines = (folder / "train.txt").read_text().splitlines()
    path = rewrite(folder, *(f"{folder}/{line}" for line in lines))
    assert read_image_list(path).images == expected.images
    link = tmp_path_factory.mktemp("links") / "data"
    link.symlink_to(folder)
    images = read_image_list(link / "train.txt")  # `find $PWD` behind a link.
    assert len(images) == 6
    rewrite(folder, *(f"{link}/{line}" for line in lines))
    assert len(read_image_list(folder / "train.txt")) == 6
    with pytest.raises(ValueError, match="line 2: the path is already on line 1"):
        read_image_list(rewrite(folder, lines[0], f"{folder}/{lines[0]}"))
    (folder / "images" / "out.png").symlink_to(link)
    with pytest.raises(ValueError, match="line 1: a path must be relative to the root"):
        read_image_list(rewrite(folder, f"{link.parent}/{lines[0]}"))


def test_lines_of_many_labels_are_read_in_linear_time(folder):
    """A regular expression took a minute for the second line."""
    labels = " 0" * 20_000
    path = rewrite(folder, f"images/0.png{labels}")
    assert read_image_list(path).labels.shape == (1, 20_000)
    for bad in (f"images/0.png{labels} 0.5", f"{labels} x", f"images/0.png{labels}-"):
        with pytest.raises(ValueError, match="line 1: a line must be a path") as error:
            read_image_list(rewrite(folder, bad))
        assert len(str(error.value)) < 1000


def test_another_root(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("lists")
    (other / "mine.txt").write_text("0.png 1 0\n")
    images = read_image_list(other / "mine.txt", root=folder / "images")
    assert len(images) == 1


@pytest.mark.parametrize(
    "lines, message",
    [
        (["images/0.png 0 1", "images/9.png 0 1"], "line 2: there is no such image"),
        (["images/0.png 0 1", "images/1.png 0 1 1"], "line 2: every line must have"),
        (["images/0.png 0 1", "images/1.png 0 2"], "line 2: labels must be 0 or 1"),
        (
            ["images/0.png 0 1", "", "images/0.png 0 1"],
            "line 3: the path is already on",
        ),
        (
            ["images/0.png 0 1", "images/../images/0.png 0 1"],
            "line 2: the path is already on line 1",
        ),
        (["../secret.png 0 1"], "line 1: a path must be relative to the root"),
        (["/etc/passwd 0 1"], "line 1: a path must be relative to the root"),
        (["images/0.png"], "line 1: a line must be a path and its labels"),
        (["0 1"], "line 1: there is no such image file"),
        (["images/0.png 0 -1"], "line 1: a line must be a path and its labels"),
        (["images/0.png 99999999999"], "line 1: a line must be a path"),
        (["images/0.png 1", "images/1.png 200000"], "line 2: a class index must be"),
        (["images 0 1"], "line 1: there is no such image file"),
        ([""], "the list must hold at least one image"),
    ],
)
def test_errors_name_the_file_and_the_line(folder, lines, message):
    path = rewrite(folder, *lines)
    with pytest.raises(ValueError, match=message) as caught:
        read_image_list(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("damage", ["truncated", "text", "empty"])
def test_an_unreadable_image_is_named(folder, damage):
    path = folder / "images" / "4.png"
    content = path.read_bytes()
    new = {"truncated": content[:60], "text": b"hello", "empty": b""}
    path.write_bytes(new[damage])
    with pytest.raises(ValueError, match=r"train.txt, line 5: .*cannot be read.*4.png"):
        read_image_list(folder / "train.txt")
    assert len(read_image_list(folder / "train.txt", verify_images=False)) == 6


def test_a_truncated_jpeg_is_found(folder):
    path = folder / "images" / "big.jpg"
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(ValueError, match="line 1: .*cannot be read"):
        read_image_list(rewrite(folder, "images/big.jpg 1 0"))


def test_labels_must_fit_the_label_names(folder):
    (folder / "labels.txt").write_text("cat\ndog\n")
    with pytest.raises(ValueError, match="each of the 2 label names.*3 labels"):
        read_image_list(folder / "train.txt")
    with pytest.raises(ValueError, match="line 1: a class index must be less than"):
        read_image_list(rewrite(folder, "images/0.png 2"))


def test_a_number_under_one_label_name_is_a_class_index(folder):
    (folder / "labels.txt").write_text("cat\n")
    path = rewrite(folder, "images/0.png 0")
    np.testing.assert_array_equal(read_image_list(path).labels, [[1]])
    path = rewrite(folder, "images/0.png 0", "images/1.png 1")
    with pytest.raises(ValueError, match="line 2.*A single number is a class index"):
        read_image_list(path)


def test_no_list_and_no_text(folder):
    with pytest.raises(ValueError, match="no such list file"):
        read_image_list(folder / "none.txt")
    with pytest.raises(ValueError, match="not a readable text file"):
        read_image_list(folder / "images" / "0.png")
    with pytest.raises(ValueError, match="not a readable text file"):
        read_image_list(folder)
