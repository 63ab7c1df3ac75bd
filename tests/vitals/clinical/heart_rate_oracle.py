"""Heart rate by brute force, in plain Python: the second opinion on the heart-rate modules.

Follows docs/spec/clinical.md section 2 in ten-second ticks: at each tick, the last minute value holds if it began less than
eleven minutes ago. Times of days and sessions must be multiples of ten seconds. Shares no code with what it checks.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean, stdev

TICK = 10
MINUTE = 60
HOLD = 11 * MINUTE
DAY = 24 * 3600


@dataclass(frozen=True)
class Sample:
    time: datetime
    bpm: int
    app: str
    device: str = "UNKNOWN"
    model: str = ""

    @property
    def source(self) -> "Source":
        return (self.app, self.device, self.model)


Source = tuple[str, str, str]
"""An app, and the type and model of one of its devices."""


def seconds(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()


def by_minute(samples: Sequence[Sample], first: float, after: float) -> dict[int, dict[Source, float]]:
    """Mean of each source in each minute (its first second) of a span."""
    grouped: dict[int, dict[Source, list[int]]] = defaultdict(lambda: defaultdict(list))
    for sample in samples:
        at = seconds(sample.time)
        if first <= at < after:
            grouped[int(at // MINUTE) * MINUTE][sample.source].append(sample.bpm)
    return {m: {source: mean(values) for source, values in each.items()} for m, each in grouped.items()}


@dataclass(frozen=True)
class Day:
    start: datetime
    end: datetime
    day_minutes: float
    # Sleep period of the main session, if any.
    night: tuple[datetime, datetime] | None = None
    # Start and end of all sessions.
    sessions: Sequence[tuple[datetime, datetime]] = ()
    age: float | None = None
    order: Sequence[str] = ()


def facts(samples: Sequence[Sample], day: Day) -> dict[str, object] | None:
    """All metrics of a day before any precondition; None without a value in the day."""
    start, end = seconds(day.start), seconds(day.end)
    onset, wake = (seconds(day.night[0]), seconds(day.night[1])) if day.night else (None, None)
    used_from = start if onset is None else min(start, onset)
    series_from = min(used_from, start - HOLD)

    in_day = by_minute(samples, start, end)
    count: dict[Source, int] = defaultdict(int)
    for each in in_day.values():
        for source in each:
            count[source] += 1

    def believed(source: Source) -> tuple[object, ...]:
        app, device, model = source
        listed = day.order.index(app) if app in day.order else len(day.order)
        return (listed, device == "PHONE", -count[source], app, device, model)

    def series(first: float, after: float) -> dict[int, float]:
        minutes = by_minute(samples, first, after)
        return {m: each[min(each, key=believed)] for m, each in sorted(minutes.items())}

    chosen = series(series_from, end)
    today = {m: v for m, v in chosen.items() if m + MINUTE > start}
    if not today:
        return None
    night = {m: v for m, v in chosen.items() if onset is not None and onset <= m < wake}

    def governing(values: Mapping[int, float], second: float) -> int | None:
        # No value is older than its hold, so only the last few minutes can govern.
        minute = int(second // MINUTE) * MINUTE
        for m in range(minute, minute - HOLD, -MINUTE):
            if m in values:
                return m if second - m < HOLD else None
        return None

    def asleep(second: float) -> bool:
        return any(seconds(a) <= second < seconds(b) for a, b in day.sessions)

    held, bins, awake, zones = [], defaultdict(list), [], [0.0] * 5
    starts = [seconds(a) for a, _ in day.sessions]
    second = int(start)
    while second < end:
        m = governing(today, second)
        if m is not None:
            held.append(today[m])
            bins[second // 900 * 900].append(today[m])
            if not asleep(m) and not any(m < s <= second for s in starts):
                awake.append(today[m])
            if day.age is not None:
                share = 100 * today[m] / (208 - 0.7 * day.age)
                zones[sum(share >= bound for bound in (57, 64, 77, 96))] += TICK / 60
        second += TICK
    sleeping = []
    if onset is not None:
        second = int(onset)
        while second < wake:
            m = governing(night, second)
            if m is not None:
                sleeping.append(night[m])
            second += TICK

    halves = []
    for last in night:
        window = {m: v for m, v in night.items() if last - 30 * MINUTE < m <= last}
        if len(window) >= 5 and max(window) - min(window) >= 20 * MINUTE:
            halves.append(mean(window.values()))

    longer = series(series_from, end + DAY)
    edges = [start, *today, end]
    gaps = [(b - a, a) for a, b in pairwise(edges)]
    widest = max(gaps, key=lambda g: g[0])
    sleep_mean = mean(sleeping) if sleeping else None
    wake_mean = mean(awake) if awake else None
    return {
        "n": len(today),
        "coverage_percent": min(100.0, 100 * len(held) * TICK / 60 / day.day_minutes),
        "mean_time_weighted": mean(held),
        "min": min(today.values()),
        "max": max(today.values()),
        "sd_samples": stdev(today.values()) if len(today) > 1 else None,
        "sleep_mean_time_weighted": sleep_mean,
        "wake_mean_time_weighted": wake_mean,
        "dip_percent": 100 * (wake_mean - sleep_mean) / wake_mean if sleep_mean and wake_mean else None,
        "resting_low30_in_main_sleep": min(halves) if halves else None,
        "bouts_ge100": bouts(longer, start, end, high=True),
        "bouts_lt50": bouts(longer, start, end, high=False),
        "zones": zones if day.age is not None else None,
        "sleep_coverage_percent": None if onset is None else 100 * len(sleeping) * TICK / (wake - onset),
        "wake_coverage_minutes": None if onset is None else len(awake) * TICK / 60,
        "longest_gap_minutes": widest[0] / 60,
        "series": {b: mean(values) for b, values in bins.items()},
        "minutes_of": [(*source[:2], count[source]) for source in sorted(count, key=believed) if count[source]],
    }


def bouts(values: Mapping[int, float], start: float, end: float, *, high: bool) -> list[tuple[int, float, float]]:
    """Start, minutes and extreme of the runs beyond the limit of at least ten minutes that start in the day."""
    found = []
    run: list[int] = []

    def close() -> None:
        if run and run[-1] - run[0] >= 10 * MINUTE and start - MINUTE < run[0] < end:
            extreme = (max if high else min)(values[m] for m in run)
            found.append((run[0], (run[-1] - run[0]) / 60, extreme))
        run.clear()

    for minute, value in values.items():
        beyond = value >= 100 if high else value < 50
        if not beyond:
            close()
            continue
        if run and minute - run[-1] > HOLD:
            close()
        run.append(minute)
    close()
    return found


def local(second: float, offset: int) -> datetime:
    return datetime(1970, 1, 1) + timedelta(seconds=second + offset)
