"""What is true of the records of one kind and person, given what was delivered.

Belongs here: counting deliveries, the final revision, and why a record never came.
Does not belong here: the shape of the truth file (`truth`).
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from vitals.synthetic.arrays import I64, Bools
from vitals.synthetic.people import APPS, Person
from vitals.synthetic.rows import Table
from vitals.synthetic.schedule import NEVER_MS, WINDOW_MS, Schedule
from vitals.synthetic.sleep import STAGES
from vitals.synthetic.truth import RECORD_COLUMNS, Gap, value_digest


def record_truth(
    kind: str,
    person: Person,
    schedule: Schedule,
    table: Table,
    *,
    delivered: Sequence[I64],
    planned: Sequence[I64],
    undeleted: Sequence[I64],
) -> pl.DataFrame:
    """Truth of all records (RECORD_COLUMNS), in order of record number.

    Args:
        kind: kind of the table.
        person: whose records they are.
        schedule: when they were fetched.
        table: good rows.
        delivered: rows of each fetch that took place; empty for a missed one.
        planned: rows that each planned fetch would have delivered.
        undeleted: rows of each fetch that took place, had nothing been deleted on the phone.
    """
    rows = table.rows
    by_record = np.argsort(rows.record, kind="stable")
    records = int(rows.record.max(initial=-1)) + 1
    final = by_record[np.searchsorted(rows.record[by_record], np.arange(records), side="right") - 1]
    sent = np.concatenate([np.zeros(0, dtype=np.int64), *delivered])
    deliveries = np.bincount(rows.record[sent], minlength=records)
    distinct = np.unique(sent)
    revisions = np.bincount(rows.record[distinct], minlength=records)
    # Revisions of a record are in order of modification, so the last row sent is the final one.
    final[rows.record[distinct]] = distinct
    arrived = deliveries > 0
    left_out = np.zeros(records, dtype=np.bool_)
    for there, came in zip(undeleted, delivered, strict=True):
        left_out[np.setdiff1d(rows.record[there], rows.record[came])] = True
    return pl.DataFrame(
        {
            "record_id": _text(rows.record_id[final]),
            "source_app": [APPS[i] for i in rows.app[final]],
            "start_ms": rows.start_ms[final],
            "end_ms": rows.end_ms[final],
            "modified_ms": rows.modified_ms[final],
            "offset_seconds": person.timeline.offset_at(rows.start_ms[final]).astype(np.int32),
            "end_offset_seconds": person.timeline.offset_at(rows.end_ms[final]).astype(np.int32),
            "local_date": person.timeline.local_date((rows.end_ms if kind == "sleep" else rows.start_ms)[final]),
            "zone_written": [zone or None for zone in _text(rows.start_zone[final])],
            "delivered": arrived,
            "deleted": left_out,
            "deliveries": deliveries,
            "revisions": revisions,
            "digest": _digests(kind, table, final, arrived),
            "cause": _causes(schedule, table, arrived, planned),
        },
        schema=RECORD_COLUMNS,
    )


def gaps(kind: str, table: Table, records: pl.DataFrame) -> list[Gap]:
    """Runs of records of one app that never came, and the times a sensor did not measure."""
    found = [
        Gap(kind=kind, source_app=app, cause="sensor_gap", from_ms=begin, to_ms=end, records=0)
        for app, begin, end in table.pauses
    ]
    for (app,), source in records.sort("start_ms", "record_id").group_by("source_app", maintain_order=True):
        runs = (
            source.with_columns(run=pl.col("cause").rle_id())
            .filter(~pl.col("delivered"))
            .group_by("run", maintain_order=True)
        )
        spans = runs.agg(
            pl.col("cause").first(), begin=pl.col("start_ms").min(), end=pl.col("end_ms").max(), n=pl.len()
        )
        found += [
            Gap(kind=kind, source_app=str(app), cause=cause, from_ms=begin, to_ms=end, records=n)
            for _, cause, begin, end, n in spans.iter_rows()
        ]
    return found


def _causes(schedule: Schedule, table: Table, arrived: Bools, planned: Sequence[I64]) -> list[str | None]:
    rows = table.rows
    first = np.zeros(len(arrived), dtype=np.int64)
    first[rows.record[::-1]] = np.arange(len(rows))[::-1]
    would_have = np.zeros(len(arrived), dtype=np.bool_)
    for sent in planned:
        would_have[rows.record[sent]] = True
    start, published = rows.start_ms[first], rows.modified_ms[first]
    fetches = np.append(schedule.planned_ms, NEVER_MS)
    pending = published > schedule.planned_ms[-1] + schedule.skew_ms
    # The first planned fetch after the start lies a window or more later: nothing ever read back to it.
    unread = fetches[np.searchsorted(fetches, start)] - start > WINDOW_MS if schedule.overlapping else ~arrived
    cause = np.select([arrived, would_have, pending, unread], ["", "exporter_hole", "pending", "exporter_hole"], "late")
    return [c or None for c in cause.tolist()]


def _digests(kind: str, table: Table, final: I64, arrived: Bools) -> list[str | None]:
    rows = table.rows.take(final)
    starts, ends = rows.start_ms.tolist(), rows.end_ms.tolist()
    values = _values(kind, table, final)
    return [
        value_digest(kind, start_ms=start, end_ms=end, values=value) if sent else None
        for start, end, value, sent in zip(starts, ends, values, arrived.tolist(), strict=True)
    ]


def _values(kind: str, table: Table, final: I64) -> list[list[float | str | tuple[int | str, ...]]]:
    rows, items = table.rows.take(final), table.items
    if kind in ("heart_rate", "sleep"):
        begin, value = items.start_ms.tolist(), items.value.tolist()
        parts: list[tuple[int | str, ...]]
        if kind == "heart_rate":
            parts = list(zip(begin, value, strict=True))
        else:
            parts = list(zip(begin, items.end_ms.tolist(), (STAGES[v] for v in value), strict=True))
        spans = zip(rows.item_start.tolist(), rows.item_count.tolist(), strict=True)
        return [[*parts[first : first + count]] for first, count in spans]
    if kind == "blood_glucose":
        return [[v] for v in np.floor(rows.value + 0.5).astype(np.int64).tolist()]
    if kind == "steps":
        return [[v] for v in rows.value.astype(np.int64).tolist()]
    return [[v] for v in rows.value.tolist()]


def _text(values: np.ndarray[tuple[int], np.dtype[np.bytes_]]) -> list[str]:
    return [v.decode() for v in values.tolist()]
