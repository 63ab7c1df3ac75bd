"""Outcomes of uploads, as a transaction writes them.

Belongs here: locking uploads and writing what became of them, for settlements and for those that never got that far.
Does not belong here: when a transaction begins (`catalog_settlement`, `catalog_uploads`).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.rows.uploads import UploadOutcome
from resources.catalog.sql import chunks
from vitals.errors import NotFoundError

COUNTS = (
    "rows_total",
    "rows_accepted",
    "rows_duplicate",
    "rows_superseded",
    "rows_presumed_deleted",
    "rows_partial",
    "rows_quarantined",
)
_CONTENT = (
    *("dropped_items", "score", "schema_hash", "content_sha256"),
    *("fetched_utc", "first_utc_date", "last_utc_date"),
)
_VERDICT = ("state", "reason", "detail", "duration_ms")


def lock_uploads(connection: Connection, upload_ids: Iterable[str]) -> dict[str, tuple[str, str | None]]:
    """State and run id by upload id, locked until the transaction ends; ids not registered are left out."""
    table = models.Upload
    statement = select(table.upload_id, table.state, table.run_id).order_by(table.upload_id).with_for_update()
    return {
        upload_id: (state, run_id)
        for some in chunks(upload_ids)
        for upload_id, state, run_id in connection.execute(statement.where(table.upload_id.in_(some)))
    }


def write_outcomes(connection: Connection, outcomes: Sequence[UploadOutcome], *, now: datetime) -> None:
    """Write outcomes; except for those that failed, the attempt under way becomes the one that is settled."""
    table = models.Upload
    failed = [row for row in outcomes if row.state == "failed"]
    settled = [row for row in outcomes if row.state != "failed"]
    for rows, names, attempt in (
        (failed, _VERDICT, table.settled_attempt),
        (settled, (*_VERDICT, *COUNTS, *_CONTENT), table.attempts),
    ):
        if not rows:
            continue
        changed: dict[str, ColumnElement[Any]] = {name: bindparam(f"new_{name}") for name in names}
        if "fetched_utc" in changed:
            # What the key said of the fetch stays, if the file does not say; so does a digest of what cannot be read now.
            changed["fetched_utc"] = func.coalesce(changed["fetched_utc"], table.fetched_utc)
            changed["content_sha256"] = func.coalesce(changed["content_sha256"], table.content_sha256)
        connection.execute(
            update(table)
            .where(table.upload_id == bindparam("finished"))
            .values(**changed, finished_at=now, settled_attempt=attempt, unsettled_attempts=0),
            [
                {"finished": row.upload_id, **{f"new_{name}": getattr(row, name) for name in names}}
                for row in sorted(rows, key=lambda row: row.upload_id)
            ],
        )


def not_registered(database: CatalogDatabase) -> NotFoundError:
    """The error for outcomes of uploads that the catalog does not have."""
    return NotFoundError(
        "finish uploads", database.where, "one of them is not registered", "Register uploads before processing them."
    )
