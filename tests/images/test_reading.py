"""Images of every kind become uint8 RGB, or are refused."""

import pathlib
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps, features

from keras_deephash.images import read_image

# What the camera's turn makes of the stored pixels, by EXIF orientation.
TURNS = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: x[::-1, ::-1].transpose(1, 0, 2),
    8: lambda x: np.rot90(x),
}


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "mode", ["RGB", "RGBA", "L", "LA", "P", "CMYK", "YCbCr", "1", "I", "F"]
)
def test_modes_of_pillow(pixels, mode, tmp_path):
    image = Image.fromarray(pixels)
    image = image.convert("L").convert(mode) if mode in "LIF1" else image.convert(mode)
    expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(read_image(image), expected)
    path = tmp_path / "image.tiff"
    image.save(path)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr", "CMYK"])
def test_modes_of_jpeg(mode, tmp_path):
    # One colour survives the compression but for rounding.
    image = Image.new("RGB", (16, 8), (200, 120, 40)).convert(mode)
    path = tmp_path / "image.jpg"
    image.save(path, quality=95)
    expected = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(read_image(path) - expected).max() <= 3


def on_white(colours, alpha):
    """What a page shows of them, by the definition of alpha; float [h, w, 3]."""
    share = alpha[..., None] / 255
    return colours * share + 255 * (1 - share)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGBa", "La"])
@pytest.mark.parametrize("extension", ["png", "tiff", "webp", None])
def test_what_is_transparent_is_laid_on_white(pixels, tmp_path, mode, extension):
    if extension and mode.endswith("a"):
        pytest.skip("a mode of PIL images alone")
    alpha = (np.arange(35, dtype=np.uint8).reshape(5, 7) * 8).clip(0, 255)
    alpha[0, :2], alpha[4, 5:] = 0, 255
    colours = pixels if mode[:-1] == "RGB" else np.repeat(pixels[..., :1], 3, axis=-1)
    stored = np.dstack([colours[..., : len(mode) - 1], alpha])
    image = Image.fromarray(stored, mode.upper()).convert(mode)
    if extension:
        path = tmp_path / f"image.{extension}"
        image.save(
            path, **({"lossless": True, "exact": True} if "w" in extension else {})
        )
    found = read_image(path if extension else image)
    expected = on_white(colours, alpha.astype(float))
    # Pillow rounds, and the modes in lower case hold products, rounded before.
    tolerance = 1 if mode[-1] == "A" else 2
    assert np.abs(found - expected).max() <= tolerance
    assert (found[0, :2] == 255).all()
    np.testing.assert_array_equal(found[4, 5:], colours[4, 5:])


def test_opaque_images_are_what_they_were(pixels, tmp_path):
    for mode in ("RGBA", "LA", "PA"):
        image = Image.fromarray(pixels)
        image = image.quantize(16) if mode == "PA" else image
        expected = np.asarray(image.convert(mode[:-1]).convert("RGB"))
        np.testing.assert_array_equal(read_image(image.convert(mode)), expected)


@pytest.mark.parametrize("transparency", [3, bytes(range(0, 256, 16))])
@pytest.mark.parametrize("extension", ["png", "gif"])
def test_palettes_with_transparency(pixels, tmp_path, extension, transparency):
    if extension == "gif" and transparency != 3:
        pytest.skip("GIF has one transparent colour")
    palette = Image.fromarray(pixels).quantize(16)
    path = tmp_path / f"image.{extension}"
    palette.save(path, transparency=transparency, optimize=False)
    alphas = np.full(16, 255.0)
    if transparency == 3:
        alphas[3] = 0
    else:
        alphas[:] = list(transparency)
    colours = np.asarray(palette.convert("RGB")).astype(float)
    expected = on_white(colours, alphas[np.asarray(palette)])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert np.abs(read_image(path) - expected).max() <= 1


