"""Impossible items among the sound ones of good records: samples and stages that a reader must leave out.

Belongs here: which records get one, what it is, and the reason for which a reader must drop it.
Does not belong here: rows that are bad as a whole (`bad_rows`).

The truth of a record knows its sound items only. A revision of a record has its bad item in every file that brings it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from vitals.synthetic.arrays import I64, ragged_index
from vitals.synthetic.clock import HOUR_MS, MINUTE_MS
from vitals.synthetic.rows import Items, Rows, Table, join_items

EVERY_NTH = 9
"""One in so many records that can take a bad item gets one."""
MIN_ITEMS = 4
"""Fewer leave no doubt which of two values is the odd one."""
FAR_FUTURE_MS = 12 * 366 * 24 * HOUR_MS
HIGH_BPM = 239


@dataclass(frozen=True, kw_only=True)
class PlantedItems:
    """A table with bad items.

    Attributes:
        table: the table; rows and their numbers are as before.
        reasons: row to the reason for which its bad item must be dropped; None if the item only stands there twice.
    """

    table: Table
    reasons: Mapping[int, str | None]

    def dropped(self, rows: I64) -> dict[str, int]:
        """Items that a file of these rows loses, by reason."""
        found = Counter(reason for row in rows.tolist() if (reason := self.reasons.get(row)) is not None)
        return dict(sorted(found.items()))


def plant_bad_items(kind: str, table: Table, *, good: int, turn: int) -> PlantedItems:
    """Give some good records one impossible or repeated item each.

    Args:
        kind: kind of the table.
        table: all rows, the good ones first.
        good: how many of them are good.
        turn: where to begin among the faults, so that people differ.
    """
    rows, items = table.rows, [table.items]
    able = np.flatnonzero(rows.item_count[:good] >= MIN_ITEMS)[::EVERY_NTH]
    item_start, item_count = rows.item_start.copy(), rows.item_count.copy()
    reasons: dict[int, str | None] = {}
    taken = len(table.items)
    for number, row in enumerate(able.tolist()):
        own = table.items.take(ragged_index(rows.item_start[[row]], rows.item_count[[row]]))
        faults = _FAULTS[kind]
        reason, bad = faults[(turn + number) % len(faults)]
        items.append(join_items([own, _item(bad, own, rows, row)]))
        item_start[row], item_count[row] = taken, len(items[-1])
        taken += len(items[-1])
        reasons[row] = reason
    planted = replace(table, rows=replace(rows, item_start=item_start, item_count=item_count), items=join_items(items))
    return PlantedItems(table=planted, reasons=reasons)


_FAULTS: Mapping[str, tuple[tuple[str | None, str], ...]] = {
    "heart_rate": (
        ("out_of_range:bpm", "zero"),
        ("time_in_future", "later"),
        ("out_of_range:bpm", "full_scale"),
        (None, "again"),
        ("time_before_2000", "epoch"),
        ("conflicting_samples", "rival"),
        ("outside_record", "day_before"),
    ),
    "sleep": (
        ("end_before_start", "reversed"),
        (None, "again"),
        ("outside_record", "day_before"),
        ("time_in_future", "later"),
        ("time_before_2000", "epoch"),
    ),
}
"""Kind to reason and sort of its bad items, in turn."""


def _item(sort: str, own: Items, rows: Rows, row: int) -> Items:
    """One bad item of a record that has `own` items."""
    start, end, value = int(own.start_ms[1]), int(own.end_ms[1]), int(own.value[1])
    moved = {"later": FAR_FUTURE_MS, "epoch": -start, "day_before": -24 * HOUR_MS}.get(sort, 0)
    if sort == "reversed":
        start, end = end, end - MINUTE_MS
    values = {"zero": 0, "full_scale": 255, "rival": HIGH_BPM}
    # Between two samples, so that it is impossible for its value alone.
    beside = 1 if sort in {"zero", "full_scale"} else 0
    assert rows.start_ms[row] <= start
    return Items(
        start_ms=np.array([start + moved + beside]),
        end_ms=np.array([end + moved + beside]),
        value=np.array([values.get(sort, value)]),
    )
