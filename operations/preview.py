"""What a change of the rules would do, without doing it.

Belongs here: which uploads a change moves, and running the ordinary stages for these on a copy: a copy of the catalog
in a file that is thrown away, and a lake that keeps what is written to itself. So what is foretold is what the real
flow does, by the same code.
Does not belong here: making the change (`quarantine_decisions`).

It costs what the change would cost: reading the uploads that may move (all of a kind, if a bound becomes narrower) and
computing their days. Uploads that are pending for other reasons are left out of the copy's work.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import orjson
from sqlalchemy import delete, update

from pipeline.clinical import summarise_partition
from pipeline.day_journal import render_journal
from pipeline.decisions import rule_policy
from pipeline.row_accounting import every_upload
from pipeline.training import render_partition
from pipeline.training_paths import JOURNAL
from pipeline.validated.file_validation import judge_files
from pipeline.validated.landing_day import batches, validate_day
from resources.catalog.catalog import Catalog
from resources.catalog.models import days, uploads
from resources.catalog.rows.uploads import PENDING_STATES, Upload
from resources.catalog.snapshot import copy_of
from resources.lake.lake import Lake, ReadFailure
from resources.lake.overlay import OverlayLake
from resources.workspace import Workspace
from vitals.errors import BusyError, PermanentError
from vitals.raw.decode import RawObject, decode
from vitals.record_types import BY_KIND
from vitals.validated.rule_policy import LOW_QUALITY, RulePolicy

ROUNDS = 12
RUN_ID = "what-if"

COPIES = "vitalgraph-what-if-"
"""How folders with copies of the catalog begin, below the system's folder for temporary files."""

RowKey = tuple[str, int | None]
"""Upload id and row; no row means the whole file."""


@dataclass(frozen=True, kw_only=True)
class MovedRow:
    """A row, or a whole file (no row), whose fate changes. Ids and reasons only.

    Attributes:
        was, becomes: reason for which it is in quarantine; None if it is not.
    """

    upload_id: str
    kind: str
    row_index: int | None
    record_id: str | None
    was: str | None
    becomes: str | None


@dataclass(frozen=True, kw_only=True)
class WhatIf:
    """What a change would do.

    Attributes:
        released, captured: rows that would leave quarantine, and that would get there.
        renamed: rows that would stay in quarantine for another reason.
        dropped_before, dropped_after: items that these uploads' good rows have lost, and would have lost, by reason.
        uploads: ids of the uploads that would be read again.
        stale_days: (kind, local day) that would be computed again.
        training_files: keys of the training files whose bytes would change.
        examples_gone, examples_new: ids of their lines.
        datasets: (name, version) of the releases that hold people of these lines.
    """

    released: list[MovedRow]
    captured: list[MovedRow]
    renamed: list[MovedRow]
    dropped_before: dict[str, int]
    dropped_after: dict[str, int]
    uploads: list[str]
    stale_days: list[tuple[str, date]]
    training_files: list[str]
    examples_gone: list[str]
    examples_new: list[str]
    datasets: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class _CopiedWorkspace(Workspace):
    """A workspace on copies."""

    overlays: dict[str, OverlayLake] = field(default_factory=dict)

    def lake(self, tenant: str) -> Lake:
        if tenant not in self.overlays:
            self.overlays[tenant] = OverlayLake(Workspace.lake(self, tenant).root_url, s3=self.s3)
        return self.overlays[tenant]


def foretell(
    workspace: Workspace, *, tenant: str, decide: Callable[[Catalog], None], candidates: Sequence[Upload]
) -> WhatIf:
    """What would follow from a decision. Only within `one_at_a_time`.

    Args:
        decide: makes the decision in the catalog it is given.
        candidates: uploads that it may move.
    """
    with _copied(workspace, tenant) as copied:
        decide(copied.catalog)
        moved = moved_uploads(
            workspace, tenant=tenant, rules=rule_policy(copied.catalog, tenant), candidates=candidates
        )
        before, dropped_before = _quarantine(workspace.catalog, tenant, moved), _dropped(workspace.catalog, moved)
        _leave_only(copied.catalog, moved)
        days = _run(copied, tenant)
        after, dropped_after = _quarantine(copied.catalog, tenant, moved), _dropped(copied.catalog, moved)
        overlay = copied.overlays.get(tenant)
        written = overlay.written if overlay is not None else {}
    rows = [
        MovedRow(
            upload_id=key[0],
            kind=(after.get(key) or before[key])[0],
            row_index=key[1],
            record_id=(after.get(key) or before[key])[1],
            was=before[key][2] if key in before else None,
            becomes=after[key][2] if key in after else None,
        )
        for key in sorted(before.keys() | after.keys(), key=lambda k: (k[0], -1 if k[1] is None else k[1]))
    ]
    lake = workspace.lake(tenant)
    changed = _changed_files(lake, written)
    gone, new, people = _changed_lines(changed)
    return WhatIf(
        released=[row for row in rows if row.becomes is None],
        captured=[row for row in rows if row.was is None],
        renamed=[row for row in rows if None not in (row.was, row.becomes) and row.was != row.becomes],
        dropped_before=dropped_before,
        dropped_after=dropped_after,
        uploads=moved,
        stale_days=days,
        training_files=sorted(changed),
        examples_gone=gone,
        examples_new=new,
        datasets=[(one.name, one.version) for one in workspace.catalog.datasets.with_person(tenant, people)],
    )


