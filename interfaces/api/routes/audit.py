"""The audit trail of the tenant.

Belongs here: `/v1/audit`: who decided what, and when.
Does not belong here: entering events (`Caller.decided`).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from interfaces.api.access import Admin
from interfaces.api.pages import Limit
from interfaces.api.problems import described
from resources.catalog.rows.tenants import AuditEvent

router = APIRouter(prefix="/v1/audit", tags=["audit"])


@router.get("", summary="Decisions, newest first", responses=described())
def list_events(
    caller: Admin,
    action: Annotated[str | None, Query(max_length=100)] = None,
    target: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 100,
) -> list[dict[str, Any]]:
    """Events; they hold no health value."""
    return [_shown(event) for event in caller.catalog.audit.list(action=action, target=target, limit=limit)]


def _shown(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "details": dict(event.details),
    }
