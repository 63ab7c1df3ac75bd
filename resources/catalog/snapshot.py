"""A copy of what the catalog holds of one tenant, in a file of its own: for finding out what a change would do.

Belongs here: copying. Does not belong here: the change, or backups (a copy is not checked and not kept).

The copy holds external user ids; it lies in a folder of the caller, who removes it. Keys, sessions and the audit trail
are in no copy: nothing that is found out needs them.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import Connection, Table, insert, select

from resources.catalog.catalog import Catalog
from resources.catalog.models.every import METADATA

ROWS_AT_ONCE = 5_000

NOT_COPIED: Final = frozenset({"api_token", "audit_event"})


def copy_of(catalog: Catalog, tenant: str, folder: Path) -> Catalog:
    """Copy a tenant's rows into a SQLite catalog in a folder that only its owner may read.

    Args:
        catalog: SQLite or PostgreSQL.
        tenant: whose rows; those of a table without a tenant are not copied.
        folder: an existing folder.
    """
    copy = Catalog(f"sqlite:///{folder / 'catalog.db'}")
    copy.database.write("create the copy", METADATA.create_all)
    if catalog.database.dialect == "sqlite":
        _copy_file(catalog.database.file, copy.database.file, tenant)
    else:
        catalog.database.read("copy the catalog", lambda connection: _copy_rows(connection, copy, tenant))
    return copy


def _copied() -> list[tuple[Table, str]]:
    """Tables with the column that names the tenant; tables come after those that they refer to."""
    columns = {table: "name" if table.name == "tenant" else "tenant" for table in METADATA.sorted_tables}
    return [(t, column) for t, column in columns.items() if column in t.c and t.name not in NOT_COPIED]


def _copy_file(source: Path, target: Path, tenant: str) -> None:
    with closing(sqlite3.connect(target, isolation_level=None, uri=True)) as connection:
        connection.execute(f"ATTACH DATABASE 'file:{quote(str(source))}?mode=rw' AS source")
        connection.execute("BEGIN")
        for table, column in _copied():
            names = ", ".join(f'"{one.name}"' for one in table.columns)
            statement = f'INSERT INTO main."{table.name}" ({names}) SELECT {names} FROM source."{table.name}"'  # noqa: S608 - names of our own tables
            connection.execute(f'{statement} WHERE "{column}" = ?', [tenant])
        connection.execute("COMMIT")


def _copy_rows(source: Connection, copy: Catalog, tenant: str) -> None:
    for table, column in _copied():
        found = source.execute(select(table).where(table.c[column] == tenant))
        for rows in found.mappings().partitions(ROWS_AT_ONCE):
            values = [dict(row) for row in rows]
            statement = insert(table)
            copy.database.write("copy rows", lambda connection, s=statement, v=values: connection.execute(s, v))  # type: ignore[misc]
