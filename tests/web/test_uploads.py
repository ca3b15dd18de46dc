"""Clients that stop in the middle of a picture keep nobody waiting."""

import socket
import time
from contextlib import suppress

from shapes import png

from keras_deephash.web.server import uploads


def begin_upload(server, length=1000):
    """A connection that has sent the first byte of a picture."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    connection.sendall(
        b"POST /api/search HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: %d\r\n\r\nx" % length
    )
    return connection


def test_uploads_that_stall_do_not_keep_others_waiting(same_server, monkeypatch):
    monkeypatch.setattr(uploads, "IDLE_SECONDS", 0.5)
    stalled = [begin_upload(same_server) for _ in range(uploads.AT_ONCE)]
    time.sleep(0.2)
    started = time.monotonic()
    assert same_server.json("POST", "/api/search", png(0))["neighbors"]
    assert time.monotonic() - started < 10
    for connection in stalled:
        with connection:
            answer = connection.recv(4096)
            assert b" 408 " in answer and b"Send it again" in answer


def test_an_upload_that_drips_ends_in_time(same_server, monkeypatch):
    monkeypatch.setattr(uploads, "WHOLE_SECONDS", 1)
    started = time.monotonic()
    with begin_upload(same_server) as connection:
        connection.settimeout(0.1)
        answer = b""
        while not answer and time.monotonic() - started < 10:
            with suppress(ConnectionError):  # Closed: the answer can still be read.
                connection.sendall(b"x")
            try:
                answer = connection.recv(4096)
            except TimeoutError:
                continue
    assert b" 408 " in answer


def test_a_client_that_leaves_is_no_error_of_the_server(same_server, caplog):
    for _ in range(3):
        begin_upload(same_server).close()
    assert same_server.json("POST", "/api/search", png(0))["neighbors"]
    time.sleep(0.3)
    assert [record.getMessage() for record in caplog.records] == []
