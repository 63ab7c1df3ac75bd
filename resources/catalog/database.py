"""The catalog's connection: engines, transactions with bounded retries, errors in our own words.

Belongs here: what differs between SQLite and PostgreSQL, and nothing about any table.
Does not belong here: queries, migrations, lanes.

Driver errors quote the values of the row that failed, and a row holds people's ids. So no driver error
leaves this module, not even as the cause of ours: only the name of the constraint or the SQLSTATE does.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

import psycopg
from sqlalchemy import ColumnElement, Connection, Engine, Table, case, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import ConnectionPoolEntry

from resources.catalog.models.base import Base
from resources.catalog.row_security import say_whose
from vitals.errors import PermanentError, TransientError, UsageError

POOL_SIZE = 20
MAX_OVERFLOW = 30
BUSY_TIMEOUT_MS = 10_000
ATTEMPTS = 5
FIRST_DELAY_SECONDS = 0.05

_SQLITE_TRANSIENT = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
}
# Classes of SQLSTATE: connection, transaction rollback (deadlock), resources, lock not available, operator.
_POSTGRESQL_TRANSIENT = ("08", "40", "53", "55P03", "57")
_UNDEFINED_TABLE = "42P01"

Insert = sqlite.Insert | postgresql.Insert
T = TypeVar("T")


class CatalogDatabase:
    """One SQL database: `read` and `write` run a function in a transaction and retry what may pass.

    Args:
        url: SQLAlchemy URL, `sqlite:///path` or `postgresql://…`.
        pool_size: connections kept open.
        max_overflow: connections opened beyond those under load.
        sleep: waits between attempts, in seconds.

    Raises:
        UsageError: the URL is neither, or names a SQLite database in memory, which processes cannot share.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = POOL_SIZE,
        max_overflow: int = MAX_OVERFLOW,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        try:
            parsed = make_url(url)
        except (ArgumentError, ValueError):
            # ValueError: a port that is no number.
            raise UsageError(
                "open the catalog", "VITALGRAPH_CATALOG", "it is no database URL", "Write sqlite:///path."
            ) from None
        backend = parsed.get_backend_name()
        options: dict[str, Any] = {}
        if backend == "sqlite":
            if parsed.database in {None, "", ":memory:"}:
                raise UsageError(
                    "open the catalog",
                    "VITALGRAPH_CATALOG",
                    "a database in memory cannot be shared by processes",
                    "Name a file: sqlite:///path.",
                )
        elif backend in {"postgresql", "postgres"}:
            parsed = parsed.set(drivername="postgresql+psycopg")
            options = {
                "pool_pre_ping": True,
                "connect_args": {"connect_timeout": 10, "application_name": "vitalgraph"},
            }
        else:
            raise UsageError(
                "open the catalog",
                "VITALGRAPH_CATALOG",
                f"{backend} is not supported",
                "Use sqlite:///path or postgresql://….",
            )
        self.url = parsed
        self.dialect: Literal["sqlite", "postgresql"] = "sqlite" if backend == "sqlite" else "postgresql"
        # A query may hold a password as well.
        plain = parsed.set(query=dict.fromkeys(parsed.query, "***"))
        self.where = f"catalog {plain.render_as_string(hide_password=True)}"
        self._sleep = sleep
        self.engine = create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=max_overflow,
            # A message with parameters would quote people's ids.
            hide_parameters=True,
            # Plain JSON has no NaN, and PostgreSQL refuses it; ASCII escapes survive both databases as they are.
            json_serializer=partial(json.dumps, allow_nan=False, separators=(",", ":"), sort_keys=True),
            **options,
        )
        self._writer = self.engine.execution_options(writes=True)
        if self.dialect == "sqlite":
            _create_private_file(self.file)
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    def of_tenant(self, tenant: str) -> "CatalogDatabase":
        """The same database and connections for one tenant: PostgreSQL then shows and takes no row of another."""
        scoped = copy(self)
        scoped.engine = self.engine.execution_options(tenant=tenant)
        scoped._writer = scoped.engine.execution_options(writes=True)  # noqa: SLF001 - a copy of this very class
        return scoped

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return Path(str(self.url.database)).absolute()

    def read(self, attempted: str, work: Callable[[Connection], T]) -> T:
        """Result of `work` in a transaction that only reads."""
        return self.retrying(attempted, lambda: _in_transaction(self.engine, work))

    def write(self, attempted: str, work: Callable[[Connection], T]) -> T:
        """Result of `work` in a transaction, all of it or nothing. `work` may run again, so it must be repeatable.

        Raises:
            TransientError: the database was locked or out of reach at every attempt.
            PermanentError: a constraint or the database refused it.
        """
        return self.retrying(attempted, lambda: _in_transaction(self._writer, work))

    def retrying(self, attempted: str, work: Callable[[], T]) -> T:
        """Result of `work`, tried again with growing, jittered waits while what fails may pass."""
        attempt = 0
        while True:
            attempt += 1
            try:
                return work()
            except (SQLAlchemyError, ValueError, OverflowError) as error:
                failure = self.explain(error, attempted)
            # Raised outside the handler: the driver's message would travel along as the context.
            if isinstance(failure, PermanentError) or attempt == ATTEMPTS:
                raise failure
            ceiling = FIRST_DELAY_SECONDS * 2**attempt
            self._sleep(ceiling / 2 + ceiling / 2 * secrets.randbelow(1000) / 1000)

    def explain(self, error: Exception, attempted: str) -> PermanentError | TransientError:
        """A driver's error, or that of a value no driver takes, in our words and without the value."""
        cause = error.orig if isinstance(error, DBAPIError) else None
        if isinstance(error, PoolTimeoutError):
            return self._busy(attempted, "every connection of the pool is taken")
        if isinstance(cause, sqlite3.Error):
            return self._explain_sqlite(cause, attempted)
        if isinstance(cause, psycopg.Error):
            return self._explain_postgresql(cause, attempted, lost=error.connection_invalidated)  # type: ignore[attr-defined]
        return PermanentError(
            attempted,
            self.where,
            f"a value cannot be stored ({type(error).__name__})",
            "This is a defect in the caller; report it.",
        )

    def _explain_sqlite(self, cause: sqlite3.Error, attempted: str) -> PermanentError | TransientError:
        # SQLite's own text names tables, columns and constraints, never values.
        why = str(cause)
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_TRANSIENT:
            return self._busy(attempted, why)
        if why.startswith("no such table"):
            return self._not_migrated(attempted)
        return self._refused(attempted, why)

    def _explain_postgresql(
        self, cause: psycopg.Error, attempted: str, *, lost: bool
    ) -> PermanentError | TransientError:
        state = cause.sqlstate
        if state is None and isinstance(cause, psycopg.OperationalError):
            # From the connection, not from a statement: names the server, the database and its user only.
            return self._busy(attempted, " ".join(str(cause).split()))
        if lost or (state or "").startswith(_POSTGRESQL_TRANSIENT):
            return self._busy(attempted, f"{type(cause).__name__}, SQLSTATE {state}")
        if state == _UNDEFINED_TABLE:
            return self._not_migrated(attempted)
        return self._refused(attempted, f"{type(cause).__name__}, constraint {cause.diag.constraint_name}")

    def _busy(self, attempted: str, why: str) -> TransientError:
        return TransientError(attempted, self.where, why, "Try again; if it lasts, see what holds the database.")

    def _refused(self, attempted: str, why: str) -> PermanentError:
        return PermanentError(attempted, self.where, f"the database refused it ({why})", "Correct what is written.")

    def _not_migrated(self, attempted: str) -> PermanentError:
        return PermanentError(attempted, self.where, "its tables are not there", "Run `vitalgraph db upgrade`.")

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A connection in a transaction that may rebuild tables.

        SQLite alters a table by copying and dropping it, which foreign keys would take for a deletion of its
        rows. So they are off, which is possible only outside a transaction, and checked at the end.
        """
        with self._writer.connect() as connection:
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                driver.execute("PRAGMA foreign_keys = OFF")
            try:
                with connection.begin():
                    say_whose(connection, None)
                    yield connection
                    if self.dialect == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                        raise PermanentError(
                            "migrate the catalog",
                            self.where,
                            "rows would refer to others that are gone",
                            "Nothing was changed; the revision is wrong.",
                        )
            finally:
                if isinstance(driver, sqlite3.Connection):
                    driver.execute("PRAGMA foreign_keys = ON")

    def insert(self, model: type[Base]) -> Insert:
        """An INSERT that can say ON CONFLICT, in the database's dialect."""
        return sqlite.insert(model) if self.dialect == "sqlite" else postgresql.insert(model)

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


def least(a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
    """The smaller of two values; SQLite and PostgreSQL have different functions for it."""
    return case((a < b, a), else_=b)


def greatest(a: ColumnElement[Any], b: ColumnElement[Any]) -> ColumnElement[Any]:
    """The greater of two values."""
    return case((a > b, a), else_=b)


def _in_transaction(engine: Engine, work: Callable[[Connection], T]) -> T:
    with engine.begin() as connection:
        say_whose(connection, connection.get_execution_options().get("tenant"))
        return work(connection)


def _create_private_file(path: Path) -> None:
    """The log and shared-memory files of SQLite inherit the mode of the database: people's ids are in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600, exist_ok=True)


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions late and by itself; `_begin_sqlite` says when and how.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that first reads and then writes cannot wait for another writer: it fails at once.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def table_of(model: type[Base]) -> Table:
    """The table of a model."""
    table = model.__table__
    assert isinstance(table, Table)
    return table
