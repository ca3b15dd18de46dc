"""Answers of the Hub, within limits of bytes and time, and checked.

An endpoint may be a stranger's: a mirror, or someone in between over plain http.
"""

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from urllib.parse import quote

from keras_deephash.presets.errors import HubError
from keras_deephash.presets.hub.deadline import TooSlow, within
from keras_deephash.presets.hub.handles import HubHandle, is_digest

LIBRARY = "keras_deephash"  # Names the requests of this package to the Hub.
MAX_JSON_BYTES = 4 * 2**20
JSON_SECONDS = 60
_REDIRECTS = 5
# All that is read of an answer that is an error.
_ERROR_HEADERS = ("X-Error-Code", "X-Error-Message", "Retry-After", "RateLimit")


class HubReader:
    """Reads a repository of the Hub.

    Args:
        handle: `HubHandle`.
        token: str, bool or None, as for `from_preset`.
        endpoint: str or None, as for `from_preset`.
        silence: float, seconds that a connection may be silent.
    """

    def __init__(self, handle: HubHandle, token, endpoint: str | None, silence: float):
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers

        self.handle = handle
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        self.silence = silence
        self._headers = build_hf_headers(token=token, library_name=LIBRARY)
        # What is packed has no limit, and needs none: presets are packed already.
        self._headers["Accept-Encoding"] = "identity"

    def commit(self, revision: str, silence: float | None = None) -> str:
        """The commit that a branch or a tag stands for now.

        Raises:
            HubError: if the answer is anything but the name of a commit.
        """
        url = f"{self.endpoint}/api/models/{self.handle.repo_id}/revision/"
        answer, _ = self.json(url + quote(revision, safe=""), silence)
        sha = answer.get("sha") if isinstance(answer, dict) else None
        if not is_digest(sha) or (is_digest(revision) and sha != revision):
            raise HubError(
                f"The Hub gives `{self.handle}` a commit that is not one: 40 "
                f"hexadecimal digits are expected. Received: {str(sha)[:80]!r}. Check "
                "`endpoint`."
            )
        return sha

    def url(self, commit: str, name: str) -> str:
        """The address of a file of a commit."""
        path = f"{self.handle.repo_id}/resolve/{commit}/{quote(name)}"
        return f"{self.endpoint}/{path}"

    def json(self, url: str, silence: float | None = None) -> tuple:
        """The JSON value at an address, and the address of its next page or None."""

        def read(abandoned):
            with self._answer("GET", url, {}, silence) as response:
                content = bytearray()
                for chunk in response.iter_raw():
                    content += chunk
                    if len(content) > MAX_JSON_BYTES or abandoned.is_set():
                        raise self._refusal("answers with megabytes of JSON")
                return bytes(content), response.links.get("next", {}).get("url")

        content, following = self._within(JSON_SECONDS, read)
        if following is not None and not following.startswith(f"{self.endpoint}/"):
            raise self._refusal(f"continues a list elsewhere, at {following[:80]!r}")
        try:
            return json.loads(content), following
        except RecursionError:
            raise self._refusal("answers with JSON that nests too deep") from None

    def head(self, url: str) -> dict[str, str]:
        """The headers of a file at an address, their names in lower case."""

        def read(abandoned):
            # A redirection to where its bytes are has the headers of the file already.
            with self._answer("HEAD", url, {}, enough="X-Linked-ETag") as response:
                return dict(response.headers)

        return self._within(JSON_SECONDS, read)

    def copy(
        self,
        url: str,
        path: str,
        size: int,
        seconds: float,
        progress: Callable[[int], object] = lambda count: None,
    ) -> None:
        """Appends to a file what it lacks of the one at an address.

        Args:
            url: str.
            path: str. The file on the disk, missing or the first part.
            size: int, bytes of the whole. Not one more is written.
            seconds: float.
            progress: function of the number of bytes that have arrived.
        """

        def read(abandoned):
            with open(path, "ab") as file:
                start = file.tell()
                ask = {"Range": f"bytes={start}-"} if start else {}
                with self._answer("GET", url, ask) as response:
                    if start and response.status_code != 206:  # The whole file.
                        file.truncate(0)
                        progress(-start)
                        start = 0
                    for chunk in response.iter_raw():
                        start += len(chunk)
                        if start > size:
                            raise self._refusal(
                                f"sends more than the {size:,} bytes that it lists"
                            )
                        if abandoned.is_set():
                            return
                        file.write(chunk)
                        file.flush()  # What has arrived outlives this process.
                        progress(len(chunk))

        self._within(seconds, read)

    def _within(self, seconds: float, work: Callable[[threading.Event], object]):
        try:
            return within(seconds, work)
        except TooSlow as error:
            raise HubError(
                f"The Hub is too slow about `{self.handle}`: {error}. Try again in a "
                "few minutes.",
                unreachable=True,
            ) from None

    @contextmanager
    def _answer(
        self,
        method: str,
        url: str,
        headers: dict,
        silence: float | None = None,
        enough: str = "",
    ):
        """The answer to a request, its body unread; a header `enough` is an answer."""
        from huggingface_hub import get_session
        from huggingface_hub.utils import hf_raise_for_status

        session = get_session()
        request = session.build_request(
            method,
            url,
            headers={**self._headers, **headers},
            timeout=self.silence if silence is None else silence,
        )
        # One after the other: the client would read each of their bodies.
        for _ in range(_REDIRECTS + 1):
            response = session.send(request, stream=True, follow_redirects=False)
            request = response.next_request
            if request is None or enough in response.headers:
                break
            response.close()
        try:
            if response.status_code >= 400:
                kept = {
                    name: response.headers[name]
                    for name in _ERROR_HEADERS
                    if name in response.headers
                }
                answer = type(response)
                hf_raise_for_status(
                    answer(response.status_code, headers=kept, request=response.request)
                )
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise self._refusal("packs an answer, unasked")
            yield response
        finally:
            response.close()

    def _refusal(self, what: str) -> HubError:
        return HubError(
            f"The Hub {what}, for `{self.handle}`: it is not read. Check `endpoint`."
        )
