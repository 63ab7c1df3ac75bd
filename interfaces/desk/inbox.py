"""The start: what waits, grouped by what a person can do about it, and what was decided last.

Belongs here: the groups with their next action, and undoing.
Does not belong here: deciding on a record or a group (`completing`, `refused`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from dagster_project.settling import Settler
from interfaces.api.access import Caller
from interfaces.desk.session import Deciding, Looking, go, show
from operations.completions import restore, undo
from operations.review_queue import WaitingItem, waiting_people
from operations.source_choices import CHOSEN
from resources.catalog.audit import AuditFilter
from resources.catalog.rows.tenants import AuditEvent
from resources.catalog.rows.uploads import WaitingRow
from vitals.errors import NotFoundError

router = APIRouter()

COMPLETED = ("partial.complete", CHOSEN)
"""Decisions that are taken back by their completions."""

GIVEN_UP = "partial.discard"
DECISIONS = (
    *COMPLETED,
    GIVEN_UP,
    "partial.restore",
    "partial.undo",
    "quarantine.release",
    "quarantine.release_rule",
    "quarantine.discard",
)
MOST = 5000


@dataclass
class Group:
    """Records that wait for the same thing and come from the same app.

    Attributes:
        first: id of the one that came first.
    """

    kind: str
    source_app: str
    missing: tuple[str, ...]
    first: int
    records: int = 0
    people: int = 0
    days: int = 0


@router.get("/")
def start(
    request: Request,
    visitor: Looking,
    did: Annotated[
        str | None, Query(pattern=r"^(completed|undone|released|discarded|given_up|chosen|unchosen)$")
    ] = None,
    n: Annotated[int, Query(ge=0, le=10**6)] = 0,
) -> HTMLResponse:
    """What waits and what to do next."""
    caller = visitor.caller
    groups = groups_of(waiting(caller))
    refused = sorted(_refused(caller).items(), key=lambda item: -item[1])
    settler: Settler = request.app.state.settler
    marks = [mark for stage in ("clinical", "training") for mark in caller.catalog.stale_days.list(stage)]
    return show(
        "start",
        visitor,
        groups=groups,
        refused=refused,
        people=people_of(waiting_people(caller.workspace, tenant=caller.tenant)),
        decided=_decided(caller),
        did=did,
        n=n,
        settling=settler.is_settling(caller.tenant),
        stale_days=len({mark.local_date for mark in marks}),
        pending=sum(len(kinds) for _, kinds in caller.catalog.uploads.pending_partitions()),
    )


@router.post("/undo")
def undo_decision(request: Request, visitor: Deciding, event: Annotated[int, Form(ge=1, le=2**53)]) -> Response:
    """Take back everything that one decision completed, chose or gave up."""
    caller = visitor.caller
    since = datetime.now(UTC)
    found = next((one for one in _recent(caller) if one.id == event and one.action in (*COMPLETED, GIVEN_UP)), None)
    if found is None:
        raise NotFoundError("undo the decision", "decisions", "there is no such decision", "See the start page.")
    tenant, actor, reason = caller.tenant, caller.name, "undone at the desk"
    if found.action == GIVEN_UP:
        ids = [int(one) for one in found.details.get("ids", ())]
        kinds = {caller.catalog.partials.get(one).kind for one in ids}
        records = restore(caller.workspace, tenant=tenant, ids=ids, actor=actor, reason=reason)
    else:
        ids = [int(one) for one in found.details.get("completions", ())]
        kinds = {one.kind for one in caller.catalog.completions.get(ids)}
        records = undo(caller.workspace, tenant=tenant, ids=ids, actor=actor, reason=reason).records
    request.app.state.settler.wake(caller.tenant, kinds, since=since)
    return go("/?did=unchosen" if found.action == CHOSEN else f"/?did=undone&n={records}")


def waiting(caller: Caller) -> list[WaitingRow]:
    """Everything that waits, the first so many."""
    return list(caller.catalog.partials.list(limit=MOST, once=True))


def groups_of(rows: Iterable[WaitingRow]) -> list[Group]:
    """Rows by kind, source and what they lack; the group that blocks most comes first."""
    found: dict[tuple[Any, ...], Group] = {}
    people: dict[tuple[Any, ...], set[str]] = {}
    days: dict[tuple[Any, ...], set[tuple[str, str]]] = {}
    for row in rows:
        app = str(row.payload["source_app"])
        key = row.kind, app, tuple(row.missing)
        group = found.setdefault(key, Group(row.kind, app, tuple(row.missing), row.id))
        group.records += 1
        people.setdefault(key, set()).add(row.subject_id)
        days.setdefault(key, set()).add((row.subject_id, str(row.payload["start_utc"])[:10]))
    for key, group in found.items():
        group.people, group.days = len(people[key]), len(days[key])
    return sorted(found.values(), key=lambda g: (-g.days, -g.records, g.kind, g.source_app))


@dataclass
class PeopleGroup:
    """People of whom the same is open; one kind of data each."""

    what: str
    kind: str
    lacks: tuple[str, ...]
    subjects: list[str]
    blocks: tuple[str, ...]


def people_of(items: Iterable[WaitingItem]) -> list[PeopleGroup]:
    """Profiles and choices of a source that are open, by what is open; what blocks most comes first."""
    found: dict[tuple[Any, ...], PeopleGroup] = {}
    for item in items:
        key = item.what, item.kind, tuple(item.lacks), tuple(item.blocks)
        group = found.setdefault(key, PeopleGroup(item.what, item.kind, tuple(item.lacks), [], tuple(item.blocks)))
        if item.subject_id not in group.subjects:
            group.subjects.append(item.subject_id)
    return sorted(found.values(), key=lambda g: (-len(g.blocks), g.what, g.kind, g.lacks))


def _refused(caller: Caller) -> dict[tuple[str | None, str], int]:
    counts: dict[tuple[str | None, str], int] = {}
    for row in caller.catalog.quarantine.list(status="waiting", limit=MOST):
        counts[row.kind, row.reason] = counts.get((row.kind, row.reason), 0) + 1
    return counts


def _recent(caller: Caller) -> list[AuditEvent]:
    found = [
        event for action in DECISIONS for event in caller.catalog.audit.recent(AuditFilter(action=action), limit=20)
    ]
    return sorted(found, key=lambda event: -event.id)


def _decided(caller: Caller) -> list[tuple[AuditEvent, bool]]:
    """The latest decisions, and whether each can be undone as a whole."""
    return [(event, _can_be_undone(caller, event)) for event in _recent(caller)[:6]]


def _can_be_undone(caller: Caller, event: AuditEvent) -> bool:
    """Whether all that a decision completed still counts, or all that it gave up is given up still."""
    if event.action == GIVEN_UP:
        ids = [int(one) for one in event.details.get("ids", ())]
        if not ids or event.details.get("rows") != len(ids):
            return False
        return {caller.catalog.partials.get(one).status for one in ids} == {"discarded"}
    if event.action not in COMPLETED:
        return False
    ids = [int(one) for one in event.details.get("completions", ())]
    return bool(ids) and all(one.undone_at is None for one in caller.catalog.completions.get(ids))
