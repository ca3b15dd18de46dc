"""Images per second that `encode` takes: reading the files, the network, both together.

Run with `python tests/benchmarks/bench_encode.py`. The files are photos of 500 x 375
pixels, as JPEG of quality 90, made here of smoothed noise. The methods have random
weights, which take as long as trained ones. Nothing is asserted.
"""

import argparse
import os
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

import keras_deephash as kdh
from keras_deephash.images import read_image

WIDTH, HEIGHT = 500, 375


def write_photos(folder: str, count: int) -> list[str]:
    generator = np.random.default_rng(0)
    paths = []
    for number in range(count):
        coarse = generator.integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
        photo = Image.fromarray(coarse).resize(
            (WIDTH, HEIGHT), Image.Resampling.BICUBIC
        )
        paths.append(os.path.join(folder, f"{number}.jpg"))
        photo.save(paths[-1], quality=90)
    return paths


def rate(function, count: int) -> float:
    """Items a second, the best of three calls after one to compile."""
    function()
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return count / min(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=64)
    options = parser.parse_args()
    backbones = {
        "small AlexNet, 32 px": lambda: kdh.AlexNetBackbone.small(32),
        "small AlexNet, 56 px, step 2": lambda: kdh.AlexNetBackbone.small(
            56,
            filters=(96, 256, 384, 384, 256),
            stem_kernel_size=5,
            stem_strides=2,
        ),
        "AlexNet, Caffe form, 227 px": kdh.AlexNetBackbone,
        "EfficientNet-Lite0, 128 px": lambda: kdh.EfficientNetLiteBackbone(
            image_shape=(128, 128, 3)
        ),
        "EfficientNet-Lite0, 224 px": kdh.EfficientNetLiteBackbone,
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = write_photos(folder, options.images)
        size = sum(map(os.path.getsize, paths)) / len(paths) / 1e3
        reading = rate(lambda: [read_image(path) for path in paths], len(paths))
        print(f"files of {size:.0f} KB, read and decoded: {reading:.0f} images/s\n")
        print("| DCH, 48 bits, on | Arrays of the network's size, images/s | Files |")
        print("|---|---|---|")
        for name, new in backbones.items():
            model = kdh.DCH(new(), 48)
            side = model.preprocessor.image_size
            arrays = np.zeros((len(paths), side, side, 3), np.uint8)
            speeds = [
                rate(
                    lambda images=images, model=model: model.encode(
                        images, options.batch_size, verbose=0
                    ),
                    len(paths),
                )
                for images in (arrays, paths)
            ]
            print(f"| {name} | {speeds[0]:.0f} | {speeds[1]:.0f} |", flush=True)


if __name__ == "__main__":
    main()
