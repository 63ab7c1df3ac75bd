"""The desk as an application of its own, mounted beside the API in one process.

Belongs here: its pages in one list, signing in and out.
Does not belong here: what a page shows.
"""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request, Response
from starlette.staticfiles import StaticFiles

from dagster_project.settings import Settings
from interfaces.api.trail import Trail
from interfaces.desk import completing, inbox, persons, refused, releases, trouble
from interfaces.desk.session import COOKIE, Looking, forget, go, keep, refuse_foreign, show
from resources.catalog.audit import NO_TENANT
from resources.catalog.catalog import Catalog
from resources.catalog.rows.tenants import NewAuditEvent

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
    trouble.install(desk)
    return desk


def sign_in_form() -> Response:
    """Asks for a key."""
    return show("sign_in", None, wrong=False)


def sign_in(request: Request, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Begin a session with a key that counts; where it leads is always the start."""
    refuse_foreign(request)
    settings: Settings = request.app.state.settings
    catalog: Catalog = request.app.state.workspace.catalog
    now = datetime.now(UTC)
    found = catalog.tokens.recognise(key.strip(), now=now)
    token = found.accepted
    if token is None:
        whose, name = (found.token.tenant, found.token.name) if found.token else (NO_TENANT, "unknown")
        trail: Trail = request.state.trail
        trail.note(tenant=whose, actor=name, action="key.refused", target="desk", what=str(found.refusal))
        return show("sign_in", None, status=HTTPStatus.UNAUTHORIZED, wrong=True)
    former = request.cookies.get(COOKIE)
    if former:
        catalog.sessions.end(former)
    _enter(catalog, token.tenant, token.name, "desk.sign_in", now)
    lasts = timedelta(hours=settings.desk_session_hours)
    answer = go("/")
    keep(
        answer,
        catalog.sessions.begin(token.token_id, now=now, lasts=lasts),
        lasts=lasts,
        secure=request.url.scheme == "https",
    )
    return answer


def sign_out(request: Request, visitor: Looking) -> Response:
    """End the session, here and in the browser."""
    refuse_foreign(request)
    catalog: Catalog = request.app.state.workspace.catalog
    catalog.sessions.end(visitor.caller.session)
    _enter(catalog, visitor.caller.tenant, visitor.caller.name, "desk.sign_out", datetime.now(UTC))
    answer = go("/sign-in")
    forget(answer, secure=request.url.scheme == "https")
    return answer


def _enter(catalog: Catalog, tenant: str, actor: str, action: str, at: datetime) -> None:
    catalog.audit.record([NewAuditEvent(tenant=tenant, at=at, actor=actor, action=action, target="desk")])
