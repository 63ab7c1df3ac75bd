"""Daily totals by brute force, in plain Python: the second opinion on `sources` and `interval_totals`.

Follows docs/spec/clinical.md (S1, S2, G5, G8) sentence by sentence, one record and one stretch of time at a time. Shares no
code with what it checks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

ZERO = timedelta(0)
TWELVE_HOURS = timedelta(hours=12)
SECOND = timedelta(seconds=1)

Source = tuple[str, tuple[str, str, str]]
"""An app, and the type, manufacturer and model of one of its devices."""


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
    device: tuple[str, str, str] = ("UNKNOWN", "", "")

    @property
    def source(self) -> Source:
        return (self.app, self.device)


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


def shares(pieces: Sequence[Piece], rank: Callable[[Counted], int]) -> list[float]:
    """What each piece adds to S1, over the stretches between all ends of the pieces, and over the ends themselves."""

    def wins(index: int) -> tuple[object, ...]:
        record = pieces[index][0]
        return (-rank(record), record.modified, record.start, record.end, record.value)

    found = [0.0] * len(pieces)
    everyone = range(len(pieces))
    instants = sorted({t for _, begin, finish in pieces for t in (begin, finish)})
    for begin, finish in pairwise(instants):
        running = [k for k in everyone if pieces[k][1] <= begin and pieces[k][2] >= finish]
        if running:
            winner = max(running, key=wins)
            record = pieces[winner][0]
            found[winner] += record.value * ((finish - begin) / (record.end - record.start))
    for instant in instants:
        winner = max((k for k in everyone if pieces[k][1] <= instant <= pieces[k][2]), key=wins)
        if pieces[winner][0].start == pieces[winner][0].end:
            found[winner] = pieces[winner][0].value
    return found


@dataclass(frozen=True)
class DayTotal:
    """What is stated of a day.

    `shown` and `stated` are None where a bucket over midnight keeps them from being known. `alone`: what each source
    counted wholly inside the day, None if it is not all, or nothing.
    """

    shown: float | None
    stated: float | None
    app: str | None
    is_bound: bool
    over_midnight: bool
    alone: Sequence[tuple[str, str, float | None]]


def day_total(
    records: Sequence[Counted], on: date, bounds: tuple[datetime, datetime], order: Sequence[str] = ()
) -> DayTotal | None:
    """The totals of one person and local day; None if no record reaches into it.

    Args:
        records: all records of the person.
        on: the local date.
        bounds: its first instant and the first after it.
        order: explicit order of apps.
    """

    def is_bucket(record: Counted) -> bool:
        return record.end - record.start + timedelta(milliseconds=1) >= TWELVE_HOURS

    def span(record: Counted) -> tuple[datetime, datetime] | None:
        if record.first_date == record.last_date:
            return (record.start, record.end) if record.first_date == on else None
        if not min(record.first_date, record.last_date) <= on <= max(record.first_date, record.last_date):
            return None
        begin, finish = max(record.start, bounds[0]), min(record.end, bounds[1])
        if is_bucket(record) and finish - begin >= record.end - record.start - SECOND:
            return (record.start, record.end)
        return (begin, finish) if finish - begin > (SECOND if is_bucket(record) else ZERO) else None

    here = [r for r in records if span(r) is not None]
    if not here:
        return None

    def crosses(record: Counted) -> bool:
        return is_bucket(record) and span(record) != (record.start, record.end)

    def added(some: Sequence[Counted], rank: Callable[[Counted], int]) -> list[float]:
        return shares([(r, *span(r)) for r in some], rank)

    def total(some: Sequence[Counted], rank: Callable[[Counted], int]) -> float:
        return sum(added(some, rank))

    def behind(record: Counted) -> int:
        return 2 if crosses(record) else 1

    def counts(record: Counted, share: float) -> bool:
        return share * (record.end - record.start) > record.value * SECOND

    sources = {r.source for r in here}
    own: dict[Source, list[Counted]] = {}
    size: dict[Source, float] = {}
    misses: dict[Source, bool] = {}
    for source in sources:
        mine = [r for r in here if r.source == source]
        inside = [r for r in mine if is_bucket(r) and not crosses(r)] or [r for r in mine if not is_bucket(r)]
        crossing = [r for r in mine if crosses(r)]
        own[source] = inside
        size[source] = total([*inside, *crossing], behind)
        crossing_adds = added([*inside, *crossing], behind)[len(inside) :]
        misses[source] = not inside or any(map(counts, crossing, crossing_adds))

    def believed(source: Source) -> tuple[object, ...]:
        app, device = source
        listed = order.index(app) if app in order else len(order)
        return (listed, device[0] == "PHONE", -size[source], app, device)

    ranks = {source: place for place, source in enumerate(sorted(sources, key=believed), 1)}
    app_ranks = {app: min(ranks[s] for s in sources if s[0] == app) for app, _ in sources}

    def by_device(record: Counted) -> int:
        return ranks[record.source]

    def by_app(record: Counted) -> int:
        return app_ranks[record.app]

    buckets = [s for s in sources if any(is_bucket(r) for r in own[s])]
    unknown = [s for s in sources if not own[s]]
    # rank, total, runs, misses, app
    candidates = [(ranks[s], None, False, True, s[0]) for s in unknown]
    for source in buckets:
        runs = any(r.end > r.modified for r in own[source])
        candidates.append((ranks[source], total(own[source], by_device), runs, misses[source], source[0]))
    intervals = [r for s in sources if s not in buckets for r in own[s]]
    if intervals:
        first = min((r.source for r in intervals), key=ranks.__getitem__)
        each = added(intervals, by_device)
        used = [r for r, share in zip(intervals, each, strict=True) if r.source == first or share > 0]
        runs = any(r.end > r.modified for r in used)
        lacks = any(misses[r.source] for r in used) or any(ranks[s] < ranks[first] for s in unknown)
        candidates.append((ranks[first], sum(each), runs, lacks, first[0]))
    top = min(candidates)
    if top[2] or top[3]:
        known = [c for c in candidates if c[1] is not None]
        top = min(known, key=lambda c: (-c[1], c[0]), default=top)
    of_all = added(here, by_app)
    guesses = any(crosses(r) and counts(r, share) for r, share in zip(here, of_all, strict=True))
    return DayTotal(
        shown=None if guesses else sum(of_all),
        stated=top[1],
        app=None if top[1] is None else top[4],
        is_bound=top[1] is not None and (top[2] or top[3]),
        over_midnight=top[3],
        alone=[(s[0], s[1][0], None if misses[s] else total(own[s], by_device)) for s in sorted(ranks, key=ranks.get)],
    )
