"""Photos of 12 megapixels to the pixels of a network: before and now, in turn.

Run with `python tests/benchmarks/bench_photos.py`. "Before" is one thread that makes an
array of the whole photo and shrinks it in one step. Then come the present reading by
one thread and by as many as there are CPUs, and with `reduced_decoding`; "decoder
alone" decodes on as many threads and does nothing else. With `--preset` the bits are
counted in which codes of before and of now differ. Nothing is asserted.
"""

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from PIL import Image

from keras_deephash.images import read_ahead, read_image, reader_count
from keras_deephash.preprocessing import Preprocessor


def write_photo(path: str, width: int, height: int, seed: int) -> None:
    """A JPEG of smoothed noise in three sizes, of quality 90."""
    generator = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for step, amplitude in ((200, 0.6), (20, 0.3), (4, 0.1)):
        shape = (height // step, width // step, 3)
        noise = Image.fromarray(generator.integers(0, 256, shape, np.uint8))
        smooth = noise.resize((width, height), Image.Resampling.BICUBIC)
        total += amplitude * np.asarray(smooth, np.float32)
    Image.fromarray(total.astype(np.uint8)).save(path, quality=90)


def before(preprocessor: Preprocessor, path: str) -> np.ndarray:
    """The centre crop as version 2 of the preprocessing made it."""
    size = (preprocessor.resize_size, preprocessor.resize_size)
    image = Image.fromarray(read_image(path))
    canvas = np.asarray(image.resize(size, Image.Resampling.BILINEAR))
    start = (preprocessor.resize_size - preprocessor.image_size) // 2
    stop = start + preprocessor.image_size
    return canvas[start:stop, start:stop]


def decode(path: str) -> None:
    with Image.open(path) as image:
        image.load()


def count_bits(name: str, paths: list[str]) -> None:
    """Prints how many bits differ between the pixels of before and of now."""
    import keras_deephash as kdh

    model = kdh.from_preset(name)
    crops = np.stack([before(model.preprocessor, path) for path in paths])
    old, new = model.encode(crops, verbose=0), model.encode(paths, verbose=0)
    changed = np.unpackbits(old ^ new).sum()
    print(f"{name}: {changed} of {8 * old.size:,} bits differ, {len(paths)} photos")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=24)
    parser.add_argument("--sides", type=int, nargs=2, default=[4000, 3000])
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", nargs="*", default=[])
    options = parser.parse_args()
    plain = Preprocessor(options.image_size)
    reduced = Preprocessor(options.image_size, reduced_decoding=True)
    threads = reader_count()

    def now(preprocessor, threads):
        def read(number, path):
            return preprocessor.center_crop(path)

        return lambda paths: list(read_ahead(read, paths, threads))

    def decoder(paths):
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(decode, paths))

    ways = {
        "before, 1 thread": lambda paths: [before(plain, path) for path in paths],
        "now, 1 thread": now(plain, 1),
        f"now, {threads} threads": now(plain, threads),
        f"now, {threads} threads, reduced decoding": now(reduced, threads),
        f"decoder alone, {threads} threads": decoder,
    }
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{n}.jpg") for n in range(options.photos)]
        for number, path in enumerate(paths):
            write_photo(path, *options.sides, seed=number)
        seconds = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                start = time.perf_counter(), time.process_time()
                way(paths)
                end = time.perf_counter(), time.process_time()
                seconds[name].append(np.subtract(end, start))
        print("| | Photos/s | Ratio | Processor, ms/photo |\n|---|---|---|---|")
        first = None
        for name, times in seconds.items():
            wall, processor = np.median(times, axis=0) / len(paths)
            first = first or wall
            print(
                f"| {name} | {1 / wall:.1f} | {first / wall:.2f} | "
                f"{1e3 * processor:.1f} |"
            )
        for name in options.preset:
            count_bits(name, paths)


if __name__ == "__main__":
    main()
