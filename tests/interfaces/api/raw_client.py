"""A client that writes bytes as it likes: half requests, slow ones, none at all.

Belongs here: sockets. Does not belong here: any expectation.
"""

import socket
from urllib.parse import urlsplit

SECONDS = 60
"""A test that waits this long has failed; nothing here waits for a time to pass."""


def connect(address: str, *, receive_buffer: int | None = None) -> socket.socket:
    parts = urlsplit(address)
    found = socket.socket()
    if receive_buffer is not None:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    found.settimeout(SECONDS)
    found.connect((parts.hostname, parts.port))
    return found


def head(method: str, path: str, address: str, **headers: str) -> bytes:
    """The head of a request; `_` in a name stands for `-`."""
    given = {"Host": urlsplit(address).netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer_head(client: socket.socket) -> tuple[int, dict[str, str]]:
    """Status and headers of the next answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            raise ConnectionError(data)
        data += piece
    first, *lines = data.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    return int(first.split()[1]), {
        name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
    }


def until_closed(client: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection."""
    data = b""
    try:
        while piece := client.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data
