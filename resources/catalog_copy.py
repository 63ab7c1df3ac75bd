"""A copy of the catalog in a file of its own: for finding out what a change would do.

Belongs here: copying. Does not belong here: the change, or backups (a copy is not checked and not kept).

The copy holds what the catalog holds, external user ids included; it lies in a folder of the caller, who removes it.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, insert, select

from resources.catalog import Catalog
from resources.catalog_models.every import METADATA

ROWS_AT_ONCE = 5_000


def copy_of(catalog: Catalog, folder: Path) -> Catalog:
    """A SQLite catalog with the same rows, in a folder that only its owner may read.

    Args:
        catalog: SQLite or PostgreSQL.
        folder: an existing folder.
    """
    copy = Catalog(f"sqlite:///{folder / 'catalog.db'}")
    if catalog.database.dialect == "sqlite":
        with (
            closing(sqlite3.connect(catalog.database.file)) as source,
            closing(sqlite3.connect(copy.database.file)) as target,
        ):
            source.backup(target)
        return copy
    copy.database.write("create the copy", METADATA.create_all)
    catalog.database.read("copy the catalog", lambda connection: _copy_rows(connection, copy))
    return copy


def _copy_rows(source: Connection, copy: Catalog) -> None:
    for table in METADATA.sorted_tables:
        for rows in source.execute(select(table)).mappings().partitions(ROWS_AT_ONCE):
            values = [dict(row) for row in rows]
            statement = insert(table)
            copy.database.write("copy rows", lambda connection, s=statement, v=values: connection.execute(s, v))  # type: ignore[misc]
