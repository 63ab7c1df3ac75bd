"""Completing: one record among its neighbours, or all of a kind by one rule with a preview.

Belongs here: the two pages and their forms.
Does not belong here: what may be said of a field (`vitals.validated.completions`), or what follows.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from http import HTTPStatus
from typing import Annotated

import polars as pl
from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from interfaces.api.access import Caller
from interfaces.api.outcomes import of_record
from interfaces.api.problems import ProblemError
from interfaces.api.routes.partials import previewed
from interfaces.api.routes.people import known
from interfaces.api.routes.uploads import Kind
from interfaces.desk import words
from interfaces.desk.neighbours import scene_of
from interfaces.desk.session import Deciding, Looking, Visitor, go, show
from operations.completions import complete, discard, in_scope
from operations.provenance import provenance_of_partial
from operations.review_queue import disagreeing
from operations.source_choices import choose_source
from pipeline.consent import demand_summary, hidden_people
from pipeline.staleness import evidence_frame
from resources.catalog.rows.uploads import WaitingRow
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.errors import ImplausibleValueError, UsageError
from vitals.record_types import BY_KIND, UTC_MS
from vitals.validated.completions import NUMBERS, ZONE, checked_field, checked_value

router = APIRouter()

PartialId = Annotated[int, Path(ge=1, le=2**53)]
Subject = Annotated[str, Path(max_length=64)]
Name = Annotated[str, Query(max_length=255)]
Text = Annotated[str, Form(max_length=255)]
Why = Annotated[str, Form(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f]+$")]

WHY = ("The device is known", "Asked the person", "Written in the study protocol")
"""Reasons offered; any other can be written."""


@router.get("/records/{partial_id}")
def record(
    visitor: Looking, partial_id: PartialId, did: Annotated[str | None, Query(pattern=r"^completed$")] = None
) -> HTMLResponse:
    """A record, what it lacks, and what is around it."""
    return _record_page(visitor, visitor.caller.catalog.partials.get(partial_id), did=did)


@router.post("/records/{partial_id}")
def complete_record(
    request: Request,
    visitor: Deciding,
    partial_id: PartialId,
    version: Annotated[int, Form(ge=1, le=2**53)],
    zone: Text = "",
    other: Text = "",
    specimen_source: Text = "",
    relation_to_meal: Text = "",
    number: Text = "",
    why: Text = "",
    other_why: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Complete it, and go on to the next of its group."""
    caller = visitor.caller
    since = datetime.now(UTC)
    row = caller.catalog.partials.get(partial_id)
    given = {"zone": other.strip() or zone, "specimen_source": specimen_source, "relation_to_meal": relation_to_meal}
    given |= {name: number.strip() for name in row.missing if name in NUMBERS.get(row.kind, ())}
    said = {name: value for name, value in given.items() if value}
    reason = other_why.strip() or why.strip()
    if not said or not reason:
        return _record_page(visitor, row, wrong="Choose a value and say why.")
    following = _following(caller, row)
    try:
        complete(
            caller.workspace,
            tenant=caller.tenant,
            ids=[row.id],
            said=said,
            actor=caller.name,
            reason=reason,
            versions={row.id: version},
        )
    except ImplausibleValueError as error:
        return _record_page(visitor, row, wrong=f"{error.why}. {error.remedy}".capitalize())
    request.app.state.settler.wake(caller.tenant, {row.kind}, since=since)
    return go("/?did=completed&n=1" if following is None else f"/records/{following.id}?did=completed")


@router.post("/records/{partial_id}/discard")
def discard_record(
    visitor: Deciding, partial_id: PartialId, version: Annotated[int, Form(ge=1, le=2**53)], why: Why
) -> Response:
    """Give it up, and go back to what waits."""
    caller = visitor.caller
    records = discard(
        caller.workspace,
        tenant=caller.tenant,
        ids=[partial_id],
        actor=caller.name,
        reason=why.strip(),
        versions={partial_id: version},
    )
    return go(f"/?did=given_up&n={records}")


@router.get("/sources/{kind}/{subject_id}")
def sources(visitor: Looking, kind: Kind, subject_id: Subject) -> HTMLResponse:
    """Which of a person's sources disagree, and choosing the one that counts first."""
    return _sources_page(visitor, kind=kind, subject_id=subject_id)


