"""A served index of 100,000 images: first page, search, and 50 clients at once.

    python tests/benchmarks/bench_serving.py --preset itq_imagenet_128

The server encodes by the light runtime. It is a process of its own, killed at the end
without a warning. Then the index is opened from the disk, and every id that a client
was answered is checked: added ones are there with their codes and files, removed ones
are not. An assertion fails for what is lost or refused.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from many_clients import Client, check_every_id, new_picture, run_clients

import keras_deephash as kdh

FILES = 120  # The items' names take turns among as many photos.
CONNECTIONS = 6  # That a browser has with a server.
START = "from keras_deephash.cli import main; raise SystemExit(main())"


def make_photos(folder: str) -> list[str]:
    """Photos of 3 megapixels, each another one."""
    paths = []
    for number in range(FILES):
        generator = np.random.default_rng(number)
        patches = generator.integers(0, 256, (48, 64, 3), dtype=np.uint8)
        path = os.path.join(folder, f"photo{number}.jpg")
        Image.fromarray(patches).resize((2048, 1536)).save(path, quality=85)
        paths.append(path)
    return paths


def make_index(model, photos: list[str], count: int, path: str) -> None:
    """An index of random codes: what they are does not change the time."""
    index = kdh.Index(model)
    generator = np.random.default_rng(0)
    most = 256 if index.spec.centers is None else index.spec.centers.shape[1]
    codes = generator.integers(0, most, (count, index.spec.bytes), dtype=np.uint8)
    names = [photos[number % len(photos)] for number in range(count)]
    index.add(codes, labels=np.arange(count) % 10, names=names)
    index.save(path)


def start(arguments: list[str]) -> tuple[subprocess.Popen, int]:
    """A server in a process of its own, and its port."""
    command = [sys.executable, "-c", START, "serve", *arguments, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    return process, int(re.search(r":(\d+)/", line)[1])


def first_page(port: int) -> float:
    """Seconds until a browser would have the first page and its 60 thumbnails."""
    started = time.perf_counter()
    client = Client(port)
    for path in ("/", "/style.css", "/main.js", "/tiles.js"):
        client.request("GET", path)
    client.json("GET", "/api/stats")
    items = client.json("GET", "/api/items", limit=60)["items"]

    def fetch(some):
        client = Client(port)
        for item in some:
            assert client.request("GET", f"/api/items/{item['id']}/thumbnail")[0] == 200

    threads = [
        threading.Thread(target=fetch, args=(items[n::CONNECTIONS],))
        for n in range(CONNECTIONS)
    ]
    listed = time.perf_counter() - started
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"first page: list after {listed:.2f} s", end=", ")
    return time.perf_counter() - started


def times(seconds: list[float]) -> str:
    middle, high = 1000 * np.quantile(seconds, [0.5, 0.95])
    return f"{middle:7.1f} ms, 95 % within {high:7.1f} ms ({len(seconds)} requests)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="itq_imagenet_128")
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = kdh.Encoder(options.preset)  # Its file is there from now on.
        path = os.path.join(folder, "photos.index")
        make_index(model, make_photos(folder), options.count, path)
        process, port = start(["--index", path, "--preset", options.preset])
        try:
            print(f"with thumbnails {first_page(port):.2f} s")
            client, seconds = Client(port), {"picture": [], "id": [], "filter": []}
            for number in range(30):
                picture = new_picture(1000, number, size=480)
                for kind, request, query in (
                    ("picture", ("POST", "/api/search", picture), {}),
                    ("id", ("GET", f"/api/items/{number}/similar"), {}),
                    ("filter", ("GET", f"/api/items/{number}/similar"), {"label": 3}),
                ):
                    started = time.perf_counter()
                    client.json(*request, **query)
                    seconds[kind].append(time.perf_counter() - started)
            for kind, found in seconds.items():
                print(f"one client, search by {kind:8}: {times(found[3:])}")
            started = time.perf_counter()
            outcome = run_clients(port, options.clients, options.rounds, label=1)
            wall = time.perf_counter() - started
            for kind, found in outcome.seconds.items():
                print(f"{options.clients} clients, {kind:8}: {times(found)}")
            requests = sum(map(len, outcome.seconds.values()))
            print(f"{requests} requests in {wall:.1f} s: {requests / wall:.0f}/s")
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        print(f"refused: {len(outcome.refused)}", outcome.refused[:3] or "")
        assert not outcome.refused
        index = kdh.Index.load(path, model)
        check_every_id(index, model, range(options.count), outcome)
        kept = len(outcome.added) - len(outcome.removed)
        print(
            f"after a kill: {len(outcome.added)} added, {len(outcome.removed)} removed "
            f"again, {kept} there with their codes and files, {options.count:,} others"
        )


if __name__ == "__main__":
    main()
