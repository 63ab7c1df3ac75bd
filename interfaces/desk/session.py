"""Who looks at the desk, and whether a form is theirs.

Belongs here: the cookie, the token of forms, the visitor that pages work with, and the headers of every page.
Does not belong here: what a page says, or what a role may do with it (`api.access`).

The cookie holds the secret of a session, of which the catalog keeps the hash: HttpOnly, SameSite=Strict, for `/desk` only.
The token of forms is made of that secret, so nobody without the cookie can know it, and nothing more needs to be kept.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from interfaces.api.access import Caller
from interfaces.api.problems import ProblemError
from interfaces.desk import words
from interfaces.web.hosts import is_own_page
from resources.catalog.tokens import Role
from vitals.display_text import escape_lines

PATH = "/desk"
COOKIE = "vitalgraph_session"

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}
"""What a page allows beyond what no answer does (`web.headers`)."""


def _plain(value: Any) -> Any:
    """What a page says of a value: of a text, what is seen of it; markup of ours stays as it is."""
    return escape_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


_pages = Environment(
    loader=PackageLoader("interfaces.desk"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    finalize=_plain,
)
_pages.filters.update(
    exactly=escape,
    kind=words.kind,
    field=words.field,
    reason=words.reason,
    short=words.short,
    when=words.when,
    number=words.number,
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
        return self.caller.may(role)


def form_token(secret: str) -> str:
    """Return the token of the forms of a session."""
    return hmac.new(secret.encode(), b"a form of the desk", hashlib.sha256).hexdigest()


def _visitor(request: Request) -> Visitor:
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None or not caller.session:
        raise SignInNeededError
    return Visitor(caller, form_token(caller.session))


def refuse_foreign(request: Request) -> None:
    """Refuse a form that another site sent.

    Raises:
        ProblemError: 403.
    """
    if not is_own_page(request.scope):
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


def keep(response: Response, secret: str, *, lasts: timedelta, secure: bool) -> None:
    """Keep a session in the browser."""
    seconds = int(lasts.total_seconds())
    response.set_cookie(COOKIE, secret, max_age=seconds, path=PATH, secure=secure, httponly=True, samesite="strict")


def forget(response: Response, *, secure: bool) -> None:
    """Take the session out of the browser."""
    response.delete_cookie(COOKIE, path=PATH, secure=secure, httponly=True, samesite="strict")
