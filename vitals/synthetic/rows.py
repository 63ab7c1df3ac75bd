"""Rows of one kind and person before encoding: one row per revision of a record.

Belongs here: the columns that all kinds share, in one structure of arrays, and building and joining them.
Does not belong here: which revision is delivered when (`delivery`), and bytes (`record_encoder`).
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from vitals.synthetic.arrays import F64, I64, Bytes, uuids
from vitals.synthetic.clock import Timeline
from vitals.synthetic.people import APPS


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Revisions, ascending by (start, record, modification).

    Attributes:
        record: number of the record within kind and person.
        record_id: its id.
        app: index into `people.APPS`.
        client_id: clientRecordId; empty is null.
        version: clientRecordVersion.
        modified_ms, start_ms, end_ms: an instant has end = start.
        start_zone, end_zone: zone ids; empty is null.
        value: level, count, kcal or ms; 0 for containers.
        item_start, item_count: which of the kind's `items` the row has.
        notes: free text; empty is null.
    """

    record: I64
    record_id: Bytes
    app: I64
    client_id: Bytes
    version: I64
    modified_ms: I64
    start_ms: I64
    end_ms: I64
    start_zone: Bytes
    end_zone: Bytes
    value: F64
    item_start: I64
    item_count: I64
    notes: Bytes

    def __len__(self) -> int:
        return len(self.record)

    def take(self, index: I64) -> "Rows":
        """Rows at some indexes."""
        return Rows(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    def replaced_ms(self, never: int) -> I64:
        """When the next revision of the same record takes each row's place."""
        replaced = np.full(len(self), never, dtype=np.int64)
        same = self.record[1:] == self.record[:-1]
        replaced[:-1][same] = self.modified_ms[1:][same]
        return replaced

    def first_of_record(self) -> I64:
        """Index of the first revision of each record, ascending by record number."""
        return np.unique(self.record, return_index=True)[1]


@dataclass(frozen=True, kw_only=True)
class Items:
    """Samples (`start_ms`, `value`) or stages (`start_ms`, `end_ms`, `value` = index of the stage)."""

    start_ms: I64
    end_ms: I64
    value: I64

    def __len__(self) -> int:
        return len(self.start_ms)

    def take(self, index: I64) -> "Items":
        """Items at some indexes."""
        return Items(start_ms=self.start_ms[index], end_ms=self.end_ms[index], value=self.value[index])


NO_ITEMS = Items(start_ms=np.zeros(0, np.int64), end_ms=np.zeros(0, np.int64), value=np.zeros(0, np.int64))


@dataclass(frozen=True, kw_only=True)
class Table:
    """Everything a person's apps ever hold of one kind.

    Attributes:
        rows: all revisions.
        items: samples or stages that the rows point into.
        pauses: (app, from_ms, to_ms) in which a sensor did not measure.
    """

    rows: Rows
    items: Items = NO_ITEMS
    pauses: tuple[tuple[str, int, int], ...] = ()


def make_rows(
    rng: np.random.Generator,
    timeline: Timeline,
    app: str,
    *,
    start_ms: I64,
    modified_ms: I64,
    end_ms: I64 | None = None,
    value: F64 | I64 | None = None,
    record: I64 | None = None,
    item_start: I64 | None = None,
    item_count: I64 | None = None,
) -> Rows:
    """Rows of one app that write the true zone.

    Args:
        rng: where the ids come from.
        timeline: the person's.
        app: package name.
        start_ms: start of each row, ascending.
        modified_ms: publication of each row.
        end_ms: end of each row; the start unless given.
        value: scalar value of each row, if the kind has one.
        item_start: index of each row's first item.
        item_count: number of each row's items.
        record: number of the record of each row, ascending from 0; one record per row unless given.
    """
    n = len(start_ms)
    numbers = np.arange(n, dtype=np.int64) if record is None else record
    ids = uuids(rng, int(numbers.max()) + 1 if n else 0)
    ends = start_ms if end_ms is None else end_ms
    zeros = np.zeros(n, dtype=np.int64)
    return Rows(
        record=numbers,
        record_id=ids[numbers],
        app=np.full(n, APPS.index(app), dtype=np.int64),
        client_id=np.zeros(n, dtype="S1"),
        version=zeros,
        modified_ms=modified_ms,
        start_ms=start_ms,
        end_ms=ends,
        start_zone=timeline.zone_ids(start_ms),
        end_zone=timeline.zone_ids(ends),
        value=np.zeros(n) if value is None else np.asarray(value, dtype=np.float64),
        item_start=zeros if item_start is None else item_start,
        item_count=zeros if item_count is None else item_count,
        notes=np.zeros(n, dtype="S1"),
    )


def join_rows(parts: list[Rows]) -> Rows:
    """Rows of several apps as one table, with record numbers of their own, in order."""
    shifted = []
    taken = 0
    for part in parts:
        shifted.append(replace(part, record=part.record + taken))
        taken += int(part.record.max()) + 1 if len(part) else 0
    joined = stack_rows(shifted)
    return joined.take(np.lexsort((joined.modified_ms, joined.record, joined.start_ms)))


def stack_rows(parts: list[Rows]) -> Rows:
    """Rows one after the other, as they are."""
    return Rows(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Rows)})


def join_items(parts: list[Items]) -> Items:
    """Items one after the other; rows that point into a later part must be shifted by the caller."""
    return Items(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Items)})


def shift_items(rows: Rows, by: int) -> Rows:
    """Rows that point into items further on."""
    return replace(rows, item_start=rows.item_start + by)
