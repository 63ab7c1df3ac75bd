"""Quarantined rows and files: which rule they failed and where their bytes are.

Belongs here: the `quarantine` table. Does not belong here: the bytes (the lake has them), the rules.

Nothing is ever deleted from it: a row that no longer fails is marked released and keeps its first-seen time for the
case that it fails again; one that a person gave up is marked discarded and stays accounted as quarantined.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, func, insert, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.rows.uploads import QuarantinedRow, QuarantineRow, QuarantineStatus
from resources.catalog.sql import chunks, fetch, fetch_among, selecting, values_of
from vitals.errors import ConflictError, NotFoundError

_NAMES_THE_ROW = ("upload_id", "row_index")

_IN_QUARANTINE = models.Quarantine.released_at.is_(None)
_STATUS: Mapping[QuarantineStatus | None, ColumnElement[bool]] = {
    None: _IN_QUARANTINE,
    "waiting": _IN_QUARANTINE & models.Quarantine.discarded_at.is_(None),
    "discarded": _IN_QUARANTINE & models.Quarantine.discarded_at.is_not(None),
    "released": ~_IN_QUARANTINE,
}


class CatalogQuarantine:
    """The quarantine of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def list(
        self,
        tenant: str,
        *,
        kind: str | None = None,
        upload_id: str | None = None,
        rule_id: str | None = None,
        status: QuarantineStatus | None = None,
        limit: int = 1000,
        after: int = 0,
    ) -> Sequence[QuarantinedRow]:
        """Rows in the order in which they came; the next page starts after the last id.

        Args:
            tenant: whose.
            status: None for all that are in quarantine, whether they wait or were discarded.
        """
        table = models.Quarantine
        wanted = {table.kind: kind, table.upload_id: upload_id, table.rule_id: rule_id}
        statement = (
            selecting(table, QuarantinedRow)
            .where(table.tenant == tenant, table.id > after, _STATUS[status])
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(table.id)
            .limit(limit)
        )
        return self._database.read(
            "list the quarantine", lambda connection: fetch(connection, statement, QuarantinedRow)
        )

    def get(self, tenant: str, ids: Iterable[int]) -> Sequence[QuarantinedRow]:
        """Rows by id, in the order of their ids, whatever their status.

        Raises:
            NotFoundError: one of them is not in the tenant.
        """
        table = models.Quarantine
        wanted = sorted(set(ids))

        def work(connection: Connection) -> list[QuarantinedRow]:
            statement = selecting(table, QuarantinedRow).where(table.tenant == tenant)
            return fetch_among(connection, statement, table.id, wanted, QuarantinedRow)

        found = sorted(self._database.read("look up quarantined rows", work), key=lambda row: row.id)
        missing = sorted(set(wanted) - {row.id for row in found})
        if missing:
            raise NotFoundError(
                "find the quarantined rows",
                f"{tenant}, ids {missing[:5]}",
                "they do not exist",
                "See `quarantine list`.",
            )
        return found

    def discard(self, tenant: str, ids: Iterable[int], *, now: datetime) -> None:
        """Give rows up: they stay accounted as quarantined, and wait no longer.

        Raises:
            NotFoundError: one of them is not in the tenant.
            ConflictError: one of them is not waiting.
        """
        rows = self.get(tenant, ids)
        table = models.Quarantine
        if any(row.status != "waiting" for row in rows):
            raise ConflictError(
                "discard quarantined rows", tenant, "one of them does not wait", "See `quarantine show` for its status."
            )

        def work(connection: Connection) -> None:
            for some in chunks(row.id for row in rows):
                connection.execute(update(table).where(table.id.in_(some)).values(discarded_at=now))

        self._database.write("discard quarantined rows", work)

    def counts(self, tenant: str, *, status: QuarantineStatus | None = None) -> dict[tuple[str | None, str], int]:
        """Number of rows and files in quarantine by (kind, rule id)."""
        table = models.Quarantine
        statement = (
            select(table.kind, table.rule_id, func.count())
            .where(table.tenant == tenant, _STATUS[status])
            .group_by(table.kind, table.rule_id)
        )
        found = self._database.read("count the quarantine", lambda connection: connection.execute(statement).all())
        return {(kind, rule_id): n for kind, rule_id, n in found}


def replace_quarantine(
    connection: Connection, upload_ids: Iterable[str], rows: Sequence[QuarantineRow], *, now: datetime
) -> None:
    """Make `rows` the quarantine of these uploads.

    A row that was there, even one that was released meanwhile, keeps its id and its first-seen time.
    """
    table = models.Quarantine
    stored: dict[tuple[str, int | None], int] = {}
    for some in chunks(upload_ids):
        known = select(table.upload_id, table.row_index, table.id).where(table.upload_id.in_(some))
        stored |= {(upload_id, row_index): row_id for upload_id, row_index, row_id in connection.execute(known)}
    wanted = {(row.upload_id, row.row_index): values_of(row) for row in rows}
    kept = [{"row_id": stored[key], **wanted[key]} for key in wanted if key in stored]
    if kept:
        changed: dict[str, ColumnElement[Any]] = {
            name: bindparam(f"new_{name}") for name in kept[0] if name not in {"row_id", *_NAMES_THE_ROW}
        }
        connection.execute(
            update(table).where(table.id == bindparam("row_id")).values(**changed, released_at=None),
            [{"row_id": row["row_id"], **{f"new_{name}": row[name] for name in changed}} for row in kept],
        )
    added = [{**wanted[key], "first_seen": now} for key in wanted if key not in stored]
    if added:
        connection.execute(insert(table), added)
    for some_ids in chunks(row_id for key, row_id in stored.items() if key not in wanted):
        connection.execute(update(table).where(table.id.in_(some_ids), _IN_QUARANTINE).values(released_at=now))
