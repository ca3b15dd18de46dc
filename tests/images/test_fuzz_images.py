"""Images that someone has tampered with: read, or named, and nothing else.

A mutation knows the structure of its format - chunks, segments, tags, boxes - and
repairs checksums, so that the damage reaches the decoder.
"""

import io
import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image, features

from keras_deephash.images import formats

SIZES = (
    0,
    1,
    7,
    255,
    256,
    32767,
    65535,
    100_000,
    1 << 24,
    (1 << 31) - 1,
    (1 << 32) - 1,
)
# Reads images with little memory, and prints what became of each. Of the package the
# images alone are imported, for nothing else shall have threads or memory here.
READER = """
import json, os, resource, sys, warnings
from keras_deephash.images import read_image
warnings.simplefilter("ignore")
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[2]), -1))
for name in sorted(os.listdir(sys.argv[1])):
    path = os.path.join(sys.argv[1], name)
    print(name, flush=True)
    try:
        print(json.dumps(["read", list(read_image(path).shape)]), flush=True)
    except (ValueError, OSError) as error:
        print(json.dumps(["refused", str(error)]), flush=True)
    except BaseException as error:
        print(json.dumps(["raised", repr(error)]), flush=True)
"""


def picture(mode: str) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 40, 4), dtype=np.uint8)
    image = Image.fromarray(pixels, "RGBA")
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    return image.convert("RGB").convert(mode) if mode != "RGBA" else image


def seeds() -> dict[str, bytes]:
    """Whole images of all formats and some modes."""
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {
        "a.png": ("RGBA", {"exif": exif}),
        "b.png": ("P", {"transparency": bytes(range(200))}),
        "c.png": ("I;16", {}),
        "d.png": ("RGB", {"save_all": True, "append_images": [picture("RGB")]}),
        "a.jpg": ("RGB", {"exif": exif}),
        "b.jpg": ("CMYK", {"progressive": True}),
        "c.jpg": ("L", {}),
        "a.tiff": ("RGB", {"exif": exif}),
        "b.tiff": ("RGBA", {"compression": "tiff_lzw"}),
        "c.tiff": ("RGB", {"compression": "jpeg"}),
        "d.tiff": ("I;16", {"compression": "tiff_adobe_deflate"}),
        "a.webp": ("RGBA", {"exif": exif, "lossless": True}),
        "b.webp": ("RGB", {"save_all": True, "append_images": [picture("RGB")]}),
        "a.gif": ("P", {"transparency": 3}),
        "b.gif": ("P", {"save_all": True, "append_images": [picture("P")]}),
        "a.bmp": ("RGB", {}),
        "a.tga": ("RGBA", {"compression": "tga_rle"}),
        "a.jp2": ("RGB", {}),
        "a.pgm": ("I;16", {}),
    }
    if features.check("avif"):
        options["a.avif"] = ("RGBA", {})
    files = {}
    for name, (mode, arguments) in options.items():
        stream = io.BytesIO()
        extension = name[name.index(".") :]
        format = Image.registered_extensions()[extension]
        picture(mode).save(stream, format=format, **arguments)
        files[name] = stream.getvalue()
    return files


