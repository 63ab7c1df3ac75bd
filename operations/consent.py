"""Consent: what follows when a person, or a tenant for everybody, allows or forbids a purpose.

Belongs here: entering a decision and everything it moves.
Does not belong here: whose data a stage may use (`consent`), how decisions are kept (`resources.catalog.consents`).

    summary    facts of the person are shown by the command line and the API
    training   lines of the person are rendered
    sharing    lines of the person are released

Forbidding `training` makes the person's days stale, so that their lines go with the ordinary flow; a release built
before that leaves them out all the same. Forbidding `sharing` takes back every version the person is in.
"""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from operations.erasure.releases import build_successors, plan, take_back
from pipeline.clinical import clinical_schema, clinical_table
from pipeline.erasure_locks import never_during_erasure
from pipeline.registration import utc_now
from pipeline.training_paths import JOURNAL
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.people import ConsentDecision, Purpose
from resources.catalog.rows.tenants import NewAuditEvent
from resources.lake.refusals import ACTOR, deciding, keep
from resources.workspace import Workspace
from vitals.errors import NotFoundError
from vitals.record_types import RECORD_TYPES

OnStep = Callable[[str], None]

TAKEN_OVER = "consent.taken_over"
EVERYBODY_ELSE = "everybody who has decided nothing"


def decide(
    workspace: Workspace,
    *,
    tenant: str,
    subject_id: str | None,
    granted: Mapping[Purpose, bool],
    actor: str,
    on_step: OnStep = lambda _: None,
) -> dict[str, Any]:
    """Enter decisions and what they move.

    Args:
        workspace: the installation.
        tenant: whose person.
        subject_id: the person; None for everybody of the tenant who has decided nothing.
        granted: purpose to decision.
        actor: who entered it.
        on_step: called with what is being done.

    Returns:
        `stale_days`: training days to render again; `dataset_versions`: versions taken back, with their successors.

    Raises:
        NotFoundError: nobody has that pseudonym (any more).
    """
    before, after = _enter(workspace, tenant=tenant, subject_id=subject_id, granted=granted, actor=actor)
    moved = before.get("training", frozenset()) ^ after.get("training", frozenset())
    versions = []
    for person in sorted(after.get("sharing", frozenset())):
        versions += _out_of_releases(workspace, tenant, person, on_step)
    return {"stale_days": _mark(workspace, tenant, moved), "dataset_versions": versions}


@never_during_erasure
def _enter(
    workspace: Workspace, *, tenant: str, subject_id: str | None, granted: Mapping[Purpose, bool], actor: str
) -> tuple[dict[Purpose, frozenset[str]], dict[Purpose, frozenset[str]]]:
    """Store decisions; who was withheld before and is after, by purpose."""
    consents = workspace.catalog.consents
    if subject_id is not None and not workspace.catalog.subjects.profiles(tenant, [subject_id]):
        raise NotFoundError("store the consent", f"tenant {tenant}", "nobody has that pseudonym", "Check the id.")
    before = {purpose: consents.withheld(tenant, purpose) for purpose in granted}
    lake, key = workspace.lake(tenant), workspace.subject_key
    with deciding(workspace.catalog, tenant):
        consents.decide(tenant, subject_id, granted, actor=actor, now=utc_now())
        given = [(subject_id, purpose) for purpose, yes in granted.items() if yes]
        keep(workspace.catalog, lake, tenant=tenant, key=key, granted=given)
    after = {purpose: consents.withheld(tenant, purpose) for purpose in granted}
    event = NewAuditEvent(
        tenant=tenant,
        at=utc_now(),
        actor=actor,
        action="consent",
        target=subject_id or EVERYBODY_ELSE,
        details={purpose: "granted" if yes else "withheld" for purpose, yes in granted.items()},
    )
    workspace.catalog.audit.record([event])
    return before, after


def follow_taken_over(workspace: Workspace, *, tenant: str) -> int:
    """Do what follows from refusals that the catalog had lost and took over from beside the lake; their number.

    Lines are rendered anew without the person, and versions that they are in are taken back; nothing is built in their
    place, which a person may ask for.
    """
    taken_over = workspace.catalog.consents.entered_by(tenant, ACTOR)
    if not taken_over:
        return 0
    followed = workspace.catalog.audit.list(tenant, action=TAKEN_OVER, limit=10_000)
    done = {event.details.get("decision") for event in followed}
    new = [one for one in taken_over if one.id not in done]
    for one in new:
        _follow(workspace, tenant=tenant, decision=one)
    return len(new)


@never_during_erasure
def _follow(workspace: Workspace, *, tenant: str, decision: ConsentDecision) -> None:
    people = (
        workspace.catalog.consents.withheld(tenant, decision.purpose)
        if decision.subject_id is None
        else frozenset({decision.subject_id})
    )
    if decision.purpose == "training":
        _mark(workspace, tenant, people)
    if decision.purpose == "sharing":
        for person in sorted(people):
            _take_back(workspace, tenant, person, lambda _: None)
    event = NewAuditEvent(
        tenant=tenant,
        at=utc_now(),
        actor=ACTOR,
        action=TAKEN_OVER,
        target=decision.subject_id or EVERYBODY_ELSE,
        details={decision.purpose: "withheld", "decision": decision.id},
    )
    workspace.catalog.audit.record([event])


def _mark(workspace: Workspace, tenant: str, people: frozenset[str]) -> int:
    """Mark the training days of people stale; number of local days."""
    marks = []
    for record_type in RECORD_TYPES if people else ():
        days = (
            workspace.lake(tenant)
            .scan(clinical_table(record_type), schema=clinical_schema(record_type))
            .filter(pl.col("subject_id").is_in(sorted(people)))
            .select(pl.col("local_date").unique().sort())
            .collect()["local_date"]
        )
        marks += [
            StaleMark(tenant=tenant, stage="training", kind=kind, local_date=day, reason="consent")
            for day in days
            for kind in (record_type.kind, JOURNAL)
        ]
    workspace.catalog.stale_days.mark(marks, now=utc_now())
    return len({mark.local_date for mark in marks})


def _out_of_releases(workspace: Workspace, tenant: str, subject_id: str, on_step: OnStep) -> list[dict[str, Any]]:
    planned = _take_back(workspace, tenant, subject_id, on_step)
    return build_successors(workspace, tenant, planned, on_step=on_step)


def _take_back(workspace: Workspace, tenant: str, subject_id: str, on_step: OnStep) -> list[dict[str, Any]]:
    with workspace.catalog.exclusive(f"release-{tenant}", wait=True):
        planned = plan(workspace, tenant, subject_id)
        if planned:
            take_back(workspace, tenant, planned, on_step=on_step)
    return planned
