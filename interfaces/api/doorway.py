"""The way in: nothing of a request is read, parsed or looked up before it is known who sent it.

Belongs here: which way in a path has, whose key or session it is, and the limits of size, pace and number that follow.
Does not belong here: what a role may do with a route (`access`), connections (`web.connections`).

    /live, /ready                 anybody, by any name
    docs, static files            anybody
    /desk/sign-in                 anybody, 4 KB
    /v1/…                         the key in `Authorization`, and in nothing else; 1 MB
    POST /v1/uploads              a key of a reviewer; as long as a file may be
    /desk/…                       a session; 1 MB
    anything else                 there is nothing
"""

import logging
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import anyio.to_thread
from anyio import CapacityLimiter
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dagster_project.settings import Settings
from interfaces.api.access import Caller, caller_with
from interfaces.api.limits import (
    BODY_GRACE_SECONDS,
    MAX_BODY_BYTES,
    MAX_HEADERS,
    MAX_JSON_DEPTH,
    MAX_LONG_BODIES,
    MAX_SIGN_IN_BYTES,
    AtOnce,
    PacedBody,
    RateLimit,
    is_nested_deeper,
    too_long,
)
from interfaces.api.problems import ProblemError, answer_to, unforeseen
from interfaces.api.trail import Trail
from interfaces.desk.session import COOKIE, PATH, SignInNeededError
from interfaces.desk.trouble import page_about, page_of_unforeseen
from interfaces.web.connections import MAX_HEAD_BYTES
from interfaces.web.headers import SealedAnswers
from interfaces.web.hosts import REMEDY, AllowedHosts
from resources.catalog.audit import NO_TENANT
from resources.catalog.tokens import Recognition, Role
from resources.workspace import Workspace

log = logging.getLogger(__name__)

HEALTH = frozenset({"/live", "/ready"})
OPEN = frozenset({"/v1/docs", "/v1/openapi.json"})
SIGN_IN = f"{PATH}/sign-in"
STATIC = f"{PATH}/static/"
UPLOAD = ("POST", "/v1/uploads")
UPLOADER: Role = "reviewer"
LONG = "long bodies"

FRAMES = 8
LOOKUPS_AT_ONCE = 8
"""Threads that look up keys: their own, so that requests at work never keep a wrong key waiting, nor a right one."""

_JSON = re.compile(r"application/([a-z0-9.+-]+\+)?json")


@dataclass(frozen=True)
class Entry:
    """How a request may come in.

    Attributes:
        most_bytes: of its body.
        caller: who calls; None where anybody may.
    """

    most_bytes: int
    caller: Caller | None = None


