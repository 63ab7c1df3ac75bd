"""Stale days: local days whose facts or examples no longer follow from the records.

Belongs here: the `stale_day` table. Does not belong here: who computes them, and when.

A mark's version lets the one who recomputed a day clear it only if nothing was marked meanwhile. It starts at
the time of the mark in microseconds and grows by at least one, so a day that is cleared and marked again does
not get a version that somebody may still hold.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from resources.catalog.database import CatalogDatabase, greatest, table_of
from resources.catalog.models import days as models
from resources.catalog.rows.days import STALE_REASONS, StaleDay, StaleMark, StaleStage
from resources.catalog.sql import fetch, selecting, values_of
from vitals.errors import PermanentError

_KEY = ["tenant", "stage", "kind", "local_date"]


class CatalogStaleDays:
    """The stale days of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def mark(self, marks: Iterable[StaleMark], *, now: datetime) -> None:
        """Mark days stale; one that is stale already gets a new version and the new reason."""
        rows = list(marks)
        if rows:
            self._database.write(
                "mark days stale", lambda connection: mark_stale(connection, self._database, rows, now=now)
            )

    def list(self, tenant: str, stage: StaleStage) -> Sequence[StaleDay]:
        """Stale days of a stage, oldest day first."""
        table = models.StaleDay
        statement = (
            selecting(table, StaleDay)
            .where(table.tenant == tenant, table.stage == stage)
            .order_by(table.local_date, table.kind)
        )
        return self._database.read("list stale days", lambda connection: fetch(connection, statement, StaleDay))

    def version(self, tenant: str, stage: StaleStage, kind: str, local_date: date) -> int | None:
        """Version of a day's mark; None if it is not stale. Read it before computing the day."""
        statement = select(models.StaleDay.version).where(*_is(tenant, stage, kind, local_date))
        return self._database.read("look up a stale day", lambda connection: connection.scalar(statement))

    def marked(self, tenant: str, stage: StaleStage, kind: str, local_dates: Iterable[date]) -> set[date]:
        """Those of the days that are stale."""
        table = models.StaleDay
        statement = select(table.local_date).where(
            table.tenant == tenant, table.stage == stage, table.kind == kind, table.local_date.in_(sorted(local_dates))
        )
        return self._database.read("look up stale days", lambda connection: set(connection.scalars(statement)))

    def clear(self, tenant: str, stage: StaleStage, kind: str, local_date: date, version: int) -> bool:
        """Clear a day's mark, unless it has been marked again since that version. Whether it was cleared."""
        statement = (
            delete(models.StaleDay)
            .where(*_is(tenant, stage, kind, local_date), models.StaleDay.version == version)
            .returning(models.StaleDay.version)
        )
        return bool(self._database.write("clear a stale day", lambda connection: connection.execute(statement).all()))


def mark_stale(connection: Connection, database: CatalogDatabase, marks: Iterable[StaleMark], *, now: datetime) -> None:
    """`CatalogStaleDays.mark` inside a transaction."""
    latest = {(mark.tenant, mark.stage, mark.kind, mark.local_date): mark for mark in marks}
    unknown = {mark.reason for mark in latest.values()} - set(STALE_REASONS)
    if unknown:
        raise PermanentError(
            "mark days stale", database.where, f"no such reason: {sorted(unknown)}", f"Use one of {STALE_REASONS}."
        )
    if not latest:
        return
    table = table_of(models.StaleDay)
    insert = database.insert(models.StaleDay)
    statement = insert.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "version": greatest(table.c.version + 1, insert.excluded.version),
            "reason": insert.excluded.reason,
            "marked_at": insert.excluded.marked_at,
        },
    )
    version = int(now.timestamp() * 1_000_000)
    connection.execute(
        statement, [{**values_of(latest[key]), "version": version, "marked_at": now} for key in sorted(latest)]
    )


def _is(tenant: str, stage: StaleStage, kind: str, local_date: date) -> tuple[ColumnElement[bool], ...]:
    table = models.StaleDay
    return (table.tenant == tenant, table.stage == stage, table.kind == kind, table.local_date == local_date)
