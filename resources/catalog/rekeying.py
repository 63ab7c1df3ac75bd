"""Another subject key: every pseudonym and every digest of a key in the catalog is replaced, in one transaction.

Belongs here: finding them, in whatever table and column they stand, a table that is added later included.
Does not belong here: which ids become which (`operations.rekeying`), the lake.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Connection, MetaData, String, Table, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from resources.catalog.database import CatalogDatabase
from resources.catalog.models.every import METADATA
from resources.catalog.models.installation import Installation as InstallationTable
from resources.catalog.models.uploads import PresumedDeletion
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.installation import Installation
from resources.catalog.rows.uploads import FateShift
from resources.catalog.settlement import shift_fates
from resources.catalog.sql import values_of
from resources.catalog.stale_days import mark_stale

_AT_ONCE = 5_000
# Not with METADATA: it is no table of the catalog, and gone with the connection.
_IDS = Table(
    "rekeyed",
    MetaData(),
    Column("former", String(), primary_key=True),
    Column("new", String(), nullable=False),
    prefixes=["TEMPORARY"],
)


def rekey(
    database: CatalogDatabase,
    ids: Mapping[str, str],
    *,
    shifts: Mapping[str, FateShift],
    deletions: Iterable[tuple[str, str, str, str]],
    marks: Iterable[StaleMark],
    installation: Installation,
    now: datetime,
) -> None:
    """Replace ids, and everything that follows, all of it or nothing.

    Args:
        database: the catalog's.
        ids: former to new.
        shifts: upload, by its new id, to the rows of it whose fate is another.
        deletions: records presumed deleted that stand on another upload now: kind, person, record and upload.
        marks: days to compute or render again.
        installation: as it is with the new key.
        now: when.
    """
    try:
        with database.migrating() as connection:
            if database.dialect == "sqlite":
                connection.execute(text("PRAGMA secure_delete = ON"))
            _store(connection, ids)
            with _keys_deferred(connection):
                for table in METADATA.sorted_tables:
                    _replace_texts(connection, table)
                    _replace_json(connection, table, ids)
            shift_fates(connection, shifts)
            for kind, subject, record, upload in deletions:
                here = (PresumedDeletion.kind == kind, PresumedDeletion.subject_id == subject)
                statement = update(PresumedDeletion).where(*here, PresumedDeletion.record_id == record)
                connection.execute(statement.values(upload_id=upload))
            mark_stale(connection, database, list(marks), now=now)
            row = {**values_of(installation), "former_keys": list(installation.former_keys)}
            connection.execute(update(InstallationTable).values(row))
            connection.execute(text("DROP TABLE rekeyed"))
    except SQLAlchemyError as error:
        failure = database.explain(error, "change the ids of the catalog")
    else:
        return
    raise failure


def _store(connection: Connection, ids: Mapping[str, str]) -> None:
    _IDS.create(connection)
    rows = [{"former": former, "new": new} for former, new in sorted(ids.items())]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(_IDS), rows[start : start + _AT_ONCE])


class _keys_deferred:  # noqa: N801 - a context manager
    """PostgreSQL checks foreign keys row by row unless told otherwise; the migration's connection of SQLite does not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys = [
            (table.name, str(key.name))
            for table in METADATA.sorted_tables
            for key in table.foreign_key_constraints
            if connection.dialect.name == "postgresql"
        ]

    def __enter__(self) -> None:
        for table, key in self._keys:
            self._connection.execute(text(f"ALTER TABLE {table} ALTER CONSTRAINT {key} DEFERRABLE INITIALLY DEFERRED"))

    def __exit__(self, failed: object, *_: object) -> None:
        if failed is not None or not self._keys:
            return
        self._connection.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        for table, key in self._keys:
            self._connection.execute(text(f"ALTER TABLE {table} ALTER CONSTRAINT {key} NOT DEFERRABLE"))


def _replace_texts(connection: Connection, table: Table) -> None:
    for column in table.columns:
        if not isinstance(column.type, String):
            continue
        new = select(_IDS.c.new).where(_IDS.c.former == column).scalar_subquery()
        known = column.in_(select(_IDS.c.former))
        connection.execute(update(table).where(known).values({column.name: new}))


def _replace_json(connection: Connection, table: Table, ids: Mapping[str, str]) -> None:
    columns = [column for column in table.columns if isinstance(column.type, JSON)]
    if not columns:
        return
    keys = list(table.primary_key.columns)
    for row in connection.execute(select(*keys, *columns)).mappings().all():
        changed = {c.name: new for c in columns if (new := _replaced(row[c.name], ids)) != row[c.name]}
        if changed:
            connection.execute(update(table).where(*(key == row[key.name] for key in keys)).values(changed))


def _replaced(value: Any, ids: Mapping[str, str]) -> Any:
    """A JSON value in which every string that is an id, names of members included, is the new one."""
    if isinstance(value, str):
        return ids.get(value, value)
    if isinstance(value, Mapping):
        return {ids.get(name, name): _replaced(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [_replaced(one, ids) for one in value]
    return value
