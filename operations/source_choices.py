"""Choosing which of a person's sources counts first where two disagree: a completion that is said of a person and kind.

Belongs here: the choice, checked against what the person's facts name; it is taken back like any completion.
Does not belong here: how sources are ordered without one (`vitals.clinical.sources`), or which choices are open
(`held_back`).
"""

import time

import polars as pl

from operations.completions import mark_people
from pipeline.clinical import clinical_schema, clinical_table
from pipeline.consent import demand_summary
from pipeline.decisions import source_choices
from pipeline.registration import utc_now
from resources.catalog.rows.decisions import Decision, NewCompletion
from resources.catalog.rows.tenants import NewAuditEvent
from resources.workspace import Workspace
from vitals.errors import AlreadyDoneError, NotFoundError, UsageError
from vitals.record_types import BLOOD_GLUCOSE, BY_KIND, RecordType
from vitals.validated.completions import ABOUT_PERSON, ANY_DEVICE, SOURCE_CHOICE

CHOSEN = "partial.choose_source"
"""Action of the audit event."""


def choose_source(
    workspace: Workspace,
    *,
    tenant: str,
    subject_id: str,
    kind: str,
    source_app: str,
    device: str | None = None,
    actor: str,
    reason: str,
) -> int:
    """Let one source of a person, or its devices of one type, count first for a kind; id of the completion.

    All facts of the person are computed again with it. It comes before the order in the profile.

    Raises:
        ConflictError: the person does not allow summaries.
        NotFoundError: the tenant has nobody of this pseudonym.
        UsageError: no such kind, a source that no facts of the person name, or a device where none is chosen between.
        AlreadyDoneError: a choice counts already.
    """
    started = time.monotonic()
    if kind not in BY_KIND:
        raise UsageError("choose a source", kind, "there is no such kind", f"Kinds: {', '.join(BY_KIND)}.")
    record_type = BY_KIND[kind]
    if not workspace.catalog.subjects.profiles(tenant, [subject_id]):
        raise NotFoundError("choose a source", f"tenant {tenant}", "nobody has this pseudonym", "See `partial list`.")
    demand_summary(workspace, tenant, subject_id)
    wanted = None if device is None else device.strip().upper()
    if wanted is not None and record_type is BLOOD_GLUCOSE:
        why = "one sensor of an app counts at a time, by its readings"
        raise UsageError("choose a device", kind, why, "Name the app alone.")
    if (source_app, wanted) not in candidates(workspace, tenant, subject_id, record_type):
        raise UsageError(
            "choose a source", f"kind {kind}", "no facts of the person name it", "See the sources in `partial list`."
        )
    said = NewCompletion(
        kind=kind,
        subject_id=subject_id,
        record_id=ABOUT_PERSON,
        source_app=source_app,
        start_utc_ms=0,
        field=SOURCE_CHOICE,
        value=wanted or ANY_DEVICE,
        scope=None,
    )
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        former = source_choices(workspace.catalog, tenant, record_type, [subject_id])
        if former:
            raise AlreadyDoneError(
                "choose a source",
                f"completion {former[0].id}",
                "a source was chosen before, and counts",
                f"Take it back first: `partial undo {former[0].id}`.",
            )
        (completion,) = workspace.catalog.completions.complete(
            tenant,
            [said],
            decision=Decision(actor=actor, at=utc_now(), reason=reason),
            completed={},
            touched={},
            upload_ids=[],
        )
    # Marked after the decision: a run in between would have read the day as it was.
    mark_people(workspace, tenant, [subject_id])
    event = NewAuditEvent(
        tenant=tenant,
        at=utc_now(),
        actor=actor,
        action=CHOSEN,
        target=subject_id,
        details={"completions": [completion], "kind": kind, "device": wanted, "reason": reason},
        duration_ms=round(1000 * (time.monotonic() - started)),
    )
    workspace.catalog.audit.record([event])
    return completion


def candidates(
    workspace: Workspace, tenant: str, subject_id: str, record_type: RecordType
) -> set[tuple[str, str | None]]:
    """App and device type of what a person's facts name as sources of a kind; without device: the app as a whole."""
    named = (
        workspace.lake(tenant)
        .scan(clinical_table(record_type), schema=clinical_schema(record_type))
        .filter(pl.col("subject_id") == subject_id)
        .select("sources")
        .explode("sources")
        .select(pl.col("sources").struct.field("app", "device"))
        .drop_nulls("app")
        .unique()
        .collect()
    )
    return {(app, kind) for app, device in named.iter_rows() for kind in (device, None)}
