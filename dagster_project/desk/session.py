"""Who looks at the desk, and whether a form is theirs.

Belongs here: the cookie, the token of forms, the visitor that pages work with, and the headers of every page.
Does not belong here: what a page says, or what a role may do with it (`api.access`).

The cookie holds the key itself: HttpOnly, SameSite=Strict, for `/desk` only. The token of forms is made of the key, so
nobody without the cookie can know it, and nothing needs to be kept.
"""

import hashlib
import hmac
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from dagster_project.api.access import COOKIE, Caller, caller_of
from dagster_project.api.problems import ProblemError
from dagster_project.desk import words
from resources.catalog_tokens import ROLES, Role

PATH = "/desk"
SESSION_SECONDS = 12 * 3600

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_pages = Environment(
    loader=PackageLoader("dagster_project.desk"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_pages.filters.update(
    kind=words.kind, field=words.field, reason=words.reason, short=words.short, when=words.when, number=words.number
)


class SignInNeededError(Exception):
    """Nobody is signed in, or the key was revoked."""


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in.

    Attributes:
        caller: tenant, role and catalog, as of the API.
        form_token: what their forms must carry.
    """

    caller: Caller
    form_token: str

    def may(self, role: Role) -> bool:
        """Whether they may do what needs a role."""
        return ROLES.index(self.caller.role) >= ROLES.index(role)


def form_token(key: str) -> str:
    """Token of the forms of whoever holds a key."""
    return hmac.new(key.encode(), b"a form of the desk", hashlib.sha256).hexdigest()


def _visitor(request: Request) -> Visitor:
    try:
        caller = caller_of(request, None)
    except ProblemError as error:
        if error.status is HTTPStatus.UNAUTHORIZED:
            raise SignInNeededError from None
        raise
    return Visitor(caller, form_token(request.cookies.get(COOKIE, "")))


def refuse_foreign(request: Request) -> None:
    """Refuse a form that another site sent.

    Raises:
        ProblemError: 403.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ProblemError(HTTPStatus.FORBIDDEN, "this form was sent by another site")


def _reviewer(
    request: Request,
    visitor: Annotated[Visitor, Depends(_visitor)],
    token: Annotated[str, Form(max_length=64)] = "",
) -> Visitor:
    refuse_foreign(request)
    if not hmac.compare_digest(token.encode(), visitor.form_token.encode()):
        raise ProblemError(HTTPStatus.FORBIDDEN, "this form is of another session; load the page again")
    if not visitor.may("reviewer"):
        raise ProblemError(HTTPStatus.FORBIDDEN, "this needs a key of the role reviewer")
    return visitor


Looking = Annotated[Visitor, Depends(_visitor)]
"""Somebody signed in who reads."""

Deciding = Annotated[Visitor, Depends(_reviewer)]
"""Somebody signed in who may decide, with a form of their own."""


def show(template: str, visitor: Visitor | None, *, status: int = 200, **said: Any) -> HTMLResponse:
    """A page."""
    html = _pages.get_template(f"{template}.html").render(visitor=visitor, **said)
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def go(path: str) -> RedirectResponse:
    """To another page, after a form: loading it again sends nothing twice."""
    return RedirectResponse(f"{PATH}{path}", status_code=HTTPStatus.SEE_OTHER, headers=HEADERS)


def keep(response: Response, key: str, *, secure: bool) -> None:
    """Keep a key in the browser."""
    response.set_cookie(
        COOKIE, key, max_age=SESSION_SECONDS, path=PATH, secure=secure, httponly=True, samesite="strict"
    )


def forget(response: Response, *, secure: bool) -> None:
    """Take the key out of the browser."""
    response.delete_cookie(COOKIE, path=PATH, secure=secure, httponly=True, samesite="strict")
