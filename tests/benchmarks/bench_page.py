"""The static page in Chromium: bits that differ from `encode`, and time per picture.

    python tests/benchmarks/bench_page.py --presets itq_imagenet_128 rq_imagenet_64

The pictures are parts of the two photos that come with scikit-learn, as PNG and as
JPEG.
"""

import argparse
import base64
import io
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_images

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from chromium import start_chromium
from static_server import StaticServer

import keras_deephash as kdh
from keras_deephash.runtime.preset_files import make_preset_file
from keras_deephash.web.site.building import build_site

ENCODE = """
const [data, type, done] = arguments;
const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
const { encode } = await import("./site.js");
encode(new File([bytes], "picture", { type })).then(
  ({ codes }) => done([...codes]), (error) => done(String(error)));
"""


def pictures(count: int) -> list[Image.Image]:
    """Parts of photos, of different sizes."""
    generator, photos = np.random.default_rng(0), load_sample_images().images
    parts = []
    for number in range(count):
        photo = photos[number % len(photos)]
        height, width = generator.integers(120, 420, 2)
        top = generator.integers(0, photo.shape[0] - height + 1)
        left = generator.integers(0, photo.shape[1] - width + 1)
        parts.append(Image.fromarray(photo[top : top + height, left : left + width]))
    return parts


def as_file(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": 85} if kind == "JPEG" else {}))
    return file.getvalue()


def measure(preset: str, count: int, browser) -> None:
    file = make_preset_file(preset)
    encoder, model = kdh.Encoder(file), kdh.from_preset(preset)
    with tempfile.TemporaryDirectory() as folder:
        build_site(file, [], f"{folder}/site")
        size = sum(p.stat().st_size for p in Path(folder, "site").rglob("*.*"))
        server = StaticServer(f"{folder}/site")
        browser.get(server.url)
        print(f"{preset}: a page of {size / 1e6:.1f} MB")
        for kind in ("PNG", "JPEG"):
            flipped, of_encoder, seconds = 0, 0, []
            for picture in pictures(count):
                data = as_file(picture, kind)
                started = time.perf_counter()
                found = browser.execute_async_script(
                    ENCODE, base64.b64encode(data).decode(), f"image/{kind.lower()}"
                )
                seconds.append(time.perf_counter() - started)
                code = np.array(found, np.uint8)
                decoded = [Image.open(io.BytesIO(data))]
                expected = model.encode(decoded, verbose=0)[0]
                flipped += int(np.bitwise_count(code ^ expected).sum())
                light = encoder.encode(decoded, verbose=0)[0]
                of_encoder += int(np.bitwise_count(light ^ expected).sum())
            bits = count * model.bits
            print(
                f"  {kind}: {flipped} of {bits} bits differ from `encode` (of `Encoder`"
                f" {of_encoder}); {1000 * np.median(seconds[2:]):.0f} ms per picture"
            )
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    presets = ["itq_imagenet_128", "rq_imagenet_64"]
    parser.add_argument("--presets", nargs="+", default=presets)
    parser.add_argument("--count", type=int, default=40)
    options = parser.parse_args()
    browser = start_chromium()
    try:
        for preset in options.presets:
            measure(preset, options.count, browser)
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
