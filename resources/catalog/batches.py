"""Batches: uploads that belong together, and where they stand as a whole.

Belongs here: the `batch_member` table, and the sums over an upload, a landing day or a batch id.
Does not belong here: entering uploads, or settling them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from sqlalchemy import ColumnElement, Connection, func, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.rows.uploads import PENDING_STATES
from vitals.errors import NotFoundError, UsageError

BatchState = Literal["processing", "partial", "failed", "completed"]


@dataclass(frozen=True, kw_only=True)
class BatchStatus:
    """Where a batch stands.

    Attributes:
        status: `partial` while at least one record waits for a person; else `processing` while an upload is
            pending; else `failed` if no upload could be processed; else `completed`.
        total, completed, failed: uploads: all; with a final state other than failed; failed.
        records: rows of the uploads that were read.
        accepted, partial, quarantined, duplicate, superseded: of these, by fate; `partial` are the records that
            wait now.
        files_quarantined: uploads refused as a whole.
    """

    status: BatchState
    total: int
    completed: int
    failed: int
    records: int
    accepted: int
    partial: int
    quarantined: int
    duplicate: int
    superseded: int
    files_quarantined: int


class CatalogBatches:
    """The batches of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def add(self, tenant: str, batch_id: str, upload_ids: Iterable[str]) -> None:
        """Say that uploads belong to a batch. Repeating it changes nothing.

        Raises:
            PermanentError: an upload is not registered.
        """
        rows = [{"tenant": tenant, "batch_id": batch_id, "upload_id": one} for one in sorted(set(upload_ids))]
        statement = self._database.insert(models.BatchMember).on_conflict_do_nothing()
        if rows:
            self._database.write("enter a batch", lambda connection: connection.execute(statement, rows))

    def members(self, tenant: str, batch_id: str) -> list[str]:
        """Ids of the uploads that were handed in under a batch id, sorted; none if there is no such batch."""
        table = models.BatchMember
        statement = (
            select(table.upload_id).where(table.tenant == tenant, table.batch_id == batch_id).order_by(table.upload_id)
        )
        return self._database.read("look up a batch", lambda connection: list(connection.scalars(statement)))

    def status(
        self,
        tenant: str,
        *,
        batch_id: str | None = None,
        upload_id: str | None = None,
        landing_day: date | None = None,
    ) -> BatchStatus:
        """Where a batch stands: one upload, all of a landing day, or what was handed in under a batch id.

        Raises:
            UsageError: not exactly one of the three is given.
            NotFoundError: it has no uploads.
        """
        given = [one for one in (batch_id, upload_id, landing_day) if one is not None]
        if len(given) != 1:
            raise UsageError("look up a batch", tenant, "not exactly one thing was named", "Name one.")
        member = models.BatchMember
        members = select(member.upload_id).where(member.tenant == tenant, member.batch_id == batch_id)
        upload = models.Upload
        if batch_id is not None:
            wanted: ColumnElement[bool] = upload.upload_id.in_(members)
        elif upload_id is not None:
            wanted = upload.upload_id == upload_id
        else:
            wanted = upload.landing_day == landing_day
        found = self._database.read("look up a batch", lambda connection: _status(connection, tenant, wanted))
        if found is None:
            raise NotFoundError("find the batch", tenant, "no upload belongs to it", "Check its id.")
        return found


def _status(connection: Connection, tenant: str, wanted: ColumnElement[bool]) -> BatchStatus | None:
    upload, partial = models.Upload, models.PartialRecord
    names = ("total", "accepted", "quarantined", "duplicate", "superseded")
    sums = [func.coalesce(func.sum(getattr(upload, f"rows_{name}")), 0) for name in names]
    by_state = select(upload.state, func.count(), *sums).where(upload.tenant == tenant, wanted).group_by(upload.state)
    states: dict[str, int] = {}
    rows = dict.fromkeys(names, 0)
    for state, uploads, *counts in connection.execute(by_state):
        states[state] = uploads
        for name, count in zip(names, counts, strict=True):
            rows[name] += int(count)
    if not states:
        return None
    # A record that several uploads of the batch deliver waits once.
    records = (
        select(partial.kind, partial.subject_id, partial.record_id)
        .join(upload, upload.upload_id == partial.upload_id)
        .where(partial.tenant == tenant, partial.status == "waiting", upload.tenant == tenant, wanted)
        .distinct()
        .subquery()
    )
    waiting = select(func.count()).select_from(records)
    waits = int(connection.execute(waiting).scalar_one())
    total, failed = sum(states.values()), states.get("failed", 0)
    pending = sum(states.get(state, 0) for state in PENDING_STATES)
    status: BatchState = "completed"
    if waits:
        status = "partial"
    elif pending:
        status = "processing"
    elif failed == total:
        status = "failed"
    return BatchStatus(
        status=status,
        total=total,
        completed=total - pending - failed,
        failed=failed,
        records=rows["total"],
        accepted=rows["accepted"],
        partial=waits,
        quarantined=rows["quarantined"],
        duplicate=rows["duplicate"],
        superseded=rows["superseded"],
        files_quarantined=states.get("quarantined", 0),
    )
