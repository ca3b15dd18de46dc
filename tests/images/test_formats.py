"""Which formats are read, and images that are too large."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from keras_deephash.images import formats, read_image


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(formats, "MAX_PIXELS", 1000)
    monkeypatch.setattr(formats, "MAX_JPEG_PIXELS", 20_000)


@pytest.mark.skipif(os.name == "nt", reason="a program of POSIX")
def test_no_image_starts_a_program(pixels, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\necho $@ >> {tmp_path}/started\n")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    path = tmp_path / "holiday.jpg"
    Image.fromarray(pixels).save(path, format="EPS")
    with pytest.raises(ValueError, match="holiday.jpg.*must be one of JPEG, PNG"):
        read_image(path)
    with Image.open(path) as opened, pytest.raises(ValueError, match="PostScript"):
        read_image(opened)
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("name", ["icon.ico", "old.pcx", "old.im", "old.dds", "x.sgi"])
def test_other_formats_are_refused_by_what_they_are(pixels, tmp_path, name):
    path = tmp_path / "called.png"
    image = Image.fromarray(pixels).resize((16, 16))
    image.save(path, format=Image.registered_extensions()[name[name.index(".") :]])
    with pytest.raises(ValueError, match="called.png.*must be one of JPEG, PNG"):
        read_image(path)


def test_a_photo_of_a_phone_without_its_plug_in(tmp_path, monkeypatch):
    monkeypatch.delitem(Image.OPEN, "HEIF", raising=False)
    path = tmp_path / "photo.heic"
    path.write_bytes(struct.pack(">I4s4sI", 24, b"ftyp", b"heic", 0) + bytes(100))
    with pytest.raises(ValueError, match=r"photo.heic.*keras-deephash\[heif\]"):
        read_image(path)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "GIF", "BMP", "JPEG2000"])
def test_large_images_are_refused(small_limit, tmp_path, format):
    for side, fits in ((31, True), (32, False)):
        path = tmp_path / f"{side}"
        Image.new("RGB", (side, side), (9, 8, 7)).save(path, format=format)
        if fits:
            assert read_image(path).shape == (31, 31, 3)
            continue
        with pytest.raises(
            ValueError, match="32 x 32 pixels are too many, at most 1,000"
        ):
            read_image(path)


@pytest.mark.parametrize(
    "width, height, factor",
    [(40, 25, 1), (40, 26, 2), (80, 50, 2), (80, 51, 4), (160, 101, 8)],
)
@pytest.mark.parametrize("pillows_limit", [None, 100])
def test_large_jpegs_are_decoded_smaller(
    small_limit, monkeypatch, tmp_path, width, height, factor, pillows_limit
):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (width, height), (200, 120, 40)).save(path, quality=95)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillows_limit)
    found = read_image(path)
    assert found.shape == (-(-height // factor), -(-width // factor), 3)
    assert np.abs(found.astype(int) - (200, 120, 40)).max() <= 3


def test_jpegs_have_a_limit_too(small_limit, monkeypatch, tmp_path):
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (160, 126)).save(path, progressive=True)
    with pytest.raises(
        ValueError, match="160 x 126 pixels are too many, at most 20,000"
    ):
        read_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    Image.new("RGB", (160, 126)).save(tmp_path / "photo.png")
    with pytest.raises(ValueError, match="photo.png.*too large"):
        read_image(tmp_path / "photo.png")


def test_photos_that_fit_are_decoded_whole(tmp_path):
    """Their codes are those of before."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG")
    (tmp_path / "photo.jpg").write_bytes(file.getvalue())
    expected = np.asarray(Image.open(file))
    np.testing.assert_array_equal(read_image(tmp_path / "photo.jpg"), expected)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


LONG = zlib.compress(b"x" * 3_000_000)


@pytest.mark.parametrize("place", [33, -12])  # Behind the header; before the end.
@pytest.mark.parametrize(
    "chunks",
    [
        [png_chunk(b"zTXt", b"workflow\0\0" + LONG)],
        [png_chunk(b"iTXt", b"workflow\0\1\0\0\0" + LONG)],
        [png_chunk(b"tEXt", b"workflow\0" + bytes([120]) * 2**20)] * 70,  # 70 MB.
    ],
    ids=["zTXt", "iTXt", "tEXt"],
)
def test_long_texts_do_not_matter(pixels, tmp_path, chunks, place):
    path = tmp_path / "drawing.png"
    Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    path.write_bytes(b"".join([whole[:place], *chunks, whole[place:]]))
    np.testing.assert_array_equal(read_image(path), pixels)


def test_long_profiles_do_not_matter_and_turns_do(pixels, tmp_path):
    path = tmp_path / "photo.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, icc_profile=bytes(3_000_000), exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(pixels, -1))
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    info.add_text("workflow", "x" * 3_000_000, zip=True)
    Image.fromarray(pixels).save(path, pnginfo=info)
    np.testing.assert_array_equal(read_image(path), np.rot90(pixels, -1))


def test_a_damaged_file_with_long_texts_is_named(pixels, tmp_path):
    info, path = PngImagePlugin.PngInfo(), tmp_path / "drawing.png"
    info.add_text("workflow", "x" * 3_000_000, zip=True)
    Image.fromarray(pixels).save(path, pnginfo=info)
    whole = path.read_bytes()
    for end in (len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:end])
        with pytest.raises(ValueError, match="cannot be read: .*drawing.png"):
            read_image(path)
    data = zlib.compress(b"x" * 3_000_000)  # A length that the file does not have.
    chunk = struct.pack(">I4s", 1 << 31, b"zTXt") + b"a\0\0" + data
    path.write_bytes(whole[:33] + chunk)
    with pytest.raises(ValueError, match="cannot be read: .*drawing.png"):
        read_image(path)