class Doorway:
    """Lets requests in. What it wraps finds a `Caller` in `request.state.caller`, or None where anybody may come.

    Args:
        app: the application.
        settings: limits and sessions.
        workspace: the installation.
        hosts: names of this server besides those of loopback and those of the settings.

    Attributes:
        grace_seconds: time that any body has.
    """

    grace_seconds = BODY_GRACE_SECONDS

    def __init__(self, app: ASGIApp, settings: Settings, workspace: Workspace, *, hosts: tuple[str, ...] = ()) -> None:
        self.app = app
        self._sealed = SealedAnswers(self._answer)
        self._workspace = workspace
        self._trail = Trail(workspace.catalog)
        self._hosts = AllowedHosts((*hosts, *settings.hosts))
        self._file_bytes = int(settings.max_file_size_mb * 2**20)
        self._idle = timedelta(minutes=settings.desk_idle_minutes)
        self._rate = RateLimit(settings.api_requests_per_minute)
        self._at_once = AtOnce(settings.api_requests_at_once)
        self._long_at_once = AtOnce(MAX_LONG_BODIES)
        self._lookups: CapacityLimiter | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let in."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            self._trail.close()
        elif scope["type"] == "http":
            await self._sealed(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._enter(scope, receive, watched)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            answer = _answer_to(scope, error)
            if answer is None:
                # Not the error's own text, which may quote what was read.
                log.error("a request failed: %s", _places(error))  # noqa: TRY400
                answer = page_of_unforeseen() if is_desk(scope) else unforeseen()
            if not started:
                await answer(scope, receive, send)

    async def _enter(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {}).update(caller=None, trail=self._trail)
        if scope["path"] in HEALTH:
            await self.app(scope, PacedBody(receive, most_bytes=0, grace_seconds=self.grace_seconds).receive, send)
            return
        if _has_too_long_a_head(scope):
            raise HTTPException(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if not self._hosts.allow(scope):
            raise ProblemError(HTTPStatus.MISDIRECTED_REQUEST, REMEDY)
        entry = await self._entry(scope)
        name = None if entry.caller is None else entry.caller.token_id
        if name is not None and not self._at_once.enter(name):
            raise _busy("this key has as many requests under way as it may; wait until one is answered", 1)
        try:
            await self._pass(scope, receive, self._noting(scope, send, entry), entry)
        finally:
            if name is not None:
                self._at_once.leave(name)

    def _noting(self, scope: Scope, send: Send, entry: Entry) -> Send:
        """Note who read what, of whom, once it is known that they get it."""
        caller = entry.caller
        if caller is None or scope["method"] not in {"GET", "HEAD"}:
            return send

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < HTTPStatus.BAD_REQUEST:
                target, what = read_by(scope)
                self._trail.note(tenant=caller.tenant, actor=caller.name, action="read", target=target, what=what)
            await send(message)

        return noted

    async def _pass(self, scope: Scope, receive: Receive, send: Send, entry: Entry) -> None:
        if entry.caller is not None:
            wait = self._rate.seconds_to_wait(entry.caller.token_id)
            if wait:
                raise _busy("this key has used up its requests for now", int(wait) + 1)
            scope["state"]["caller"] = entry.caller
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        length = int(declared) if declared.isascii() and declared.isdigit() else 0
        if length > entry.most_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_long(entry.most_bytes))
        body = PacedBody(receive, most_bytes=entry.most_bytes, grace_seconds=self.grace_seconds)
        if _JSON.match(headers.get("content-type", "").lower()) and entry.most_bytes <= MAX_BODY_BYTES:
            data = await body.whole()
            if is_nested_deeper(data, MAX_JSON_DEPTH):
                raise ProblemError(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"the JSON is nested deeper than {MAX_JSON_DEPTH} levels"
                )
            await self.app(scope, _again(data, receive), send)
            return
        is_long = entry.most_bytes > MAX_BODY_BYTES and (length > MAX_BODY_BYTES or "transfer-encoding" in headers)
        if is_long and not self._long_at_once.enter(LONG):
            raise _busy("as many files as this process takes at once are being handed in", 2)
        try:
            await self.app(scope, body.receive, send)
        finally:
            if is_long:
                self._long_at_once.leave(LONG)

    async def _entry(self, scope: Scope) -> Entry:
        path = scope["path"]
        if path.startswith("/v1/") and path not in OPEN:
            caller = await self._look_up(self._by_key, scope)
            if (scope["method"], path) != UPLOAD:
                return Entry(MAX_BODY_BYTES, caller)
            if not caller.may(UPLOADER):
                raise ProblemError(HTTPStatus.FORBIDDEN, f"this needs a key of the role {UPLOADER}")
            return Entry(self._file_bytes, caller)
        if is_desk(scope) and not path.startswith(STATIC):
            if path == SIGN_IN:
                return Entry(MAX_SIGN_IN_BYTES)
            return Entry(MAX_BODY_BYTES, await self._look_up(self._by_session, scope))
        return Entry(0)

    async def _look_up(self, look: Callable[[Scope], Caller], scope: Scope) -> Caller:
        if self._lookups is None:
            self._lookups = CapacityLimiter(LOOKUPS_AT_ONCE)
        return await anyio.to_thread.run_sync(look, scope, limiter=self._lookups)

    def _by_key(self, scope: Scope) -> Caller:
        given = Headers(scope=scope).getlist("authorization")
        scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        token = None
        if scheme.lower() == "bearer":
            found = self._workspace.catalog.tokens.recognise(key.strip(), now=datetime.now(UTC))
            token = found.accepted
            if found.refusal is not None:
                refused(self._trail, found, "api")
        if token is None:
            raise ProblemError(
                HTTPStatus.UNAUTHORIZED,
                "the key is missing, unknown, expired or revoked; send `Authorization: Bearer vg_…`",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return caller_with(token, self._workspace)

    def _by_session(self, scope: Scope) -> Caller:
        secret = session_of(scope)
        token = secret and self._workspace.catalog.sessions.find(secret, now=datetime.now(UTC), idle=self._idle)
        if not token:
            raise SignInNeededError
        return caller_with(token, self._workspace, session=secret)


def read_by(scope: Scope) -> tuple[str, str]:
    """Return of whom, or which list or thing, a request reads, and what of it; no value and no text of an upload."""
    path: str = scope["path"]
    found = _PERSON.search(path) or _SUBJECT.search(scope["query_string"].decode("latin-1"))
    kind = _ID.sub("{id}", _PERSON.sub("people/{subject}", path))
    return (found[1] if found else _printable(path), _printable(kind))


def refused(trail: Trail, found: Recognition, where: str) -> None:
    """Note that a key was refused: its name if its id is known, never the key."""
    tenant, name = (found.token.tenant, found.token.name) if found.token else (NO_TENANT, "unknown")
    trail.note(tenant=tenant, actor=name, action="key.refused", target=where, what=str(found.refusal))


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in text)[:200]


_PERSON = re.compile(r"people/([0-9a-f]{16,64})")
_SUBJECT = re.compile(r"(?:^|&)subject=([0-9a-f]{16,64})(?:&|$)")
_ID = re.compile(r"(?<=/)[0-9a-f]{64}|(?<=/)[0-9]+(?=/|$)")


def is_desk(scope: Scope) -> bool:
    """Say whether a request is for a page of the desk."""
    path: str = scope["path"]
    return path == PATH or path.startswith(f"{PATH}/")


def session_of(scope: Scope) -> str:
    """Return the secret in the desk's cookie; empty if there is none."""
    return cookie_parser("; ".join(Headers(scope=scope).getlist("cookie"))).get(COOKIE, "")


def _has_too_long_a_head(scope: Scope) -> bool:
    """A head that came in one piece passes the connection whatever its length."""
    size = len(scope["raw_path"]) + len(scope["query_string"]) + sum(len(n) + len(v) for n, v in scope["headers"])
    return size > MAX_HEAD_BYTES or len(scope["headers"]) > MAX_HEADERS


def _busy(detail: str, seconds: int) -> ProblemError:
    return ProblemError(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"{detail}; wait as long as Retry-After says",
        headers={"Retry-After": str(seconds)},
    )


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read already, then whatever follows it."""
    given = False

    async def message() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return message


def _answer_to(scope: Scope, error: Exception) -> Response | None:
    return page_about(error) if is_desk(scope) else answer_to(error)


def _places(error: Exception) -> str:
    """Type of an error and the places that it passed, without its text, which may quote what was read."""
    innermost = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return " < ".join([type(error).__name__, *(f"{one.filename}:{one.lineno}" for one in reversed(innermost))])
