"""A lake that keeps what is written to itself: for finding out what a change would do.

Belongs here: reading through to the real lake, with what was written on top. Nothing reaches the store.
Does not belong here: the change.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime

import polars as pl

from resources.lake.lake import Lake, S3Access
from resources.lake.listing import ListedObject

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class OverlayLake(Lake):
    """One tenant's lake as it would be. What is written is held in memory.

    Args:
        root_url: root of the real lake.
        s3: access to its store.

    Attributes:
        written: key to bytes of each object written, None for each deleted.
    """

    def __init__(self, root_url: str, *, s3: S3Access | None = None) -> None:
        super().__init__(root_url, s3=s3)
        self.written: dict[str, bytes | None] = {}
        self._rows: dict[str, list[pl.DataFrame]] = {}
        self._replaced: dict[str, tuple[str, set[date]]] = {}

    def head(self, key: str) -> ListedObject | None:
        """An object as it would be listed; its size and time are those of the real one, if there is one."""
        if key not in self.written:
            return super().head(key)
        data = self.written[key]
        if data is None:
            return None
        return super().head(key) or ListedObject(key=key, size_bytes=len(data), etag="", modified_utc=_NEVER)

    def read_object(self, key: str) -> bytes:
        """Bytes of an object as they would be."""
        data = self.written.get(key)
        return super().read_object(key) if data is None else data

    def write_object(self, key: str, data: bytes) -> None:
        """Keep an object."""
        self.written[key] = data

    def delete_objects(self, keys: Sequence[str]) -> None:
        """Forget objects."""
        self.written |= dict.fromkeys(keys)

    def scan(
        self, table: str, *, schema: pl.Schema, partitions: tuple[str, Collection[date]] | None = None
    ) -> pl.LazyFrame:
        """Rows of a table as they would be."""
        base = super().scan(table, schema=self._read_schema(table, schema), partitions=partitions)
        if table in self._replaced:
            column, days = self._replaced[table]
            base = base.filter(~pl.col(column).is_in(sorted(days)))
        frames = [frame.lazy() for frame in self._rows.get(table, [])]
        if partitions is not None:
            frames = [frame.filter(pl.col(partitions[0]).is_in(sorted(partitions[1]))) for frame in frames]
        return pl.concat([base.select(schema.names()), *(self._fitted(f, schema) for f in frames)])

    def append(self, table: str, frame: pl.DataFrame, *, partition_by: str) -> None:  # noqa: ARG002 - the lake's own
        """Keep rows."""
        if not frame.is_empty():
            self._rows.setdefault(table, []).append(frame)

    def replace(self, table: str, frame: pl.DataFrame, *, partition_by: str, values: Collection[date]) -> None:
        """Keep partitions instead of those of the lake."""
        days = sorted(set(values))
        _, replaced = self._replaced.setdefault(table, (partition_by, set()))
        replaced |= set(days)
        kept = [rows.filter(~pl.col(partition_by).is_in(days)) for rows in self._rows.get(table, [])]
        self._rows[table] = [rows for rows in [*kept, frame] if not rows.is_empty()]

    def files_in(self, table: str, *, partition_by: str, values: Collection[date]) -> int:  # noqa: ARG002 - likewise
        """None: there is nothing to compact."""
        return 0

    def partitions(self, table: str, *, partition_by: str) -> set[date]:
        """Dates of the partitions as they would be."""
        _, replaced = self._replaced.get(table, (partition_by, set()))
        kept = {day for rows in self._rows.get(table, []) for day in rows.get_column(partition_by).unique()}
        return (super().partitions(table, partition_by=partition_by) - replaced) | kept

    def _read_schema(self, table: str, schema: pl.Schema) -> pl.Schema:
        """What to read of the lake: the partition column too, if rows of it may have been replaced."""
        if table not in self._replaced:
            return schema
        return pl.Schema({self._replaced[table][0]: pl.Date(), **schema})

    def _fitted(self, frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
        present = frame.collect_schema().names()
        return frame.select(
            (pl.col(name) if name in present else pl.lit(None)).cast(dtype).alias(name)
            for name, dtype in schema.items()
        )
