"""Bounds on what a request may send, and on how much is done at once.

Belongs here: size and pace of bodies, depth of JSON, and how often and how much at once somebody may ask.
Does not belong here: limits on what a file holds (`vitals.raw.container`), which limit a route has (`doorway`).
"""

import asyncio
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MAX_BODY_BYTES: Final = 2**20
"""JSON and forms. Only a file that somebody may hand in can be longer."""

MAX_SIGN_IN_BYTES: Final = 4 * 2**10
MAX_HEADERS: Final = 100
MAX_JSON_DEPTH: Final = 20
"""The deepest body that a route takes has four levels."""

MAX_LONG_BODIES: Final = 4
"""Bodies of more than `MAX_BODY_BYTES` that are held in memory at the same time."""

BODY_GRACE_SECONDS: Final = 20.0
MIN_BYTES_PER_SECOND: Final = 20_000
"""A body may take `BODY_GRACE_SECONDS`, and longer only as long as it comes at least this fast."""


class PacedBody:
    """A request's body within its limits of size and time.

    Args:
        receive: where it comes from.
        most_bytes: a longer one is refused with 413, declared or not.
        grace_seconds: time that any body has.
    """

    def __init__(self, receive: Receive, *, most_bytes: int, grace_seconds: float) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._grace_seconds = grace_seconds
        self._began = time.monotonic()
        self._bytes = 0
        self._complete = False

    async def receive(self) -> Message:
        """Return the next piece.

        Raises:
            HTTPException: 413 for a body that is too long, 408 for one that does not come.
        """
        if self._complete:
            return await self._receive()
        until = self._began + self._grace_seconds + self._bytes / MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(
                HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time", headers={"Connection": "close"}
            ) from None
        self._bytes += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._bytes > self._most_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_long(self._most_bytes))
        return message

    async def whole(self) -> bytes:
        """Return all of it."""
        pieces = []
        while not self._complete:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                break
            pieces.append(message.get("body", b""))
        return b"".join(pieces)


def too_long(most_bytes: int) -> str:
    """Say how long a body may be."""
    return f"a body may have {most_bytes:,} bytes here; send a smaller one"


def is_nested_deeper(body: bytes, levels: int) -> bool:
    """Say whether JSON is nested deeper than so many levels, before anything builds it.

    Each round takes away at least the innermost level of what is left; at most twice as many levels pass as asked for.
    What is no JSON may be called too deep, and is refused either way.
    """
    left = _brackets(body)
    for _ in range(levels):
        if not left:
            return False
        left = left.replace(b"{}", b"").replace(b"[]", b"")
    return bool(left)


_STRUCTURE = b"{}[]"
_OTHER = bytes(byte for byte in range(256) if byte not in _STRUCTURE)


def _brackets(body: bytes) -> bytes:
    """Brackets outside strings; a string ends at the first quote that an even number of backslashes precedes."""
    # Escaped backslashes first, so that every quote that is left with a backslash before it is part of its string.
    parts = body.replace(rb"\\", b"").replace(rb"\"", b"").split(b'"')
    return b"".join(parts[::2]).translate(None, _OTHER)


class RateLimit:
    """So many requests a minute per key, with bursts up to that number (a token bucket per key).

    In memory: each process of the API counts for itself.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, key: str) -> float:
        """Take one request; 0 if it may go on, else how long until the next may."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(key, (float(self._per_minute), now))
            left = min(self._per_minute, left + (now - since) * self._per_minute / 60)
            if left < 1:
                self._left[key] = (left, now)
                return (1 - left) * 60 / self._per_minute
            self._left[key] = (left - 1, now)
            return 0


class AtOnce:
    """So many at the same time under each name. Used from one event loop only."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._running: dict[str, int] = {}

    def enter(self, name: str) -> bool:
        """Take a place; False if all are taken."""
        running = self._running.get(name, 0)
        if running >= self._most:
            return False
        self._running[name] = running + 1
        return True

    def leave(self, name: str) -> None:
        """Give a place back."""
        left = self._running[name] - 1
        if left:
            self._running[name] = left
        else:
            del self._running[name]
