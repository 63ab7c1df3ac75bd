"""Quarantine: what was refused and why, what a change of a rule would do, and the ways out.

Belongs here: `/v1/quarantine`.
Does not belong here: what a release does (`operations.quarantine`): uploads land again, and the flow runs.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from interfaces.api.access import Caller, Reader, Reviewer
from interfaces.api.decisions import Prefer, Reason, follow_up
from interfaces.api.pages import Limit, Page, page, tagged
from interfaces.api.problems import described
from interfaces.api.routes.uploads import Kind
from interfaces.quarantine_rows import quarantine_item
from operations.preview import WhatIf
from operations.quarantine import discard_rows, release_rows, release_rule, what_if_rows, what_if_rule
from resources.catalog.rows.uploads import QuarantinedRow, QuarantineStatus
from vitals.errors import UsageError
from vitals.validated.rule_policy import BoundChange, read_change

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])

QuarantineId = Annotated[int, Field(ge=1, le=2**53)]
Ids = Annotated[list[QuarantineId], Field(min_length=1, max_length=1000, examples=[[1]])]


class Way(BaseModel):
    """A way out: another bound of a rule, or letting single rows and files through. Exactly one of them."""

    model_config = ConfigDict(extra="forbid")

    change: str | None = Field(
        None, max_length=100, description="`RULE.BOUND=NUMBER`", examples=["out_of_range:level_mg_dl.max=700"]
    )
    ids: Ids | None = None

    def chosen(self) -> BoundChange | list[int]:
        """The change, or the ids.

        Raises:
            UsageError: not exactly one is given, or the change cannot be read.
        """
        if (self.change is None) == (self.ids is None):
            raise UsageError("read the way out", "change, ids", "not exactly one is given", "Give one.")
        return self.ids if self.ids is not None else read_change(self.change or "")


class WayToTake(Way):
    """A way out, and why."""

    reason: Reason


class Discarding(BaseModel):
    """Giving rows up."""

    model_config = ConfigDict(extra="forbid")

    ids: Ids
    reason: Reason


class Released(BaseModel):
    """What a release came to."""

    version: int | None = Field(description="Version of the tenant's own bounds of the rule, if one was moved.")
    uploads: list[str] = Field(description="Uploads that are read again.")


@router.get("", summary="What was refused", responses=described())
def list_quarantine(
    caller: Reader,
    status: QuarantineStatus | None = None,
    kind: Kind | None = None,
    rule: Annotated[str | None, Query(max_length=100)] = None,
    upload: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Page:
    """Rows and whole files in the order in which they came. Values are not shown: they are in the payload."""
    rows = caller.catalog.quarantine.list(
        status=status, kind=kind, rule_id=rule, upload_id=upload, limit=limit + 1, after=after
    )
    return page(rows, limit=limit, cursor=lambda row: str(row.id), shown=_shown)


@router.post("/what-if", summary="What a way out would do", responses=described(400, 404, 409))
def what_if(caller: Reviewer, way: Way) -> dict[str, Any]:
    """Rows released and captured, days computed again, lines that go and come, data sets that hold them.

    Changes nothing: it runs the very flow on a copy.
    """
    found = asdict(foretold(caller, way.chosen()))
    return found | {
        "stale_days": [{"kind": kind, "local_date": day.isoformat()} for kind, day in found["stale_days"]],
        "datasets": [{"name": name, "version": version} for name, version in found["datasets"]],
    }


@router.post("/release", summary="Take a way out", responses=described(400, 404, 409))
def release(caller: Reviewer, request: Request, response: Response, way: WayToTake, prefer: Prefer = None) -> Released:
    """Store the decision and read the uploads that it moves again."""
    since = datetime.now(UTC)
    version, uploads = released(caller, way.chosen(), way.reason)
    follow_up(request, response, caller, kinds_of(caller, uploads), since=since, prefer=prefer)
    return Released(version=version, uploads=uploads)


@router.post("/discard", summary="Give rows up", responses=described(400, 404, 409))
def discard(caller: Reviewer, discarding: Discarding) -> dict[str, int]:
    """They stay accounted as quarantined, and wait for nobody. Nothing is deleted."""
    discard_rows(
        caller.workspace, tenant=caller.tenant, ids=discarding.ids, actor=caller.name, reason=discarding.reason
    )
    return {"discarded": len(set(discarding.ids))}


@router.get("/{quarantine_id}", summary="One row or file", responses=described(404))
def show_quarantined(caller: Reader, request: Request, quarantine_id: Annotated[int, Path(ge=1, le=2**53)]) -> Response:
    """The rule that it broke, and where its bytes are."""
    [row] = caller.catalog.quarantine.get([quarantine_id])
    return tagged(request, _shown(row))


def foretold(caller: Caller, way: BoundChange | list[int]) -> WhatIf:
    """What a way out would do."""
    if isinstance(way, BoundChange):
        return what_if_rule(caller.workspace, tenant=caller.tenant, change=way)
    return what_if_rows(caller.workspace, tenant=caller.tenant, ids=way)


def released(caller: Caller, way: BoundChange | list[int], reason: str) -> tuple[int | None, list[str]]:
    """Take a way out; the version of the rule's bounds, and the uploads that are read again."""
    who = {"tenant": caller.tenant, "actor": caller.name, "reason": reason}
    if isinstance(way, BoundChange):
        done = release_rule(caller.workspace, change=way, **who)
    else:
        done = release_rows(caller.workspace, ids=way, **who)
    return done.version, done.uploads


def kinds_of(caller: Caller, upload_ids: list[str]) -> set[str]:
    """Kinds of uploads of the tenant."""
    return {str(caller.catalog.uploads.by_id(upload_id).kind) for upload_id in upload_ids}


def _shown(row: QuarantinedRow) -> dict[str, Any]:
    return {**quarantine_item(row), "payload_ref": row.payload_ref}
