"""Headers of every answer, whoever wrote it: a route, a mounted application, an error.

Belongs here: the outermost wrapping of an application's answers.
Does not belong here: policies of single pages, which set their own headers.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SEALED: Final[Mapping[str, str]] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""What an answer says unless it says otherwise itself: nothing runs in it, nobody frames, keeps or guesses it."""


class SealedAnswers:
    """Adds the headers that an answer lacks, and keeps the name by which the server was asked out of redirects.

    Args:
        app: what answers.
        headers: header to value.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str] = SEALED) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seal(message, self.headers)
            await send(message)

        await self.app(scope, receive, sealed)


def seal(start: Message, headers: Mapping[str, str]) -> None:
    """Add what the start of an answer lacks; make its redirect lead to a path rather than to a host."""
    found = MutableHeaders(scope=start)
    for name, value in headers.items():
        found.setdefault(name, value)
    location = found.get("location")
    if location is not None and urlsplit(location).netloc:
        parts = urlsplit(location)
        found["location"] = parts._replace(scheme="", netloc="").geturl() or "/"