@router.post("/sources/{kind}/{subject_id}")
def choose(
    request: Request,
    visitor: Deciding,
    kind: Kind,
    subject_id: Subject,
    candidate: Annotated[int, Form(ge=0, le=1000)],
    seen: Annotated[str, Form(max_length=64)],
    why: Text = "",
    other_why: Annotated[str, Form(max_length=300)] = "",
) -> Response:
    """Choose, if what was shown is still what is open."""
    caller = visitor.caller
    since = datetime.now(UTC)
    reason = other_why.strip() or why.strip()
    if not reason:
        return _sources_page(visitor, kind=kind, subject_id=subject_id, wrong="Say why.")
    named = disagreeing(caller.workspace, tenant=caller.tenant, kind=kind, subject_id=subject_id)[0]
    if seen != _digest(named) or candidate >= len(named):
        raise ProblemError(HTTPStatus.CONFLICT, "Other sources disagree than were shown. Look at the page again.")
    app, device = named[candidate]
    choose_source(
        caller.workspace,
        tenant=caller.tenant,
        subject_id=subject_id,
        kind=kind,
        source_app=app,
        device=device,
        actor=caller.name,
        reason=reason,
    )
    request.app.state.settler.wake(caller.tenant, {kind}, since=since)
    return go("/?did=chosen")


@router.get("/rule")
def rule(
    visitor: Looking, kind: Name = "", source_app: Name = "", subject: Name = "", field: Name = ""
) -> HTMLResponse:
    """A rule: which records, and what is said of them."""
    if kind not in BY_KIND:
        raise UsageError("make a rule", "kind", "there is no such kind", "Begin at the start page.")
    name = checked_field(BY_KIND[kind], field)
    return _rule_page(visitor, kind=kind, source_app=source_app, subject=subject, field=name, value="", why="")


@router.post("/rule")
def preview(
    visitor: Deciding,
    kind: Text,
    field: Text,
    value: Text = "",
    other: Text = "",
    source_app: Text = "",
    subject: Text = "",
    why: Text = "",
    other_why: Annotated[str, Form(max_length=300)] = "",
) -> HTMLResponse:
    """What the rule would complete and change; nothing is changed."""
    if kind not in BY_KIND:
        raise UsageError("make a rule", "kind", "there is no such kind", "Begin at the start page.")
    name = checked_field(BY_KIND[kind], field)
    said = checked_value(name, other.strip() or value)
    reason = other_why.strip() or why.strip()
    if not reason:
        raise UsageError("make a rule", "why", "no reason is given", "Say why.")
    return _rule_page(visitor, kind=kind, source_app=source_app, subject=subject, field=name, value=said, why=reason)


@router.post("/rule/apply")
def apply(
    request: Request,
    visitor: Deciding,
    kind: Text,
    field: Text,
    value: Text,
    why: Why,
    seen: Annotated[str, Form(max_length=64)],
    source_app: Text = "",
    subject: Text = "",
) -> Response:
    """Complete what the preview showed, if it is still the same."""
    caller = visitor.caller
    since = datetime.now(UTC)
    scope = _scope(kind, source_app, subject)
    rows = in_scope(caller.workspace, tenant=caller.tenant, scope=scope, fields=[field])
    if not rows or previewed(rows).preview != seen:
        raise ProblemError(
            HTTPStatus.CONFLICT, "Other records wait than at the preview. Go back and look at the preview again."
        )
    done = complete(
        caller.workspace,
        tenant=caller.tenant,
        ids=[row.id for row in rows],
        said={field: value},
        actor=caller.name,
        reason=why,
        versions={row.id: row.version for row in rows},
        scope=scope,
    )
    request.app.state.settler.wake(caller.tenant, {kind}, since=since)
    return go(f"/?did=completed&n={done.records}")


