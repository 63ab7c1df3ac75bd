"""Daily totals by brute force, in plain Python: the second opinion on `sources` and `interval_totals`.

Follows CLINICAL.md S1, S2, G5, G8 sentence by sentence, one record and one stretch of time at a time. Shares no
code with what it checks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

ZERO = timedelta(0)
TWELVE_HOURS = timedelta(hours=12)


@dataclass(frozen=True)
class Counted:
    """One record of a counted thing."""

    app: str
    start: datetime
    end: datetime
    value: float
    modified: datetime
    first_date: date
    last_date: date
    device: str = "UNKNOWN"


def priority_total_by_second(records: Sequence[tuple[int, int, float, int, int]], first: int, after: int) -> float:
    """S1 of records `(start, end, value, rank, modified)` in whole seconds, second by second, over `[first, after)`."""

    def wins(record: tuple[int, int, float, int, int]) -> tuple[float, ...]:
        start, end, value, rank, modified = record
        return (-rank, modified, start, end, value)

    total = 0.0
    for second in range(first, after):
        momentary = [r for r in records if r[0] == r[1] == second]
        touching = [r for r in records if r[0] <= second <= r[1]]
        if momentary:
            winner = max(touching, key=wins)
            if winner[0] == winner[1]:
                total += winner[2]
        running = [r for r in records if r[0] <= second < r[1]]
        if running:
            winner = max(running, key=wins)
            total += winner[2] / (winner[1] - winner[0])
    return total


Piece = tuple[Counted, datetime, datetime]
"""A record and the part of it that belongs to the day."""


def priority_total(pieces: Sequence[Piece], ranks: Mapping[str, int]) -> float:
    """S1 over the stretches between all ends of the pieces, and over the ends themselves."""

    def wins(piece: Piece) -> tuple[object, ...]:
        record = piece[0]
        return (-ranks[record.app], record.modified, record.start, record.end, record.value)

    instants = sorted({t for _, begin, finish in pieces for t in (begin, finish)})
    total = 0.0
    for begin, finish in pairwise(instants):
        running = [p for p in pieces if p[1] <= begin and p[2] >= finish]
        if running:
            winner = max(running, key=wins)[0]
            total += winner.value * ((finish - begin) / (winner.end - winner.start))
    for instant in instants:
        winner = max((p for p in pieces if p[1] <= instant <= p[2]), key=wins)[0]
        if winner.start == winner.end:
            total += winner.value
    return total


@dataclass(frozen=True)
class DayTotal:
    """What is stated of a day."""

    shown: float
    stated: float
    app: str
    partial: bool
    alone: Mapping[str, float | None]


def day_total(
    records: Sequence[Counted], on: date, bounds: tuple[datetime, datetime], order: Sequence[str] = ()
) -> DayTotal | None:
    """The totals of one person and local day; None if the day has no data of its own.

    Args:
        records: all records of the person.
        on: the local date.
        bounds: its first instant and the first after it.
        order: explicit source order.
    """

    def span(record: Counted) -> tuple[datetime, datetime] | None:
        if record.first_date == record.last_date:
            return (record.start, record.end) if record.first_date == on else None
        if not min(record.first_date, record.last_date) <= on <= max(record.first_date, record.last_date):
            return None
        begin, finish = max(record.start, bounds[0]), min(record.end, bounds[1])
        return (begin, finish) if finish > begin else None

    def is_bucket(record: Counted) -> bool:
        return record.end - record.start + timedelta(milliseconds=1) >= TWELVE_HOURS

    def own(record: Counted) -> bool:
        begin, finish = span(record)
        half = min(record.end - record.start, bounds[1] - bounds[0]) / 2
        return not is_bucket(record) or finish - begin >= half

    here = [r for r in records if span(r) is not None]
    if not any(own(r) for r in here):
        return None

    def total(some: Sequence[Counted], ranks: Mapping[str, int]) -> float:
        return priority_total([(r, *span(r)) for r in some], ranks)

    alone: dict[str, float | None] = {}
    bucket_apps = set()
    for app in {r.app for r in here}:
        mine = [r for r in here if r.app == app]
        if any(is_bucket(r) and own(r) for r in mine):
            bucket_apps.add(app)
            mine = [r for r in mine if is_bucket(r)]
        else:
            mine = [r for r in mine if not is_bucket(r)]
        alone[app] = total(mine, {app: 1}) if mine else None

    def believed(app: str) -> tuple[object, ...]:
        listed = order.index(app) if app in order else len(order)
        phone = all(r.device == "PHONE" for r in here if r.app == app)
        size = alone[app]
        return (listed, phone, size is None, -(size or 0.0), app)

    ranks = {app: place for place, app in enumerate(sorted(alone, key=believed), 1)}
    candidates = []
    for app in bucket_apps:
        partial = any(r.end > r.modified for r in here if r.app == app and is_bucket(r))
        candidates.append((ranks[app], alone[app], partial, app))
    intervals = [r for r in here if r.app not in bucket_apps and not is_bucket(r)]
    if intervals:
        first = min((r.app for r in intervals), key=ranks.__getitem__)
        used = [
            r
            for r in intervals
            if r.app == first or total(intervals, ranks) != total([x for x in intervals if x is not r], ranks)
        ]
        partial = any(r.end > r.modified for r in used)
        candidates.append((ranks[first], total(intervals, ranks), partial, first))
    top = min(candidates)
    if top[2]:
        top = min(candidates, key=lambda c: (-c[1], c[0]))
    return DayTotal(shown=total(here, ranks), stated=top[1], app=top[3], partial=top[2], alone=alone)
