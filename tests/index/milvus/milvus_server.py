"""A real Milvus server in a temporary folder, to be killed and started again."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

# Of Milvus's own etcd, which no setting moves: so one server at a time.
ETCD_PEER_PORT = 2380
START_SECONDS = 120
# Milvus waits for ticks and leases most of the time; the tests need not.
QUICK = {
    "proxy.timeTickInterval": 50,
    "queryCoord.checkInterval": 100,
    "queryCoord.distPullInterval": 100,
    "common.session.ttl": 5,
}


class Server:
    """Args: folder, str, a new directory for the server and its data."""

    def __init__(self, folder):
        from milvus import MilvusServer

        self.server = MilvusServer(wait_for_started=False)
        self.server.set_base_dir(str(folder))
        for setting, value in QUICK.items():
            self.server.config.set(setting, value)
        self.server.start()
        self._wait()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.server.listen_port}"

    def kill(self) -> None:
        """As a power cut: nothing is written any more."""
        self.server.server_proc.kill()
        self.server.server_proc.wait()

    def start_again(self) -> None:
        """On the same port and data, and returns at once."""
        folder = self.server.config.base_data_dir
        program = self.server.get_milvus_executable_path()
        with open(os.path.join(folder, "logs", "again.log"), "ab") as log:
            self.server.server_proc = subprocess.Popen(
                [program, "run", "standalone"],
                cwd=folder,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "DEPLOY_MODE": "STANDALONE",
                    "METRICS_PORT": str(self.server.webservice_port),
                    "MILVUS_RUN_DIR": os.path.join(folder, "run"),
                    "LD_LIBRARY_PATH": os.path.dirname(program),
                },
            )

    def stop(self) -> None:
        self.server.stop()

    def _wait(self) -> None:
        url = f"http://127.0.0.1:{self.server.webservice_port}/healthz"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.server.server_proc.poll() is not None:
                raise RuntimeError("The Milvus server ended while it started.")
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    if b"OK" in answer.read():
                        return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                pass
            time.sleep(0.2)
        self.stop()
        raise RuntimeError(f"Milvus did not start within {START_SECONDS} seconds.")


def port_is_taken() -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", ETCD_PEER_PORT)) == 0


@contextlib.contextmanager
def only_server():
    """Waits until no other process of the tests has a server."""
    import fcntl  # Of Unix, as is the server.

    path = os.path.join(tempfile.gettempdir(), "keras_deephash_milvus.lock")
    with open(path, "a", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
