"""The desk as an application of its own, mounted beside the API in one process.

Belongs here: its pages in one list, signing in and out, and errors as pages.
Does not belong here: what a page shows.
"""

from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from dagster_project.api.problems import STATUS_OF, STORAGE_ERRORS, ProblemError, of_storage
from dagster_project.desk import completing, inbox, persons, refused, releases
from dagster_project.desk.session import PATH, SignInNeededError, forget, go, keep, refuse_foreign, show
from vitals.errors import VitalgraphError

STATIC = Path(__file__).with_name("static")


def build_desk(state: Any) -> FastAPI:
    """The desk, working with what the API works with (`app.state`)."""
    desk = FastAPI(title="Vitalgraph review desk", openapi_url=None, docs_url=None, redoc_url=None)
    desk.state = state
    desk.mount("/static", StaticFiles(directory=STATIC), name="static")
    desk.add_api_route("/sign-in", sign_in_form, methods=["GET"])
    desk.add_api_route("/sign-in", sign_in, methods=["POST"])
    desk.add_api_route("/sign-out", sign_out, methods=["POST"])
    for module in (inbox, completing, refused, persons, releases):
        desk.include_router(module.router)
    _install_errors(desk)
    return desk


def sign_in_form() -> Response:
    """Asks for a key."""
    return show("sign_in", None, wrong=False)


def sign_in(request: Request, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Keep a key that counts; where it leads is always the start."""
    refuse_foreign(request)
    if request.app.state.workspace.catalog.tokens.recognise(key.strip()) is None:
        return show("sign_in", None, status=HTTPStatus.UNAUTHORIZED, wrong=True)
    answer = go("/")
    keep(answer, key.strip(), secure=request.url.scheme == "https")
    return answer


def sign_out(request: Request) -> Response:
    """Forget the key."""
    refuse_foreign(request)
    answer = go("/sign-in")
    forget(answer, secure=request.url.scheme == "https")
    return answer


def _install_errors(desk: FastAPI) -> None:
    @desk.exception_handler(SignInNeededError)
    def _sign_in(_request: Request, _error: SignInNeededError) -> Response:
        return go("/sign-in")

    @desk.exception_handler(ProblemError)
    def _found(_request: Request, error: ProblemError) -> HTMLResponse:
        return _problem(error.status, error.detail)

    @desk.exception_handler(VitalgraphError)
    def _ours(_request: Request, error: VitalgraphError) -> HTMLResponse:
        status = next(status for kind, status in STATUS_OF if isinstance(error, kind))
        return _problem(status, f"Could not {error.attempted}: {error.why}. {error.remedy}")

    def _storage(_request: Request, error: Exception) -> HTMLResponse:
        status, detail = of_storage(error)
        return _problem(status, detail[:1].upper() + detail[1:])

    for kind in STORAGE_ERRORS:
        desk.add_exception_handler(kind, _storage)

    @desk.exception_handler(RequestValidationError)
    def _invalid(_request: Request, _error: RequestValidationError) -> HTMLResponse:
        # What was sent may be a health value: it is not repeated.
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Something in the address or the form cannot be read.")

    @desk.exception_handler(HTTPException)
    def _http(_request: Request, error: HTTPException) -> HTMLResponse:
        status = HTTPStatus(error.status_code)
        return _problem(status, status.description or status.phrase)


def _problem(status: HTTPStatus, detail: str) -> HTMLResponse:
    return show("problem", None, status=status, title=status.phrase, detail=detail, start=PATH)
