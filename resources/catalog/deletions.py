"""Records that are presumed deleted.

Belongs here: the `presumed_deletion` table. Committing a batch changes it (`catalog_settlement`), so that it always says
what the row accounting says.
Does not belong here: what is evidence of a deletion (`vitals.validated.deletions`).
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import uploads as models
from resources.catalog.rows.uploads import PresumedDeletion
from resources.catalog.sql import chunks, fetch, selecting, values_of


class CatalogDeletions:
    """The presumed deletions of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def between(self, tenant: str, kind: str, *, first: date, last: date) -> Sequence[PresumedDeletion]:
        """List the records of a type presumed deleted whose rows stand on some UTC dates, by subject and record."""
        table = models.PresumedDeletion
        statement = (
            selecting(table, PresumedDeletion)
            .where(table.tenant == tenant, table.kind == kind, table.utc_date.between(first, last))
            .order_by(table.subject_id, table.record_id)
        )
        return self._database.read(
            "look up presumed deletions", lambda connection: fetch(connection, statement, PresumedDeletion)
        )

    def dates(self, tenant: str, kind: str) -> Sequence[date]:
        """List the UTC dates on which rows of records presumed deleted stand."""
        table = models.PresumedDeletion
        statement = (
            select(table.utc_date).where(table.tenant == tenant, table.kind == kind).distinct().order_by(table.utc_date)
        )
        return self._database.read("look up presumed deletions", lambda connection: list(connection.scalars(statement)))

    def count(self, tenant: str, kind: str) -> int:
        """Count the records of a type that are presumed deleted."""
        table = models.PresumedDeletion
        statement = select(func.count()).where(table.tenant == tenant, table.kind == kind)
        return self._database.read(
            "count presumed deletions", lambda connection: int(connection.execute(statement).scalar_one())
        )

    def refused(
        self, tenant: str, kind: str, record_ids: Iterable[str], *, without: Collection[str]
    ) -> Sequence[tuple[str, str, datetime]]:
        """List subject, record and fetch of rows of records that are in quarantine or wait for a person.

        Args:
            without: uploads whose rows are left out.
        """

        def work(connection: Connection) -> Sequence[tuple[str, str, datetime]]:
            found: list[tuple[str, str, datetime]] = []
            for table in (models.Quarantine, models.PartialRecord):
                statement = (
                    select(table.upload_id, table.subject_id, table.record_id, models.Upload.fetched_utc)
                    .join(models.Upload, models.Upload.upload_id == table.upload_id)
                    .where(table.tenant == tenant, table.kind == kind)
                )
                for some in chunks(record_ids):
                    found += [
                        (subject_id, record_id, fetched)
                        for upload_id, subject_id, record_id, fetched in connection.execute(
                            statement.where(table.record_id.in_(some))
                        )
                        if upload_id not in without and subject_id and record_id and fetched
                    ]
            return found

        return self._database.read("look up refused rows", work)


def replace_deletions(
    connection: Connection, *, deleted: Sequence[PresumedDeletion], restored: Sequence[PresumedDeletion]
) -> None:
    """Take records off the list and put others on it, in the transaction of a batch."""
    table = models.PresumedDeletion
    keys = ("tenant", "kind", "subject_id", "record_id")
    gone = [{f"gone_{key}": getattr(row, key) for key in keys} for row in [*deleted, *restored]]
    if gone:
        here = [getattr(table, key) == bindparam(f"gone_{key}") for key in keys]
        connection.execute(delete(table).where(*here), gone)
    if deleted:
        connection.execute(insert(table), [values_of(row) for row in deleted])
