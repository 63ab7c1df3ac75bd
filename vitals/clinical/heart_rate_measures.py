"""Numbers of a minute series: holds, means, the lowest half hour, gaps, zones, quarter hours.

Belongs here: arithmetic on `heart_rate_minutes.Minutes`, per span, with its units (docs/spec/clinical.md section 2).
Does not belong here: bouts (`heart_rate_bouts`), which span is a day or a night, what may be stated, or how a table is laid out.
"""

from itertools import pairwise

import numpy as np
import polars as pl

from vitals.clinical.heart_rate_minutes import (
    MINUTE_MS,
    Floats,
    Ints,
    Minutes,
    instant_of,
    person_instant,
    run_starts,
)

LONGEST_HOLD_MS = 11 * MINUTE_MS
"""Longest regular spacing of spot values awake, with jitter: a value speaks for no more time than that."""
FOREVER_MS = np.iinfo(np.int64).max // 4

HALF_HOUR_MS = 30 * MINUTE_MS
LEAST_VALUES = 5
LEAST_SPREAD_MS = 20 * MINUTE_MS

QUARTER_HOUR_MS = 15 * MINUTE_MS
_MICRO = 1_000_000
ZONE_BOUNDS_PERCENT = (57.0, 64.0, 77.0, 96.0)


def next_start_ms(minutes: Minutes) -> Ints:
    """Start of the span's next value; far in the future after the last."""
    following = np.full(minutes.span.size, FOREVER_MS)
    same = minutes.span[1:] == minutes.span[:-1]
    following[:-1][same] = minutes.start_ms[1:][same]
    return following


def holds_minutes(minutes: Minutes, *, following_ms: Ints, end_ms: Ints) -> Floats:
    """How long each value holds, in minutes: until the next value, 11 minutes, or the end, whichever is first."""
    until = np.minimum(np.minimum(following_ms, minutes.start_ms + LONGEST_HOLD_MS), end_ms)
    return np.maximum(until - minutes.start_ms, 0) / MINUTE_MS


class BySpan:
    """Sums per span of values that are sorted by span.

    Args:
        span: span of each value.
        spans: number of spans.
    """

    def __init__(self, span: Ints, spans: int) -> None:
        self.span = span
        self.spans = spans
        self.starts = run_starts(span)
        self.counts = self._spread(np.diff(self.starts, append=span.size).astype(np.float64))

    def sum(self, values: Floats) -> Floats:
        """Sum per span; 0 for a span without values."""
        return self._spread(np.add.reduceat(values, self.starts) if self.starts.size else np.empty(0))

    def sd(self, values: Floats) -> Floats:
        """Standard deviation with ddof 1 per span; NaN below two values."""
        deviation = values - ratio(self.sum(values), self.counts)[self.span]
        return np.sqrt(ratio(self.sum(deviation * deviation), self.counts - 1))

    def _spread(self, of_runs: Floats) -> Floats:
        per_span = np.zeros(self.spans)
        per_span[self.span[self.starts]] = of_runs
        return per_span


def ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, NaN where the denominator is 0."""
    quotient: Floats = np.full(numerator.size, np.nan)
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)


def first_extreme(span: Ints, values: Floats, *, highest: bool) -> tuple[Ints, Ints]:
    """Spans that have values, and the position of the first lowest (highest) value of each."""
    starts = run_starts(span)
    if not starts.size:
        return starts, starts
    extreme = (np.maximum if highest else np.minimum).reduceat(values, starts)
    hits = np.flatnonzero(values == np.repeat(extreme, np.diff(starts, append=span.size)))
    return span[starts], hits[run_starts(span[hits])]


def lowest_half_hour(minutes: Minutes, spans: int) -> Floats:
    """Lowest mean over 30 minutes per span, in bpm; NaN without a window dense enough.

    A window ends at a value and holds the values of the 30 minutes before it, its left end excluded. It counts
    with at least 5 values of which the first and the last are at least 20 minutes apart. Its mean is plain: a
    window this dense has no long holds to weigh.
    """
    lowest = np.full(spans, np.nan)
    if not minutes.span.size:
        return lowest
    time = person_instant(minutes.span, minutes.start_ms)
    begin = np.searchsorted(time, time - HALF_HOUR_MS, side="right")
    after = np.arange(1, time.size + 1)
    # Whole numbers, so that a person's result does not depend on whose values were summed before.
    summed = np.append(0, np.cumsum(np.rint(minutes.bpm * _MICRO).astype(np.int64)))
    count = after - begin
    enough = np.flatnonzero((count >= LEAST_VALUES) & (time - time[begin] >= LEAST_SPREAD_MS))
    mean = (summed[after[enough]] - summed[begin[enough]]) / count[enough] / _MICRO
    span, first = minutes.span[enough], run_starts(minutes.span[enough])
    if first.size:
        lowest[span[first]] = np.minimum.reduceat(mean, first)
    return lowest


def longest_gaps(minutes: Minutes, *, start_ms: Ints, end_ms: Ints) -> pl.DataFrame:
    """Longest stretch of each span without a value, its edges included; the first of equals.

    Args:
        minutes: values of the spans.
        start_ms: first instant of each span.
        end_ms: first instant after each span.

    Returns:
        `span`, `longest_gap_minutes`, `gap_start_ms`, `gap_end_ms` and the offsets there in seconds, null at an
        edge of the span; one row per span with values.
    """
    heads = run_starts(minutes.span)
    if not heads.size:
        heads = np.empty(0, np.int64)
    tails = np.append(heads[1:], minutes.span.size)[: heads.size]
    before = np.empty(minutes.span.size, np.int64)
    before[1:] = minutes.start_ms[:-1]
    before[heads] = start_ms[minutes.span[heads]]
    spans, widest = first_extreme(minutes.span, (minutes.start_ms - before).astype(np.float64), highest=True)
    last = tails - 1
    trailing = end_ms[spans] - minutes.start_ms[last]
    at_end = trailing > minutes.start_ms[widest] - before[widest]
    at_start = ~at_end & (widest == heads)
    gap_start = np.where(at_end, minutes.start_ms[last], before[widest])
    gap_end = np.where(at_end, end_ms[spans], minutes.start_ms[widest])
    return pl.DataFrame(
        {
            "span": spans,
            "longest_gap_minutes": (gap_end - gap_start) / MINUTE_MS,
            "gap_start_ms": gap_start,
            "gap_end_ms": gap_end,
            "gap_start_offset": np.where(at_end, minutes.offset_seconds[last], minutes.offset_seconds[widest - 1]),
            "gap_end_offset": minutes.offset_seconds[widest],
            "at_start": at_start,
            "at_end": at_end,
        }
    ).select(
        "span",
        "longest_gap_minutes",
        "gap_start_ms",
        "gap_end_ms",
        pl.when(~pl.col("at_start")).then("gap_start_offset").alias("gap_start_offset"),
        pl.when(~pl.col("at_end")).then("gap_end_offset").alias("gap_end_offset"),
    )


def zone_minutes(minutes: Minutes, hold_minutes: Floats, *, highest_bpm: Floats) -> list[Floats]:
    """Minutes in each of the five zones per span; NaN where the highest rate is unknown.

    Args:
        minutes: values of the spans.
        hold_minutes: how long each holds.
        highest_bpm: estimated maximal heart rate per span, NaN where unknown.
    """
    by_span = BySpan(minutes.span, highest_bpm.size)
    percent = 100 * minutes.bpm / highest_bpm[minutes.span]
    # A value of exactly 57 % belongs to the zone that begins there.
    at_or_above = [by_span.sum(hold_minutes * (percent >= bound)) for bound in ZONE_BOUNDS_PERCENT]
    unknown = np.isnan(highest_bpm)
    edges = [by_span.sum(hold_minutes), *at_or_above, np.zeros(highest_bpm.size)]
    return [np.where(unknown, np.nan, upper - lower) for upper, lower in pairwise(edges)]


def quarter_hours(minutes: Minutes, hold_minutes: Floats) -> pl.DataFrame:
    """Hold-weighted means of the UTC quarter hours: `span`, `bin_ms`, `bpm`, `offset_seconds`, sorted.

    A hold that crosses the quarter counts in both, so that a quarter without a sample of its own still has the
    value that held there. No hold crosses two quarters, and none overlaps the next value's.
    """
    bin_ms = minutes.start_ms - minutes.start_ms % QUARTER_HOUR_MS
    own = np.minimum(hold_minutes, (bin_ms + QUARTER_HOUR_MS - minutes.start_ms) / MINUTE_MS)
    starts = run_starts(minutes.span, bin_ms)
    spilling = np.flatnonzero(hold_minutes > own)
    rest = hold_minutes[spilling] - own[spilling]
    # At most two rows a quarter: the values that begin in it, then what the value before it spills over.
    span = np.append(minutes.span[starts], minutes.span[spilling])
    quarter = person_instant(span, np.append(bin_ms[starts], bin_ms[spilling] + QUARTER_HOUR_MS))
    order = np.argsort(quarter, kind="stable")
    weighted = np.append(np.add.reduceat(minutes.bpm * own, starts), minutes.bpm[spilling] * rest)[order]
    held = np.append(np.add.reduceat(own, starts), rest)[order]
    first = run_starts(quarter[order])
    bpm = np.add.reduceat(weighted, first) / np.add.reduceat(held, first)
    offset_seconds = np.append(minutes.offset_seconds[starts], minutes.offset_seconds[spilling])
    kept = order[first]
    return pl.DataFrame(
        {
            "span": span[kept],
            "bin_ms": instant_of(quarter[kept]),
            "bpm": bpm,
            "offset_seconds": offset_seconds[kept],
        }
    )
