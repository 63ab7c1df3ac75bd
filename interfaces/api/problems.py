"""Errors as problem documents (RFC 9457).

Belongs here: which error is which status, and the shape of the answer.
Does not belong here: raising them.

A document says what was attempted, on what, why it cannot work and what to do, as every error of the project. It never
repeats what the caller sent: that may be a person's id or a health value.
"""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from polars.exceptions import ComputeError
from starlette.exceptions import HTTPException

from resources.lake.errors import translate
from vitals.display_text import shorten_message
from vitals.errors import (
    AlreadyDoneError,
    BusyError,
    ConflictError,
    NotFoundError,
    PermanentError,
    TransientError,
    UsageError,
    VitalgraphError,
)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5

STATUS_OF: tuple[tuple[type[VitalgraphError], HTTPStatus], ...] = (
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (ConflictError, HTTPStatus.CONFLICT),
    (AlreadyDoneError, HTTPStatus.BAD_REQUEST),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (BusyError, HTTPStatus.TOO_MANY_REQUESTS),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (PermanentError, HTTPStatus.BAD_REQUEST),
)
"""First match counts: the specific ones stand before what they derive from."""


class ProblemError(Exception):
    """An answer that is a problem, raised where it is found.

    Args:
        status: HTTP status.
        detail: what is wrong and what to do, in a sentence.
        headers: of the answer, such as `WWW-Authenticate`.
        members: further members of the document.
    """

    def __init__(
        self, status: HTTPStatus, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.members = members


def problem(status: HTTPStatus, detail: str, *, headers: dict[str, str] | None = None, **members: Any) -> JSONResponse:
    """A problem document."""
    body = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": shorten_message(detail),
        **members,
    }
    return JSONResponse(body, status_code=status.value, media_type=MEDIA_TYPE, headers=headers)


PROBLEM_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "invalid": {"type": "array", "items": {"type": "object"}},
    },
}


def described(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer with these problems; 401, 403, 422 and 429 always may."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}},
        }
        for status in sorted({401, 403, 422, 429, *statuses})
    }


STORAGE_ERRORS = (OSError, ComputeError)
"""What reading a table or a file may come to wherever it is done: gone, damaged, away."""


def of_storage(error: Exception) -> tuple[HTTPStatus, str]:
    """Status and text for one of `STORAGE_ERRORS`, which is not the caller's fault; nothing of its own text is repeated."""
    found = translate(error, attempted="answer", where="reading")
    if found is None or isinstance(found, TransientError):
        return HTTPStatus.SERVICE_UNAVAILABLE, "a store does not answer; try again later"
    return HTTPStatus.INTERNAL_SERVER_ERROR, f"could not {found.attempted}: {found.why}. {found.remedy}"


def status_of(error: VitalgraphError) -> HTTPStatus:
    """Return the status that an error of the project has."""
    return next(status for kind, status in STATUS_OF if isinstance(error, kind))


def answer_to(error: Exception) -> JSONResponse | None:
    """Return the problem document about an error; None for one that nobody foresaw."""
    if isinstance(error, ProblemError):
        return problem(error.status, error.detail, headers=error.headers, **error.members)
    if isinstance(error, VitalgraphError):
        status = status_of(error)
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if status in _LATER else None
        return problem(status, f"could not {error.attempted}: {error.why}. {error.remedy}", headers=headers)
    if isinstance(error, STORAGE_ERRORS):
        return problem(*of_storage(error))
    if isinstance(error, RequestValidationError):
        # The last part of the place of an unknown member is its name, which the caller chose.
        found = [
            {
                "where": [str(p) for p in one["loc"][: -1 if one["type"] == "extra_forbidden" else None]],
                "what": one["msg"],
            }
            for one in error.errors()
        ]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request does not fit the documented shape", invalid=found)
    if isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        detail = status.description or status.phrase if error.detail == status.phrase else error.detail
        return problem(status, detail, headers=dict(error.headers or {}))
    return None


_LATER = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)


def unforeseen() -> JSONResponse:
    """Return the problem document about an error that nobody foresaw."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "something unforeseen happened; the log of the process has it")


def install(app: FastAPI) -> None:
    """Make every error of the application a problem document; the doorway logs those that nobody foresaw."""

    def _answer(_: Request, error: Exception) -> JSONResponse:
        return answer_to(error) or unforeseen()

    for kind in (ProblemError, VitalgraphError, *STORAGE_ERRORS, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, _answer)
