"""Bounds on what a request may send.

Belongs here: the limit on bodies, before anything reads them.
Does not belong here: limits on what a file holds (`vitals.raw.container`), or on how often somebody calls (`access`).
"""

from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagster_project.api.problems import problem


class BodyLimit:
    """Refuses bodies longer than `most_bytes`, declared or not."""

    def __init__(self, app: ASGIApp, *, most_bytes: int) -> None:
        self.app = app
        self.most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, as long as it stays within the limit."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.most_bytes:
            await self._refuse(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.most_bytes:
                # Chunked and longer than it may be: what has arrived is dropped, and the rest is not read.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        await self.app(scope, counted, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer: Any = problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {self.most_bytes} bytes; send a smaller one"
        )
        await answer(scope, receive, send)
