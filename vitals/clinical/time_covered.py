"""The time that distinct readings stand for, and the stretches that none stands for, for many periods at once.

Belongs here: covered time and gaps of a period (a local day, a window, a night) from instants and sampling intervals.
Does not belong here: the interval (`sampling_interval`), or what a gap means for a metric.

A reading stands for one sampling interval at most, and never beyond the next reading or the period. Readings up to one
and a half intervals apart follow each other without a loss: clocks are not exact, and a gap of less than an interval is
no gap. Time covered is the smaller of what the readings stand for and of what the gaps leave, so that covered time and
gaps never exceed the period (docs/spec/clinical.md, T2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vitals.clinical.sampling_interval import Ints

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class TimeCovered:
    """What readings cover of each period.

    Attributes:
        covered_ms: time covered.
        gap_ms: longest gap; 0 without one.
        before, after: number of the reading before and after it, the first of several equal ones; -1 where that is an
            edge of the period. Both are -1 for a period without a gap too.
    """

    covered_ms: Ints
    gap_ms: Ints
    before: Ints
    after: Ints


def time_covered(*, period: Ints, utc_ms: Ints, interval_ms: Ints, begin_ms: Ints, end_ms: Ints) -> TimeCovered:
    """Find covered time and the longest gap of each period.

    Args:
        period: number of the period per distinct reading, ascending.
        utc_ms: instants of the readings, ascending within a period, inside it.
        interval_ms: sampling interval of the device of each reading.
        begin_ms: first instant of each period.
        end_ms: first instant after each period.
    """
    n_periods = len(begin_ms)
    counts = np.bincount(period, minlength=n_periods)
    # Instants with the edges put in, period after period: two more items for each.
    first = np.cumsum(counts + 2) - (counts + 2)
    last = first + counts + 1
    places = np.arange(len(period)) + 2 * period + 1
    instants = np.empty(len(period) + 2 * n_periods, dtype=np.int64)
    instants[places], instants[first], instants[last] = utc_ms, begin_ms, end_ms
    numbers = np.full(len(instants), -1)
    numbers[places] = np.arange(len(period))
    held = np.zeros(len(instants), dtype=np.int64)
    held[places] = interval_ms
    no_gap = held * 3 // 2
    # Before the first reading nothing is held; less than its interval is no gap there either.
    has = counts > 0
    no_gap[first[has]] = interval_ms[(np.cumsum(counts) - counts)[has]]

    spacing = np.diff(instants, append=0)
    gaps = np.where(spacing > no_gap, spacing - held, 0)
    gaps[last] = 0
    longest = np.maximum.reduceat(gaps, first) if n_periods else np.zeros(0, dtype=np.int64)
    total = np.add.reduceat(gaps, first) if n_periods else longest
    stands_for = np.bincount(period, weights=interval_ms, minlength=n_periods).astype(np.int64)
    hits = np.flatnonzero(gaps == np.repeat(longest, counts + 2))
    at = hits[np.searchsorted(hits, first)] if n_periods else longest
    has_gap = longest > 0
    return TimeCovered(
        covered_ms=np.maximum(np.minimum(stands_for, end_ms - begin_ms - total), 0),
        gap_ms=longest,
        before=np.where(has_gap, numbers[at], -1),
        after=np.where(has_gap, numbers[np.minimum(at + 1, max(len(numbers) - 1, 0))], -1),
    )
