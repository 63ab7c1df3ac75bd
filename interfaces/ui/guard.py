"""What no web page may do with the Dagster UI.

Belongs here: refusing requests before Dagster's own application sees them.
Does not belong here: who may use the UI: whoever reaches it. It listens on loopback; authentication is a proxy's
(`deploy/nginx-dagster.conf`).

Dagster's server answers to any name, runs mutations that come by GET, as a form or as text, and does not look at where
a request comes from: every page that an operator opens could stop sensors, delete runs or read all of it.
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

from graphql import GraphQLError, OperationDefinitionNode, OperationType, parse
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from interfaces.web.headers import seal
from interfaces.web.hosts import REMEDY, AllowedHosts, is_own_page, values_of

GRAPHQL: Final = "/graphql"
READS: Final = frozenset({"GET", "HEAD"})
MAX_BODY_BYTES: Final = 4 * 2**20


def headers_for(host: str) -> dict[str, str]:
    """Headers that Dagster's answers get besides their own: nobody frames them, and nothing of others is fetched."""
    policy = (
        "frame-ancestors 'none'; form-action 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
        f"connect-src 'self' ws://{host} wss://{host}"
    )
    return {
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Content-Security-Policy": policy,
    }


class Guard:
    """Lets through what the UI itself sends, and what a program on this machine does.

    Args:
        app: Dagster's application.
        hosts: names by which the UI may be asked.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts) -> None:
        self.app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self.app(scope, receive, _sealing(scope, send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            status, why = refusal
            await PlainTextResponse(why, status_code=status)(scope, receive, _sealing(scope, send))

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        if not self._hosts.allow(scope):
            return HTTPStatus.MISDIRECTED_REQUEST, REMEDY
        if scope["type"] == "websocket":
            return None if is_own_page(scope) else _FOREIGN
        if not (is_own_page(scope) or _is_visit(scope)):
            return _FOREIGN
        if scope["method"] not in READS:
            return _refusal_of_change(scope)
        if scope["path"].rstrip("/") == GRAPHQL and not _only_reads(scope):
            return (
                HTTPStatus.METHOD_NOT_ALLOWED,
                "by GET only queries are answered; send what changes something by POST",
            )
        return None


_FOREIGN = (HTTPStatus.FORBIDDEN, "a page of another origin sent this; only the UI's own pages may")


def _is_visit(scope: Scope) -> bool:
    """Whether somebody follows a link from elsewhere to a page of the UI: it loads, and its sender reads nothing of it."""
    return (
        scope["method"] in READS
        and values_of(scope, b"sec-fetch-mode") == ["navigate"]
        and values_of(scope, b"sec-fetch-dest") == ["document"]
        and not values_of(scope, b"origin")
        and scope["path"].rstrip("/") != GRAPHQL
    )


def _refusal_of_change(scope: Scope) -> tuple[HTTPStatus, str] | None:
    given = values_of(scope, b"content-type")
    media_type = given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""
    # A form or plain text may come from any page without asking; JSON only after a question that nobody answers with yes.
    if media_type != "application/json":
        return HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "what changes something has to be application/json"
    lengths = values_of(scope, b"content-length")
    if lengths and lengths[0].isdigit() and int(lengths[0]) > MAX_BODY_BYTES:
        return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body may have {MAX_BODY_BYTES:,} bytes"
    return None


def _only_reads(scope: Scope) -> bool:
    """Whether every operation in the address is a query."""
    asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True).get("query", [])
    for one in asked:
        try:
            operations = [d for d in parse(one).definitions if isinstance(d, OperationDefinitionNode)]
        except (GraphQLError, RecursionError):
            return False
        if any(operation.operation is not OperationType.QUERY for operation in operations):
            return False
    return True


def _sealing(scope: Scope, send: Send) -> Send:
    host = values_of(scope, b"host")

    async def sealed(message: Message) -> None:
        if message["type"] == "http.response.start":
            given = headers_for(host[0] if len(host) == 1 else "")
            policy = given.pop("Content-Security-Policy")
            seal(message, given)
            # Beside Dagster's own policy, if there is one: what either forbids is forbidden.
            message["headers"] = [*message["headers"], (b"content-security-policy", policy.encode("latin-1"))]
        await send(message)

    return sealed
