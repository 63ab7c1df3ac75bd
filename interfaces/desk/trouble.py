"""Errors as pages of the desk.

Belongs here: which page an error becomes.
Does not belong here: which error has which status (`api.problems`).
"""

from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from interfaces.api.problems import STORAGE_ERRORS, ProblemError, of_storage, status_of
from interfaces.desk.session import PATH, SignInNeededError, go, show
from vitals.errors import VitalgraphError


def page_about(error: Exception) -> Response | None:
    """Return the page about an error; None for one that nobody foresaw."""
    if isinstance(error, SignInNeededError):
        return go("/sign-in")
    status, detail, headers = HTTPStatus.UNPROCESSABLE_ENTITY, "", dict[str, str]()
    if isinstance(error, ProblemError):
        status, detail, headers = error.status, error.detail, error.headers
    elif isinstance(error, VitalgraphError):
        status, detail = status_of(error), f"Could not {error.attempted}: {error.why}. {error.remedy}"
    elif isinstance(error, STORAGE_ERRORS):
        status, detail = of_storage(error)
    elif isinstance(error, RequestValidationError):
        # What was sent may be a health value: it is not repeated.
        detail = "Something in the address or the form cannot be read."
    elif isinstance(error, HTTPException):
        status = HTTPStatus(error.status_code)
        detail = (status.description or status.phrase) if error.detail == status.phrase else error.detail
        headers = dict(error.headers or {})
    return _page(status, detail, headers) if detail else None


def page_of_unforeseen() -> Response:
    """Return the page about an error that nobody foresaw."""
    return _page(HTTPStatus.INTERNAL_SERVER_ERROR, "Something unforeseen happened; the log of the process has it.", {})


def install(desk: FastAPI) -> None:
    """Make every error of the desk a page; the doorway logs those that nobody foresaw."""

    def _answer(_: Request, error: Exception) -> Response:
        return page_about(error) or page_of_unforeseen()

    for kind in (
        *(SignInNeededError, ProblemError, VitalgraphError),
        *(*STORAGE_ERRORS, RequestValidationError, HTTPException, Exception),
    ):
        desk.add_exception_handler(kind, _answer)


def _page(status: HTTPStatus, detail: str, headers: dict[str, str]) -> HTMLResponse:
    page = show("problem", None, status=status, title=status.phrase, detail=detail[:1].upper() + detail[1:], start=PATH)
    page.headers.update(headers)
    return page
