"""The files of the shipped presets give the codes of the presets, on 300 images.

`python tests/export/test_shipped_presets.py [NAME ...]` prints the figures of
docs/export.md: bits that differ, in float32 and in int8.
"""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_deephash as kdh

IMAGES = 300
MARGIN = 1e-5
NAMES = [info.name for info in kdh.list_presets() if info.bits]


def generate_images() -> list[np.ndarray]:
    """Images of blobs and noise of many scales, 48 to 96 pixels wide."""
    generator = np.random.default_rng(0)
    images = []
    for number in range(IMAGES):
        size = 48 + number % 49
        image = np.zeros((size, size, 3))
        for cells in (2, 5, 12, 30):
            coarse = generator.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
            smooth = Image.fromarray(coarse).resize((size, size), Image.BICUBIC)
            image += np.asarray(smooth) * generator.uniform(0.1, 1)
        image *= 255 / image.max()
        images.append(image.astype(np.uint8))
    return images


def is_certain(model, continuous: np.ndarray) -> np.ndarray:
    """Which codes do not change by rounding: of hash codes bools [n, bits].

    Of a quantizer bools [n, bytes]: those of features that are a little different.
    """
    if not model.is_quantizer:
        return np.abs(continuous) > MARGIN
    codes = model.to_codes(continuous)
    generator = np.random.default_rng(1)
    same = [
        model.to_codes(
            continuous
            + generator.uniform(-MARGIN, MARGIN, continuous.shape).astype("float32")
        )
        == codes
        for _ in range(20)
    ]
    # A byte that is not certain can change the others.
    return np.repeat(np.all(same, axis=(0, 2))[:, None], codes.shape[1], axis=1)


def compared(model, found: np.ndarray, continuous: np.ndarray) -> tuple[int, int]:
    """Units of codes, bits or bytes, that differ: certain ones, and others."""
    codes = model.to_codes(continuous)
    if not model.is_quantizer:
        codes, found = (np.unpackbits(each, axis=1) for each in (codes, found))
    differs, certain = codes != found, is_certain(model, continuous)
    return int((differs & certain).sum()), int((differs & ~certain).sum())


def run_graph(path: str, pixels: np.ndarray) -> np.ndarray:
    """The codes that the graph itself gives."""
    if path.endswith(".onnx"):
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(path)
        parts = [
            session.run(["codes"], {"images": part})[0]
            for part in np.array_split(pixels, 10)
        ]
    else:
        litert = pytest.importorskip("ai_edge_litert.interpreter")
        run = litert.Interpreter(path).get_signature_runner("encode")
        parts = [run(images=part)["codes"] for part in np.array_split(pixels, 10)]
    return np.concatenate(parts)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_exported_codes_are_those_of_the_preset(name, tmp_path):
    pytest.importorskip("tf2onnx")
    model, images = kdh.from_preset(name), generate_images()
    pixels = np.stack([model.preprocessor.center_crop(image) for image in images])
    continuous = model.continuous_codes(images)
    for format, file in (("onnx", "model.onnx"), ("litert", "model.tflite")):
        path = str(tmp_path / file)
        model.export(path, format=format)
        certain, others = compared(model, run_graph(path, pixels), continuous)
        assert certain == 0 and others <= 3, format
    encoder = kdh.Encoder(str(tmp_path / "model.onnx"))
    assert compared(model, encoder.encode(images), continuous)[0] == 0
    assert kdh.CodeSpec.of(encoder).to_json() == kdh.CodeSpec.of(model).to_json()


def print_figures(names: list[str], folder: Path) -> None:
    """A line for each preset: megabytes of the files, bits that differ."""
    images = generate_images()
    for name in names:
        model = kdh.from_preset(name)
        pixels = np.stack([model.preprocessor.center_crop(image) for image in images])
        continuous = model.continuous_codes(images)
        codes = model.to_codes(continuous)
        line = [f"{name:42}"]
        for file in ("f.onnx", "f.tflite", "int8.onnx", "int8.tflite"):
            path = folder / f"{name}-{file}"
            quantize = "int8" if file.startswith("int8") else None
            format = "onnx" if file.endswith("onnx") else "litert"
            model.export(path, format=format, quantize=quantize)
            found = run_graph(str(path), pixels)
            certain, others = compared(model, found, continuous)
            flipped = np.unpackbits(codes ^ found, axis=1).sum(axis=1).mean()
            size = path.stat().st_size / 1e6
            line.append(f"{file} {size:.1f} MB {certain}+{others} {flipped:.2f} bits")
        print(" | ".join(line), flush=True)


if __name__ == "__main__":
    place = Path("/tmp/exported")
    place.mkdir(exist_ok=True)
    print_figures(sys.argv[1:] or NAMES, place)
