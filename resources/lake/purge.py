"""Removing rows and files from a lake for ever: with every older version, log entry and leftover that holds them.

Belongs here: what makes a deletion final in Delta tables and in local folders.
Does not belong here: whose rows (`operations.erasure.erasure`), ordinary upkeep (`lake_upkeep`).

A Delta table keeps what was deleted three times over: in files of older versions, in files that a crashed writer
never committed, and in its log, which repeats the smallest and largest value of each column of each file. All of
them go, so no older version of the table can be read afterwards. Nobody may be writing the table meanwhile: a file
that is not committed yet would be taken for a leftover.
"""

import os
import re
import stat
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import polars as pl
from deltalake import DeltaTable

from resources.lake.access import Root
from resources.lake.errors import attempt
from resources.lake.listing import Listing
from resources.lake.objects import Objects
from resources.lake.tables import Tables

_LOG_ENTRY = re.compile(r"(\d{20})\.")
_STAGED = re.compile(r"#[0-9]+$")


def count_rows(tables: Tables, table: str, column: str, value: str) -> int:
    """Rows of a table with a value in a text column; 0 if it has no such column."""
    opened = tables.open(table)
    if opened is None or column not in pl.Schema(opened.schema()):
        return 0
    rows = tables.scan(table, schema=None, partitions=None).filter(pl.col(column) == value)
    return int(rows.select(pl.len()).collect().item())


def purge_rows(tables: Tables, listing: Listing, objects: Objects, table: str, column: str, value: str) -> None:
    """Remove rows for ever (see `Lake.purge_rows`)."""
    opened = tables.open(table)
    if opened is not None and column in pl.Schema(opened.schema()):
        (partition_by,) = opened.metadata().partition_columns
        _drop_rows(tables, table, partition_by, pl.col(column) == value)
    forget_history(tables, listing, objects, table)


def _drop_rows(tables: Tables, table: str, partition_by: str, unwanted: pl.Expr) -> None:
    scan = tables.scan(table, schema=None, partitions=None)
    dates = scan.filter(unwanted).select(pl.col(partition_by).unique().sort()).collect()[partition_by].to_list()
    for day in dates:
        # One partition at a time: memory is bounded by a day, and a crash leaves whole days.
        rows = tables.scan(table, schema=None, partitions=(partition_by, [day])).collect()
        tables.replace(table, rows.filter(~unwanted), partition_by=partition_by, values=[day])


def forget_history(tables: Tables, listing: Listing, objects: Objects, table: str) -> None:
    """Delete every file and log entry that the newest version does not need."""

    def vacuum() -> DeltaTable | None:
        opened = tables.open(table)
        if opened is not None:
            opened.vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
            opened = tables.open(table)
        if opened is not None:
            opened.create_checkpoint()
        return opened

    opened = attempt(vacuum, attempted="purge the table", where=table)
    if opened is None:
        # A writer that crashed before its first commit leaves files and no table.
        objects.delete([found.key for found in listing.objects(table, after=None)])
        return
    newest = opened.version()
    objects.delete(
        [
            found.key
            for found in listing.objects(f"{table}/_delta_log", after=None)
            if _is_past(found.key.rpartition("/")[2], newest)
        ]
    )


def _is_past(name: str, newest: int) -> bool:
    """Whether a file of the log is of an older version, or of a commit that never was."""
    entry = _LOG_ENTRY.match(name)
    return name.startswith("_commit_") if entry is None else int(entry[1]) < newest


def clear_staged(root: Root, *, wanted: Callable[[str], bool], older_than: timedelta) -> int:
    """Delete what a crashed writer of a local folder left half written (see `Lake.clear_staged`)."""
    if root.folder is None:
        return 0
    removed = 0
    written_before = time.time() - older_than.total_seconds()
    for folder, _, names in os.walk(root.folder):
        for name in names:
            path = Path(folder, name)
            key = path.relative_to(root.folder).as_posix()
            if _STAGED.search(name) and wanted(_STAGED.sub("", key)) and _was_written(path, before=written_before):
                path.unlink(missing_ok=True)
                removed += 1
    return removed


def _was_written(path: Path, *, before: float) -> bool:
    """Whether nothing was written to a file since; what is no file is not a writer's."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(state.st_mode) and state.st_mtime <= before
