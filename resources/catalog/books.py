"""The books: counts of uploads and of their rows, added up by the database.

Belongs here: sums over the `upload` table. Does not belong here: changing it (`catalog_uploads`).
"""

from collections.abc import Collection, Iterable
from datetime import date

from sqlalchemy import ColumnElement, func, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models.uploads import Upload
from resources.catalog.outcomes import COUNTS
from resources.catalog.rows.uploads import KindTotals, UploadGroup, UploadState

_TOTALS = ("uploads", *(name.removeprefix("rows_") for name in COUNTS))


class CatalogBooks:
    """Sums over the uploads of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def totals(
        self, tenant: str, *, kind: str | None = None, without: Collection[str] = ()
    ) -> dict[str | None, KindTotals]:
        """The books by kind, or of one kind alone; None holds uploads of no kind we know.

        Args:
            tenant: whose books.
            kind: None for all.
            without: pseudonyms of people whose uploads are left out.
        """
        table = Upload
        wanted = [] if kind is None else [table.kind == kind]
        if without:
            wanted.append(table.subject_id.is_(None) | table.subject_id.not_in(sorted(without)))
        statement = (
            select(table.kind, func.count(), *_sums_of_counts())
            .where(table.tenant == tenant, *wanted)
            .group_by(table.kind)
        )
        found = self._database.read("add up the books", lambda connection: connection.execute(statement).all())
        return {row[0]: KindTotals(**dict(zip(_TOTALS, map(int, row[1:]), strict=True))) for row in found}

    def groups(self, tenant: str, *, kind: str, landing_day: date) -> list[UploadGroup]:
        """The books of one kind and landing day, added up by what became of the files."""
        table = Upload
        alike = (table.state, table.reason, table.schema_hash, table.score)
        statement = (
            select(*alike, func.count(), *_sums_of_counts())
            .where(table.tenant == tenant, table.landing_day == landing_day, table.kind == kind)
            .group_by(*alike)
            .order_by(*alike)
        )
        found = self._database.read("add up the books", lambda connection: connection.execute(statement).all())
        return [
            UploadGroup(
                state=state,  # type: ignore[arg-type]
                reason=reason,
                schema_hash=schema_hash,
                score=score,
                **dict(zip(_TOTALS, map(int, counts), strict=True)),
            )
            for state, reason, schema_hash, score, *counts in found
        ]

    def unbalanced(self, tenant: str, *, kind: str, landing_day: date, states: Iterable[UploadState]) -> list[str]:
        """Ids of uploads in these states whose rows do not add up; a constraint should have refused them."""
        table = Upload
        fates = [getattr(table, name) for name in COUNTS if name != "rows_total"]
        statement = (
            select(table.upload_id)
            .where(table.tenant == tenant, table.landing_day == landing_day, table.kind == kind)
            .where(table.state.in_(states), table.rows_total != sum(fates[1:], start=fates[0]))
            .order_by(table.upload_id)
        )
        return self._database.read("add up the books", lambda connection: list(connection.scalars(statement)))


def _sums_of_counts() -> list[ColumnElement[int]]:
    return [func.coalesce(func.sum(getattr(Upload, name)), 0) for name in COUNTS]