class Mutator:
    """Changes one thing of a file, by a random generator."""

    def __init__(self, generator: np.random.Generator):
        self.generator = generator

    def number(self) -> int:
        return SIZES[self.generator.integers(len(SIZES))]

    def place(self, count: int) -> int:
        return int(self.generator.integers(max(1, count)))

    def mutate(self, name: str, data: bytes) -> bytes:
        kind = name[name.index(".") + 1 :]
        known = {"png": self.png, "jpg": self.jpeg, "tiff": self.tiff}
        known |= {"webp": self.webp, "gif": self.gif}
        if kind in known and self.generator.random() < 0.8:
            return known[kind](data)
        return self.anything(data)

    def anything(self, data: bytes) -> bytes:
        """Bytes of any format: changed, cut, doubled; sizes near its beginning."""
        place = self.place(len(data))
        changes = [
            lambda: data[:place],
            lambda: data[:place] + data[place // 2 :],
            lambda: data[:place] + self.generator.bytes(4) + data[place + 4 :],
            lambda: self.with_number(data, self.place(64)),
            lambda: self.with_number(data, place),
        ]
        return changes[self.place(len(changes))]()

    def with_number(self, data: bytes, place: int) -> bytes:
        order = "<>"[self.place(2)]
        form, most = [("H", 0xFFFF), ("I", 0xFFFFFFFF)][self.place(2)]
        value = struct.pack(order + form, self.number() & most)
        return data[:place] + value + data[place + len(value) :]

    def parts(self, parts: list, change) -> list:
        """Of parts, such as chunks, one changed, doubled, gone, or two exchanged."""
        one, other = self.place(len(parts)), self.place(len(parts))
        action = self.place(6)
        parts = list(parts)
        if action == 0:
            parts.insert(other, parts[one])
        elif action == 1:
            del parts[one]
        elif action == 2:
            parts[one], parts[other] = parts[other], parts[one]
        else:
            parts[one] = change(*parts[one])
        return parts

    def content(self, data: bytes) -> bytes:
        changes = [
            lambda: self.with_number(data, self.place(len(data))),
            lambda: data[: self.place(len(data))],
            lambda: data * 2,
            lambda: data + bytes(1 << 20),
        ]
        return changes[self.place(len(changes))]()

    def png(self, data: bytes) -> bytes:
        chunks, place = [], 8
        while place < len(data):
            length, kind = struct.unpack(">I4s", data[place : place + 8])
            chunks.append((kind, data[place + 8 : place + 8 + length]))
            place += 12 + length
        bomb = zlib.compress(bytes(1 << 22))
        extra = [
            (b"zTXt", b"a\0\0" + bomb),
            (b"iCCP", b"a\0\0" + bomb),
            (b"tRNS", self.generator.bytes(self.place(9))),
            (b"eXIf", self.generator.bytes(self.place(40))),
            (b"acTL", struct.pack(">II", self.number(), self.number())),
            (b"fcTL", self.generator.bytes(26)),
            (b"IDAT", bomb),
        ]
        if self.generator.random() < 0.3:
            chunks.insert(1 + self.place(len(chunks)), extra[self.place(len(extra))])

        def change(kind, content):
            if kind == b"IHDR" or self.generator.random() < 0.7:
                return kind, self.content(content)
            return extra[self.place(len(extra))][0], content

        file = data[:8]
        for kind, content in self.parts(chunks, change):
            check = zlib.crc32(kind + content)
            file += struct.pack(">I", len(content)) + kind + content
            file += struct.pack(">I", check)
        return file

    def jpeg(self, data: bytes) -> bytes:
        segments, place = [], 2
        while data[place + 1] != 0xDA:
            (length,) = struct.unpack(">H", data[place + 2 : place + 4])
            segments.append((data[place + 1], data[place + 4 : place + 2 + length]))
            place += 2 + length
        scan = data[place:]
        if self.generator.random() < 0.2:
            scan = self.anything(scan)

        def change(marker, content):
            if self.generator.random() < 0.2:
                marker = 0xC0 + self.place(0x40)
            return marker, self.content(content)[:65533]

        file = data[:2]
        for marker, content in self.parts(segments, change):
            file += struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content
        return file + scan

    def tiff(self, data: bytes) -> bytes:
        order = "<" if data[:2] == b"II" else ">"
        (start,) = struct.unpack(order + "I", data[4:8])
        (count,) = struct.unpack(order + "H", data[start : start + 2])
        entries = []
        for number in range(count):
            place = start + 2 + 12 * number
            entries.append(struct.unpack(order + "HHII", data[place : place + 12]))

        def change(tag, kind, length, value):
            field = self.place(4)
            if field == 0:
                tag = (256, 257, 258, 259, 262, 277, 278, 317, 322, 323, 338)[
                    self.place(11)
                ]
            elif field == 1:
                kind = self.place(20)
            elif field == 2:
                length = self.number()
            else:
                value = self.number()
            return tag, kind, length, value

        entries = self.parts(entries, change)[:count]
        block = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
        return data[: start + 2] + block + data[start + 2 + len(block) :]

    def webp(self, data: bytes) -> bytes:
        chunks, place = [], 12
        while place + 8 <= len(data):
            kind, length = struct.unpack("<4sI", data[place : place + 8])
            chunks.append((kind, data[place + 8 : place + 8 + length]))
            place += 8 + length + length % 2
        chunks = self.parts(chunks, lambda kind, content: (kind, self.content(content)))
        body = b"".join(
            kind + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
            for kind, content in chunks
        )
        return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body

    def gif(self, data: bytes) -> bytes:
        # The sides of the canvas, and of the first frame.
        frame = data.index(b",", 13 + 3 * 2 ** ((data[10] & 7) + 1))
        places = [6, 8, 10, frame + 1, frame + 3, frame + 5, frame + 7, frame + 9]
        return self.with_number(data, places[self.place(len(places))])


def run(folder, images: int, seed: int) -> dict[str, list]:
    """Writes mutated images and reads them in a process of little memory."""
    files, generator = seeds(), np.random.default_rng(seed)
    mutator, names = Mutator(generator), sorted(files)
    mutated = folder / "images"
    mutated.mkdir()
    for number in range(images):
        name = names[number % len(names)]
        content = mutator.mutate(name, files[name])
        (mutated / f"{number:04}_{name}").write_bytes(content)
    programs = folder / "bin"
    programs.mkdir()
    for program in ("gs", "sh", "djpeg", "cjpeg"):
        (programs / program).write_text(f"#!/bin/bash\necho {program} > {folder}/ran\n")
        (programs / program).chmod(0o755)
    environment = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    # What the largest image that is read may take, a WebP, and some for the rest.
    memory = 24 * formats.MAX_PIXELS
    done = subprocess.run(
        [sys.executable, "-c", READER, str(mutated), str(memory)],
        capture_output=True,
        text=True,
        env=environment,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr[-2000:])
    assert not (folder / "ran").exists()
    results = dict(zip(lines[::2], map(json.loads, lines[1::2]), strict=True))
    assert len(results) == images
    for name, (outcome, what) in results.items():
        assert outcome in ("read", "refused"), (name, what)
        if outcome == "read":
            height, width, channels = what
            assert channels == 3 and height * width <= formats.MAX_PIXELS
        else:
            assert name in what, (name, what)
    return results


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory as Linux has it")
@pytest.mark.parametrize(
    "images", [40, pytest.param(1000, marks=pytest.mark.slow)], ids=["few", "many"]
)
def test_tampered_images_are_read_or_named(tmp_path, images):
    results = run(tmp_path, images, seed=images)
    outcomes = [outcome for outcome, _ in results.values()]
    # Both happen, or the mutations are too weak or too strong to show anything.
    assert 0.1 < outcomes.count("read") / images < 0.9


@pytest.mark.skipif(sys.platform != "linux", reason="a limit of memory as Linux has it")
def test_an_image_that_cannot_be_held_is_named(tmp_path):
    Image.new("L", (6000, 6000)).save(tmp_path / "a_large.png")
    Image.new("L", (60, 60)).save(tmp_path / "b_small.png")
    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path), str(50 << 20)],
        capture_output=True,
        text=True,
        check=True,
    )
    large, small = map(json.loads, done.stdout.splitlines()[1::2])
    assert large[0] == "refused" and "a_large.png' (not enough memory)" in large[1]
    assert small == ["read", [60, 60, 3]]
