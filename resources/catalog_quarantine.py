"""Quarantined rows and files: which rule they failed and where their bytes are.

Belongs here: the `quarantine` table. Does not belong here: the bytes (the lake has them), the rules.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from resources import catalog_models as models
from resources.catalog_database import CatalogDatabase
from resources.catalog_rows import QuarantinedRow, QuarantineRow
from resources.catalog_sql import chunks, fetch, selecting, values_of

_NAMES_THE_ROW = ("upload_id", "row_index")


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
        limit: int = 1000,
        after: int = 0,
    ) -> Sequence[QuarantinedRow]:
        """Quarantined rows in the order in which they came; the next page starts after the last id."""
        table = models.Quarantine
        wanted = {table.kind: kind, table.upload_id: upload_id, table.rule_id: rule_id}
        statement = (
            selecting(table, QuarantinedRow)
            .where(table.tenant == tenant, table.id > after)
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(table.id)
            .limit(limit)
        )
        return self._database.read(
            "list the quarantine", lambda connection: fetch(connection, statement, QuarantinedRow)
        )

    def counts(self, tenant: str) -> dict[tuple[str | None, str], int]:
        """Number of rows and files in quarantine by (kind, rule id)."""
        table = models.Quarantine
        statement = (
            select(table.kind, table.rule_id, func.count())
            .where(table.tenant == tenant)
            .group_by(table.kind, table.rule_id)
        )
        found = self._database.read("count the quarantine", lambda connection: connection.execute(statement).all())
        return {(kind, rule_id): n for kind, rule_id, n in found}


def replace_quarantine(
    connection: Connection, upload_ids: Iterable[str], rows: Sequence[QuarantineRow], *, now: datetime
) -> None:
    """Make `rows` the quarantine of these uploads. A row that was there keeps its id and its first-seen time."""
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
            update(table).where(table.id == bindparam("row_id")).values(changed),
            [{"row_id": row["row_id"], **{f"new_{name}": row[name] for name in changed}} for row in kept],
        )
    added = [{**wanted[key], "first_seen": now} for key in wanted if key not in stored]
    if added:
        connection.execute(insert(table), added)
    for some_ids in chunks(row_id for key, row_id in stored.items() if key not in wanted):
        connection.execute(delete(table).where(table.id.in_(some_ids)))
