"""The longest stretch of a period without a reading, for many periods at once.

Belongs here: gaps between instants, the edges of the period included.
Does not belong here: what a gap means for a metric.
"""

from dataclasses import dataclass

import numpy as np

from vitals.clinical.glucose_grid import Floats, Ints

_MINUTE_MS = 60_000


@dataclass(frozen=True)
class LongestGaps:
    """Longest gap of each period; the first of several equal ones.

    Attributes:
        minutes: length.
        before, after: number of the reading at its start and end, -1 where that is an edge of the period.
    """

    minutes: Floats
    before: Ints
    after: Ints


def longest_gaps(*, period: Ints, utc_ms: Ints, begin_ms: Ints, end_ms: Ints) -> LongestGaps:
    """Find the longest gap of each period.

    Args:
        period: number of the period per reading, ascending.
        utc_ms: instants of the readings, ascending within a period.
        begin_ms: first instant of each period.
        end_ms: first instant after each period.
    """
    n_periods = len(begin_ms)
    counts = np.bincount(period, minlength=n_periods)
    # Instants with the edges put in, period after period: two more items for each.
    first = np.cumsum(counts + 2) - (counts + 2)
    last = first + counts + 1
    readings = np.arange(len(period)) + 2 * period + 1
    instants = np.empty(len(period) + 2 * n_periods, dtype=np.int64)
    instants[readings], instants[first], instants[last] = utc_ms, begin_ms, end_ms
    numbers = np.full(len(instants), -1)
    numbers[readings] = np.arange(len(period))

    gaps = np.diff(instants, append=0)
    gaps[last] = -1
    longest = np.maximum.reduceat(gaps, first)
    hits = np.flatnonzero(gaps == np.repeat(longest, counts + 2))
    at = hits[np.searchsorted(hits, first)]
    return LongestGaps(minutes=np.maximum(longest, 0) / _MINUTE_MS, before=numbers[at], after=numbers[at + 1])
