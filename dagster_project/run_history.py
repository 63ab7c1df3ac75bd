"""What Dagster's own storage and the logs of a home may hold of a person, and taking it out when they are erased.

Belongs here: every text of every table of Dagster's storage (runs, events, ticks, cursors), and log files.
Does not belong here: anything else of erasure (`operations.erasure.erasure`), the list of places (`stores`).

Nothing of ours writes a person's id there on purpose but the key at which listing the lake was interrupted (the cursor of
the sensor, and its past ticks) and households in the configuration of a release run. But errors, versions of before and
whatever an operator typed get there too, so every text is looked at. What names the person is replaced in place: the
history of everybody else stays. Runs whose configuration names the person go as a whole; the catalog keeps what was
released.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import orjson
from sqlalchemy import Engine, MetaData, String, Table, create_engine, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from dagster_project.stores import files, store_of
from sensors.landed_objects import SweepCursor
from sensors.requests import RELEASE_JOB
from vitals.errors import TransientError
from vitals.raw.mentions import KEY, Mentions

READ_BATCH_SIZE = 2_000


@dataclass(frozen=True)
class RunHistory:
    """Dagster's storage of an instance, and the logs of its home."""

    instance: dg.DagsterInstance
    home: Path

    def keys(self) -> set[str]:
        """Keys of uploads that it names anywhere."""
        found: set[str] = set()
        for engine in self._engines():
            for _, rows in _texts(engine):
                for row in rows:
                    found.update(key for text in row[1:] if text for key in KEY.findall(text))
        return found

    def count(self, mentions: Mentions) -> int:
        """Rows and log files that name a person."""
        rows = sum(len(_changes(rows, mentions)) for engine in self._engines() for _, rows in _texts(engine))
        return rows + sum(bool(_lines(path, mentions)) for path in self._logs())

    def remove(self, mentions: Mentions) -> int:
        """Take a person out; number of runs, rows and log files that named them.

        Raises:
            TransientError: a file of the storage is being used; call it again.
        """
        with _patiently():
            found = self._reset_cursors(mentions) + self._delete_runs(mentions)
            found += sum(_redact(engine, mentions) for engine in self._engines())
            for path in self._logs():
                found += _overwrite(path, _lines(path, mentions))
            # Also where nothing was found now: whoever took it out before may have been killed before this.
            for file in self._sqlite_files():
                _rebuild(file)
        return found

    def foreign(self, mentions: Mentions) -> list[str]:
        """Files of the home that are not the installation's and name a person, or cannot be searched; names below it."""
        return [
            name
            for name, path in files(self.home)
            if store_of(name) is None and (b"\0" in _beginning(path) or _lines(path, mentions))
        ]

    def _reset_cursors(self, mentions: Mentions) -> int:
        found = 0
        for state in self.instance.all_instigator_state():
            data: Any = state.instigator_data
            cursor = SweepCursor.parse(getattr(data, "cursor", None))
            if not any(map(mentions.are_in, cursor.object_keys())):
                continue
            found += 1
            cursor.after.clear()  # listing begins anew: registering again changes nothing
            cursor.recent.clear()
            self.instance.update_instigator_state(state.with_data(data._replace(cursor=cursor.text())))
        return found

    def _delete_runs(self, mentions: Mentions) -> int:
        runs = self.instance.get_runs(dg.RunsFilter(job_name=RELEASE_JOB))
        named = [run.run_id for run in runs if mentions.are_in(orjson.dumps(run.run_config).decode())]
        for run_id in named:
            self.instance.delete_run(run_id)
        return len(named)

    def _engines(self) -> Iterator[Engine]:
        for file in self._sqlite_files():
            engine = create_engine(f"sqlite:///{file}", poolclass=NullPool, connect_args={"timeout": 30})
            try:
                yield engine
            finally:
                engine.dispose()
        storages = (self.instance.run_storage, self.instance.event_log_storage, self.instance.schedule_storage)
        servers: list[Engine | None] = [getattr(one, "_engine", None) for one in storages]
        yield from {str(each.url): each for each in servers if each is not None}.values()

    def _sqlite_files(self) -> list[Path]:
        return sorted([*self.home.glob("history/**/*.db"), *self.home.glob("schedules/**/*.db")])

    def _logs(self) -> list[Path]:
        return [path for name, path in files(self.home) if (store := store_of(name)) and store.name == "logs"]


