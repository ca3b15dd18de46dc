"""What a server refuses: other sites, strangers, paths, and what is no picture."""

import io
import json
import os
import socket
import struct
import zlib
from http.client import HTTPConnection

import numpy as np
import pytest
from PIL import Image
from shapes import png

import keras_deephash as kdh
from keras_deephash.web.server.access import Access, is_loopback
from keras_deephash.web.server.pictures import MAX_BYTES, MAX_PIXELS


def refused(server, status, headers, verb="GET", path="/api/stats"):
    found, _, body = server.request(verb, path, headers=headers)
    assert found == status, (headers, body)
    return json.loads(body)["detail"]


def whole_answer(connection) -> bytes:
    """All that comes until the server closes: often in several pieces."""
    pieces = []
    try:
        while piece := connection.recv(4096):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # It closed while something was still being sent to it.
    return b"".join(pieces)


@pytest.mark.parametrize(
    "name", ["evil.example", "127.0.0.1.evil.example", "", "[::2]"]
)
def test_another_host_name_is_refused(same_server, name):
    # As after DNS rebinding: the site's name leads to this computer.
    for host in (name, f"{name}:{same_server.port}"):
        assert "loopback" in refused(same_server, 403, {"Host": host})


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_names_of_the_loopback_are_taken(same_server, name):
    headers = {"Host": f"{name}:{same_server.port}"}
    assert same_server.request("GET", "/api/stats", headers=headers)[0] == 200


def test_requests_of_other_sites_are_refused(same_server):
    for origin in (
        "http://evil.example",
        "null",
        f"http://127.0.0.1:{same_server.port + 1}",
        f"http://evil.example:{same_server.port}",
        "http://[",
    ):
        headers = {"Origin": origin}
        refused(same_server, 403, headers)
        refused(same_server, 403, headers, "DELETE", "/api/items/0")
        refused(same_server, 403, headers, "POST", "/api/search")
    for site in ("cross-site", "same-site"):
        refused(same_server, 403, {"Sec-Fetch-Site": site})
        thumbnail = "/api/items/0/thumbnail"
        refused(same_server, 403, {"Sec-Fetch-Site": site}, "GET", thumbnail)
    own = {"Origin": same_server.url, "Sec-Fetch-Site": "same-origin"}
    assert same_server.request("GET", "/api/stats", headers=own)[0] == 200
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert same_server.request("GET", "/", headers=link)[0] == 200


def test_nothing_comes_from_other_hosts(same_server):
    for path in ("/", "/api/stats", "/no/such/page"):
        _, headers, _ = same_server.request("GET", path)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers


def test_other_addresses_need_a_token(open_server):
    with pytest.raises(ValueError, match="needs a token"):
        Access(None, "0.0.0.0")
    for token in ("", "short", "with spaces in it", "semicolon;in;it", "line\nend.."):
        with pytest.raises(ValueError, match="token must be 8"):
            Access(None, "0.0.0.0", token)
    assert is_loopback("127.0.0.2") and is_loopback("::1") and is_loopback("localhost")
    assert not is_loopback("192.168.0.7") and not is_loopback("localhost.example")

    server = open_server(host="0.0.0.0", token="s3cret-token")
    lan = {"Host": "192.168.0.7:8000"}
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "s3cret-token"},
        {"Cookie": "keras_deephash_token_8000=wrong"},
        {"Cookie": "keras_deephash_token_8000"},
        {"Cookie": "keras_deephash_token_8001=s3cret-token"},
        {"Authorization": "Bearer \xe9"},
    ):
        assert "token" in refused(server, 401, {**lan, **headers})
        refused(server, 401, {**lan, **headers}, "GET", "/")
        refused(server, 401, {**lan, **headers}, "DELETE", "/api/items/0")
    for headers in (
        {"Authorization": "Bearer s3cret-token"},
        {"Cookie": "other=1; keras_deephash_token_8000=s3cret-token"},
        {"Host": "lan", "Cookie": "keras_deephash_token=s3cret-token"},
    ):
        assert server.request("GET", "/api/stats", headers={**lan, **headers})[0] == 200
    # The address that is printed sets the cookie, once.
    assert server.request("GET", "/", token="wrong")[0] == 401
    assert server.request("GET", "/api/stats", token="s3cret-token")[0] == 401
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            b"GET /?token=s3cret-token HTTP/1.1\r\nHost: lan\r\n"
            b"Connection: close\r\n\r\n"
        )
        answer = whole_answer(connection).decode()
    assert answer.startswith("HTTP/1.1 303")
    assert "location: /\r\n" in answer and "HttpOnly; SameSite=Lax" in answer
    # The token does not help another site.
    cookie = "keras_deephash_token_8000=s3cret-token"
    foreign = {"Cookie": cookie, "Origin": "http://evil"}
    refused(server, 403, {**lan, **foreign})


def test_servers_on_one_host_keep_their_tokens_apart(open_server):
    servers = [open_server(host="0.0.0.0", token=f"token-{n:08}") for n in range(2)]
    cookies = {}  # As a browser has them: of a host, whatever the port.
    for number, server in enumerate(servers):
        connection = HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", f"/?token=token-{number:08}")
        set_cookie = connection.getresponse().headers["set-cookie"]
        name, _, value = set_cookie.partition(";")[0].partition("=")
        cookies[name] = value
        connection.close()
    headers = {"Cookie": "; ".join("=".join(each) for each in cookies.items())}
    for server in servers:
        assert server.request("GET", "/api/stats", headers=headers)[0] == 200


