"""Who may use the server: requests of its own page, or with its token."""

import hmac
import ipaddress
import json
import re
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

_COOKIE = "keras_deephash_token"
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{8,}")
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
# The page loads nothing from elsewhere, whatever a name or a label may hold.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def is_loopback(host: str) -> bool:
    """Whether an address or a name is of this computer alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Access:
    """ASGI middleware that refuses the requests of other sites and of strangers.

    - On the loopback, `Host` must be a name of the loopback. A site that lets its own
      name point there (DNS rebinding) is refused.
    - `Origin` and `Sec-Fetch-Site`, which browsers send and scripts of a page cannot
      change, must be of the same origin. A link of another site may lead to the page.
    - With a token, each request must have it: `Authorization: Bearer TOKEN`, or the
      cookie that `/?token=TOKEN` sets. Browsers send a cookie to all ports of a host,
      so its name has the port: servers side by side each have their own.

    Args:
        app: the ASGI application.
        host: str. The address that the server listens at.
        token: str. Defaults to `None`, for the loopback alone.

    Raises:
        ValueError: for no address, another one than the loopback without a token, or a
            token that does not fit into a cookie.
    """

    def __init__(self, app, host: str, token: str | None = None):
        if not host:
            raise ValueError(
                "`host` must be an address, such as 127.0.0.1 for this computer alone, "
                "or 0.0.0.0 for all of its addresses. Received: ''."
            )
        if token is None and not is_loopback(host):
            raise ValueError(
                "A server at another address than the loopback needs a token. "
                f"Received: host={host!r}, no token."
            )
        if token is not None and not _TOKEN.fullmatch(token):
            raise ValueError(
                "A token must be 8 or more letters, digits or any of `._~-`, such as "
                "`secrets.token_urlsafe()` makes."
            )
        self._app, self._token = app, token
        self._hosts = None if token else {*_LOOPBACK_NAMES, host, f"[{host}]"}

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # No web sockets here.
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }

        async def send_guarded(message) -> None:
            if message["type"] == "http.response.start":
                more = [(k.encode(), v.encode()) for k, v in _HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        if problem := self._foreign(scope, headers):
            await answer_error(send_guarded, 403, problem)
        elif self._token is None or self._has_token(headers):
            await self._app(scope, receive, send_guarded)
        elif self._is_token(_query_token(scope)):
            cookie = (
                f"{_cookie_of(headers)}={self._token}; HttpOnly; SameSite=Lax; Path=/"
            )
            more = [(b"location", b"/"), (b"set-cookie", cookie.encode())]
            await answer_error(send_guarded, 303, "The token is right.", more)
        else:
            await answer_error(
                send_guarded,
                401,
                "The token is missing or wrong. Open the address that the server "
                "printed, or send `Authorization: Bearer TOKEN`.",
                [(b"www-authenticate", b"Bearer")],
            )

    def _foreign(self, scope, headers: dict[str, str]) -> str | None:
        """What is wrong with a request that another site may have made."""
        host = headers.get("host", "")
        if self._hosts is not None and _host_parts(host)[0] not in self._hosts:
            return (
                "The host must be a name of the loopback, such as 127.0.0.1. "
                f"Received: {host[:80]!r}."
            )
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return f"Requests of other sites are refused. Received: {origin[:80]!r}."
        is_link = (
            scope["method"] == "GET"
            and scope["path"] == "/"
            and headers.get("sec-fetch-mode") == "navigate"
        )
        site = headers.get("sec-fetch-site", "none")
        if site not in ("none", "same-origin") and not is_link:
            return f"Requests of other sites are refused. Received: {site[:80]!r}."
        return None

    def _has_token(self, headers: dict[str, str]) -> bool:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(token.strip()):
            return True
        try:
            cookies = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return False
        name = _cookie_of(headers)
        return name in cookies and self._is_token(cookies[name].value)

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def _host_parts(host: str) -> tuple[str, str]:
    """The name and the port, or "", of a `Host` header."""
    name, colon, port = host.rpartition(":")
    if not (colon and port.isdecimal()):
        name, port = host, ""
    return name.lower(), port


def _cookie_of(headers: dict[str, str]) -> str:
    """The name of the cookie, with the port at which the browser sees the server."""
    _, port = _host_parts(headers.get("host", ""))
    return f"{_COOKIE}_{port}" if port else _COOKIE


def _query_token(scope) -> str:
    if scope["method"] != "GET" or scope["path"] != "/":
        return ""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
    return found[0]


async def answer_error(send, status: int, text: str, more=()) -> None:
    """Sends a whole answer, JSON with one text."""
    body = json.dumps({"detail": text}).encode()
    headers = [(b"content-type", b"application/json"), *more]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
