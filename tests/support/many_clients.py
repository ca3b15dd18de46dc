"""Many clients of a served index at once: they search, browse, add and remove."""

import http.client
import io
import json
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from PIL import Image


@dataclass
class Outcome:
    """What the clients were answered.

    Attributes:
        added: dict of ids to pictures, the bytes of files.
        removed: set of ids; they are among the added ones.
        refused: list of (status, text) of answers that are no success.
        seconds: dict of kinds of requests to the time that each took.
    """

    added: dict[int, bytes] = field(default_factory=dict)
    removed: set[int] = field(default_factory=set)
    refused: list[tuple[int, str]] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=dict)


class Client:
    """One connection to a server, kept open as a browser does."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def request(self, verb: str, path: str, data: bytes | None = None, **query):
        """Status and body of an answer."""
        if query:
            path += f"?{urlencode(query)}"
        headers = {"Content-Type": "application/octet-stream"} if data else {}
        self._connection.request(verb, path, data, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def json(self, verb: str, path: str, data: bytes | None = None, **query):
        """The JSON of an answer, which must be a success."""
        status, body = self.request(verb, path, data, **query)
        assert status < 300, (status, body)
        return json.loads(body)


def new_picture(*seed: int, size: int = 160) -> bytes:
    """A PNG of coloured patches that no other seed has."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    image = Image.fromarray(patches).resize((size, size), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def run_clients(port: int, clients: int = 50, rounds: int = 10, **addition) -> Outcome:
    """Lets clients work at the same time, each as many rounds.

    In each round a client searches by a picture, adds it, asks for what is like it and
    for a page of items; every third round it removes what it has added.

    Args:
        port: int, of a server on the loopback.
        clients, rounds: ints. Default to `50` and `10`.
        **addition: arguments of each addition, such as `label`.
    """
    outcome, lock = Outcome(), threading.Lock()
    barrier = threading.Barrier(clients)

    def work(number: int) -> None:
        client = Client(port)

        def ask(kind, *request, **query):
            started = time.perf_counter()
            try:
                status, body = client.request(*request, **query)
            except OSError as error:  # The connection was refused or lost.
                status, body = 0, str(error).encode()
                client.__init__(port)
            with lock:
                outcome.seconds.setdefault(kind, []).append(
                    time.perf_counter() - started
                )
                if not 200 <= status < 300:
                    outcome.refused.append((status, body.decode(errors="replace")))
                    return None
            return json.loads(body)

        barrier.wait()
        for each in range(rounds):
            picture = new_picture(number, each)
            ask("search", "POST", "/api/search", picture, k=10)
            item = ask("add", "POST", "/api/items", picture, **addition)
            ask("browse", "GET", "/api/items", offset=7 * number, limit=60)
            if item is None:
                continue
            with lock:
                outcome.added[item["id"]] = picture
            ask("like", "GET", f"/api/items/{item['id']}/similar", k=10)
            if each % 3 == 2 and ask("remove", "DELETE", f"/api/items/{item['id']}"):
                with lock:
                    outcome.removed.add(item["id"])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def check_every_id(index, model, before, outcome: Outcome) -> None:
    """Asserts that a saved index holds what the clients were answered, each id of it.

    Args:
        index: `Index`, opened again from the disk.
        model: the model of its codes.
        before: the ids that were there before the clients came.
        outcome: `Outcome`.
    """
    kept = sorted(outcome.added.keys() - outcome.removed)
    assert sorted(index.ids.tolist()) == sorted([*map(int, before), *kept])
    for number, path in zip(kept, index.names(kept), strict=True):
        with open(path, "rb") as file:
            assert file.read() == outcome.added[number], number
    pictures = [Image.open(io.BytesIO(outcome.added[number])) for number in kept]
    expected = model.encode(pictures, verbose=0)
    np.testing.assert_array_equal(index.codes(kept), expected)
