"""Faults that the loopback Hub shows on demand."""

import re
import threading
from dataclasses import dataclass

# What a fault answers before anything else is done: status, X-Error-Code, headers.
_NO_TOKEN = "Invalid credentials in Authorization header"  # The client looks for it.
STATUS = {
    "500": (500, None, {}),
    "429": (429, None, {"Retry-After": "0"}),
    "rate_limit": (429, None, {"Retry-After": "3600"}),
    "401": (401, None, {"X-Error-Message": _NO_TOKEN}),
    "403": (403, None, {}),
    "404": (404, "EntryNotFound", {}),
    "gated": (403, "GatedRepo", {}),
}
# What a fault does to the answer itself.
DAMAGES = (
    "cut",
    "wrong_bytes",
    "wrong_length",
    "empty_tree",
    "slow",
    "drop",
    "stall",
    "hang",
)
# What the endpoint of an attacker answers.
ATTACKS = (
    "path_as_sha",
    "path_as_oid",
    "path_in_headers",
    "flood",
    "flood_redirect",
    "gzip_bomb",
    "deep_json",
    "endless_pages",
    "page_elsewhere",
    "drip",
    "drip_headers",
)
KINDS = (*STATUS, *DAMAGES, *ATTACKS)


@dataclass
class Fault:
    """One fault.

    Attributes:
        kind: one of `KINDS`: a status, a damage to the answer, or an attack. `"drop"`
            closes the connection without an answer, `"cut"` in the middle of the body,
            `"stall"` answers nothing for a minute, `"hang"` stops in the middle of the
            body for as long and keeps the connection open. `"flood"` adds a gigabyte to
            a body, `"drip"` sends one byte after the other, slowly and forever.
        path: regular expression that the path of the request must match.
        method: `"GET"` and so on, or `""` for all.
        skip: matching requests to let through first.
        times: matching requests to spoil after that.
    """

    kind: str
    path: str = ""
    method: str = ""
    skip: int = 0
    times: int = 1_000_000

    def __post_init__(self):
        assert self.kind in KINDS, self.kind


class Faults:
    """The faults of a Hub, of which a request meets the first that matches."""

    def __init__(self):
        self._faults = []
        self._lock = threading.Lock()

    def add(self, kind: str, path: str = "", method: str = "", **when) -> None:
        self._faults.append(Fault(kind, path, method, **when))

    def clear(self) -> None:
        self._faults.clear()

    def take(self, method: str, path: str) -> str | None:
        """The kind of the fault that a request meets, or None."""
        with self._lock:
            for fault in self._faults:
                if fault.method in ("", method) and re.search(fault.path, path):
                    if fault.skip:
                        fault.skip -= 1
                    elif fault.times:
                        fault.times -= 1
                        return fault.kind
        return None