def test_an_empty_host_is_an_error():
    for token in (None, "a-token-of-mine"):
        with pytest.raises(ValueError, match=r"`host` must be an address.*0\.0\.0\.0"):
            Access(None, "", token)


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2fetc/passwd",
        "/assets/server/index.html",
        "/style.css/../../__init__.py",
        "/api/items/..%2f..%2fetc%2fpasswd/thumbnail",
        "/api/items/etc/passwd/thumbnail",
        "/docs",
        "/redoc",
    ],
)
def test_no_path_leads_to_a_file(same_server, path):
    with socket.create_connection(("127.0.0.1", same_server.port)) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = whole_answer(connection)
    assert answer.split()[1] in (b"404", b"422")
    assert b"root:" not in answer


def test_only_pictures_that_the_index_names_are_shown(model, make_index, tmp_path):
    from live_server import LiveServer

    from keras_deephash.web.server.collection import Collection

    secret, pipe = tmp_path / "secret.txt", tmp_path / "pipe"
    secret.write_text("a secret")
    os.mkfifo(pipe)
    names = [str(secret), str(tmp_path / "gone.png"), str(pipe), "//host/share/a.png"]
    names += ["", "/dev/zero", str(tmp_path), "nul\0byte"]
    index = kdh.Index(model)
    index.add(np.zeros((len(names), 2), "uint8"), names=names)
    index.save(tmp_path / "index")
    server = LiveServer(Collection(str(tmp_path / "index"), model))
    try:
        for number in range(len(names)):
            path = f"/api/items/{number}/thumbnail"
            status, headers, body = server.request("GET", path)
            assert status in (400, 404) and b"a secret" not in body, names[number]
            assert headers["content-type"] == "application/json"
    finally:
        server.close()


def test_what_is_no_picture_is_refused(open_server):
    server = open_server()
    for data in (b"", b"not a picture", b"<svg/>", png(0)[:60]):
        for path in ("/api/search", "/api/items"):
            answer = server.json("POST", path, data, 415)
            assert "cannot be read" in answer["detail"]
    assert len(server.collection.index) == 30
    assert not os.path.exists(server.collection.uploads)


def test_pictures_are_bounded_in_bytes_and_pixels(same_server):
    with socket.create_connection(("127.0.0.1", same_server.port)) as connection:
        connection.sendall(
            b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (MAX_BYTES + 1)
        )
        answer = whole_answer(connection).decode()
    assert " 413 " in answer and f"{MAX_BYTES:,} bytes" in answer
    # In pieces, of a length that is not stated.
    with socket.create_connection(("127.0.0.1", same_server.port)) as connection:
        connection.sendall(
            b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        )
        piece = bytes(1 << 20)
        try:
            for _ in range((MAX_BYTES >> 20) + 2):
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        except OSError:
            pass  # It was answered, and the rest is not wanted.
        assert b" 413 " in whole_answer(connection)

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 8000, MAX_PIXELS // 8000 + 1, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    bomb += chunk(b"IDAT", zlib.compress(bytes(1 << 20))) + chunk(b"IEND", b"")
    assert "pixels" in same_server.json("POST", "/api/search", bomb, 413)["detail"]


def test_wrong_arguments_are_refused(same_server):
    for query, words in (
        ({"k": 0}, "`k` must be greater than or equal to 1. Received: '0'."),
        ({"k": 1001}, "`k` must be less than or equal to 1000. Received: '1001'."),
        ({"radius": "nan"}, "`radius` must be a finite number. Received: 'nan'."),
        ({"label": "cat"}, "`label` must be a valid integer"),
        ({"name": "x" * 1001}, "`name` must have at most 1000 characters"),
    ):
        detail = same_server.json("POST", "/api/search", png(0), 422, **query)["detail"]
        assert detail.startswith(words) and len(detail) < 200
    detail = same_server.json("GET", "/api/map", status=422, method="a\x1b")["detail"]
    assert detail == "`method` must be 'pca' or 'tsne'. Received: 'a\\x1b'."
    for number in ("-1", "x", str(2**63), "1.5"):
        same_server.json("GET", f"/api/items/{number}", status=422)
    same_server.json("GET", f"/api/items/{2**63 - 1}", status=404)
    same_server.json("GET", "/api/items", status=422, limit=201)
    assert same_server.json("GET", "/api/items", label=2**40)["total"] == 0


def test_a_server_for_readers_changes_nothing(open_server):
    server = open_server(read_only=True)
    assert server.json("GET", "/api/stats")["read_only"]
    server.json("POST", "/api/items", png(0), 403, label=0)
    server.json("DELETE", "/api/items/0", status=403)
    assert len(server.collection.index) == 30
    assert server.json("POST", "/api/search", png(0))["neighbors"]


def test_a_photo_is_upright_and_without_its_place(model, tmp_path):
    from keras_deephash.web.server.pictures import Thumbnails

    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "where it was taken"
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (1600, 800), "red").save(path, exif=exif)
    picture = Image.open(io.BytesIO(Thumbnails().jpeg(str(path), 256)))
    assert picture.size == (128, 256)
    assert not picture.getexif()