def _record_page(
    visitor: Visitor, row: WaitingRow, *, did: str | None = None, wrong: str | None = None
) -> HTMLResponse:
    caller = visitor.caller
    hidden = bool(hidden_people(caller.workspace, caller.tenant, [row.subject_id]))
    return show(
        "record",
        visitor,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        row=row,
        scene=None if hidden else scene_of(caller, row),
        provenance=provenance_of_partial(caller.workspace, caller.tenant, row, hidden=hidden),
        fields=[(name, words.FORM_NAMES.get(name, name), words.values_of(name)) for name in row.missing],
        said=of_record(caller, row),
        hidden=hidden,
        others=len(_group(caller, row)),
        following=_following(caller, row),
        reasons=WHY,
        zone=ZONE,
        did=did,
        wrong=wrong,
    )


def _sources_page(visitor: Visitor, *, kind: str, subject_id: str, wrong: str | None = None) -> HTMLResponse:
    caller = visitor.caller
    known(caller, subject_id)
    demand_summary(caller.workspace, caller.tenant, subject_id)
    named, days = disagreeing(caller.workspace, tenant=caller.tenant, kind=kind, subject_id=subject_id)
    return show(
        "source",
        visitor,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        kind=kind,
        subject_id=subject_id,
        candidates=named,
        days=days,
        seen=_digest(named),
        reasons=WHY,
        wrong=wrong,
    )


def _digest(named: Sequence[tuple[str, str | None]]) -> str:
    return hashlib.sha256(repr(named).encode()).hexdigest()


def _group(caller: Caller, row: WaitingRow) -> list[WaitingRow]:
    """Records that wait for the same and come from the same app."""
    found = caller.catalog.partials.list(kind=row.kind, limit=5000, once=True)
    app = row.payload["source_app"]
    return [one for one in found if one.payload["source_app"] == app and list(one.missing) == list(row.missing)]


def _following(caller: Caller, row: WaitingRow) -> WaitingRow | None:
    """The next of the group, round and round; None if there is no other."""
    others = [one for one in _group(caller, row) if one.id != row.id]
    return next((one for one in others if one.id > row.id), others[0] if others else None)


def _scope(kind: str, source_app: str, subject: str) -> dict[str, str]:
    given = {"kind": kind, "source_app": source_app, "subject_id": subject}
    return {name: value for name, value in given.items() if value}


def _rule_page(
    visitor: Visitor, *, kind: str, source_app: str, subject: str, field: str, value: str, why: str
) -> HTMLResponse:
    caller = visitor.caller
    scope = _scope(kind, source_app, subject)
    rows = in_scope(caller.workspace, tenant=caller.tenant, scope=scope, fields=[field])
    days, unplaced = _person_days(caller, rows)
    return show(
        "rule",
        visitor,
        kind=kind,
        source_app=source_app,
        subject=subject,
        field=field,
        value=value,
        why=why,
        values=words.values_of(field),
        reasons=WHY,
        zone=ZONE,
        rows=rows,
        seen=previewed(rows).preview,
        people=len({row.subject_id for row in rows}),
        hidden=hidden_people(caller.workspace, caller.tenant, sorted({row.subject_id for row in rows})),
        days=days,
        unplaced=unplaced,
        still_open=sum(set(row.missing) != {field} for row in rows),
    )


def _person_days(caller: Caller, rows: Sequence[WaitingRow]) -> tuple[list[tuple[str, date]], int]:
    """Person and local date whose facts the records will enter, and records whose day nothing tells yet."""
    timeline = offset_timeline(
        evidence_frame(caller.workspace.catalog, caller.tenant, sorted({row.subject_id for row in rows}))
    )
    instants = {"subject_id": [row.subject_id for row in rows]} | {
        name: [datetime.fromisoformat(str(row.payload.get(name) or row.payload["start_utc"])) for row in rows]
        for name in ("start_utc", "end_utc")
    }
    frame = pl.DataFrame(instants, schema={"subject_id": pl.String, "start_utc": UTC_MS, "end_utc": UTC_MS})
    placed = frame.join(timeline.select("subject_id").unique(), on="subject_id", how="semi")
    nothing = pl.lit(None, dtype=pl.Int32)
    local = with_local_time(placed.with_columns(start_offset_seconds=nothing, end_offset_seconds=nothing), timeline)
    days = local.select("subject_id", "local_date").unique().sort("local_date", "subject_id").rows()
    hidden = hidden_people(caller.workspace, caller.tenant, sorted({subject_id for subject_id, _ in days}))
    return [day for day in days if day[0] not in hidden], frame.height - placed.height
