"""An S3-protocol server (moto) in its own process, with one bucket.

It does conditional writes, which Delta Lake needs. It is slow (about 400 objects/s): for correctness only.
"""

import contextlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from resources.lake.lake import S3Access

START_TIMEOUT_SECONDS = 60
BUCKET = "lake"


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Attributes:
        access: how to reach it.
        root_url: root of a lake in its bucket; append a prefix per test.
    """

    access: S3Access
    root_url: str


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start the server, create the bucket, stop the server at the end."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_up(endpoint, process)
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=10).close()
        access = S3Access(
            endpoint_url=endpoint,
            region="us-east-1",
            access_key_id="test-key",
            secret_access_key="test-secret",
            allow_http=True,
        )
        yield S3Server(access, f"s3://{BUCKET}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the S3 server ended with code {process.returncode} before it was up")
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{endpoint}/moto-api/data.json", timeout=1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"the S3 server was not up after {START_TIMEOUT_SECONDS} s")
