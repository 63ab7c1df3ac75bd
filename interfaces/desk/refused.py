"""The quarantine: what was refused, what another bound would do, and deciding.

Belongs here: the pages and forms of it.
Does not belong here: rules, or what a release does (`operations.quarantine`).
"""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from interfaces.api.access import Caller
from interfaces.api.routes.quarantine import foretold, kinds_of, released
from interfaces.desk.session import Deciding, Looking, go, show
from operations.quarantine import discard_rows
from pipeline.decisions import rule_policy
from vitals.validated.rule_policy import HARD_LIMITS, SCORE, THRESHOLD, BoundChange, default_bounds, read_change

router = APIRouter()

Ids = Annotated[list[int], Form()]
Why = Annotated[str, Form(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]
MOST_SHOWN = 200


@router.get("/quarantine")
def quarantine(
    visitor: Looking,
    reason: Annotated[str, Query(max_length=100)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
) -> HTMLResponse:
    """What was refused, by reason; the bounds that refused it."""
    caller = visitor.caller
    every = caller.catalog.quarantine.list(status="waiting", kind=kind or None, limit=5000)
    rows = [row for row in every if not reason or row.reason == reason]
    bounds = _bounds(caller)
    return show(
        "quarantine",
        visitor,
        rows=rows[:MOST_SHOWN],
        more=max(0, len(rows) - MOST_SHOWN),
        reason=reason,
        bounds=bounds,
        suggested=next((name for name in bounds if reason and name.rpartition(".")[0] == reason), None),
    )


@router.post("/quarantine/what-if")
def what_if(
    visitor: Deciding,
    bound: Annotated[str, Form(max_length=80)] = "",
    value: Annotated[str, Form(max_length=20)] = "",
    ids: Ids = [],  # noqa: B006 - FastAPI copies it
) -> HTMLResponse:
    """What a way out would do; nothing is changed."""
    caller = visitor.caller
    way = _way(bound, value, ids)
    return show(
        "what_if",
        visitor,
        bound=bound,
        value=value.strip(),
        ids=sorted(set(ids)),
        found=foretold(caller, way),
    )


@router.post("/quarantine/release")
def release(
    request: Request,
    visitor: Deciding,
    why: Why,
    bound: Annotated[str, Form(max_length=80)] = "",
    value: Annotated[str, Form(max_length=20)] = "",
    ids: Ids = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Take a way out; the uploads that it moves are read again."""
    caller = visitor.caller
    since = datetime.now(UTC)
    _, uploads = released(caller, _way(bound, value, ids), why)
    request.app.state.settler.wake(caller.tenant, kinds_of(caller, uploads), since=since)
    return go(f"/?did=released&n={len(uploads)}")


@router.post("/quarantine/discard")
def discard(visitor: Deciding, ids: Ids, why: Why) -> Response:
    """Give rows up."""
    caller = visitor.caller
    discard_rows(caller.workspace, tenant=caller.tenant, ids=ids, actor=caller.name, reason=why)
    return go(f"/?did=discarded&n={len(set(ids))}")


def _way(bound: str, value: str, ids: list[int]) -> BoundChange | list[int]:
    return ids or read_change(f"{bound}={value.strip()}")


def _bounds(caller: Caller) -> dict[str, tuple[float, float, float]]:
    """Bound to its value now and the limits within which it may be moved."""
    policy = rule_policy(caller.workspace.catalog, caller.tenant)
    known = {**default_bounds(), (SCORE, THRESHOLD): caller.workspace.policy.score.threshold}
    return {
        f"{rule}.{bound}": (policy.bound(rule, bound, default), *HARD_LIMITS[rule])
        for (rule, bound), default in sorted(known.items())
    }
