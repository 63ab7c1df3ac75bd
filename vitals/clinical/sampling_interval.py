"""How often a device reads, and which of its records are one reading: for every kind of instants.

Belongs here: the interval of each series (one source, device and local day or night), and the readings that are one.
Does not belong here: which record of a reading counts, or the time that readings stand for (`time_covered`).

The interval is the median spacing of distinct readings, in whole minutes. Distinct are readings that are at least a
quarter of the interval apart; so the two are found together, from the longest interval downwards: what an app writes two
or three times within a minute does not make a slow sensor a fast one. Where most readings are lost, the median is several
intervals; then the spacing counts of which the median is a multiple, if a quarter of all spacings are that short.
A series too short to tell takes the usual interval of its device (docs/spec/clinical.md, T1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE_MS = 60_000
USUAL_MINUTES = 5
"""Of a device that nothing is known of."""
LEAST_MINUTES = 1
MOST_MINUTES = 15
"""Longest interval that a median alone proves; sensors that are sold read every 1 to 15 minutes."""
MOST_REGULAR_MINUTES = 30
"""Longest interval that a day of regular spacings proves."""
FEW_READINGS = 12
"""With fewer, what is known of the device counts."""
LEAST_READINGS = 4
"""With fewer, spacings prove nothing."""
ONE_READING = 4
"""Readings closer than this part of the interval are one."""

_NEAR = 0.25
_REGULAR_SHARE = 0.5
_VERY_REGULAR_SHARE = 0.7
_MULTIPLES = (5, 4, 3, 2)
_MULTIPLE_NEAR, _MULTIPLE_SHARE = 0.2, 0.25
_SHIFT = 1 << 32


@dataclass(frozen=True)
class Intervals:
    """What the spacings of each series tell.

    Attributes:
        minutes: the sampling interval.
        is_regular: whether the spacings alone prove a device that reads by itself, at most MOST_MINUTES apart.
    """

    minutes: Ints
    is_regular: Bools


def sampling_intervals(*, series: Ints, utc_ms: Ints, usual_minutes: Ints) -> Intervals:
    """Find the interval of each series.

    Args:
        series: number of the series per reading, ascending.
        utc_ms: instants, ascending within a series; a series spans less than 49 days.
        usual_minutes: per series the interval that its device is known for; 0 if it is not known.
    """
    known = usual_minutes > 0
    usual = np.where(known, usual_minutes, USUAL_MINUTES)
    spacings = _Spacings.of(series, utc_ms, _anchors(series, utc_ms, len(usual_minutes)), len(usual_minutes))
    median = spacings.lower_median()
    found = _minutes(median)

    enough = spacings.readings >= FEW_READINGS
    refined = _of_many_losses(spacings, found, enough)
    is_long = refined > MOST_MINUTES
    is_regular_long = enough & (refined <= MOST_REGULAR_MINUTES)
    is_regular_long &= spacings.share_near(median, _NEAR) >= _VERY_REGULAR_SHARE
    minutes = np.where(enough, refined, np.where(known, np.minimum(usual, found), found))
    proves_nothing = (spacings.readings < LEAST_READINGS) | (is_long & ~is_regular_long)
    is_regular = (spacings.readings >= LEAST_READINGS) & ~is_long
    is_regular &= spacings.share_near(median, _NEAR) >= _REGULAR_SHARE
    return Intervals(minutes=np.where(proves_nothing, usual, minutes), is_regular=is_regular)


def distinct_readings(*, series: Ints, utc_ms: Ints, minutes: Ints) -> Ints:
    """Number of the distinct reading that each reading belongs to, ascending from 0.

    A distinct reading begins with a reading and holds all that follow it by less than a quarter of the interval.

    Args:
        series, utc_ms: as for `sampling_intervals`.
        minutes: interval of each series.
    """
    return np.cumsum(_begins(series, utc_ms, minutes * MINUTE_MS // ONE_READING)) - 1


@dataclass(frozen=True)
class _Spacings:
    """Spacings of distinct readings, by series; `readings` counts the distinct readings of each."""

    series: Ints
    length_ms: Ints
    readings: Ints

    @classmethod
    def of(cls, series: Ints, utc_ms: Ints, distinct: Bools, n_series: int) -> "_Spacings":
        series, utc_ms = series[distinct], utc_ms[distinct]
        inside = series[1:] == series[:-1]
        return cls(series[1:][inside], np.diff(utc_ms)[inside], np.bincount(series, minlength=n_series))

    def lower_median(self) -> Ints:
        """Median of each series, of two middle ones the lower, so that it is a spacing; 0 without one."""
        counts = np.maximum(self.readings - 1, 0)
        ordered = self.length_ms[np.lexsort((self.length_ms, self.series))]
        median = np.zeros(len(counts), dtype=np.int64)
        has = counts > 0
        median[has] = ordered[(np.cumsum(counts) - counts + (counts - 1) // 2)[has]]
        return median

    def share_near(self, length_ms: Ints, part: float) -> NDArray[np.float64]:
        """Share of the spacings of each series that are within a part of a length."""
        wanted = length_ms[self.series]
        near = np.abs(self.length_ms - wanted) <= part * wanted
        counts = np.bincount(self.series, weights=near, minlength=len(length_ms))
        return counts / np.maximum(self.readings - 1, 1)


def _minutes(length_ms: Ints) -> Ints:
    """Whole minutes, half up: no sensor reads in parts of one."""
    return np.maximum((length_ms + MINUTE_MS // 2) // MINUTE_MS, LEAST_MINUTES)


def _of_many_losses(spacings: _Spacings, found: Ints, enough: Bools) -> Ints:
    """The intervals, where the spacing found is several of them."""
    refined = found.copy()
    todo = enough & (found > LEAST_MINUTES)
    for multiple in _MULTIPLES:
        if not todo.any():
            break
        part = found // multiple
        fits = todo & (part >= LEAST_MINUTES) & (found - part * multiple <= part // 4)
        fits &= spacings.share_near(part * MINUTE_MS, _MULTIPLE_NEAR) >= _MULTIPLE_SHARE
        refined[fits] = part[fits]
        todo &= ~fits
    return refined


def _anchors(series: Ints, utc_ms: Ints, n_series: int) -> Bools:
    """First record of each distinct reading, for the interval that agrees with the spacing of its readings."""
    begins = np.ones(len(series), dtype=np.bool_)
    minutes = np.full(n_series, MOST_MINUTES, dtype=np.int64)
    close = np.diff(utc_ms) < MOST_MINUTES * MINUTE_MS // ONE_READING
    close &= series[1:] == series[:-1]
    open_series = np.zeros(n_series, dtype=np.bool_)
    open_series[series[1:][close]] = True
    # Each round makes the interval of every open series shorter by a minute at least.
    while open_series.any():
        rows = np.flatnonzero(open_series[series])
        begins[rows] = _begins(series[rows], utc_ms[rows], minutes * MINUTE_MS // ONE_READING)
        spacing = _Spacings.of(series[rows], utc_ms[rows], begins[rows], n_series).lower_median()
        shorter = np.minimum(_minutes(spacing), minutes)
        # A single distinct reading has no spacing.
        shorter[spacing == 0] = minutes[spacing == 0]
        open_series &= shorter < minutes
        minutes = np.where(open_series, shorter, minutes)
    return begins


def _begins(series: Ints, utc_ms: Ints, within_ms: Ints) -> Bools:
    """Whether each reading is the first, or follows the last one that is by `within_ms` of its series or more."""
    begins = np.ones(len(series), dtype=np.bool_)
    is_first = np.append(True, series[1:] != series[:-1])[: len(series)]
    close = ~is_first
    close[1:] &= np.diff(utc_ms) < within_ms[series[1:]]
    if not close.any():
        return begins
    rows = np.flatnonzero(np.isin(series, series[close]))
    begins[rows] = _chain(series[rows], utc_ms[rows], within_ms, is_first[rows])
    return begins


def _chain(series: Ints, utc_ms: Ints, within_ms: Ints, is_first: Bools) -> Bools:
    # From each reading to the first that is far enough from it, in jumps that double: no loop over readings.
    starts = np.flatnonzero(is_first)
    lengths = np.diff(np.append(starts, len(series)))
    since_first = utc_ms - np.repeat(utc_ms[starts], lengths)
    key = np.repeat(np.arange(len(starts), dtype=np.int64) * _SHIFT, lengths) + since_first
    jump = np.append(np.searchsorted(key, key + within_ms[series]), len(key))
    reached = np.append(is_first, False)
    for _ in range(int(lengths.max()).bit_length()):
        reached[jump[reached.nonzero()[0]]] = True
        jump = jump[jump]
    return reached[:-1]
