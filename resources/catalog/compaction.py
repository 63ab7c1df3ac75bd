"""Compaction of the catalog, after which nothing that was deleted is left in its files.

Belongs here: free pages, write-ahead log and statistics of the two databases.
Does not belong here: deleting anything. The server's own write-ahead archive and backups are its operator's.
"""

import sqlite3
from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from resources.catalog.database import CatalogDatabase
from resources.catalog.models.every import METADATA
from vitals.errors import TransientError


def compact(database: CatalogDatabase) -> None:
    """Rewrite the catalog so that deleted rows are gone from its files. Doing it again does no harm.

    SQLite: the file is rebuilt and its log emptied. PostgreSQL: every table of ours is rewritten, and what the
    server samples of values (its statistics) is sampled anew.

    Raises:
        TransientError: somebody reads or writes at this moment; nothing is lost.
    """
    if database.dialect == "sqlite":
        _rebuild_sqlite(database)
    else:
        _rewrite_postgresql(database, METADATA.tables)


def _rebuild_sqlite(database: CatalogDatabase) -> None:
    connection = sqlite3.connect(database.file, isolation_level=None, timeout=30)
    try:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except sqlite3.OperationalError as error:
        failure = _busy(database, str(error))
    else:
        if not busy:
            return
        failure = _busy(database, "somebody is reading an older state of it")
    finally:
        connection.close()
    raise failure


def _rewrite_postgresql(database: CatalogDatabase, tables: Collection[str]) -> None:
    try:
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            for name in sorted(tables):
                connection.execute(text(f'VACUUM (FULL, ANALYZE) "{name}"'))
            # Older samples of values are dead rows of this one. Who may not rewrite it gets a warning, not an error.
            connection.execute(text("VACUUM (FULL) pg_catalog.pg_statistic"))
    except SQLAlchemyError as error:
        failure = database.explain(error, "compact the catalog")
    else:
        return
    raise failure


def _busy(database: CatalogDatabase, why: str) -> TransientError:
    return TransientError("compact the catalog", database.where, why, "Call it again; it goes on where it stopped.")
