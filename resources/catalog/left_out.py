"""What is left out of the books: entries below `raw/` that are no objects, cannot be read, or are not due yet.

Belongs here: the `left_out` table, which says so until a listing finds them otherwise.
Does not belong here: why something is left out (`resources.lake.listing`, `pipeline.registration`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.rows.uploads import LeftOut
from resources.catalog.sql import chunks, fetch, selecting


class CatalogLeftOut:
    """What the books of a catalog leave out."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def note(self, tenant: str, reasons: Mapping[str, str], *, entered: Iterable[str] = (), now: datetime) -> None:
        """Note what a listing left out.

        Args:
            tenant: whose.
            reasons: why, by key.
            entered: keys that are in the books now.
            now: when it was listed.
        """
        table = models.LeftOut
        rows = [
            {"tenant": tenant, "key": key, "why": why, "first_seen": now, "last_seen": now}
            for key, why in sorted(reasons.items())
        ]
        insert = self._database.insert(table)
        statement = insert.on_conflict_do_update(
            index_elements=["tenant", "key"], set_={"why": insert.excluded.why, "last_seen": insert.excluded.last_seen}
        )
        gone = [key for key in entered if key not in reasons]

        def work(connection: Connection) -> None:
            if rows:
                connection.execute(statement, rows)
            for some in chunks(gone):
                connection.execute(delete(table).where(table.tenant == tenant, table.key.in_(some)))

        if rows or gone:
            self._database.write("note what is left out", work)

    def forget(self, tenant: str, *, not_seen_since: datetime) -> None:
        """Forget what a whole listing since an instant did not find any more."""
        table = models.LeftOut
        statement = delete(table).where(table.tenant == tenant, table.last_seen < not_seen_since)
        self._database.write("note what is left out", lambda connection: connection.execute(statement))

    def list(self, tenant: str) -> Sequence[LeftOut]:
        """What is left out, by key."""
        table = models.LeftOut
        statement = selecting(table, LeftOut).where(table.tenant == tenant).order_by(table.key)
        return self._database.read("list what is left out", lambda connection: fetch(connection, statement, LeftOut))
