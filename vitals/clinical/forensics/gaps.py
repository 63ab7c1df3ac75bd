"""Where data are missing: stretches in which a source should have data of a kind, and has none.

Belongs here: what is expected of each kind, from the pattern of the source's own records.
Does not belong here: why it is missing (`labels`).

By the kind's rhythm (`RecordType.rhythm`); "readings_or_nights" is one or the other by what the source has measured:

    readings   no longer between records than LONGEST_BETWEEN_MS, or one and a half sampling intervals of a slower sensor
    nights     something every night, at the source's usual hours; within a night of readings again no longer between
               them than LONGEST_BETWEEN_MS
    totals     a record every local day; a record that is a running total lacks its last part

Nothing is expected of a source before its first record and after the last fetch.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from vitals.clinical.forensics.deliveries import DAY_MS, HOUR_MS, MINUTE_MS, Deliveries, Ints
from vitals.clinical.sampling_interval import sampling_intervals
from vitals.record_types import BY_KIND, RECORD_TYPES

LONGEST_BETWEEN_MS: Mapping[str, int] = MappingProxyType(
    {
        each.kind: each.longest_between_minutes * MINUTE_MS
        for each in RECORD_TYPES
        if each.longest_between_minutes is not None
    }
)
"""Kinds of readings, and the longest time between two of them that is no gap."""
SHORTEST_MS = MINUTE_MS
"""Of a gap that is not one between readings: less is a difference of clocks."""
NIGHT_BEGINS_HOUR, NIGHT_ENDS_HOUR = -2, 8
"""A record that touches these hours around a local midnight belongs to that night; a nap does not."""
AFTERNOON_HOURS = (12, 18)
AWAKE_SHARE = 1 / 3
"""A source with data on fewer of its days' afternoons measures asleep only."""
EDGE_MS = HOUR_MS
"""A night of readings that begins so much later than usual may have lost its begin to a window. Its end is not lost: a
night is published as a whole."""
BUCKET_MS = 18 * HOUR_MS
"""Records of a total that are mostly this long are one bucket a day."""


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch without data of one kind and source.

    Attributes:
        from_ms, to_ms: the stretch.
        asked_ms: start of the record that would fill it, if it takes one record as a whole (a night, a bucket);
            None if each part of the stretch has records of its own.
        shown_ms: from when on that record would have been there to be published: its end, or its start if the source
            writes running totals.
        is_doubtful: whether there is no gap where a fetch covered it: a night may just have been short.
    """

    from_ms: int
    to_ms: int
    asked_ms: int | None = None
    shown_ms: int = 0
    is_doubtful: bool = False


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What was expected of a stream.

    Attributes:
        from_ms, to_ms: first and last instant at which anything was.
        gaps: where it is missing, ascending, not overlapping.
    """

    from_ms: int
    to_ms: int
    gaps: tuple[Gap, ...]


def expected_of(stream: Deliveries, *, day_starts_ms: Ints, until_ms: int) -> Expected:
    """Gaps of a stream.

    Args:
        stream: at least one record.
        day_starts_ms: the person's local midnights, ascending, from before the first record to after `until_ms`.
        until_ms: nothing is expected later, nor after the last fetch.
    """
    first = int(stream.start_ms.min())
    rhythm = BY_KIND[stream.kind].rhythm
    if rhythm == "totals":
        found = _totals(stream, day_starts_ms, until_ms)
    elif rhythm == "nights" or (rhythm == "readings_or_nights" and not _is_awake(stream, day_starts_ms)):
        found = _nights(stream, day_starts_ms)
    else:
        found = iter(_between(stream.start_ms, _reached(stream), until_ms, _longest_between(stream, day_starts_ms)))
    gaps = tuple(sorted(_clear(stream, found, until_ms), key=lambda gap: gap.from_ms))
    return Expected(from_ms=first, to_ms=max(first, until_ms), gaps=gaps)