@contextmanager
def _patiently() -> Iterator[None]:
    try:
        yield
    except (OperationalError, sqlite3.OperationalError):
        failure = TransientError(
            "take the person out of Dagster's storage",
            "history and schedules of the home",
            "somebody is using it",
            "Call it again; it goes on where it stopped.",
        )
    else:
        return
    raise failure


def _texts(engine: Engine) -> Iterator[tuple[Table, list[Sequence[Any]]]]:
    """Id and texts of rows, some at a time, of every table that has both; the table's columns in the same order."""
    metadata = MetaData()
    metadata.reflect(engine)
    for table in metadata.sorted_tables:
        columns = _columns(table)
        if "id" not in table.c or not columns:
            continue
        with engine.connect() as connection:
            for rows in connection.execute(select(table.c.id, *columns)).partitions(READ_BATCH_SIZE):
                yield table, [tuple(row) for row in rows]


def _columns(table: Table) -> list[Any]:
    """Columns of free text: not those by which rows are found."""
    found = [column for column in table.c if isinstance(column.type, String) and not column.primary_key]
    return [column for column in found if column.name not in _FOUND_BY]


_FOUND_BY = frozenset(
    {"run_id", "snapshot_id", "selector_id", "job_origin_id", "repository_origin_id", "run_storage_id"}
)


def _changes(rows: Sequence[Sequence[Any]], mentions: Mentions) -> dict[Any, dict[int, str]]:
    """Id of a row to its new texts, by place of the column, of the rows that name a person."""
    found: dict[Any, dict[int, str]] = {}
    for at in mentions.candidates(["\n".join(text or "" for text in row[1:]) for row in rows]):
        texts = {place: mentions.taken_out(text) for place, text in enumerate(rows[at][1:]) if text}
        if new := {place: text for place, text in texts.items() if text != rows[at][place + 1]}:
            found[rows[at][0]] = new
    return found


def _redact(engine: Engine, mentions: Mentions) -> int:
    changed = [
        (table, identity, new) for table, rows in _texts(engine) for identity, new in _changes(rows, mentions).items()
    ]
    with engine.begin() as connection:
        for table, identity, new in changed:
            columns = _columns(table)
            values = {columns[place].name: text for place, text in new.items()}
            connection.execute(update(table).where(table.c.id == identity).values(values))
    return len(changed)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(65_536)


def _lines(path: Path, mentions: Mentions) -> Mapping[int, bytes]:
    """Where lines of a file begin that name a person, and what takes their place: as many bytes."""
    found: dict[int, bytes] = {}
    with path.open("rb") as file:
        begin = 0
        while lines := file.readlines(1_000_000):
            texts = [line.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode() for line in lines]
            begins = [begin]
            for line in lines:
                begins.append(begins[-1] + len(line))
            for at in mentions.candidates(texts):
                out = mentions.taken_out(texts[at])
                if out != texts[at]:
                    length = len(lines[at].rstrip(b"\n"))
                    ending = lines[at][length:]
                    found[begins[at]] = out.rstrip("\n").encode()[:length].ljust(length) + ending
            begin = begins[-1]
    return found


def _overwrite(path: Path, lines: Mapping[int, bytes]) -> int:
    """Write lines over others in place: whoever appends to the file meanwhile loses nothing."""
    if lines:
        with path.open("r+b") as file:
            for begin, line in lines.items():
                file.seek(begin)
                file.write(line)
    return bool(lines)


def _rebuild(file: Path) -> None:
    """Deleted rows stay in free pages until a file is rebuilt."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
