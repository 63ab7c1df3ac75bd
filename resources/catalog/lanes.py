"""Lanes: one holder at a time across processes and machines, or several who share it, until they let go or die.

Belongs here: mutual exclusion that a dead holder cannot leave behind. On SQLite all holders share a file
system, so it is a lock of the operating system on a file beside the database; on PostgreSQL it is an advisory
lock of a session of its own. The kernel, or the server, frees it with the process.
Does not belong here: what is done in a lane.

A holder whose connection breaks loses its lane without noticing. So a lane prevents wasted work; what keeps
the books right is the run id that `settle` checks.
"""

import fcntl
import hashlib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from resources.catalog.database import CatalogDatabase
from vitals.errors import UsageError

_LANE_NAME = re.compile(r"[A-Za-z0-9._:@=-]{1,120}")


@contextmanager
def exclusive(database: CatalogDatabase, lane: str, *, wait: bool) -> Iterator[bool]:
    """Hold a lane. Not reentrant: a second request by the same process is refused, or waits for ever.

    Args:
        database: where the lane is kept.
        lane: letters, digits and `._:@=-`, at most 120.
        wait: wait until it is free; otherwise say so at once.

    Yields:
        Whether the lane is held; always True with `wait`.

    Raises:
        UsageError: the name does not fit.
        TransientError: the database is out of reach.
    """
    with _hold(database, lane, wait=wait, alone=True) as held:
        yield held


@contextmanager
def shared(database: CatalogDatabase, lane: str) -> Iterator[None]:
    """Hold a lane together with all others who share it; waits while somebody holds it alone, or waits to.

    Args:
        database: where the lane is kept.
        lane: as for `exclusive`. Not reentrant either: somebody may come to wait between the two requests.

    Raises:
        UsageError: the name does not fit.
        TransientError: the database is out of reach.
    """
    with _hold(database, lane, wait=True, alone=False):
        yield


def _hold(database: CatalogDatabase, lane: str, *, wait: bool, alone: bool) -> AbstractContextManager[bool]:
    if not _LANE_NAME.fullmatch(lane):
        raise UsageError("enter a lane", repr(lane), "the name does not fit", "Use letters, digits and ._:@=- only.")
    hold = _hold_file if database.dialect == "sqlite" else _hold_session
    return hold(database, lane, wait=wait, alone=alone)


@contextmanager
def _hold_file(database: CatalogDatabase, lane: str, *, wait: bool, alone: bool) -> Iterator[bool]:
    folder = Path(database.file.parent, "locks")
    folder.mkdir(parents=True, exist_ok=True)
    # Never deleted: a holder of the deleted file and one of its successor would both hold the lane.
    with (folder / f"{lane}.lock").open("a") as file:
        # The kernel lets sharers pass whoever waits to be alone, for ever if there are enough of them. So everybody
        # comes through a gate, one at a time, and whoever waits for the lane waits in the gate.
        with (folder / f"{lane}.gate").open("a") as gate:
            modes = ((gate, fcntl.LOCK_EX), (file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
            held = all(_lock_file(one, mode, wait=wait) for one, mode in modes)
        yield held


def _lock_file(file: IO[str], mode: int, *, wait: bool) -> bool:
    """Whether the file is locked now; closing it unlocks it."""
    try:
        fcntl.flock(file, mode if wait else mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _hold_session(database: CatalogDatabase, lane: str, *, wait: bool, alone: bool) -> Iterator[bool]:
    kind = "" if alone else "_shared"
    key = int.from_bytes(hashlib.sha256(f"vitalgraph:{lane}".encode()).digest()[:8], signed=True)
    # Outside the pool: a lane is held for a whole run, and closing its connection must end the session.
    engine = create_engine(
        database.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "vitalgraph lane"},
    )

    def acquire() -> tuple[Connection, bool]:
        connection = engine.connect()
        try:
            # A holder whose machine vanished frees the lane in about a minute, not in two hours.
            for name, value in (("idle", 30), ("interval", 10), ("count", 3)):
                connection.execute(text(f"SET tcp_keepalives_{name} = {value}"))
            # Limits that a server sets for queries are not meant for waiting in a lane.
            connection.execute(text("SET statement_timeout = 0"))
            connection.execute(text("SET lock_timeout = 0"))
            if wait:
                connection.execute(text(f"SELECT pg_advisory_lock{kind}(:key)"), {"key": key})
                return connection, True
            tried = connection.scalar(text(f"SELECT pg_try_advisory_lock{kind}(:key)"), {"key": key})
            return connection, bool(tried)
        except BaseException:
            connection.close()
            raise

    connection, held = database.retrying("enter a lane", acquire)
    try:
        yield held
    finally:
        # The end of the session frees the lane, but only when the server gets to it: whoever comes next need not
        # wait for that. A connection that is already broken has freed it.
        with suppress(SQLAlchemyError):
            if held:
                connection.execute(text(f"SELECT pg_advisory_unlock{kind}(:key)"), {"key": key})
        with suppress(SQLAlchemyError):
            connection.close()
