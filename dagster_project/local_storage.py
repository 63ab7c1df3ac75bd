"""Dagster's storage of a home in SQLite, with connections that are kept.

Belongs here: Dagster's own SQLite storages, which read and write the same files, opened once in a process. Dagster opens
and closes a file for every statement: of a run that is little data, writing its events was half of the cost.
Does not belong here: what is stored (Dagster's classes decide that), or PostgreSQL, whose storage keeps its connections.
"""

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dagster import StringSource
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData

BUSY_SECONDS = 30
OPEN_FILES = 8
"""A run has a file of its own; a process that shows many of them must not keep them all open."""


class KeptConnections:
    """A connection per SQLite file that stays open, and more while several are in use; of the files used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engines: OrderedDict[str, sa.Engine] = OrderedDict()

    def knows(self, url: str) -> bool:
        """Whether the file is open."""
        return url in self._engines

    @contextmanager
    def begin(self, url: str) -> Iterator[sa.Connection]:
        """A connection in a transaction, which is committed unless the block fails."""
        with self._engine(url).begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            while self._engines:
                self._engines.popitem()[1].dispose()

    def _engine(self, url: str) -> sa.Engine:
        with self._lock:
            engine = self._engines.get(url)
            if engine is None:
                engine = self._engines[url] = _open(url)
            self._engines.move_to_end(url)
            while len(self._engines) > OPEN_FILES:
                self._engines.popitem(last=False)[1].dispose()
            return engine


def _open(url: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=1, max_overflow=-1, connect_args={"timeout": BUSY_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: object) -> None:
        # A power cut may take the last events of a run with it, never the files: what counts is in the catalog.
        connection.execute("PRAGMA synchronous=NORMAL")

    return engine


def _create(file: Path, content: bytes) -> None:
    """Create a file with its content at once, unless another process was first."""
    new = file.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
    new.write_bytes(content)
    with suppress(FileExistsError):
        os.link(new, file)
    new.unlink()


class LocalEventLogStorage(SqliteEventLogStorage):
    """Dagster's event log in SQLite: a file per run, and one over all."""

    def __init__(self, base_dir: str) -> None:
        self._kept = KeptConnections()
        self._tables: set[str] = set()
        # What Dagster makes of a new run's file by going through all its migrations: always the same.
        self._new_file = b""
        super().__init__(base_dir)

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[sa.Connection]:
        """A connection to the file of a run."""
        url = self.conn_string_for_shard(run_id or "")
        if not self._kept.knows(url):
            file = Path(self.path_for_shard(run_id or ""))
            is_new = not file.exists()
            if is_new and self._new_file:
                _create(file, self._new_file)
            else:
                with super().run_connection(run_id) as connection:  # tables that are missing are made
                    if is_new:
                        self._new_file = connection.connection.driver_connection.serialize()
        return self._kept.begin(url)

    def index_connection(self) -> AbstractContextManager[sa.Connection]:
        """A connection to the file over all runs."""
        return self.run_connection("index")

    def has_table(self, table_name: str) -> bool:
        """Whether the file over all runs has a table; tables do not go away."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def store_event(self, event: EventLogEntry) -> None:
        """Store an event, and tell whoever watches the run's file: a file that stays open changes late."""
        super().store_event(event)
        os.utime(self.path_for_shard(event.run_id))

    def wipe(self) -> None:
        """Remove everything."""
        self._kept.close()
        super().wipe()

    def dispose(self) -> None:
        """Close all files."""
        super().dispose()
        self._kept.close()


class LocalRunStorage(SqliteRunStorage):
    """Dagster's runs in SQLite."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._kept = KeptConnections()
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[sa.Connection]:
        """A connection to the file."""
        with self._kept.begin(self._conn_string) as connection:
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        super().dispose()
        self._kept.close()


class LocalStorage(DagsterStorage, ConfigurableClass):
    """All of Dagster's storage under a home, where its default for SQLite has it.

    Args:
        base_dir: the home.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        history = Path(base_dir) / "history"
        self._inst_data = inst_data
        self._runs = LocalRunStorage.from_local(str(history))
        self._events = LocalEventLogStorage(str(history / "runs"))
        self._schedules = SqliteScheduleStorage.from_local(str(Path(base_dir) / "schedules"))
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Class and configuration, from which other processes make their own."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """What dagster.yaml says: where."""
        return {"base_dir": StringSource}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> "LocalStorage":
        """The storage that dagster.yaml describes."""
        return cls(inst_data=inst_data, **config_value)

    @property
    def event_log_storage(self) -> LocalEventLogStorage:
        """Events."""
        return self._events

    @property
    def run_storage(self) -> LocalRunStorage:
        """Runs."""
        return self._runs

    @property
    def schedule_storage(self) -> SqliteScheduleStorage:
        """Ticks and cursors of sensors and schedules."""
        return self._schedules
