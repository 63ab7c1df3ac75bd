"""Everything that can be said of one person's deliveries over some local days.

Belongs here: the order of the steps, cutting what was found to the days asked for, and when each day closed.
Does not belong here: the steps, reading tables, printing.

    deliveries -> windows -> lags -> gaps -> labels -> advice
                                 `-> days
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from vitals.clinical.forensics.advice import Advice, Hole, advise
from vitals.clinical.forensics.deliveries import MINUTE_MS, History, Ints, Stream, history_of
from vitals.clinical.forensics.gaps import LONGEST_BETWEEN_MS, Expected, Gap, expected_of
from vitals.clinical.forensics.labels import (
    EXPORTER_HOLE,
    NOT_ASSESSABLE,
    SENSOR_GAP,
    Labelled,
    assessable,
    covered_spans,
    label_gap,
    settle_silence,
)
from vitals.clinical.forensics.lags import Lag, lags_of
from vitals.clinical.forensics.windows import Windows, windows_of


@dataclass(frozen=True, kw_only=True)
class DayGap:
    """A labelled gap, or the part of it on one local day."""

    local_date: date
    kind: str
    source_app: str
    from_ms: int
    to_ms: int
    label: str


@dataclass(frozen=True, kw_only=True)
class DayState:
    """Whether a local day can still change.

    Attributes:
        closed_ms: first fetch that came the lag of every source after the day's end; None if none did.
        open_sources: sources that may still bring data of it, each with the instant from which it cannot.
    """

    local_date: date
    closed_ms: int | None
    open_sources: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What was found.

    Attributes:
        history: what was delivered around the days.
        windows: what each fetch read.
        lags: of each stream.
        expected: first and last instant at which something was expected of each stream, within the days.
        gaps: by day, kind, source and time; they neither overlap each other nor data.
        days: state of each local day.
        advice: for the owner of the exporting app, about the holes in these days.
    """

    history: History
    windows: Windows
    lags: Mapping[Stream, Lag]
    expected: Mapping[Stream, tuple[int, int]]
    gaps: tuple[DayGap, ...]
    days: tuple[DayState, ...]
    advice: Advice


def investigate(delivered: pl.DataFrame, days: pl.DataFrame, *, first_day: date, last_day: date) -> Findings:
    """Find windows, lags and gaps of one person.

    Args:
        delivered: `deliveries.DELIVERED_SCHEMA`, from some days before the first day (their pattern says what is
            expected) to some after the last (later fetches close what was open).
        days: `context.DAYS_SCHEMA` of the person for all these days. Without any the zone is unresolved: nothing
            is expected on any day, so nothing is missing.
        first_day, last_day: local days to report.
    """
    history = history_of(delivered)
    windows = windows_of(history)
    lags = lags_of(history, windows)
    instants = pl.col("day_start_utc", "day_end_utc").to_physical()
    bounds = {
        day: (begin, end) for day, begin, end in days.sort("local_date").select("local_date", instants).iter_rows()
    }
    wanted = {day: span for day, span in bounds.items() if first_day <= day <= last_day}
    found: list[DayGap] = []
    holes: list[Hole] = []
    expected: dict[Stream, tuple[int, int]] = {}
    if wanted and len(history.fetch_ms):
        begin, end = min(b for b, _ in wanted.values()), max(e for _, e in wanted.values())
        midnights = _midnights(bounds)
        until = min(int(history.fetch_ms[-1]), max(e for _, e in bounds.values()))
        for key, stream in history.streams.items():
            hoped = expected_of(stream, day_starts_ms=midnights, until_ms=until)
            if hoped.from_ms < end and min(hoped.to_ms, end) > begin:
                expected[key] = max(hoped.from_ms, begin), min(hoped.to_ms, end)
            for gap, part in _labelled(history, windows, lags[key], key, hoped):
                cut = [gap_on for day in wanted.items() if (gap_on := _on_day(key, part, *day)) is not None]
                found += cut
                if cut and part.label == EXPORTER_HOLE:
                    holes.append(_hole(key, gap, part, lags[key]))
    return Findings(
        history=history,
        windows=windows,
        lags=lags,
        expected=expected,
        gaps=tuple(sorted(found, key=lambda g: (g.local_date, g.kind, g.source_app, g.from_ms))),
        days=tuple(_state(day, span[1], windows.fetch_ms, lags) for day, span in wanted.items()),
        advice=advise(holes, windows, lags, enough_fetches=assessable(history) and bool(wanted)),
    )


def _labelled(history: History, windows: Windows, lag: Lag, key: Stream, hoped: Expected) -> list[tuple[Gap, Labelled]]:
    """Each gap of a stream with its labelled parts."""
    if not assessable(history):
        return [(gap, Labelled(from_ms=gap.from_ms, to_ms=gap.to_ms, label=NOT_ASSESSABLE)) for gap in hoped.gaps]
    stream = history.streams[key]
    covered = covered_spans(stream, windows, lag)
    pending = int(windows.fetch_ms[-1]) - lag.longest_ms
    sliver = LONGEST_BETWEEN_MS.get(stream.kind, MINUTE_MS)
    source_end = _last_ms(history, app=key[1], same=True)
    others_end = _last_ms(history, app=key[1], same=False)
    labelled = []
    for gap in hoped.gaps:
        parts = list(label_gap(gap, covered=covered, pending_from_ms=pending, sliver_ms=sliver))
        if gap.is_doubtful:
            parts = [part for part in parts if part.label != SENSOR_GAP]
        parts = settle_silence(parts, source_end_ms=source_end, others_end_ms=others_end, until_ms=hoped.to_ms)
        labelled += [(gap, part) for part in parts]
    return labelled


def _last_ms(history: History, *, app: str, same: bool) -> int:
    """Last instant that the records of a source, or of all others, tell of; 0 if there are none."""
    ends = [
        int(np.minimum(stream.end_ms, stream.latest_modified_ms).max())
        for (_, other), stream in history.streams.items()
        if (other == app) is same
    ]
    return max(ends, default=0)


def _on_day(key: Stream, part: Labelled, day: date, span: tuple[int, int]) -> DayGap | None:
    begin, end = max(part.from_ms, span[0]), min(part.to_ms, span[1])
    if end <= begin:
        return None
    return DayGap(local_date=day, kind=key[0], source_app=key[1], from_ms=begin, to_ms=end, label=part.label)


def _hole(key: Stream, gap: Gap, part: Labelled, lag: Lag) -> Hole:
    return Hole(
        kind=key[0],
        app=key[1],
        from_ms=part.from_ms,
        to_ms=part.to_ms,
        asked_ms=gap.asked_ms,
        shown_ms=gap.shown_ms,
        lag_ms=lag.longest_ms,
    )


def _state(day: date, end_ms: int, fetch_ms: Ints, lags: Mapping[Stream, Lag]) -> DayState:
    settled: dict[str, int] = {}
    for (_, app), lag in lags.items():
        settled[app] = max(settled.get(app, 0), end_ms + lag.longest_ms)
    last = int(fetch_ms[-1]) if len(fetch_ms) else 0
    late_enough = fetch_ms[fetch_ms >= max(settled.values(), default=end_ms)]
    return DayState(
        local_date=day,
        closed_ms=int(late_enough[0]) if len(late_enough) else None,
        open_sources={app: at for app, at in sorted(settled.items()) if at > last},
    )


def _midnights(bounds: Mapping[date, tuple[int, int]]) -> Ints:
    """Beginnings of the local days, and the end of the last."""
    starts = sorted(begin for begin, _ in bounds.values())
    return np.array([*starts, max(end for _, end in bounds.values())], dtype=np.int64)