def moved_uploads(workspace: Workspace, *, tenant: str, rules: RulePolicy, candidates: Sequence[Upload]) -> list[str]:
    """Those of the uploads of which a row's fate or reason, or what its list loses, would be another; sorted ids.

    Files that cannot be read now are passed over: they stay as they are.
    """
    stored = _quarantine(workspace.catalog, tenant, [u.upload_id for u in candidates])
    lake = workspace.lake(tenant)
    moved = []
    for kind in sorted({u.kind for u in candidates if u.kind is not None}):
        of_kind = [u for u in candidates if u.kind == kind]
        for batch in batches(of_kind, workspace.policy.batch_bytes):
            moved += _moved(workspace, lake, kind, batch, rules, stored)
    return sorted(moved)


def _moved(
    workspace: Workspace,
    lake: Lake,
    kind: str,
    batch: Sequence[Upload],
    rules: RulePolicy,
    stored: Mapping[RowKey, tuple[str, str | None, str]],
) -> list[str]:
    policy = workspace.policy
    found = lake.read_objects([u.key for u in batch], concurrency=policy.fetch_concurrency)
    read = [(u, data) for u in batch if not isinstance(data := found[u.key], ReadFailure)]
    decoded = decode([RawObject(data) for _, data in read], kind=kind, limits=policy.limits)
    ids = [u.upload_id for u, _ in read]
    judged = judge_files(
        decoded.frame,
        BY_KIND[kind],
        rules=rules,
        score=policy.score,
        upload_ids=ids,
        landings=[(u.landed_at, u.landing_day) for u, _ in read],
    )
    would: dict[str, dict[int | None, str]] = {upload_id: {} for upload_id in ids}
    bad = judged.rows.filter(judged.rows["reason"].is_not_null())
    for index, row, reason in bad.select("file_index", "row_index", "reason").iter_rows():
        would[ids[index]][row] = reason
    for index in judged.low:
        would[ids[index]][None] = LOW_QUALITY
    is_now: dict[str, dict[int | None, str]] = {upload_id: {} for upload_id in ids}
    for (upload_id, row), (_, _, reason) in stored.items():
        if upload_id in is_now:
            is_now[upload_id][row] = reason
    lost_now = {u.upload_id: dict(u.dropped_items) for u, _ in read}
    would_lose = {upload_id: dict(judged.dropped.get(index, {})) for index, upload_id in enumerate(ids)}
    refused = {ids[index] for index in decoded.rejected}
    return [
        upload_id
        for upload_id in ids
        if upload_id not in refused
        and (would[upload_id], would_lose[upload_id]) != (is_now[upload_id], lost_now[upload_id])
    ]


@contextmanager
def one_at_a_time(workspace: Workspace, tenant: str) -> Iterator[None]:
    """Find out what would follow for a tenant, unless somebody does already: each takes a copy and reads many files.

    Raises:
        BusyError: somebody does, in whatever process.
    """
    with workspace.catalog.exclusive(_lane(tenant), wait=False) as held:
        if not held:
            why = "another what-if of this tenant is under way"
            raise BusyError("foretell a change", f"tenant {tenant}", why, "Wait until it has ended, then ask again.")
        yield


def clear_abandoned_copies(workspace: Workspace, tenant: str) -> None:
    """Delete what dry runs that were killed have left behind of a tenant: copies of the catalog, people's ids among them.

    One that is under way is waited for; those of other tenants and installations are left alone.
    """
    with workspace.catalog.exclusive(_lane(tenant), wait=True):
        for folder in Path(gettempdir()).glob(f"{_copies(workspace, tenant)}*"):
            shutil.rmtree(folder, ignore_errors=True)


def _lane(tenant: str) -> str:
    return f"what-if-{tenant}"


def _copies(workspace: Workspace, tenant: str) -> str:
    whose = hashlib.sha256(f"{workspace.catalog.database.where}\x1f{tenant}".encode()).hexdigest()
    return f"{COPIES}{whose[:12]}-"


