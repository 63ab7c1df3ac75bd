"""Bouts of high and of low heart rate, and the day each belongs to.

Belongs here: what a bout is (docs/spec/clinical.md section 2), and following one that starts before midnight to its end.
Does not belong here: the minute series (`heart_rate_days`), or how many bouts may be stated (`heart_rate`).
"""

from dataclasses import replace

import numpy as np
import polars as pl

from vitals.clinical.heart_rate_days import DAY_MS, DaySeries, SourceRanks, Spans
from vitals.clinical.heart_rate_measures import LONGEST_HOLD_MS
from vitals.clinical.heart_rate_minutes import (
    MINUTE_MS,
    Flags,
    Ints,
    Minutes,
    Samples,
    choose,
    cut,
    run_starts,
    source_minutes,
)
from vitals.clinical.local_day import wall_clock
from vitals.record_types import UTC_MS

HIGH_BPM = 100
LOW_BPM = 50
HIGH, LOW = "ge100", "lt50"
LEAST_BOUT_MS = 10 * MINUTE_MS

BOUTS_TYPE = pl.List(
    pl.Struct(
        {"level": pl.String(), "start_local": pl.Datetime("ms"), "minutes": pl.Float64(), "extreme_bpm": pl.Float64()}
    )
)


def bout_columns(samples: Samples, series: DaySeries, spans: Spans) -> pl.DataFrame:
    """Bouts that start in each day, whole even if they end after midnight: `span`, the counts and `bouts`."""
    minutes = series.minutes
    open_days = _days_with_open_run(minutes, spans)
    found = _high_and_low(minutes)
    if open_days.size:
        longer = _high_and_low(_past_midnight(samples, spans, series.ranks, open_days))
        found = pl.concat([found.filter(~pl.col("span").is_in(pl.Series(open_days).implode())), longer])
    bounds = spans.frame.select(
        "span", day_start=pl.col("day_start_utc").to_physical(), day_end=pl.col("day_end_utc").to_physical()
    )
    item = pl.struct(
        "level",
        wall_clock(pl.col("start_ms").cast(UTC_MS), pl.col("offset_seconds")).alias("start_local"),
        "minutes",
        "extreme_bpm",
    )
    return (
        found.join(bounds, on="span")
        .filter((pl.col("start_ms") > pl.col("day_start") - MINUTE_MS) & (pl.col("start_ms") < pl.col("day_end")))
        .sort("span", "start_ms")
        .group_by("span", maintain_order=True)
        .agg(
            bouts_ge100=(pl.col("level") == HIGH).sum().cast(pl.Int64),
            bouts_lt50=(pl.col("level") == LOW).sum().cast(pl.Int64),
            bouts=item,
        )
    )


def _high_and_low(minutes: Minutes) -> pl.DataFrame:
    return pl.concat(
        [
            _bouts(minutes, minutes.bpm >= HIGH_BPM, level=HIGH, highest=True),
            _bouts(minutes, minutes.bpm < LOW_BPM, level=LOW, highest=False),
        ]
    )


def _days_with_open_run(minutes: Minutes, spans: Spans) -> Ints:
    """Days whose last value is high or low and so late that the run may go on in the next day."""
    last = np.append(run_starts(minutes.span)[1:], minutes.span.size) - 1
    beyond = (minutes.bpm[last] >= HIGH_BPM) | (minutes.bpm[last] < LOW_BPM)
    late = minutes.start_ms[last] + LONGEST_HOLD_MS >= spans.end_ms[minutes.span[last]]
    open_days: Ints = minutes.span[last[beyond & late]]
    return open_days


def _past_midnight(samples: Samples, spans: Spans, ranks: SourceRanks, days: Ints) -> Minutes:
    """The series of some days, a day longer than in `day_series`, by the source order of the day itself."""
    to_ms = spans.end_ms[days] + DAY_MS
    slices = cut(samples, person=spans.person[days], from_ms=spans.series_from_ms[days], to_ms=to_ms)
    candidates = source_minutes(samples, slices)
    candidates = replace(candidates, span=days[candidates.span])
    return choose(candidates, ranks.of(candidates.span, candidates.source))


def _runs_beyond(minutes: Minutes, beyond: Flags) -> tuple[Ints, Ints]:
    """First and last positions of the runs of consecutive values beyond a limit, gaps of up to 11 minutes allowed."""
    hits = np.flatnonzero(beyond)
    if not hits.size:
        return hits, hits
    breaks = np.ones(hits.size, np.bool_)
    breaks[1:] = (
        (np.diff(hits) > 1) | (np.diff(minutes.span[hits]) != 0) | (np.diff(minutes.start_ms[hits]) > LONGEST_HOLD_MS)
    )
    starts = np.flatnonzero(breaks)
    return hits[starts], hits[np.append(starts[1:], hits.size) - 1]


def _bouts(minutes: Minutes, beyond: Flags, *, level: str, highest: bool) -> pl.DataFrame:
    """Runs of at least 10 minutes beyond a limit: `span`, `level`, `start_ms`, `offset_seconds`, `minutes`, `extreme_bpm`.

    A run lasts from its first value to its last: a single value proves no duration, whatever it holds.
    """
    first, last = _runs_beyond(minutes, beyond)
    long = minutes.start_ms[last] - minutes.start_ms[first] >= LEAST_BOUT_MS
    first, last = first[long], last[long]
    reduce = np.maximum if highest else np.minimum
    edges = np.column_stack((first, last + 1)).ravel()
    padded = np.append(minutes.bpm, np.nan)
    extreme = reduce.reduceat(padded, edges)[::2] if edges.size else np.empty(0)
    return pl.DataFrame(
        {
            "span": minutes.span[first],
            "level": np.full(first.size, level, dtype=object).astype(str),
            "start_ms": minutes.start_ms[first],
            "offset_seconds": minutes.offset_seconds[first],
            "minutes": (minutes.start_ms[last] - minutes.start_ms[first]) / MINUTE_MS,
            "extreme_bpm": extreme,
        }
    )