def test_one_colour_may_be_transparent(tmp_path):
    path = tmp_path / "image.png"
    grey = np.array([[0, 9, 200], [9, 255, 9]], np.uint8)
    Image.fromarray(grey).save(path, transparency=9)
    expected = np.array([[0, 255, 200], [255, 255, 255]])
    np.testing.assert_array_equal(read_image(path)[..., 1], expected)
    Image.fromarray(grey.astype(np.uint16) * 256 + 5).save(path)
    with Image.open(path) as deep:
        deep.load()
        deep.info["transparency"] = 9 * 256 + 5
        np.testing.assert_array_equal(read_image(deep)[..., 1], expected)
    colours = np.dstack([grey, grey // 2, 255 - grey])
    Image.fromarray(colours).save(path, transparency=(9, 4, 246))
    found = read_image(path)
    np.testing.assert_array_equal(found[grey == 9], np.full((3, 3), 255))
    np.testing.assert_array_equal(found[grey != 9], colours[grey != 9])


def test_the_unused_channel_of_a_tga_is_not_transparency(pixels, tmp_path):
    path = tmp_path / "image.tga"
    for alpha, expected in ((0, pixels), (255, pixels)):
        channel = np.full((5, 7), alpha, np.uint8)
        Image.fromarray(np.dstack([pixels, channel])).save(path)
        np.testing.assert_array_equal(read_image(path), expected)
    channel[0, 0] = 0
    Image.fromarray(np.dstack([pixels, channel])).save(path)
    assert (read_image(path)[0, 0] == 255).all()


def test_drawings_on_a_transparent_ground_differ(tmp_path):
    drawings = np.zeros((2, 8, 8, 4), np.uint8)
    drawings[0, 3], drawings[1, :, 3] = (0, 0, 0, 255), (0, 0, 0, 255)
    found = [read_image(Image.fromarray(drawing)) for drawing in drawings]
    for drawing, pixels in zip(drawings, found, strict=True):
        np.testing.assert_array_equal(pixels[..., 0], 255 - drawing[..., 3])


@pytest.mark.parametrize("name", ["grey.png", "grey.tiff", "grey.pgm"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(pixels, tmp_path, name):
    grey = pixels[..., 0].astype(np.uint16) * 256 + 17
    path = tmp_path / name
    for values in (grey, grey // 40, grey // 256):  # Dark images by the same scale.
        Image.fromarray(values).save(path)
        expected = np.repeat(values[..., None] // 256, 3, axis=-1)
        np.testing.assert_array_equal(read_image(path), expected)


def test_sixteen_bit_grey_in_memory(pixels):
    grey = pixels[..., 0].astype(np.uint16) * 256 + 17
    expected = np.repeat(pixels[..., :1], 3, axis=-1)
    for order in "<>":
        image = Image.fromarray(grey.astype(f"{order}u2"))
        assert image.mode.startswith("I;16")
        np.testing.assert_array_equal(read_image(image), expected)
    black = Image.fromarray(np.zeros_like(grey))
    assert not read_image(black).any()


def test_sixteen_bit_colours(pixels, tmp_path):
    def chunk(name, data):
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    # Pillow writes no such PNG: 5 rows of 7 pixels, 16 bits, colours; no filter.
    values = (pixels.astype(np.uint16) * 256 + 99).astype(">u2").tobytes()
    rows = b"".join(b"\0" + values[i : i + 42] for i in range(0, len(values), 42))
    path = tmp_path / "deep.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 7, 5, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_array_equal(read_image(path), pixels)


@pytest.mark.parametrize(
    "values, message",
    [
        (np.full((4, 4), 300, np.int32), "between 0 and 255"),
        (np.full((4, 4), -1, np.int32), "between 0 and 255"),
        (np.full((4, 4), 300, np.float32), "between 0 and 255"),
        (np.full((4, 4), np.nan, np.float32), "between 0 and 255"),
        (np.full((4, 4), 0.5, np.float32), "scaled to 0 to 1"),
    ],
)
def test_values_that_are_no_pixels_are_refused(values, message, tmp_path):
    path = tmp_path / "deep.tiff"
    image = Image.fromarray(values)
    image.save(path)
    for form, name in ((path, "deep.tiff"), (image, f"mode {image.mode}")):
        with pytest.raises(ValueError, match=f"{name}.*{message}"):
            read_image(form)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("name", ["photo.png", "photo.tiff", "photo.jpg"])
def test_photos_are_turned_as_their_exif_says(pixels, tmp_path, name, orientation):
    image = Image.fromarray(pixels)
    path = tmp_path / name
    image.save(path, quality=95)
    stored = read_image(path)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif, quality=95)
    expected = TURNS[orientation](stored)
    np.testing.assert_array_equal(read_image(path), expected)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read_image(opened), expected)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "I;16"])
def test_scans_are_turned_in_every_mode(pixels, tmp_path, mode, orientation):
    """Pillow maps an uncompressed TIFF of these modes into memory."""
    image = Image.fromarray(pixels)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = image.convert(mode)
    expected = TURNS[orientation](read_image(image))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "scan.tiff"
    image.save(path, exif=exif)
    np.testing.assert_array_equal(read_image(path), expected)


def turned_file(pixels, path, orientation, sides=None):
    """Saves a photo with an orientation, and with the sides of the file in EXIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    if sides is not None:
        exif.get_ifd(0x8769).update({0xA002: sides[0], 0xA003: sides[1]})
    Image.fromarray(pixels).save(path, exif=exif)
    return path


@pytest.mark.parametrize("orientation", TURNS)
def test_a_photo_turned_by_hand_is_not_turned_twice(tmp_path, orientation):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    path = turned_file(pixels, tmp_path / "photo.png", orientation)
    upright = TURNS[orientation](pixels)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read_image(opened), upright)
        np.testing.assert_array_equal(read_image(opened.copy()), upright)
        once = ImageOps.exif_transpose(opened)
        np.testing.assert_array_equal(read_image(once), upright)
        if orientation in (5, 6, 7, 8):  # The sides show that it was turned.
            by_hand = Image.fromarray(upright)
            by_hand.info.update(opened.info)
            np.testing.assert_array_equal(read_image(by_hand), upright)


def test_exif_knows_the_sides_of_the_file(tmp_path):
    """Of a sensor that is higher than wide, such as that of a camera for portraits."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 6, 3), dtype=np.uint8)
    path = turned_file(pixels, tmp_path / "photo.png", 6, sides=(6, 9))
    upright = np.rot90(pixels, -1)
    with Image.open(path) as opened:
        np.testing.assert_array_equal(read_image(opened.convert("RGB")), upright)
        by_hand = opened.transpose(Image.Transpose.ROTATE_270)
        np.testing.assert_array_equal(read_image(by_hand), upright)
        smaller = by_hand.resize((3, 2))
        assert read_image(smaller).shape == (2, 3, 3)


def test_sixteen_bit_photos_are_turned(pixels, tmp_path):
    path = tmp_path / "photo.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 257).save(path, exif=exif)
    expected = np.rot90(np.repeat(pixels[..., :1], 3, axis=-1), -1)
    np.testing.assert_array_equal(read_image(path), expected)


def tiff_of_grey(rows: bytes, width, height, bits, photometric, sample_format=1):
    """An uncompressed TIFF of one strip; Pillow writes none of 12 bits."""
    entries = [
        (256, 3, width),
        (257, 3, height),
        (258, 3, bits),
        (259, 3, 1),
        (262, 3, photometric),
        (273, 4, 8),
        (277, 3, 1),
        (278, 3, height),
        (279, 4, len(rows)),
        (339, 3, sample_format),
    ]
    fields = b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    start = struct.pack("<2sHI", b"II", 42, 8 + len(rows))
    return start + rows + struct.pack("<H", len(entries)) + fields + bytes(4)


def test_sixteen_bits_whose_white_is_zero(tmp_path):
    path = tmp_path / "scan.tiff"
    values = np.array([[0, 256, 65535], [40000, 20000, 511]], "<u2")
    for photometric, expected in ((1, values // 256), (0, 255 - values // 256)):
        path.write_bytes(tiff_of_grey(values.tobytes(), 3, 2, 16, photometric))
        np.testing.assert_array_equal(read_image(path)[..., 1], expected)


def test_floats_whose_white_is_zero(tmp_path):
    path = tmp_path / "scan.tiff"
    values = np.array([[0, 25, 255], [200, 100, 3]], "<f4")
    for photometric, expected in ((1, values), (0, 255 - values)):
        content = tiff_of_grey(values.tobytes(), 3, 2, 32, photometric, 3)
        path.write_bytes(content)
        np.testing.assert_array_equal(read_image(path)[..., 1], expected)


def test_twelve_bits_are_scaled(tmp_path):
    path = tmp_path / "scan.tiff"
    values = np.array([[0, 16, 4095, 200], [2048, 100, 3000, 1]])
    pairs = values.reshape(-1, 2)
    first, second = pairs[:, 0], pairs[:, 1]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], 1)
    rows = packed.astype(np.uint8).tobytes()
    path.write_bytes(tiff_of_grey(rows, 4, 2, 12, 1))
    np.testing.assert_array_equal(read_image(path)[..., 0], values // 16)


@pytest.mark.parametrize(
    "entry",
    [
        struct.pack("<HHI4s", 282, 2, 4, b"72\0\0"),  # A resolution in words.
        struct.pack("<HHIi", 256, 9, 1, -5),  # A width below 0.
        struct.pack("<HHIf", 271, 11, 1, 0.5),  # A maker that is a number.
    ],
)
def test_odd_exif_entries_do_not_matter(pixels, tmp_path, entry):
    path = tmp_path / "photo.jpg"
    image = Image.fromarray(pixels)
    image.save(path, quality=95)
    expected = TURNS[6](read_image(path))
    turned = struct.pack("<HHIHH", 274, 3, 1, 6, 0)
    exif = b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entry + turned + bytes(4)
    image.save(path, quality=95, exif=exif)
    np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("extension", ["gif", "webp", "png", "tiff"])
def test_the_first_image_of_several(tmp_path, extension):
    frames = [Image.new("RGB", (8, 6), (grey,) * 3) for grey in (0, 128, 255)]
    path = tmp_path / f"moving.{extension}"
    options = {"lossless": True} if extension == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert not read_image(path).any()
    with Image.open(path) as opened:
        assert opened.n_frames == 3
        opened.seek(2)
        assert (read_image(opened) == 255).all()  # The frame that it stands at.


@pytest.mark.parametrize("extension", ["png", "jpg", "gif", "webp", "tiff", "bmp"])
def test_truncated_files_are_named(pixels, tmp_path, extension):
    whole = tmp_path / f"whole.{extension}"
    Image.fromarray(pixels).resize((64, 64)).save(whole)
    data = whole.read_bytes()
    path = tmp_path / f"part.{extension}"
    for size in (0, 10, len(data) * 3 // 4):
        path.write_bytes(data[:size])
        with pytest.raises(ValueError, match=f"cannot be read: .*part.{extension}"):
            read_image(path)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
def test_damaged_avif_is_named(pixels, tmp_path):
    path = tmp_path / "image.avif"
    Image.fromarray(pixels).save(path)
    whole = path.read_bytes()
    start = whole.index(b"mdat") + 4
    for place in range(start, len(whole)):
        path.write_bytes(whole[:place] + b"\xff" * 8 + whole[place + 8 :])
        try:
            read_image(path)
        except ValueError as error:
            assert "image.avif" in str(error)


def test_a_truncated_file_that_is_open_already(pixels, tmp_path):
    path = tmp_path / "part.png"
    Image.fromarray(pixels).resize((64, 64)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with Image.open(path) as opened, pytest.raises(ValueError, match="cannot be read"):
        read_image(opened)


@pytest.mark.parametrize("length", [8, 12])  # Of it; Pillow raises other errors.
def test_damaged_exif_is_named(pixels, tmp_path, length):
    image = Image.fromarray(pixels)
    exif = image.getexif()
    exif[0x0112] = 6
    path = tmp_path / "photo.png"
    image.save(path, exif=exif.tobytes()[:length])
    with pytest.raises(ValueError, match="cannot be read: .*photo.png"):
        read_image(path)


def test_what_is_no_image(tmp_path):
    (tmp_path / "notes.png").write_text("no image")
    for path in (tmp_path / "notes.png", tmp_path):
        with pytest.raises(ValueError, match="cannot be read"):
            read_image(path)
    with pytest.raises(FileNotFoundError, match="no such image file: .*none.png"):
        read_image(tmp_path / "none.png")


def test_str_and_path(pixels, tmp_path):
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    for form in (path, str(path), np.str_(path), pathlib.PurePath(path)):
        np.testing.assert_array_equal(read_image(form), pixels)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64", "float32"])
def test_arrays_of_any_dtype(pixels, dtype):
    np.testing.assert_array_equal(read_image(pixels.astype(dtype)), pixels)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda x: x.astype(np.uint16) * 257, "between 0 and 255"),
        (lambda x: x / 255.0, "scaled to 0 to 1"),
        (lambda x: x - 128.0, "between 0 and 255"),
        (lambda x: x > 100, "numbers from 0 to 255.*bool"),
        (lambda x: x[..., 0], r"RGB array \[h, w, 3\].*\(5, 7\)"),
        (lambda x: x[..., :1], r"RGB array \[h, w, 3\].*\(5, 7, 1\)"),
        (lambda x: np.dstack([x, x[..., 0]]), r"RGB array.*\(5, 7, 4\)"),
        (lambda x: x[:0], "at least one pixel"),
        (lambda x: Image.new("RGB", (0, 3)), "at least one pixel"),
    ],
)
def test_arrays_that_are_refused(pixels, make, message):
    with pytest.raises(ValueError, match=message):
        read_image(make(pixels))


def test_floats_are_rounded(pixels):
    shifted = pixels.astype("float32").clip(1, 254) + 0.4
    np.testing.assert_array_equal(read_image(shifted), pixels.clip(1, 254))
