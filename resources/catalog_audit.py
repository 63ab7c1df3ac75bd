"""Audit events: what a person or the system decided, and when.

Belongs here: the `audit_event` table. Does not belong here: logs and metrics of what ran.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import insert

from resources import catalog_models as models
from resources.catalog_database import CatalogDatabase
from resources.catalog_rows import AuditEvent, NewAuditEvent
from resources.catalog_sql import fetch, selecting, values_of


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
        table = models.AuditEvent
        wanted = {table.action: action, table.target: target}
        statement = (
            selecting(table, AuditEvent)
            .where(table.tenant == tenant)
            .where(*(column == value for column, value in wanted.items() if value is not None))
            .order_by(table.at.desc(), table.id.desc())
            .limit(limit)
        )
        return self._database.read("list what was decided", lambda connection: fetch(connection, statement, AuditEvent))
