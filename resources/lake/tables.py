"""Delta tables of a lake, partitioned by one date column.

Belongs here: reading and writing tables, commits and what to do when two writers meet.
Does not belong here: what a table holds, or when its partitions are rewritten.

Writers that touch different partitions do not disturb each other: deltalake puts the commit of the second on
top of the first. Two that replace the same partition, or create the table at once, do conflict: the loser
reads the table again and does its work again, so the later one wins as if it had run alone.
"""

import random
import time
import uuid
from collections.abc import Callable, Collection
from datetime import date
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from resources.lake.access import Root
from resources.lake.errors import attempt
from resources.lake.keys import checked_table
from resources.lake.listed import (
    READ_CASTS,
    UnstorableTypeError,
    fits,
    millisecond_type,
    reading_type,
    storage_type,
)
from vitals.errors import NotFoundError, PermanentError, TransientError, UsageError

COMMIT_ATTEMPTS = 12
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0

_WRITE_ID = "vitalgraphWrite"
WRITER_PROPERTIES = WriterProperties(compression="ZSTD", max_row_group_size=65_536)
"""Row groups are what a reader skips: small enough that one person's rows of a large table are few of them."""


class Tables:
    """Delta tables of one lake, by name."""

    def __init__(self, root: Root, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._root = root
        self._sleep = sleep
        self._delta_options = root.s3.delta_options() if root.s3 else None
        self._polars_options = root.s3.polars_options() if root.s3 else None

    def open(self, table: str) -> DeltaTable | None:
        """The table as it stands now, or None if there is none."""
        uri = f"{self._root.url}/{checked_table(table)}"

        def load() -> DeltaTable | None:
            try:
                return DeltaTable(uri, storage_options=self._delta_options)
            except TableNotFoundError:
                # deltalake calls a folder that it may not read a missing table, too. And the table may just
                # have been created. Looking for its log tells all three apart.
                if not self._has_log(table):
                    return None
            return DeltaTable(uri, storage_options=self._delta_options)

        return attempt(load, attempted="open the table", where=table)

    def scan(
        self, table: str, *, schema: pl.Schema | None, partitions: tuple[str, Collection[date]] | None
    ) -> pl.LazyFrame:
        """Rows of the table as it stands now (see `Lake.scan`, `Lake.table`)."""
        opened = self.open(table)
        if opened is None:
            if schema is None:
                raise NotFoundError("read the table", table, "it does not exist", "Check its name.")
            return pl.LazyFrame(schema=schema)
        stored = pl.Schema(opened.schema())
        if schema is None:
            schema = pl.Schema({name: millisecond_type(dtype) for name, dtype in stored.items()})
        if partitions is not None:
            _check_partition_column(opened, table, partitions[0])
        files = self._files(opened, table, partitions)
        if not files:
            return pl.LazyFrame(schema=schema)
        reading = {n: reading_type(schema[n], dtype) if n in schema else dtype for n, dtype in stored.items()}
        by = opened.metadata().partition_columns
        found = attempt(
            lambda: pl.scan_parquet(
                files,
                schema=reading,
                hive_partitioning=True,
                hive_schema={name: stored[name] for name in by},
                missing_columns="insert",
                extra_columns="ignore",
                cast_options=READ_CASTS,
                glob=False,
                storage_options=self._polars_options,
                credential_provider="auto" if self._lacks_credentials else None,
            ),
            attempted="read the table",
            where=table,
        )
        return found.select(_column(name, dtype, reading.get(name)) for name, dtype in schema.items())

    def append(self, table: str, frame: pl.DataFrame, *, partition_by: str) -> None:
        """Add rows (see `Lake.append`)."""
        if frame.is_empty():
            return
        rows = _storable(table, frame, partition_by)
        # A commit whose answer was lost looks like a conflict with somebody else's; the id tells that it is ours.
        write_id = uuid.uuid4().hex
        mark = {_WRITE_ID: write_id}

        def write(opened: DeltaTable | None) -> None:
            self._write(table, opened, rows, partition_by=partition_by, mark=mark)

        self._commit(table, write, landed=lambda opened, since: _has_write(opened, write_id, since))

    def replace(self, table: str, frame: pl.DataFrame, *, partition_by: str, values: Collection[date]) -> None:
        """Replace partitions (see `Lake.replace`)."""
        rows = _storable(table, frame, partition_by)
        wanted = sorted(set(values))
        if not set(rows.get_column(partition_by).unique().to_list()) <= set(wanted):
            why = f"the frame has rows of other partitions than the {len(wanted)} to be replaced"
            raise UsageError("replace partitions", table, why, "Filter the frame, or name all its dates.")
        if not wanted:
            return
        days = ", ".join(f"'{day.isoformat()}'" for day in wanted)
        predicate = f'"{partition_by}" IN ({days})'

        def write(opened: DeltaTable | None) -> None:
            if opened is not None and rows.is_empty() and not self._files(opened, table, (partition_by, wanted)):
                return
            self._write(table, opened, rows, partition_by=partition_by, predicate=predicate)

        self._commit(table, write, landed=None)

    def files_in(self, table: str, *, partition_by: str, values: Collection[date]) -> int:
        """Number of live data files (see `Lake.files_in`)."""
        opened = self.open(table)
        if opened is None:
            return 0
        _check_partition_column(opened, table, partition_by)
        return len(self._files(opened, table, (partition_by, values)))

    def partitions(self, table: str, *, partition_by: str) -> set[date]:
        """Dates of partitions (see `Lake.partitions`)."""
        opened = self.open(table)
        if opened is None:
            return set()
        _check_partition_column(opened, table, partition_by)
        found = attempt(opened.partitions, attempted="read the table's log", where=table)
        return {date.fromisoformat(str(one[partition_by])) for one in found}

    def partitioned_by(self, table: str) -> str | None:
        """Name of a table's partition column (see `Lake.partitioned_by`)."""
        opened = self.open(table)
        return None if opened is None else str(opened.metadata().partition_columns[0])

    def version(self, table: str) -> int | None:
        """Version (see `Lake.version`)."""
        opened = self.open(table)
        return None if opened is None else opened.version()

    @property
    def _lacks_credentials(self) -> bool:
        return self._root.s3 is not None and self._root.s3.access_key_id is None

    def _has_log(self, table: str) -> bool:
        """Whether a local table has a commit; not looked up in S3, whose answers are unambiguous."""
        if self._root.folder is None:
            return False
        log = self._root.folder / table / "_delta_log"
        return log.exists() and any(path.suffix == ".json" for path in log.iterdir())

    def _files(self, opened: DeltaTable, table: str, partitions: tuple[str, Collection[date]] | None) -> list[str]:
        """Live data files, those of the given partitions only; sorted, so that partitions come in order."""
        if partitions is None:
            uris = attempt(opened.file_uris, attempted="read the table's log", where=table)
        else:
            pruning = [(partitions[0], "in", sorted(set(partitions[1])))]
            uris = attempt(
                lambda: opened.file_uris(file_pruning_predicate=pruning), attempted="read the table's log", where=table
            )
        # Local paths come percent-encoded although they have no scheme.
        return sorted(unquote(uri) if self._root.folder else uri for uri in uris)

    def _write(
        self,
        table: str,
        opened: DeltaTable | None,
        rows: pl.DataFrame,
        *,
        partition_by: str,
        predicate: str | None = None,
        mark: dict[str, str] | None = None,
    ) -> None:
        """One commit, creating the table if it does not exist; with a predicate it replaces what fits that."""
        merge = False
        if opened is not None:
            _check_partition_column(opened, table, partition_by)
            merge = _needs_merge(opened, table, rows)
        how: dict[str, Any] = {"mode": "append"}
        if predicate is not None:
            how = {"mode": "overwrite", "predicate": predicate}
        write_deltalake(
            f"{self._root.url}/{table}" if opened is None else opened,
            rows,
            partition_by=partition_by,
            schema_mode="merge" if merge else None,
            storage_options=self._delta_options,
            writer_properties=WRITER_PROPERTIES,
            # When the table appears meanwhile, deltalake puts its commit on top without looking whether the two
            # go together: two replacements of one partition would both stay.
            commit_properties=CommitProperties(custom_metadata=mark, max_commit_retries=0 if opened is None else None),
            **how,
        )

    def _commit(
        self,
        table: str,
        write: Callable[[DeltaTable | None], None],
        *,
        landed: Callable[[DeltaTable, int], bool] | None,
    ) -> None:
        """Write, again on top of what others wrote meanwhile, until it is committed.

        Args:
            table: its name.
            write: does the work on the table as it stands, None if there is none.
            landed: tells of a table and an older version whether the commit is among the later ones; needed
                where doing the work twice would not give the same.

        Raises:
            TransientError: other writers were faster every time.
        """
        since = -1
        for number in range(COMMIT_ATTEMPTS):
            if number:
                longest = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**number)
                self._sleep(random.uniform(0, longest))  # noqa: S311 - spreads writers, keeps no secret
            opened = self.open(table)
            if number and landed is not None and opened is not None and landed(opened, since):
                return
            since = -1 if opened is None else opened.version()
            if attempt(lambda opened=opened: _try(write, opened), attempted="write the table", where=table):  # type: ignore[misc]
                return
        why = f"other writers were faster {COMMIT_ATTEMPTS} times"
        raise TransientError("write the table", table, why, "Try again later, or let fewer runs write at once.")


