"""The digests of the files of a commit, as the Hub lists them."""

import json
import os

from keras_deephash.files import write_atomically
from keras_deephash.presets.errors import HubError
from keras_deephash.presets.hub.digests import Blob, blob_of
from keras_deephash.presets.hub.reader import HubReader

_MAX_PAGES = 20
_MAX_FILE_BYTES = 2**26
_VERSION = 1  # The version of the client's file of a listing, which ours resembles.


def fetch_listing(
    reader: HubReader, commit: str, names: tuple[str, ...]
) -> dict[str, Blob]:
    """The blobs of some files of a commit; what is missing there is left out.

    Raises:
        HubError: if the Hub gives something else, or goes on without end.
    """
    from huggingface_hub.errors import EntryNotFoundError

    found = {}
    url = f"{reader.endpoint}/api/models/{reader.handle.repo_id}/tree/{commit}"
    for _ in range(_MAX_PAGES):
        try:
            entries, url = reader.json(url)
        except EntryNotFoundError:  # A mirror without lists.
            break
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and entry.get("path") in names:
                found[entry["path"]] = _listed_blob(reader, entry)
        if url is None or len(found) == len(names):
            break
    else:
        raise HubError(
            f"`{reader.handle}` lists its files on more than {_MAX_PAGES} pages: it is "
            "no preset of keras_deephash, or `endpoint` is wrong."
        )
    # A list may be empty where there are files, so those are asked for by name.
    for name in names:
        if name not in found:
            try:
                headers = reader.head(reader.url(commit, name))
            except EntryNotFoundError:
                continue
            found[name] = _blob_of_headers(reader, name, headers)
    return found


def write_listing(path: str, blobs: dict[str, Blob]) -> None:
    """Keeps a listing, so that files can be compared with it without a network."""
    files = {
        name: {"size": blob.size, "blob_id": blob.digest}
        for name, blob in blobs.items()
    }
    text = json.dumps({"format_version": _VERSION, "files": files}, indent=1)
    with write_atomically(path) as file:
        file.write(text.encode())


def read_listing(path: str) -> dict[str, Blob]:
    """A listing that `write_listing` or the client has kept; empty if there is none."""
    try:
        if os.path.getsize(path) > _MAX_FILE_BYTES:
            return {}
        with open(path, encoding="utf-8") as file:
            content = json.load(file)
        if content["format_version"] != _VERSION:
            return {}
        blobs = {
            name: blob_of(entry["size"], entry.get("lfs_sha256") or entry["blob_id"])
            for name, entry in content["files"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {name: blob for name, blob in blobs.items() if blob is not None}


def _listed_blob(reader: HubReader, entry: dict) -> Blob:
    stored = entry.get("lfs")
    if isinstance(stored, dict):
        blob = blob_of(stored.get("size"), stored.get("oid"))
    else:
        blob = blob_of(entry.get("size"), entry.get("oid"))
    return blob or _refuse(reader, entry["path"], entry)


def _blob_of_headers(reader: HubReader, name: str, headers: dict[str, str]) -> Blob:
    digest = headers.get("x-linked-etag") or headers.get("etag", "")
    size = headers.get("x-linked-size") or headers.get("content-length", "")
    digest = digest.removeprefix("W/").strip('"')
    blob = blob_of(int(size) if size.isdecimal() else None, digest)
    return blob or _refuse(reader, name, {"size": size, "ETag": digest})


def _refuse(reader: HubReader, name: str, received: dict) -> Blob:
    raise HubError(
        f"The Hub describes `{name}` of `{reader.handle}` wrongly: a size and 40 or 64 "
        f"hexadecimal digits are expected. Received: {str(received)[:120]!r}. Check "
        "`endpoint`."
    )
