"""Connections that end: how long a server waits for a client, and for how many of them at once.

Belongs here: limits that only the connection itself can keep, before a request has a route or after its answer.
Does not belong here: limits of a request's body (`api.doorway`).

uvicorn waits without end for a request's head, for the rest of a body after the answer, and for a client that does not
read its answer. A thousand such clients hold a thousand connections, so each of these has a time here.
"""

import asyncio
import resource
from typing import Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from interfaces.web.headers import SEALED

MAX_HEAD_BYTES: Final = 32 * 2**10
"""Request line and headers together; more is refused before anything looks at them."""

HEAD_SECONDS: Final = 10.0
LEFTOVER_SECONDS: Final = 5.0
"""For the rest of a body whose request has been answered: it is read and dropped, so that the client sees the answer."""

UNREAD_SECONDS: Final = 30.0
UNREAD_BYTES: Final = 32 * 2**10
"""A client has to take so much of its answer in `UNREAD_SECONDS`."""

LOOK_SECONDS: Final = 0.5
MAX_CONNECTIONS: Final = 1000


def max_connections() -> int:
    """Return how many connections may be open: half of the files that the process may open are left to its work."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if soft == resource.RLIM_INFINITY else max(16, min(MAX_CONNECTIONS, soft // 2))


class TimedConnection(H11Protocol):
    """A connection with limits of time.

    Attributes are class-level so that a test can shorten them in a subclass.
    """

    head_seconds = HEAD_SECONDS
    leftover_seconds = LEFTOVER_SECONDS
    unread_seconds = UNREAD_SECONDS
    most_connections: int | None = None

    _watch: asyncio.TimerHandle | None = None
    _head_began: float | None = None
    _closing_since: float | None = None
    _unread: tuple[float, int] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, unless there are too many that all have something to do."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._make_room(self.most_connections or max_connections())
        self._watch = self.loop.call_later(LOOK_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came; the first byte of a request begins the time for its head."""
        if self._head_began is None and self.conn.their_state is h11.IDLE:
            self._head_began = self.loop.time()
        super().data_received(data)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._head_began = None
        self._idle_since = self.loop.time()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP request, with the headers of every answer."""
        headers = [(name.lower().encode(), value.encode()) for name, value in SEALED.items()]
        headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=msg.encode("ascii")),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    @property
    def waits_for_head(self) -> bool:
        """Whether no request is under way."""
        return self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE

    @property
    def waits_since(self) -> float:
        """When the present wait for a head began."""
        return self._idle_since if self._head_began is None else self._head_began

    def _make_room(self, most: int) -> None:
        """End the connection that has waited longest for a request if there are too many; this one if none waits."""
        if len(self.connections) <= most:
            return
        waiting = [
            one
            for one in self.connections
            if isinstance(one, TimedConnection)
            and one is not self
            and one.waits_for_head
            and not one.transport.is_closing()
        ]
        (min(waiting, key=lambda one: one.waits_since) if waiting else self).transport.abort()

    def _look(self) -> None:
        """Look twice a second whether the client keeps the server waiting."""
        if self.transport.get_protocol() is not self:
            return  # it became a web socket
        if self._keeps_waiting(self.loop.time()):
            self.transport.abort()
            return
        self._watch = self.loop.call_later(LOOK_SECONDS, self._look)

    def _keeps_waiting(self, now: float) -> bool:
        if self._leaves_answer_unread(now):
            return True
        if self.transport.is_closing():
            self._closing_since = self._closing_since or now
            return now - self._closing_since > self.unread_seconds
        if self.waits_for_head:
            return now - self.waits_since > self.head_seconds
        answered = self.cycle is not None and self.cycle.response_complete
        return answered and self.conn.their_state is h11.SEND_BODY and now - self._idle_since > self.leftover_seconds

    def _leaves_answer_unread(self, now: float) -> bool:
        size = self.transport.get_write_buffer_size()
        if size == 0:
            self._unread = None
        elif self._unread is None or size <= self._unread[1] - UNREAD_BYTES:
            self._unread = (now, size)
        return self._unread is not None and now - self._unread[0] > self.unread_seconds
