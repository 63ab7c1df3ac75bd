"""Who calls, and what they may do.

Belongs here: the `Caller` that routes work with, and what each role may do.
Does not belong here: recognising a caller (`doorway`), keys themselves (`resources.catalog.tokens`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from interfaces.api.problems import ProblemError
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.scope import TenantCatalog
from resources.catalog.tokens import ROLES, ApiToken, Role
from resources.lake.lake import Lake
from resources.workspace import Workspace

_bearer = HTTPBearer(auto_error=False, description="A key made by `vitalgraph token create`.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """One tenant's view of the installation, for the length of a request.

    Attributes:
        tenant: whose.
        name: name of the key, which audit events carry as the actor.
        role: what the key may do.
        token_id: the key, without its secret.
        catalog: the tenant's catalog; there is no way from it to another's.
        workspace: what the stages work with; routes hand it on together with `tenant`, and read nothing from it.
        session: secret of the session at the desk; empty with a key.
    """

    tenant: str
    name: str
    role: Role
    token_id: str
    catalog: TenantCatalog
    workspace: Workspace = field(repr=False)
    session: str = field(default="", repr=False)

    @property
    def lake(self) -> Lake:
        """The tenant's lake."""
        return self.workspace.lake(self.tenant)

    def may(self, role: Role) -> bool:
        """Say whether the caller may do what needs a role."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def decided(self, action: str, target: str, **details: Any) -> None:
        """Enter a decision of this person in the audit trail. No health value, no external id."""
        event = NewAuditEvent(
            tenant=self.tenant, at=datetime.now(UTC), actor=self.name, action=action, target=target, details=details
        )
        self.catalog.record([event])


def caller_with(token: ApiToken, workspace: Workspace, *, session: str = "") -> Caller:
    """Return who calls with a key that counts."""
    return Caller(
        tenant=token.tenant,
        name=token.name,
        role=token.role,
        token_id=token.token_id,
        catalog=workspace.catalog.of_tenant(token.tenant),
        workspace=workspace,
        session=session,
    )


def caller_of(
    request: Request, _described: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)] = None
) -> Caller:
    """Return the caller of a request, whom the doorway has recognised."""
    caller: Caller | None = getattr(request.state, "caller", None)
    if caller is None:
        raise ProblemError(HTTPStatus.UNAUTHORIZED, "the key is missing", headers={"WWW-Authenticate": "Bearer"})
    return caller


def _at_least(role: Role) -> Callable[[Caller], Caller]:
    def checked(caller: Annotated[Caller, Depends(caller_of)]) -> Caller:
        if not caller.may(role):
            raise ProblemError(HTTPStatus.FORBIDDEN, f"this needs a key of the role {role}")
        return caller

    return checked


Reader = Annotated[Caller, Depends(_at_least("reader"))]
Reviewer = Annotated[Caller, Depends(_at_least("reviewer"))]
Admin = Annotated[Caller, Depends(_at_least("admin"))]
