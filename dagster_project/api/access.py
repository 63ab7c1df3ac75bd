"""Who calls, and what they may do.

Belongs here: the bearer key to a tenant and a role, the limit of requests per key, and the `Caller` that routes work with.
Does not belong here: keys themselves (`resources.catalog_tokens`).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from dagster_project.api.problems import ProblemError
from resources.catalog_rows.tenants import NewAuditEvent
from resources.catalog_scope import TenantCatalog
from resources.catalog_tokens import ROLES, Role
from resources.lake import Lake
from resources.workspace import Workspace

COOKIE = "vitalgraph_key"
"""The review desk keeps the key in a cookie that scripts cannot read."""

_bearer = HTTPBearer(auto_error=False, description="A key made by `vitalgraph token create`.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One tenant's view of the installation, for the length of a request.

    Attributes:
        tenant: whose.
        name: name of the key, which audit events carry as the actor.
        role: what the key may do.
        catalog: the tenant's catalog; there is no way from it to another's.
        workspace: what the stages work with; routes hand it on together with `tenant`, and read nothing from it.
    """

    tenant: str
    name: str
    role: Role
    catalog: TenantCatalog
    workspace: Workspace = field(repr=False)

    @property
    def lake(self) -> Lake:
        """The tenant's lake."""
        return self.workspace.lake(self.tenant)

    def decided(self, action: str, target: str, **details: Any) -> None:
        """Enter a decision of this person in the audit trail. No health value, no external id."""
        event = NewAuditEvent(
            tenant=self.tenant, at=datetime.now(UTC), actor=self.name, action=action, target=target, details=details
        )
        self.catalog.record([event])


class RateLimit:
    """So many requests a minute per key, with bursts up to that number (a token bucket per key).

    In memory: each process of the API counts for itself.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def seconds_to_wait(self, key: str) -> float:
        """Take one request; 0 if it may go on, else how long until the next may."""
        now = self._clock()
        with self._lock:
            left, since = self._left.get(key, (float(self._per_minute), now))
            left = min(self._per_minute, left + (now - since) * self._per_minute / 60)
            if left < 1:
                self._left[key] = (left, now)
                return (1 - left) * 60 / self._per_minute
            self._left[key] = (left - 1, now)
            return 0


def caller_of(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """The caller of a request, by its bearer key or the desk's cookie."""
    workspace: Workspace = request.app.state.workspace
    key = credentials.credentials if credentials else request.cookies.get(COOKIE, "")
    token = workspace.catalog.tokens.recognise(key)
    if token is None:
        raise ProblemError(
            HTTPStatus.UNAUTHORIZED,
            "the key is missing, unknown or revoked; send `Authorization: Bearer vg_…`",
            headers={"WWW-Authenticate": "Bearer"},
        )
    wait = request.app.state.rate_limit.seconds_to_wait(token.token_id)
    if wait:
        raise ProblemError(
            HTTPStatus.TOO_MANY_REQUESTS,
            "this key has used up its requests for now; wait as long as Retry-After says",
            headers={"Retry-After": str(int(wait) + 1)},
        )
    return Caller(
        tenant=token.tenant,
        name=token.name,
        role=token.role,
        catalog=workspace.catalog.of_tenant(token.tenant),
        workspace=workspace,
    )


def _at_least(role: Role) -> Callable[[Caller], Caller]:
    def checked(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if ROLES.index(caller.role) < ROLES.index(role):
            raise ProblemError(HTTPStatus.FORBIDDEN, f"this needs a key of the role {role}")
        return caller

    return checked


Reader = Annotated[Caller, Depends(_at_least("reader"))]
Reviewer = Annotated[Caller, Depends(_at_least("reviewer"))]
Admin = Annotated[Caller, Depends(_at_least("admin"))]
