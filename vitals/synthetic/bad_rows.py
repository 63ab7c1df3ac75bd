"""Rows that break exactly one row rule, added to files of good rows.

Belongs here: how a good row is turned into a bad one, the reason a reader must give for it, and how many a file
gets: few, so that the file as a whole stays well above the quality threshold.
Does not belong here: files that are bad as a whole (`bad_files`).

A bad row has an id of its own, so what it breaks never touches a good record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vitals.record_types import BY_KIND, RECORD_TYPES, RecordType
from vitals.synthetic.arrays import I64, ints, ragged_index, uuids
from vitals.synthetic.clock import HOUR_MS, MINUTE_MS
from vitals.synthetic.faults import Fault
from vitals.synthetic.people import APPS
from vitals.synthetic.rows import Items, Rows, Table, join_items, shift_items, stack_rows
from vitals.synthetic.scene import Scene

MANY_ROWS = 40
"""Files longer than this get two bad rows instead of one."""
LOWEST_SCORE = 0.75
"""Planted rows leave the quality of a file above this; the threshold is 0.7."""
NO_APP = len(APPS)
"""Index that is encoded as an empty package name."""

_TOPIC = 801
_THIRTY_YEARS_MS = 30 * 366 * 24 * HOUR_MS
_WRONG_ZONES = (b"+25:00", b"America/New_York", b"-5", b"+05:75")
WRONG_VALUES: Mapping[str, tuple[float, ...]] = {
    "blood_glucose": (0, 1.05, 600.6, 99_999, -5),
    "heart_rate": (0, 29, 241, 255),
    "steps": (-1, 100_001),
    "active_calories": (-0.5, 10_000_001),
    "hrv_rmssd": (0, 0.9, 300.5),
}
"""Kind to values out of its range."""


@dataclass(frozen=True, kw_only=True)
class BadRow:
    """A bad row of a file: its place in the file, and the reason that a reader must give for it."""

    row_index: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A single row on its way from good to bad, with its items and the fetch that will deliver it."""

    row: Rows
    items: Items
    fetch_ms: int


Spoil = Callable[[Draft, np.random.Generator, str], Draft]


def _moved(draft: Draft, by_ms: int) -> Draft:
    by = np.int64(by_ms)
    row = replace(draft.row, start_ms=draft.row.start_ms + by, end_ms=draft.row.end_ms + by)
    items = replace(draft.items, start_ms=draft.items.start_ms + by, end_ms=draft.items.end_ms + by)
    return replace(draft, row=row, items=items)


def _nameless(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, record_id=np.array([b""], dtype="S36")))


def _appless(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, app=np.array([NO_APP])))


def _zone(draft: Draft, rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, start_zone=np.array([_WRONG_ZONES[rng.integers(len(_WRONG_ZONES))]])))


def _ancient(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return _moved(draft, -_THIRTY_YEARS_MS)


def _future(draft: Draft, rng: np.random.Generator, _kind: str) -> Draft:
    ahead = int(rng.integers(11, 300)) * MINUTE_MS
    return _moved(draft, draft.fetch_ms + ahead - int(draft.row.start_ms[0]))


def _reversed(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, end_ms=draft.row.start_ms - HOUR_MS))


def _endless(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, end_ms=draft.row.start_ms + 27 * HOUR_MS))


def _value(draft: Draft, rng: np.random.Generator, kind: str) -> Draft:
    wrong = WRONG_VALUES[kind][rng.integers(len(WRONG_VALUES[kind]))]
    if kind == "heart_rate":
        # One wrong sample would only be taken out of the list.
        return replace(draft, items=replace(draft.items, value=np.full(len(draft.items), int(wrong))))
    return replace(draft, row=replace(draft.row, value=np.array([wrong])))


