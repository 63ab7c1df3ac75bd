"""Audit events: what a person or the system decided, when, and how long it took.

Belongs here: the `audit_event` table and the questions asked of it.
Does not belong here: logs and metrics of what ran.

Retention: events are added, never changed, and nothing deletes them. They hold ids of rows, keys of tokens and names
of rules; no health value and no external user id. Erasure of a person takes target and details from events on what was
theirs (`catalog_erasures`): that something was decided stays, and by whom and when.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, insert, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import tenants as models
from resources.catalog.rows.tenants import AuditEvent, NewAuditEvent
from resources.catalog.sql import fetch, selecting, values_of


@dataclass(frozen=True, kw_only=True)
class AuditFilter:
    """What to ask for; None asks for everything.

    Attributes:
        actor: who.
        action: kind of event.
        target: what it was done to.
        since, until: first instant, and first instant after.
        slower_than_ms: only events that took longer.
    """

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    slower_than_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class AuditStatistic:
    """Events of one kind by one person; durations in milliseconds, None if none was measured."""

    actor: str
    action: str
    events: int
    first_at: datetime
    last_at: datetime
    mean_duration_ms: float | None
    longest_duration_ms: int | None


EVERYTHING = AuditFilter()

NO_TENANT: Final = "-"
"""Tenant of events that belong to none: no tenant can have this name."""


class CatalogAudit:
    """The audit trail of a catalog. Events are added, never changed."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def record(self, events: Iterable[NewAuditEvent]) -> None:
        """Add events."""
        rows = [values_of(event) for event in events]
        if rows:
            self._database.write(
                "record what was decided", lambda connection: connection.execute(insert(models.AuditEvent), rows)
            )

    def list(
        self, tenant: str, *, action: str | None = None, target: str | None = None, limit: int = 100
    ) -> Sequence[AuditEvent]:
        """Events, newest first."""
        return self.recent(tenant, AuditFilter(action=action, target=target), limit=limit)

    def recent(
        self, tenant: str, wanted: AuditFilter = EVERYTHING, *, limit: int = 100, before: int | None = None
    ) -> Sequence[AuditEvent]:
        """Events, newest first; the next page comes before the last id."""
        table = models.AuditEvent
        statement = (
            selecting(table, AuditEvent)
            .where(*_conditions(tenant, wanted))
            .where(*([] if before is None else [table.id < before]))
            # As they were entered: an event that took long is entered after others that were decided later.
            .order_by(table.id.desc())
            .limit(limit)
        )
        return self._database.read("list what was decided", lambda connection: fetch(connection, statement, AuditEvent))

    def slow(self, tenant: str, wanted: AuditFilter = EVERYTHING, *, limit: int = 20) -> Sequence[AuditEvent]:
        """The events that took longest, longest first."""
        table = models.AuditEvent
        statement = (
            selecting(table, AuditEvent)
            .where(*_conditions(tenant, wanted), table.duration_ms.is_not(None))
            .order_by(table.duration_ms.desc(), table.id.desc())
            .limit(limit)
        )
        return self._database.read("list slow decisions", lambda connection: fetch(connection, statement, AuditEvent))

    def statistics(self, tenant: str, wanted: AuditFilter = EVERYTHING) -> Sequence[AuditStatistic]:
        """Events counted by person and kind."""
        table = models.AuditEvent
        statement = (
            select(
                table.actor,
                table.action,
                func.count().label("events"),
                func.min(table.at).label("first_at"),
                func.max(table.at).label("last_at"),
                func.avg(table.duration_ms).label("mean"),
                func.max(table.duration_ms).label("longest"),
            )
            .where(*_conditions(tenant, wanted))
            .group_by(table.actor, table.action)
            .order_by(table.actor, table.action)
        )
        found = self._database.read("count decisions", lambda connection: connection.execute(statement).all())
        return [
            AuditStatistic(
                actor=row.actor,
                action=row.action,
                events=row.events,
                first_at=row.first_at,
                last_at=row.last_at,
                mean_duration_ms=None if row.mean is None else float(row.mean),
                longest_duration_ms=row.longest,
            )
            for row in found
        ]


def _conditions(tenant: str, wanted: AuditFilter) -> list[ColumnElement[bool]]:
    table = models.AuditEvent
    equal = {table.actor: wanted.actor, table.action: wanted.action, table.target: wanted.target}
    conditions = [table.tenant == tenant, *(column == value for column, value in equal.items() if value is not None)]
    if wanted.since is not None:
        conditions.append(table.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(table.at < wanted.until)
    if wanted.slower_than_ms is not None:
        conditions.append(table.duration_ms > wanted.slower_than_ms)
    return conditions
