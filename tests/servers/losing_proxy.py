"""An HTTP proxy that passes everything on, but loses the answer to one write.

Run as a module it prints its port, then reads from standard input parts of paths: the answer to the next PUT of a
path with that part is thrown away after the server has done it, and the client is told 503.
"""

import http.client
import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO


@dataclass
class LosingProxy:
    """A running proxy."""

    port: int
    commands: IO[str]
    answers: IO[str]

    def lose_answer_to_put(self, part: str) -> None:
        """Lose the answer to the next PUT of a path that contains the part."""
        print(part, file=self.commands, flush=True)
        assert self.answers.readline().strip() == "armed"


@contextmanager
def losing_proxy(upstream_port: int) -> Iterator[LosingProxy]:
    """Start the proxy in its own process (deltalake may hold the interpreter's lock while it waits for an answer)."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(upstream_port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield LosingProxy(int(process.stdout.readline()), process.stdin, process.stdout)
    finally:
        process.kill()
        process.wait()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream_port: int
    to_lose: list[str]

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port)
        upstream.request(self.command, self.path, body, dict(self.headers))
        answer = upstream.getresponse()
        status, data = answer.status, answer.read()
        if self.command == "PUT" and any(part in self.path for part in self.to_lose):
            self.to_lose.clear()
            status, data = 503, b""
        self.send_response_only(status)
        for name, value in answer.getheaders():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        upstream.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _main() -> None:
    _Handler.upstream_port = int(sys.argv[1])
    _Handler.to_lose = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    for line in sys.stdin:
        _Handler.to_lose.append(line.strip())
        print("armed", flush=True)


if __name__ == "__main__":
    _main()