def _twice(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    again = replace(draft.items, value=draft.items.value + 1)
    return replace(draft, items=join_items([draft.items, again]))


def _sampleless(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    nothing = np.zeros(0, dtype=np.int64)
    return replace(draft, items=Items(start_ms=nothing, end_ms=nothing, value=nothing))


_ALWAYS: tuple[tuple[str, Spoil], ...] = (
    ("missing_required:record_id", _nameless),
    ("bad_zone_offset", _zone),
    ("time_in_future", _future),
    ("time_before_2000", _ancient),
    ("missing_required:source_app", _appless),
)
_SPAN: tuple[tuple[str, Spoil], ...] = (("end_before_start", _reversed), ("out_of_range:duration", _endless))


def _spoils(record_type: RecordType) -> tuple[tuple[str, Spoil], ...]:
    """Row faults of a kind: of its values, of its samples, of its length, and those that every kind has."""
    values = [(f"out_of_range:{column}", _value) for column in record_type.plausible]
    samples = (("conflicting_samples", _twice), (f"missing_required:{record_type.sampled}", _sampleless))
    return (
        *values,
        *(samples if record_type.sampled else ()),
        *(() if record_type.instant else _SPAN),
        *_ALWAYS,
    )


SPOILS: Mapping[str, tuple[tuple[str, Spoil], ...]] = {each.kind: _spoils(each) for each in RECORD_TYPES}
"""Every row fault of each kind with its reason, in the order in which files get them."""


def _in_mmol(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, value=np.rint(draft.row.value / 1.8) / 10))


def _in_seconds(draft: Draft, _rng: np.random.Generator, _kind: str) -> Draft:
    return replace(draft, row=replace(draft.row, value=draft.row.value / 1000))


SLIPS: Mapping[str, tuple[tuple[str, Spoil], ...]] = {
    "blood_glucose": (("unit_suspect:level_mg_dl", _in_mmol),),
    "hrv_rmssd": (("unit_suspect:rmssd_ms", _in_seconds),),
}
"""Kind to single values in another unit."""


def plant_bad_rows(
    scene: Scene, kind: str, table: Table, delivered: Sequence[I64]
) -> tuple[Table, list[I64], list[tuple[BadRow, ...]]]:
    """Add bad rows to the files of one kind and person.

    Args:
        scene: the person.
        kind: kind of the table.
        table: the good rows.
        delivered: rows of each file, by fetch; empty where there is no file.

    Returns:
        The table with the bad rows appended, the rows of each file with them, and what was planted in each.
    """
    rng = scene.person.rng(_TOPIC, list(BY_KIND).index(kind))
    spoils = SPOILS[kind] if scene.has(Fault.BAD_ROWS) else ()
    if scene.has(Fault.UNIT_SLIPS):
        spoils += SLIPS.get(kind, ())
    if not spoils:
        return table, list(delivered), [()] * len(delivered)
    rows, items = [table.rows], [table.items]
    taken_rows, taken_items = len(table.rows), len(table.items)
    files: list[I64] = []
    planted: list[tuple[BadRow, ...]] = []
    turn = scene.person.index
    for fetch, good in enumerate(delivered):
        order = good.tolist()
        reasons: dict[int, str] = {}
        for _ in range(_bearable(table.rows, good)):
            reason, spoil = spoils[turn % len(spoils)]
            turn += 1
            template = good[rng.integers(len(good))]
            draft = spoil(_draft(table, template, int(scene.schedule.planned_ms[fetch]), rng), rng, kind)
            rows.append(shift_items(replace(draft.row, item_count=np.array([len(draft.items)])), taken_items))
            items.append(draft.items)
            order.insert(int(rng.integers(0, len(order) + 1)), taken_rows)
            reasons[taken_rows] = reason
            taken_rows += 1
            taken_items += len(draft.items)
        files.append(np.array(order, dtype=np.int64))
        found = ((i, reasons[row]) for i, row in enumerate(order) if row in reasons)
        planted.append(tuple(BadRow(row_index=i, reason=reason) for i, reason in found))
    return replace(table, rows=stack_rows(rows), items=join_items(items)), files, planted


def _bearable(rows: Rows, good: I64) -> int:
    """How many bad rows a file can take, if each breaks what weighs most: a required field."""
    wanted = 2 if len(good) > MANY_ROWS else 1
    zoned = int(np.count_nonzero(rows.start_zone[good] != b""))
    score = 0.3 * len(good) / (len(good) + wanted) + 0.3 * zoned / (len(good) + wanted) + 0.4
    return wanted if score >= LOWEST_SCORE else 0


def in_mmol_per_litre(rows: Rows, rng: np.random.Generator) -> Rows:
    """The same readings under other ids, in another unit: each is plausible as mmol/L and none as mg/dL."""
    value = ints(rows.value / 1.8).astype(np.float64) / 10
    # A missing zone as well would bring the file near the quality threshold.
    zulu = np.full(len(rows), b"Z")
    return replace(rows, record_id=uuids(rng, len(rows)), value=value, start_zone=zulu, end_zone=zulu)


def _draft(table: Table, template: np.int64, fetch_ms: int, rng: np.random.Generator) -> Draft:
    row = table.rows.take(np.array([template]))
    items = table.items.take(ragged_index(row.item_start, row.item_count))
    row = replace(row, record_id=uuids(rng, 1), item_start=np.zeros(1, dtype=np.int64))
    return Draft(row=row, items=items, fetch_ms=fetch_ms)
