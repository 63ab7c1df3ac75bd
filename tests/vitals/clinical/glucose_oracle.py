"""The glucose metrics once more, from their definitions, one person at a time, in plain Python.

Deliberately naive, and written without a look at `vitals.clinical`: loops over readings, a reading counted as
a reading, nothing shared between metrics. It knows no gates; a metric without enough values is None.
"""

import math
import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from tests.vitals.clinical import sampling_oracle
from tests.vitals.clinical.sampling_oracle import MINUTE


@dataclass(frozen=True)
class Reading:
    utc_ms: int
    level: int
    offset_seconds: int
    app: str = "com.example.cgm"
    specimen: str | None = "INTERSTITIAL_FLUID"
    model: str | None = None
    modified_ms: int | None = None

    @property
    def local_ms(self) -> int:
        return self.utc_ms + self.offset_seconds * 1000

    @property
    def local_date(self) -> date:
        return date(1970, 1, 1) + timedelta(days=self.local_ms // (1440 * MINUTE))

    @property
    def local_hour(self) -> int:
        return self.local_ms // (60 * MINUTE) % 24


@dataclass(frozen=True)
class Period:
    """A local day, or several of them as one."""

    begin_ms: int
    end_ms: int
    minutes: float


HOLD = 5 * MINUTE
"""What a reading of the people of the cohort stands for: all their sensors read every 5 minutes."""


def choose(readings: list[Reading], ranks: dict[str, int], phones: set[str]) -> list[Reading]:
    """Readings of the source of each day."""
    kept = []
    for day in {r.local_date for r in readings}:
        apps: dict[str, list[Reading]] = {}
        for r in readings:
            if r.local_date == day:
                apps.setdefault(r.app, []).append(r)
        best = min(apps, key=lambda a: (ranks.get(a, 10**6), a in phones, -len(apps[a]), a))
        kept += apps[best]
    return sorted(kept, key=lambda r: r.utc_ms)


def metrics(readings: list[Reading], period: Period) -> dict[str, float | None]:
    """All metrics of a day or window that need its own readings only."""
    levels = [r.level for r in readings]
    n = len(levels)
    mean = sum(levels) / n
    sd = statistics.stdev(levels) if n > 1 else None
    night = [r.level for r in readings if r.local_hour < 6]
    grid = five_minute_grid(readings)
    below_54, low = percent(levels, 0, 53), percent(levels, 54, 69)
    high, above_250 = percent(levels, 181, 250), percent(levels, 251, 9999)
    return {
        "n": n,
        "wear_percent": 100 * covered(readings, period) / MINUTE / period.minutes,
        "mean_is_bound": False,
        "min_is_bound": False,
        "max_is_bound": False,
        "mean": mean,
        "sd": sd,
        "cv": None if sd is None else 100 * sd / mean,
        "gmi": 3.31 + 0.02392 * mean,
        "ea1c": (mean + 46.7) / 28.7,
        "lbgi": 10 * sum(min(kovatchev(g), 0.0) ** 2 for g in levels) / n,
        "hbgi": 10 * sum(max(kovatchev(g), 0.0) ** 2 for g in levels) / n,
        "gri": min(100.0, 3.0 * below_54 + 2.4 * low + 1.6 * above_250 + 0.8 * high),
        "j_index": None if sd is None else 0.001 * (mean + sd) ** 2,
        "pct_below_54": below_54,
        "pct_below_70": percent(levels, 0, 69),
        "pct_54_69": low,
        "pct_70_180": percent(levels, 70, 180),
        "pct_70_140": percent(levels, 70, 140),
        "pct_above_140": percent(levels, 141, 9999),
        "pct_above_180": percent(levels, 181, 9999),
        "pct_181_250": high,
        "pct_above_250": above_250,
        "min": min(levels),
        "max": max(levels),
        "median": statistics.median(levels),
        "nocturnal_mean": sum(night) / len(night) if night else None,
        "nocturnal_pct_below_70": percent(night, 0, 69) if night else None,
        "nocturnal_pct_above_180": percent(night, 181, 9999) if night else None,
        "longest_gap_minutes": longest_gap(readings, period),
        "mage": mage(grid),
        "modd": modd(grid),
        "conga1": conga(grid, 1),
        "conga24": conga(grid, 24),
    }


def percent(levels: list[int], low: int, high: int) -> float:
    return 100 * sum(low <= g <= high for g in levels) / len(levels)


def kovatchev(level: float) -> float:
    return 1.509 * (math.log(level) ** 1.084 - 5.381)


def adrr(days: list[list[int]]) -> float | None:
    """From the levels of each valid day."""
    if not days:
        return None
    ranges = []
    for levels in days:
        low = max(10 * min(kovatchev(g), 0.0) ** 2 for g in levels)
        high = max(10 * max(kovatchev(g), 0.0) ** 2 for g in levels)
        ranges.append(low + high)
    return sum(ranges) / len(ranges)


def longest_gap(readings: list[Reading], period: Period) -> float:
    times = [r.utc_ms for r in readings]
    # Foreign hours of a journey over the date line are no gap.
    gap = sampling_oracle.longest_gap(times, HOLD, period.begin_ms, period.end_ms)
    return min(gap, period.minutes * MINUTE - covered(readings, period)) / MINUTE


def covered(readings: list[Reading], period: Period) -> int:
    return sampling_oracle.covered([r.utc_ms for r in readings], HOLD, period.begin_ms, period.end_ms)


def five_minute_grid(readings: list[Reading]) -> dict[int, float]:
    """Value at each multiple of 5 minutes of UTC that has one."""
    step = 5 * MINUTE
    grid: dict[int, float] = {}
    for r in readings:
        if r.utc_ms % step == 0:
            grid[r.utc_ms // step] = r.level
    for a, b in pairwise(readings):
        if b.utc_ms - a.utc_ms > 45 * MINUTE:
            continue
        for k in range(a.utc_ms // step, b.utc_ms // step + 1):
            if a.utc_ms < k * step < b.utc_ms:
                share = (k * step - a.utc_ms) / (b.utc_ms - a.utc_ms)
                grid[k] = a.level + share * (b.level - a.level)
    return grid


def differences(grid: dict[int, float], hours: int) -> list[float]:
    return [grid[k] - grid[k - 12 * hours] for k in sorted(grid) if k - 12 * hours in grid]


def modd(grid: dict[int, float]) -> float | None:
    d = differences(grid, 24)
    return sum(abs(x) for x in d) / len(d) if d else None


def conga(grid: dict[int, float], hours: int) -> float | None:
    d = differences(grid, hours)
    return statistics.stdev(d) if len(d) > 1 else None


def mage(grid: dict[int, float]) -> float | None:
    """MAGE+ and MAGE- of each segment, weighted with its duration."""
    parts = []
    for segment in mage_segments(grid):
        values = [grid.get(k) for k in range(segment[0], segment[-1] + 1)]
        up, down = mage_of_segment(values)
        parts += [(height, len(values) - 1) for height in (up, down) if height is not None]
    if not parts:
        return None
    return sum(h * w for h, w in parts) / sum(w for _, w in parts)


def mage_segments(grid: dict[int, float]) -> list[list[int]]:
    segments: list[list[int]] = []
    for k in sorted(grid):
        if not segments or (k - segments[-1][-1] - 1) * 5 > 180:
            segments.append([])
        segments[-1].append(k)
    return segments


def mage_of_segment(values: list[float | None]) -> tuple[float | None, float | None]:
    known = [v for v in values if v is not None]
    if len(values) < 32:
        return None, None
    sd = statistics.stdev(known)
    if sd < 1:
        return None, None
    turning = turning_points(values)
    return mean_rise(turning, sd), mean_rise([-v for v in turning], sd)


def moving_average(values: list[float | None], width: int) -> list[float | None]:
    averages: list[float | None] = []
    for i in range(len(values)):
        last = max(i, width - 1)
        window = [v for v in values[last - width + 1 : last + 1] if v is not None]
        averages.append(math.fsum(window) / len(window) if window else None)
    return averages


def turning_points(values: list[float | None]) -> list[float]:
    short, long = moving_average(values, 5), moving_average(values, 32)

    def side(i: int) -> int:
        s, m = short[i], long[i]
        if s is None or m is None or abs(s - m) < 1e-6:
            return 0
        return 1 if s > m else -1

    crossings = [(0, side(0))]
    known_side = side(0)
    for i in range(1, len(values)):
        if values[i] is None or values[i - 1] is None or side(i) == 0:
            continue
        if known_side * side(i) < 0:
            crossings.append((i, side(i)))
        known_side = side(i)

    found: list[float] = []
    search_from = 0
    for number, (_, above) in enumerate(crossings):
        until = crossings[number + 1][0] if number + 1 < len(crossings) else len(values) - 1
        candidates = [(i, v) for i, v in enumerate(values) if v is not None and search_from <= i <= until]
        best = max(v for _, v in candidates) if above > 0 else min(v for _, v in candidates)
        search_from = next(i for i, v in candidates if v == best)
        found.append(best)
    return found


def mean_rise(turning: list[float], sd: float) -> float | None:
    """Rises of at least one SD that a fall of more than one SD follows, or the end."""
    heights = []
    start = i = 0
    while i < len(turning):
        bottom = min(turning[start : i + 1])
        if turning[i] - bottom < sd:
            i += 1
            continue
        top, j = turning[i], i
        while True:
            top = max(top, turning[j])
            if turning[j] - top < -sd or j == len(turning) - 1:
                break
            j += 1
        heights.append(top - bottom)
        start = i = j
        if j == len(turning) - 1:
            break
    return sum(heights) / len(heights) if heights else None


@dataclass(frozen=True)
class Episode:
    level: str
    first: Reading
    last: Reading
    extreme: int


def episodes(readings: list[Reading]) -> list[Episode]:
    """All episodes of 5-minute readings; three readings are 15 minutes."""
    segments: list[list[Reading]] = []
    for r in readings:
        last = segments[-1][-1] if segments else None
        if last is None or last.app != r.app or r.utc_ms - last.utc_ms > 15 * MINUTE:
            segments.append([])
        segments[-1].append(r)
    found = []
    for segment in segments:
        found += consecutive("lv1_hypo", segment, lambda g: g < 70, 3)
        found += consecutive("lv2_hypo", segment, lambda g: g < 54, 3)
        found += consecutive("ext_hypo", segment, lambda g: g < 70, 25)
        found += consecutive("lv1_hyper", segment, lambda g: g > 180, 3)
        found += consecutive("lv2_hyper", segment, lambda g: g > 250, 3)
        found += cumulative_hyper(segment)
    return found


def consecutive(level: str, segment: list[Reading], counts, needed: int) -> list[Episode]:
    found, i = [], 0
    while i < len(segment):
        if not (len(segment) >= i + needed and all(counts(r.level) for r in segment[i : i + needed])):
            i += 1
            continue
        end = i
        while end < len(segment) and not recovered(segment, end, lambda g: not counts(g)):
            end += 1
        found.append(episode(level, segment[i:end], counts))
        i = end
    return found


def cumulative_hyper(segment: list[Reading]) -> list[Episode]:
    found, i = [], 0
    while i < len(segment):
        end = i
        while end < len(segment) and not recovered(segment, end, lambda g: g <= 180):
            end += 1
        until = segment[i].utc_ms + 120 * MINUTE
        high = [r for r in segment[i:end] if r.level > 250 and r.utc_ms < until]
        if segment[i].level > 250 and len(high) >= 18:
            found.append(episode("ext_hyper", segment[i:end], lambda g: g > 250))
            i = end
        else:
            i += 1
    return found


def recovered(segment: list[Reading], at: int, back) -> bool:
    return len(segment) >= at + 3 and all(back(r.level) for r in segment[at : at + 3])


def episode(level: str, readings: list[Reading], counts) -> Episode:
    last = [r for r in readings if counts(r.level)][-1]
    levels = [r.level for r in readings if r.utc_ms <= last.utc_ms]
    return Episode(level, readings[0], last, min(levels) if "hypo" in level else max(levels))