def _try(write: Callable[[DeltaTable | None], None], opened: DeltaTable | None) -> bool:
    try:
        write(opened)
    except CommitFailedError:
        return False
    return True


def _has_write(opened: DeltaTable, write_id: str, since: int) -> bool:
    later = opened.version() - since
    return later > 0 and any(commit.get(_WRITE_ID) == write_id for commit in opened.history(later))


def _storable(table: str, frame: pl.DataFrame, partition_by: str) -> pl.DataFrame:
    """The frame in storage types and one chunk: chunks would show in the bytes of the file.

    Raises:
        UsageError: a column cannot be stored, or the partition column is not a date in every row.
    """
    if frame.schema.get(partition_by) != pl.Date() or frame.get_column(partition_by).null_count():
        why = f"the partition column {partition_by} is not a date in every row"
        raise UsageError("write the table", table, why, "Give every row its date.")
    types: dict[str, pl.DataType] = {}
    for name, dtype in frame.schema.items():
        try:
            types[name] = storage_type(dtype)
        except UnstorableTypeError as error:
            why = f"column {name} has the type {error}"
            raise UsageError("write the table", table, why, "Cast it to a type that Delta Lake has.") from None
    return attempt(lambda: frame.cast(types).rechunk(), attempted="prepare the rows", where=table)  # type: ignore[arg-type]


def _needs_merge(opened: DeltaTable, table: str, rows: pl.DataFrame) -> bool:
    """Whether rows have other columns or struct fields than the table.

    Raises:
        PermanentError: a column has another type.
    """
    stored = pl.Schema(opened.schema())
    for name, dtype in rows.schema.items():
        if name in stored and not fits(dtype, stored[name]):
            why = f"column {name} is {stored[name]} in the table and {dtype} in the rows"
            raise PermanentError("write the table", table, why, "Cast the rows, or rewrite the table.")
    return dict(rows.schema) != dict(stored)


def _check_partition_column(opened: DeltaTable, table: str, partition_by: str) -> None:
    actual = opened.metadata().partition_columns
    if actual != [partition_by]:
        why = f"it is partitioned by {', '.join(actual) or 'nothing'}, not by {partition_by}"
        raise UsageError("use the table's partitions", table, why, "Name its partition column.")


def _column(name: str, wanted: pl.DataType, read: pl.DataType | None) -> pl.Expr:
    """A column as it is wanted; null in a table that is older than the column."""
    if read is None:
        return pl.lit(None, dtype=wanted).alias(name)
    return pl.col(name) if read == wanted else pl.col(name).cast(wanted)
