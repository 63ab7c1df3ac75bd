"""The audit trail of the tenant.

Belongs here: `/v1/audit`: who decided what, and when.
Does not belong here: entering events (`Caller.decided`).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from interfaces.api.access import Admin
from interfaces.api.pages import Limit
from interfaces.api.problems import described
from resources.catalog.audit import AuditFilter
from resources.catalog.rows.tenants import AuditEvent

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="Decisions and reads, newest first", responses=described())
def list_events(
    caller: Admin,
    actor: Annotated[str | None, Query(max_length=100)] = None,
    action: Annotated[str | None, Query(max_length=100)] = None,
    target: Annotated[str | None, Query(max_length=200)] = None,
    since: Annotated[AwareDatetime | None, Query(description="First instant.")] = None,
    until: Annotated[AwareDatetime | None, Query(description="First instant after.")] = None,
    before: Annotated[int | None, Query(ge=1, le=2**53, description="The next page: the last id of this one.")] = None,
    limit: Limit = 100,
) -> list[dict[str, Any]]:
    """Events; they hold no health value."""
    wanted = AuditFilter(actor=actor, action=action, target=target, since=since, until=until)
    return [_shown(event) for event in caller.catalog.audit.recent(wanted, limit=limit, before=before)]


def _shown(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "details": dict(event.details),
    }