def _longest_between(stream: Deliveries, day_starts_ms: Ints) -> Ints | int:
    """Longest time after each record that is no gap."""
    usual_ms = LONGEST_BETWEEN_MS[stream.kind]
    if not BY_KIND[stream.kind].instant:
        return usual_ms
    days, series = np.unique(np.searchsorted(day_starts_ms, stream.start_ms, side="right"), return_inverse=True)
    unknown = np.zeros(len(days), dtype=np.int64)
    found = sampling_intervals(series=series, utc_ms=stream.start_ms, usual_minutes=unknown)
    if not found.is_regular.any():
        return usual_ms
    # A day that proves nothing has the interval of the others.
    minutes = np.where(found.is_regular, found.minutes, np.median(found.minutes[found.is_regular]).astype(np.int64))
    longest_ms: Ints = np.maximum(usual_ms, minutes * MINUTE_MS * 3 // 2)[series]
    return longest_ms


def _reached(stream: Deliveries) -> Ints:
    """End of what each record tells: a record that was still growing tells nothing after its modification."""
    return np.maximum(stream.start_ms, np.minimum(stream.end_ms, stream.latest_modified_ms))


def _is_awake(stream: Deliveries, day_starts_ms: Ints) -> bool:
    begin, end = stream.start_ms, stream.end_ms
    noons, evenings = (day_starts_ms + hour * HOUR_MS for hour in AFTERNOON_HOURS)
    days = np.unique(np.searchsorted(day_starts_ms, begin, side="right"))
    # Records that begin before an evening, less those that end before its noon.
    afternoons = np.searchsorted(begin, evenings) - np.searchsorted(np.sort(end), noons)
    return bool((afternoons > 0).sum() >= AWAKE_SHARE * len(days))


def _between(start: Ints, end: Ints, until_ms: int, longest_ms: Ints | int) -> list[Gap]:
    """Stretches longer than `longest_ms` between records ascending by start, and after the last."""
    covered = np.maximum.accumulate(end)
    begins = np.append(start[1:], until_ms)
    wide = np.flatnonzero(begins - covered > longest_ms)
    return [Gap(from_ms=int(covered[i]), to_ms=int(begins[i])) for i in wide]


def _nights(stream: Deliveries, day_starts_ms: Ints) -> Iterator[Gap]:
    rows_of: dict[int, Ints] = {}
    for midnight in day_starts_ms.tolist():
        begin, end = midnight + NIGHT_BEGINS_HOUR * HOUR_MS, midnight + NIGHT_ENDS_HOUR * HOUR_MS
        rows = np.flatnonzero((stream.start_ms < end) & (stream.end_ms >= begin))
        if len(rows):
            rows_of[midnight] = rows
    if not rows_of:
        return
    usual_begin = int(np.median([stream.start_ms[rows].min() - midnight for midnight, rows in rows_of.items()]))
    usual_end = int(np.median([stream.end_ms[rows].max() - midnight for midnight, rows in rows_of.items()]))
    of_readings = stream.kind in LONGEST_BETWEEN_MS and BY_KIND[stream.kind].rhythm == "nights"
    for midnight in day_starts_ms[day_starts_ms >= min(rows_of)].tolist():
        night = rows_of.get(midnight)
        if night is None:
            begin, end = midnight + usual_begin, midnight + usual_end
            # Who travels sleeps at odd hours of the new place: that is no night without data.
            if not ((stream.start_ms < end) & (stream.end_ms > begin)).any():
                yield Gap(from_ms=begin, to_ms=end, asked_ms=None if of_readings else begin, shown_ms=end)
        elif stream.kind in LONGEST_BETWEEN_MS:
            first, last = int(stream.start_ms[night].min()), int(stream.end_ms[night].max())
            yield from _between(stream.start_ms[night], stream.end_ms[night], last, LONGEST_BETWEEN_MS[stream.kind])
            if of_readings and first - (midnight + usual_begin) > EDGE_MS:
                yield Gap(from_ms=midnight + usual_begin, to_ms=first, is_doubtful=True)


def _totals(stream: Deliveries, day_starts_ms: Ints, until_ms: int) -> Iterator[Gap]:
    reached = _reached(stream)
    in_buckets = float(np.median(stream.end_ms - stream.start_ms)) >= BUCKET_MS
    first_modified = stream.modified_ms[np.arange(len(reached)), stream.first_fetch]
    writes_running = float(np.mean(first_modified < stream.end_ms)) >= 0.5
    if in_buckets:
        for begin, told, end in zip(stream.start_ms.tolist(), reached.tolist(), stream.end_ms.tolist(), strict=True):
            if told < end:
                yield Gap(from_ms=told, to_ms=end, asked_ms=begin, shown_ms=end)
    for begin, end in zip(day_starts_ms[:-1].tolist(), day_starts_ms[1:].tolist(), strict=True):
        is_past_first = begin > int(stream.start_ms.min())
        has_own = bool(((stream.start_ms >= begin) & (stream.start_ms < end)).any())
        if is_past_first and not has_own and begin < until_ms:
            shown = begin if writes_running else end
            yield Gap(from_ms=begin, to_ms=end, asked_ms=begin if in_buckets else None, shown_ms=shown)


def _clear(stream: Deliveries, gaps: Iterator[Gap], until_ms: int) -> Iterator[Gap]:
    """The gaps up to an instant, less what any record covers: a bucket may begin before its day, a night be late."""
    start, end = stream.start_ms, np.maximum.accumulate(_reached(stream))
    taken = -DAY_MS
    for gap in sorted(gaps, key=lambda g: (g.from_ms, g.to_ms)):
        at, last = max(gap.from_ms, taken), min(gap.to_ms, until_ms)
        for i in range(int(np.searchsorted(end, at, side="right")), len(start)):
            if start[i] >= last:
                break
            if start[i] - at >= SHORTEST_MS:
                yield replace(gap, from_ms=at, to_ms=int(start[i]))
            at = max(at, int(end[i]))
        if last - at >= SHORTEST_MS:
            yield replace(gap, from_ms=at, to_ms=last)
        taken = max(taken, last)
