"""Deliveries of one person, arranged for counting: which record came with which export session.

Belongs here: the input of this package, and its arrangement as streams (one per kind and source app).
Does not belong here: any conclusion from it (`windows`, `lags`, `gaps`, `labels`), or reading tables.

All instants are epoch milliseconds UTC. No health value enters: keys and times only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.record_types import RECORD_TYPES, UTC_MS

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

TOTALS = frozenset(each.kind for each in RECORD_TYPES if each.rhythm == "totals")
"""Kinds whose records are totals of a stretch, often of a whole day."""

DELIVERED_SCHEMA = pl.Schema(
    {
        "kind": pl.String(),
        "source_app": pl.String(),
        "record_id": pl.String(),
        # Of the record as it stands now.
        "start_utc": UTC_MS,
        "end_utc": UTC_MS,
        # Of the revision that this delivery brought.
        "modified_utc": UTC_MS,
        "fetched_utc": UTC_MS,
    }
)
"""One row per delivery of a record of one person, in any order; repeated deliveries of a session do no harm."""

Stream = tuple[str, str]
"""Kind and source app."""


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """All deliveries of one kind and source app.

    Attributes:
        kind, app: whose they are.
        start_ms, end_ms: of each record, ascending by (start, end, id).
        modified_ms: shape (records, fetches); when the revision that the fetch brought was modified, 0 where the
            fetch did not bring the record.
    """

    kind: str
    app: str
    start_ms: Ints
    end_ms: Ints
    modified_ms: Ints

    @cached_property
    def brought(self) -> Flags:
        """Shape (records, fetches): whether the fetch brought the record."""
        return np.asarray(self.modified_ms != 0)

    @cached_property
    def first_fetch(self) -> Ints:
        """Number of the fetch that first brought each record."""
        return np.asarray(np.argmax(self.brought, axis=1))

    @cached_property
    def latest_modified_ms(self) -> Ints:
        """Modification of the newest revision of each record that came."""
        return np.asarray(np.max(self.modified_ms, axis=1, initial=0))


@dataclass(frozen=True, kw_only=True)
class History:
    """Everything that was delivered of a person.

    Attributes:
        fetch_ms: export sessions that brought anything, ascending. One session stamps all its kinds alike.
        streams: by kind and source app, in order of their names.
    """

    fetch_ms: Ints
    streams: Mapping[Stream, Deliveries]


def history_of(delivered: pl.DataFrame) -> History:
    """Arrange deliveries (DELIVERED_SCHEMA, one person)."""
    rows = delivered.with_columns(pl.col("start_utc", "end_utc", "modified_utc", "fetched_utc").to_physical())
    fetch_ms = rows["fetched_utc"].unique().sort().to_numpy().astype(np.int64)
    streams = {}
    for (kind, app), own in sorted(rows.partition_by("kind", "source_app", as_dict=True).items()):
        # All deliveries of a record show it as it stands now; the smallest settles it if a caller's do not.
        records = own.group_by("record_id").agg(pl.col("start_utc").min(), pl.col("end_utc").min())
        records = records.sort("start_utc", "end_utc", "record_id").with_row_index("row")
        row = own.join(records.select("record_id", "row"), on="record_id", how="left", maintain_order="left")["row"]
        modified = np.zeros((records.height, len(fetch_ms)), dtype=np.int64)
        fetch = np.searchsorted(fetch_ms, own["fetched_utc"].to_numpy())
        np.maximum.at(modified, (row.to_numpy(), fetch), own["modified_utc"].to_numpy())
        streams[str(kind), str(app)] = Deliveries(
            kind=str(kind),
            app=str(app),
            start_ms=records["start_utc"].to_numpy().astype(np.int64),
            end_ms=records["end_utc"].to_numpy().astype(np.int64),
            # By fetch, which is how it is read.
            modified_ms=np.asfortranarray(modified),
        )
    return History(fetch_ms=fetch_ms, streams=streams)