@contextmanager
def _copied(workspace: Workspace, tenant: str) -> Iterator[_CopiedWorkspace]:
    with TemporaryDirectory(prefix=_copies(workspace, tenant)) as folder:
        catalog = copy_of(workspace.catalog, tenant, Path(folder))
        try:
            yield _CopiedWorkspace(
                catalog=catalog,
                lake_url=workspace.lake_url,
                subject_key=workspace.subject_key,
                s3=workspace.s3,
                policy=workspace.policy,
            )
        finally:
            catalog.close()


def _leave_only(catalog: Catalog, upload_ids: Sequence[str]) -> None:
    """Make these uploads the only work there is."""
    pending = update(uploads.Upload).where(uploads.Upload.state.in_(PENDING_STATES)).values(state="failed")
    catalog.database.write("put other work aside", lambda connection: connection.execute(pending))
    catalog.database.write("put stale days aside", lambda connection: connection.execute(delete(days.StaleDay)))
    catalog.uploads.reland(upload_ids)


def _run(copied: Workspace, tenant: str) -> list[tuple[str, date]]:
    """Run every stage until nothing is pending; the days that became stale."""
    catalog = copied.catalog
    for _ in range(ROUNDS):
        pending = catalog.uploads.pending_partitions(tenant)
        if not pending:
            break
        for day, kinds in pending:
            for kind in kinds:
                validate_day(copied, tenant=tenant, record_type=BY_KIND[kind], landing_day=day, run_id=RUN_ID)
    else:
        why = f"something was still pending after {ROUNDS} rounds"
        raise PermanentError("foretell a change", tenant, why, "Nothing was changed; report it.")
    clinical = catalog.stale_days.list(tenant, "clinical")
    for mark in clinical:
        summarise_partition(copied, tenant=tenant, record_type=BY_KIND[mark.kind], local_day=mark.local_date)
    for mark in catalog.stale_days.list(tenant, "training"):
        if mark.kind == JOURNAL:
            render_journal(copied, tenant=tenant, local_day=mark.local_date)
        else:
            render_partition(copied, tenant=tenant, record_type=BY_KIND[mark.kind], local_day=mark.local_date)
    return sorted((mark.kind, mark.local_date) for mark in clinical)


def _quarantine(catalog: Catalog, tenant: str, upload_ids: Sequence[str]) -> dict[RowKey, tuple[str, str | None, str]]:
    """What is in quarantine of these uploads: kind, record id and reason, by upload and row."""
    wanted = set(upload_ids)
    found: dict[RowKey, tuple[str, str | None, str]] = {}
    after = 0
    while page := catalog.quarantine.list(tenant, after=after, limit=5000):
        after = page[-1].id
        found |= {
            (row.upload_id, row.row_index): (row.kind or "", row.record_id, row.reason)
            for row in page
            if row.upload_id in wanted
        }
    return found


def _dropped(catalog: Catalog, upload_ids: Sequence[str]) -> dict[str, int]:
    """Items that good rows of these uploads have lost, by reason."""
    total: dict[str, int] = {}
    for upload in catalog.uploads.get(upload_ids).values():
        for reason, items in upload.dropped_items.items():
            total[reason] = total.get(reason, 0) + items
    return dict(sorted(total.items()))


def _changed_files(lake: Lake, written: Mapping[str, bytes | None]) -> dict[str, tuple[bytes, bytes]]:
    """Training files that would be others: key to the bytes before and after."""
    changed = {}
    for key, data in written.items():
        if not key.startswith("training/"):
            continue
        before = lake.read_object(key) if lake.exists(key) else b""
        if before != (data or b""):
            changed[key] = before, data or b""
    return changed


def _changed_lines(changed: Mapping[str, tuple[bytes, bytes]]) -> tuple[list[str], list[str], list[str]]:
    """Ids of lines that would go and come, and the people they are of. A line may change and keep its id: it is both."""
    gone: set[str] = set()
    new: set[str] = set()
    people: set[str] = set()
    for before, after in changed.values():
        old, fresh = set(before.splitlines()), set(after.splitlines())
        for lines, ids in ((old - fresh, gone), (fresh - old, new)):
            for line in map(orjson.loads, lines):
                ids.add(line["id"])
                people.add(line["metadata"]["subject_id"])
    return sorted(gone), sorted(new), sorted(people)


def uploads_that_may_move(workspace: Workspace, *, tenant: str, kinds: Sequence[str]) -> list[Upload]:
    """Uploads of kinds that were read, whatever came of them: those that a narrower bound may move."""
    return [
        upload
        for kind in kinds
        for upload in every_upload(
            workspace, tenant=tenant, kind=kind, states=["processed", "duplicate", "quarantined"]
        )
        if upload.score is not None
    ]
