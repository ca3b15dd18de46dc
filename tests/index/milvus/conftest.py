"""A Milvus server, one for all tests of the folder."""

import pytest

from .milvus_server import Server, only_server, port_is_taken


@pytest.fixture(scope="package")
def milvus_server(tmp_path_factory):
    """The server; its tests skip where it cannot be."""
    for package in ("milvus", "pymilvus"):
        pytest.importorskip(
            package, reason=f'no {package}: pip install ".[test-milvus]"'
        )
    with only_server():
        if port_is_taken():
            pytest.skip("another Milvus or etcd has port 2380")
        server = Server(tmp_path_factory.mktemp("milvus"))
        yield server
        server.stop()
