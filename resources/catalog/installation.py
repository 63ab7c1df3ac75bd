"""The installation that a catalog belongs to.

Belongs here: the one row of the `installation` table, and whether the catalog holds anything.
Does not belong here: keys, lakes, what to do when they do not fit (`dagster_project.identity`).
"""

from typing import Any

from sqlalchemy import Connection, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import installation as models
from resources.catalog.models import people, uploads
from resources.catalog.rows.installation import Installation
from resources.catalog.sql import fetch, selecting, values_of

_ONLY = 1


class CatalogInstallation:
    """Whose catalog it is."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def get(self) -> Installation | None:
        """The installation; None if the catalog has not been taken into use, or not since there is such a row."""
        return self._database.read("look up the installation", _row)

    def begin(self, row: Installation) -> Installation:
        """Enter the installation, unless another process was first; the one that counts."""
        statement = self._database.insert(models.Installation).on_conflict_do_nothing()

        def work(connection: Connection) -> Installation:
            connection.execute(statement, [{"id": _ONLY, **_values(row)}])
            found = _row(connection)
            assert found is not None
            return found

        return self._database.write("enter the installation", work)

    def change(self, row: Installation) -> None:
        """Replace what is entered."""
        statement = update(models.Installation).values(_values(row))
        self._database.write("change the installation", lambda connection: connection.execute(statement))

    def somebody(self) -> tuple[str, str, str] | None:
        """Tenant, external user id and pseudonym of somebody who is known; None if nobody is."""
        table = people.Subject
        statement = select(table.tenant, table.external_user, table.subject_id).order_by(table.subject_id).limit(1)
        found = self._database.read("look up somebody", lambda connection: connection.execute(statement).first())
        return None if found is None else (found[0], found[1], found[2])

    def some_key(self) -> tuple[str, str] | None:
        """Key of an upload and its digest as the books have it; None if there is none whose key is kept."""
        table = uploads.Upload
        statement = select(table.key, table.key_sha256).where(table.kind.is_not(None)).limit(1)
        found = self._database.read("look up an upload", lambda connection: connection.execute(statement).first())
        return None if found is None else (found[0], found[1])

    def has_uploads(self, tenant: str | None = None) -> bool:
        """Whether anything is in the books: of a tenant, or at all."""
        statement = select(uploads.Upload.upload_id).limit(1)
        if tenant is not None:
            statement = statement.where(uploads.Upload.tenant == tenant)
        return self._database.read("look for uploads", lambda connection: connection.scalar(statement)) is not None


def _values(row: Installation) -> dict[str, Any]:
    return {**values_of(row), "former_keys": list(row.former_keys)}


def _row(connection: Connection) -> Installation | None:
    found = fetch(connection, selecting(models.Installation, Installation), Installation)
    return found[0] if found else None
