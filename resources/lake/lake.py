"""The lake of one tenant: objects and Delta tables under one root URL, in a local folder or in S3.

Belongs here: the class that the rest of the project uses, and nothing but delegation.
Does not belong here: how it is done (`lake_objects`, `lake_listing`, `lake_tables`), what a key or a table means.

Errors of every method: TransientError for network, throttling, a full disk or lost races; PermanentError for a
missing bucket, no permission, damage; UsageError for a key or frame that cannot work. They name tables and
keys, keys of uploads by `safe_key` only. A LazyFrame reads when it is collected, with errors of Polars.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from resources.lake.access import S3Access, parse_root
from resources.lake.damage import damaged_files
from resources.lake.keys import checked_key, checked_prefix, safe_key
from resources.lake.listing import ListedObject, NoObject, OnNoObject
from resources.lake.objects import Objects, ReadFailure, open_store
from resources.lake.purge import clear_staged, count_rows, forget_history, purge_rows
from resources.lake.tables import Tables
from resources.lake.upkeep import Tidied, tidy

__all__ = ["Lake", "ListedObject", "NoObject", "ReadFailure", "S3Access", "Tidied", "safe_key"]


class Lake:
    """Objects and tables of one tenant.

    Args:
        root_url: `file:///absolute/folder` (created if missing) or `s3://bucket[/prefix]`.
        s3: access to the store of an `s3://` root.
        sleep: waits between attempts to commit.

    Raises:
        UsageError: the root is neither.
    """

    def __init__(
        self, root_url: str, *, s3: S3Access | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._root = parse_root(root_url, s3=s3)
        store, self._listing = open_store(self._root)
        self._objects = Objects(store, folder=self._root.folder)
        self._tables = Tables(self._root, sleep=sleep)

    def __repr__(self) -> str:
        return f"Lake({self._root.url!r})"

    @property
    def root_url(self) -> str:
        """The root, without a trailing slash."""
        return self._root.url

    # Objects. Keys are relative to the root, such as `raw/StepsRecord/2025/09/20/x.avro`.

    def folders(self, prefix: str) -> list[str]:
        """Immediate sub-folders of a prefix, sorted, as prefixes: `raw/` gives `raw/StepsRecord/` and so on."""
        return self._listing.folders(checked_prefix(prefix, attempted="list the folder"))

    def objects(
        self, prefix: str, *, after: str | None = None, on_no_object: OnNoObject | None = None
    ) -> Iterator[ListedObject]:
        """Objects below a prefix, in the order of their keys' UTF-8 bytes.

        Keys that could not be read (`raw/x//y`) are listed too, so that the books can name them. What is no regular
        file of a local folder, or lies behind a link, is not.

        Args:
            prefix: whole folders, with or without a trailing slash; empty for everything.
            after: only keys greater than this one.
            on_no_object: told of what is not listed; for folders that others write to. A file of several names (hard
                links) is not listed then, and a folder that cannot be opened is passed over instead of an error.
        """
        checked = checked_prefix(prefix, attempted="list the objects")
        return self._listing.objects(checked, after=after, on_no_object=on_no_object)

    def head(self, key: str) -> ListedObject | None:
        """An object as a listing shows it, or None if there is none."""
        return self._listing.head(checked_key(key, attempted="look at the object"))

    def exists(self, key: str) -> bool:
        """Whether there is an object of this key."""
        return self.head(key) is not None

    def read_object(self, key: str) -> bytes:
        """Bytes of an object.

        Raises:
            NotFoundError: there is none.
        """
        return self._objects.read(key)

    def read_objects(self, keys: Sequence[str], *, concurrency: int = 16) -> dict[str, bytes | ReadFailure]:
        """Bytes of many objects, read at the same time; one that cannot be read does not hold up the others.

        Args:
            keys: keys; repeated ones are read once.
            concurrency: objects read at the same time.

        Returns:
            In the order of the keys.

        Raises:
            PermanentError: the store refuses every single one.
        """
        return self._objects.read_many(keys, concurrency=concurrency)

    @property
    def is_local(self) -> bool:
        """Whether it is a local folder: reading costs little there, and an etag says nothing of the content."""
        return self._root.folder is not None

    def digests(self, keys: Sequence[str], *, concurrency: int = 16) -> dict[str, str | ReadFailure]:
        """SHA-256 (hex) of the bytes of many objects, each read piece by piece.

        An object that cannot be read is a ReadFailure; so is a file of a local folder that has a second name.
        """
        return self._objects.digest_many(keys, concurrency=concurrency)

    def write_object(self, key: str, data: bytes) -> None:
        """Write an object, replacing one of the same key. Readers see the old or the new one, never a part."""
        self._objects.write(key, data)

    def write_file(self, key: str, path: Path) -> None:
        """Write a local file as an object, piece by piece: it may be larger than memory."""
        self._objects.write_file(key, path)

    def read_file(self, key: str, path: Path) -> None:
        """Read an object into a local file, piece by piece.

        Raises:
            NotFoundError: there is none.
        """
        self._objects.read_file(key, path)

    def delete_objects(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are no error."""
        self._objects.delete(keys)

    # Tables. The name is the prefix, such as `validated/steps`.

    def scan(
        self, table: str, *, schema: pl.Schema, partitions: tuple[str, Collection[date]] | None = None
    ) -> pl.LazyFrame:
        """Rows of a table as it stands now; later commits do not change the frame.

        Args:
            table: its name. A table that does not exist reads as an empty one.
            schema: columns and types wanted. A column that the table does not have is null.
            partitions: the partition column and its dates; files of other dates are not opened.

        Returns:
            The rows, ordered by partition; within a partition as they were written, file by file.
        """
        return self._tables.scan(table, schema=schema, partitions=partitions)

    def table(self, name: str) -> pl.LazyFrame:
        """The whole table with its own columns, for notebooks: `lake.table(…).collect().to_pandas()`.

        Raises:
            NotFoundError: it does not exist.
        """
        return self._tables.scan(name, schema=None, partitions=None)

    def append(self, table: str, frame: pl.DataFrame, *, partition_by: str) -> None:
        """Add rows in one commit, creating the table if it is missing. An empty frame changes nothing.

        Args:
            table: its name.
            frame: rows in the order to be stored; columns that the table does not have are added to it.
            partition_by: its partition column, a date without nulls.
        """
        self._tables.append(table, frame, partition_by=partition_by)

    def replace(self, table: str, frame: pl.DataFrame, *, partition_by: str, values: Collection[date]) -> None:
        """Replace whole partitions by the rows of a frame, in one commit, creating the table if it is missing.

        Args:
            table: its name.
            frame: rows in the order to be stored, all of them of these dates; may be empty.
            partition_by: its partition column, a date without nulls.
            values: the dates; one of which the frame has no row becomes empty.
        """
        self._tables.replace(table, frame, partition_by=partition_by, values=values)

    def files_in(self, table: str, *, partition_by: str, values: Collection[date]) -> int:
        """Number of live data files in these partitions; many small ones make reading slow."""
        return self._tables.files_in(table, partition_by=partition_by, values=values)

    def partitions(self, table: str, *, partition_by: str) -> set[date]:
        """Dates of the partitions that hold files; none of a table that does not exist."""
        return self._tables.partitions(table, partition_by=partition_by)

    def tidy(self, table: str, *, keep: timedelta) -> Tidied | None:
        """Compact small files and delete what only old versions of the table need; its rows stay as they are.

        Args:
            table: its name.
            keep: how long a version that has been replaced can still be read. Shorter than the longest write or
                scan would take files from under them.

        Returns:
            What was done; None if the table does not exist.
        """
        return tidy(self._tables, table, keep=keep)

    def damaged_files(self, table: str) -> dict[str, str]:
        """Keys of the table's data files that are `gone` or `unreadable`. Reads the whole table, file by file."""
        return damaged_files(self._tables, self._objects, table)

    def version(self, table: str) -> int | None:
        """Number of the last commit, from 0; None if the table does not exist."""
        return self._tables.version(table)

    # For ever: erasure of a person.

    def tables_below(self, prefix: str) -> list[str]:
        """Names of the Delta tables below a folder such as `clinical`, sorted."""
        folders = self.folders(prefix)
        if f"{prefix.rstrip('/')}/_delta_log/" in folders:
            return [prefix.rstrip("/")]
        return [table for folder in folders for table in self.tables_below(folder)]

    def count_rows(self, table: str, column: str, value: str) -> int:
        """Rows of a table with a value in a text column; 0 if there is no such table or column."""
        return count_rows(self._tables, table, column, value)

    def purge_rows(self, table: str, column: str, value: str) -> None:
        """Remove rows with a value in a text column, and all history: no older version can be read afterwards.

        Nobody may be writing the table meanwhile. Doing it again does no harm, and finishes what was interrupted.
        """
        purge_rows(self._tables, self._listing, self._objects, table, column, value)

    def partitioned_by(self, table: str) -> str | None:
        """Name of a table's partition column; None if there is no such table."""
        return self._tables.partitioned_by(table)

    def forget_history(self, table: str) -> None:
        """Delete every older version of a table and its log: none can be read afterwards.

        Nobody may be writing the table meanwhile.
        """
        forget_history(self._tables, self._listing, self._objects, table)

    def clear_staged(self, *, wanted: Callable[[str], bool], older_than: timedelta = timedelta(0)) -> int:
        """Delete objects that a crashed writer left half written in a local folder; their number.

        A bucket has none: what is not finished there is never an object.

        Args:
            wanted: tells of the key that was being written whether nobody is writing it now.
            older_than: time for which nothing has been written to it.
        """
        return clear_staged(self._root, wanted=wanted, older_than=older_than)
