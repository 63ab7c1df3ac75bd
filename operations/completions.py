"""Completing partial records: what a person says becomes context that the ordinary flow reads.

Belongs here: from a request to stored completions, the uploads to read again and the days to compute again; undoing
it; demanding context. Every one of these writes an audit event.
Does not belong here: applying what was said (`validation`), or listing what waits (`held_back`).

Nothing is computed here: the uploads are landed again, and validated, clinical and training run as for any upload.
"""

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from pipeline.clinical import clinical_schema, clinical_table
from pipeline.registration import utc_now
from pipeline.row_accounting import every_upload
from pipeline.validated.identity_index import deliveries_of
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.decisions import Completion, Decision, NewCompletion
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.rows.uploads import PartialStatus, WaitingRow
from resources.workspace import Workspace
from vitals.errors import AlreadyDoneError, ConflictError, UsageError
from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.validated.completions import (
    ABOUT_PERSON,
    FIELDS,
    SOURCE_CHOICE,
    ZONE,
    checked_field,
    checked_value,
    delivered_ids,
)

SCOPE_FIELDS = ("kind", "subject_id", "source_app")
"""What a rule may restrict itself to; the tenant always is."""

AUDITED_IDS = 100
"""Ids that an audit event lists; of more it gives the number."""


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a decision came to.

    Attributes:
        completions: ids of the completions, to undo them by.
        records: distinct records decided on.
        uploads: ids of the uploads that are read again.
    """

    completions: list[int]
    records: int
    uploads: list[str]


def complete(
    workspace: Workspace,
    *,
    tenant: str,
    ids: Iterable[int],
    said: Mapping[str, str],
    actor: str,
    reason: str,
    versions: Mapping[int, int] | None = None,
    scope: Mapping[str, str] | None = None,
) -> Completed:
    """Say what records lack. It holds for every delivery of them, and their uploads are read again.

    Args:
        ids: partial records.
        said: field (or `zone`) to value.
        versions: partial id to the version the person saw; one that has changed since is refused.
        scope: the rule this comes from, kept with the completions.

    Raises:
        NotFoundError: one of the ids is not in the tenant.
        UsageError: a field that the kind does not have, or nothing to say.
        ImplausibleValueError: a value that the field may not have.
        AlreadyDoneError: one of the records does not wait, or does not lack the field.
        ConflictError: somebody decided on one of them meanwhile.
    """
    started = time.monotonic()
    rows = [workspace.catalog.partials.get(tenant, one) for one in sorted(set(ids))]
    if not said or not rows:
        raise UsageError("complete records", tenant, "no record or no field is named", "Name both.")
    for row in rows:
        if versions is not None and versions.get(row.id, row.version) != row.version:
            raise ConflictError(
                "complete a record", f"id {row.id}", "somebody decided on it meanwhile", "Look at it again."
            )
    checked = {row.id: _checked(row, said) for row in rows}
    siblings = _siblings(workspace, tenant, rows)
    by_record = {(row.kind, row.subject_id, row.record_id): (row, checked[row.id]) for row in rows}
    completions: list[NewCompletion] = []
    completed: dict[int, int] = {}
    touched: dict[int, int] = {}
    for (kind, subject_id, record_id), (row, values) in sorted(by_record.items()):
        completions += [
            NewCompletion(
                kind=kind,
                subject_id=subject_id,
                record_id=record_id,
                source_app=str(row.payload["source_app"]),
                start_utc_ms=round(datetime.fromisoformat(str(row.payload["start_utc"])).timestamp() * 1000),
                field=field,
                value=value,
                scope=dict(scope) if scope else None,
            )
            for field, value in sorted(values.items())
        ]
        for one in siblings[kind, subject_id, record_id]:
            (completed if set(one.missing) <= set(values) else touched)[one.id] = one.version
    uploads = sorted({one.upload_id for found in siblings.values() for one in found})
    # Put back while it is being read, an upload would fail that run, and a quick reviewer would use up its attempts.
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        stored = workspace.catalog.completions.complete(
            tenant,
            completions,
            decision=Decision(actor=actor, at=utc_now(), reason=reason),
            completed=completed,
            touched=touched,
            upload_ids=uploads,
        )
    mark_people(workspace, tenant, {one.subject_id for one in completions if one.field == ZONE})
    details = {"fields": sorted({one.field for one in completions}), "completions": stored, "scope": scope}
    record(workspace, tenant, actor, "partial.complete", [row.id for row in rows], reason, started, details)
    return Completed(completions=stored, records=len(by_record), uploads=uploads)


def discard(
    workspace: Workspace,
    *,
    tenant: str,
    ids: Iterable[int],
    actor: str,
    reason: str,
    versions: Mapping[int, int] | None = None,
) -> int:
    """Give records up that nobody can complete, in every delivery, later ones too; number of records.

    Their rows stay accounted as partial, count nowhere, and wait for nobody: a batch closes without them.

    Raises:
        NotFoundError: one of the ids is not in the tenant.
        UsageError: no record is named.
        AlreadyDoneError: one of the records does not wait.
        ConflictError: somebody decided on one of them meanwhile.
    """
    started = time.monotonic()
    rows = [workspace.catalog.partials.get(tenant, one) for one in sorted(set(ids))]
    if not rows:
        raise UsageError("discard records", tenant, "no record is named", "Name ids of `partial list`.")
    for row in rows:
        _refuse_decided(row, versions)
    siblings = _siblings(workspace, tenant, rows)
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        workspace.catalog.partials.discard(
            tenant, {one.id: one.version for found in siblings.values() for one in found}
        )
    record(workspace, tenant, actor, "partial.discard", [row.id for row in rows], reason, started, {})
    return len(siblings)


def restore(
    workspace: Workspace,
    *,
    tenant: str,
    ids: Iterable[int],
    actor: str,
    reason: str,
    versions: Mapping[int, int] | None = None,
) -> int:
    """Take records up again that were given up: they wait as before, in every delivery; number of records.

    Their uploads are read again, so a record that lacks nothing any more goes on by itself.

    Raises:
        NotFoundError: one of the ids is not in the tenant.
        UsageError: no record is named.
        AlreadyDoneError: one of the records was not given up.
        ConflictError: somebody decided on one of them meanwhile.
    """
    started = time.monotonic()
    rows = [workspace.catalog.partials.get(tenant, one) for one in sorted(set(ids))]
    if not rows:
        raise UsageError("take records up again", tenant, "no record is named", "Name ids that were given up.")
    for row in rows:
        _refuse_decided(row, versions, former="discarded")
    siblings = _siblings(workspace, tenant, rows, status="discarded")
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        workspace.catalog.partials.restore(
            tenant,
            {one.id: one.version for found in siblings.values() for one in found},
            upload_ids=sorted({one.upload_id for found in siblings.values() for one in found}),
        )
    record(workspace, tenant, actor, "partial.restore", [row.id for row in rows], reason, started, {})
    return len(siblings)


def _refuse_decided(row: WaitingRow, versions: Mapping[int, int] | None, *, former: PartialStatus = "waiting") -> None:
    if versions is not None and versions.get(row.id, row.version) != row.version:
        raise ConflictError(
            "decide on a record", f"id {row.id}", "somebody decided on it meanwhile", "Look at it again."
        )
    if row.status != former:
        why = "it does not wait" if former == "waiting" else "it was not given up"
        raise AlreadyDoneError("decide on a record", f"id {row.id}", why, "See `partial list`.")


def read_rule(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """A rule as people write it, `source_app=com.acme.meter specimen_source=CAPILLARY_BLOOD`: scope, and what is said.

    Raises:
        UsageError: another form, or nothing is said.
    """
    pairs = [part.partition("=") for part in text.split()]
    if any(not name or not value for name, _, value in pairs):
        raise UsageError("read the rule", "--rule", "a part of it is not NAME=VALUE", "Write NAME=VALUE pairs.")
    scope = {name: value for name, _, value in pairs if name in SCOPE_FIELDS}
    said = {name: value for name, _, value in pairs if name not in SCOPE_FIELDS}
    if not said:
        raise UsageError("read the rule", "--rule", "it says nothing", "Add FIELD=VALUE, as `zone=-05:00`.")
    return scope, said


def in_scope(
    workspace: Workspace, *, tenant: str, scope: Mapping[str, str], fields: Iterable[str]
) -> Sequence[WaitingRow]:
    """Records that wait now, within a scope, and lack all these fields: what a rule would complete."""
    wanted = {ZONE if field == "zone" else field for field in fields}
    found: list[WaitingRow] = []
    after = 0
    while page := workspace.catalog.partials.list(
        tenant, kind=scope.get("kind"), subject_id=scope.get("subject_id"), once=True, after=after
    ):
        after = page[-1].id
        found += [
            row
            for row in page
            if wanted <= set(row.missing) and scope.get("source_app") in (None, row.payload["source_app"])
        ]
    return found


def undo(workspace: Workspace, *, tenant: str, ids: Iterable[int], actor: str, reason: str) -> Completed:
    """Take completions back: the records wait again, and everything downstream is as it was before.

    Raises:
        NotFoundError: one of the ids is not in the tenant.
        AlreadyDoneError: one of them was undone before.
    """
    started = time.monotonic()
    rows = workspace.catalog.completions.get(tenant, ids)
    uploads = _delivering(workspace, tenant, rows)
    people = {row.subject_id for row in rows if row.field in (ZONE, SOURCE_CHOICE)}
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        workspace.catalog.completions.undo(
            tenant, [row.id for row in rows], actor=actor, now=utc_now(), upload_ids=uploads
        )
    # Marked after the decision: a run in between would have read the day as it was.
    mark_people(workspace, tenant, people)
    record(workspace, tenant, actor, "partial.undo", [row.id for row in rows], reason, started, {})
    return Completed(
        completions=[row.id for row in rows],
        records=len({(r.kind, r.record_id) for r in rows if r.record_id != ABOUT_PERSON}),
        uploads=uploads,
    )


def require_context(
    workspace: Workspace, *, tenant: str, kind: str, fields: Iterable[str], actor: str, reason: str
) -> list[str]:
    """Demand fields of the tenant's rows of a kind (none: the default); ids of the uploads that are read again.

    Raises:
        UsageError: no such kind, or a field that it does not have.
    """
    started = time.monotonic()
    if kind not in BY_KIND:
        raise UsageError("demand context", kind, "there is no such kind", f"Kinds: {', '.join(BY_KIND)}.")
    demanded = sorted({checked_field(BY_KIND[kind], field) for field in fields})
    if not set(demanded) <= set(FIELDS.get(kind, ())):
        raise UsageError("demand context", kind, "a zone is demanded where evidence is missing", "Leave it out.")
    decision = Decision(actor=actor, at=utc_now(), reason=reason)
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        workspace.catalog.completions.require(tenant, kind, demanded, decision=decision)
        settled = every_upload(workspace, tenant=tenant, kind=kind, states=["processed", "duplicate"])
        uploads = workspace.catalog.uploads.reland(upload.upload_id for upload in settled)
    record(workspace, tenant, actor, "context.require", [], reason, started, {"kind": kind, "fields": demanded})
    return uploads


def record(
    workspace: Workspace,
    tenant: str,
    actor: str,
    action: str,
    ids: Sequence[int],
    reason: str,
    started: float,
    details: Mapping[str, object],
) -> None:
    """Enter what a person decided in the audit trail: ids, names and the reason given; no health value."""
    event = NewAuditEvent(
        tenant=tenant,
        at=utc_now(),
        actor=actor,
        action=action,
        target=" ".join(map(str, ids[:1])) if len(ids) < 2 else f"{len(ids)} rows",
        details={"ids": list(ids[:AUDITED_IDS]), "rows": len(ids), "reason": reason, **details},
        duration_ms=round(1000 * (time.monotonic() - started)),
    )
    workspace.catalog.audit.record([event])


def _checked(row: WaitingRow, said: Mapping[str, str]) -> dict[str, str]:
    if row.status != "waiting":
        raise AlreadyDoneError("complete a record", f"id {row.id}", "it does not wait", "See `partial list`.")
    record_type = BY_KIND[row.kind]
    fields = {checked_field(record_type, name): value for name, value in said.items()}
    checked = {field: checked_value(field, value) for field, value in fields.items()}
    if not set(checked) <= set(row.missing):
        raise AlreadyDoneError("complete a record", f"id {row.id}", "it has the field", "See what it lacks.")
    return checked


def _siblings(
    workspace: Workspace, tenant: str, rows: Sequence[WaitingRow], *, status: PartialStatus = "waiting"
) -> dict[tuple[str, str, str], list[WaitingRow]]:
    """Deliveries of the same records in a status, by record."""
    found: dict[tuple[str, str, str], list[WaitingRow]] = {(r.kind, r.subject_id, r.record_id): [] for r in rows}
    for kind in sorted({row.kind for row in rows}):
        records = [row.record_id for row in rows if row.kind == kind]
        for one in workspace.catalog.partials.of_records(tenant, kind, records):
            key = one.kind, one.subject_id, one.record_id
            if one.status == status and key in found:
                found[key].append(one)
    return found


def _delivering(workspace: Workspace, tenant: str, rows: Sequence[Completion]) -> list[str]:
    """Uploads that deliver these records: those in which they waited, and those that came later."""
    uploads: set[str] = set()
    lake = workspace.lake(tenant)
    about_records = [row for row in rows if row.record_id != ABOUT_PERSON]
    for kind in sorted({row.kind for row in about_records}):
        of_kind = [row for row in about_records if row.kind == kind]
        records = sorted({row.record_id for row in of_kind})
        uploads |= {one.upload_id for one in workspace.catalog.partials.of_records(tenant, kind, records)}
        # The catalog keeps an id with a NUL without it.
        ids = sorted({(row.subject_id, one) for row in of_kind for one in delivered_ids(row.record_id)})
        keys = pl.DataFrame(ids, schema={"subject_id": pl.String, "record_id": pl.String}, orient="row")
        deliveries = deliveries_of(lake, BY_KIND[kind], keys)
        uploads |= set(deliveries["upload_id"].unique())
    return sorted(uploads)


def mark_people(workspace: Workspace, tenant: str, subject_ids: Collection[str]) -> None:
    """Mark all days of people stale of whom something was told or untold that holds for all of them: there are few."""
    if not subject_ids:
        return
    marks = []
    for record_type in RECORD_TYPES:
        days = (
            workspace.lake(tenant)
            .scan(clinical_table(record_type), schema=clinical_schema(record_type))
            .filter(pl.col("subject_id").is_in(sorted(subject_ids)))
            .select(pl.col("local_date").unique().sort())
            .collect()["local_date"]
        )
        marks += [
            StaleMark(tenant=tenant, stage="clinical", kind=record_type.kind, local_date=day, reason="completion")
            for day in days
        ]
    workspace.catalog.stale_days.mark(marks, now=utc_now())
