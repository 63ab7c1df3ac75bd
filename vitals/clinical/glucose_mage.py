"""MAGE, the mean amplitude of glycaemic excursions, of many series at once.

Belongs here: the moving-average algorithm of Fernandes et al. (2022, doi 10.1177/19322968211061165), as the
vignette of the R package iglu describes it: direction "avg", windows of 5 and 32 points, segments split where
more than 180 minutes have no value. Written from that description; no code of that package is used.
Does not belong here: the 5-minute grid (`glucose_grid`), or when MAGE may be stated (`glucose_gates`).

Every other MAGE in use deviates from the manual method by 10 to 78 % (docs/spec/clinical.md section 1), so none is offered.

1. A trailing short and a trailing long moving average; the first points take the first full average.
2. Where they cross, a stretch that holds a peak ends and one that holds a nadir begins, or the reverse. Its
   turning point is the extreme of the glucose itself, searched from the previous turning point (the averages
   lag behind the glucose) to the end of the stretch.
3. A rise counts when it and the fall after it exceed one SD of the segment; smaller turns are absorbed. The
   same for falls, on the mirrored series.
4. Mean height of rises and mean height of falls, each weighted with the duration of its segment.

Steps 2 and 3 go from one turning point to the next, for all segments together: the only Python loop is over
the number of the turning point, some 20 for a day.
"""

from dataclasses import dataclass

import numpy as np

from vitals.clinical.glucose_grid import STEP_MINUTES, Bools, Floats, GlucoseGrid, Ints, sd_per_series

SHORT_POINTS = 5
LONG_POINTS = 32
MAX_GAP_MINUTES = 180
MIN_SD_MG_DL = 1.0
# Averages of equal values may differ by rounding; a difference this small is no crossing.
_EQUAL_MG_DL = 1e-6
_MICRO = 1_000_000


@dataclass(frozen=True)
class _Segments:
    """Stretches of the grid that are analysed on their own; arrays have one item per segment."""

    begin: Ints
    end: Ints
    series: Ints
    sd: Floats


def mage(grid: GlucoseGrid) -> Floats:
    """MAGE in mg/dL per series; NaN where no excursion exceeds one SD, or no segment has 32 points.

    Source: docs/spec/clinical.md section 1; METRICS.json glucose.mage.
    """
    result = np.full(grid.n_series, np.nan)
    segments = _segments(grid)
    if not len(segments.begin):
        return result
    turning, counts = _turning_points(grid.values, segments)
    rises = _mean_height(turning, counts, segments.sd)
    falls = _mean_height(-turning, counts, segments.sd)

    weight = (segments.end - segments.begin).astype(np.float64)
    total = np.zeros(grid.n_series)
    weights = np.zeros(grid.n_series)
    for heights in (rises, falls):
        has = ~np.isnan(heights)
        total += np.bincount(segments.series[has], weights=(heights * weight)[has], minlength=grid.n_series)
        weights += np.bincount(segments.series[has], weights=weight[has], minlength=grid.n_series)
    np.divide(total, weights, out=result, where=weights > 0)
    return result


def _segments(grid: GlucoseGrid) -> _Segments:
    present = np.flatnonzero(~np.isnan(grid.values))
    series = grid.series[present]
    # A hole of k points leaves present points k + 1 apart.
    missing_points = np.diff(present, prepend=-1) - 1
    new_series = np.diff(series, prepend=-1) > 0
    splits = new_series | (missing_points * STEP_MINUTES > MAX_GAP_MINUTES)
    first = np.flatnonzero(splits)
    begin = present[first]
    end = present[np.append(first[1:], len(present)) - 1] if len(first) else begin
    sd = sd_per_series(grid.values[present], np.cumsum(splits) - 1, len(first))
    usable = (end - begin + 1 >= LONG_POINTS) & (sd >= MIN_SD_MG_DL)
    return _Segments(begin=begin[usable], end=end[usable], series=series[first][usable], sd=sd[usable])


def _turning_points(values: Floats, segments: _Segments) -> tuple[Floats, Ints]:
    """Glucose at the turning points, one row per segment (padded with NaN), and how many each row has."""
    position, segment, is_peak = _crossings(values, segments)
    # The end of a segment closes its last stretch.
    stretch_end = np.append(position[1:], 0)
    is_last = np.append(segment[1:] != segment[:-1], True)
    stretch_end[is_last] = segments.end[segment[is_last]]

    first = np.searchsorted(segment, np.arange(len(segments.begin)))
    counts = np.diff(np.append(first, len(segment)))
    turning = np.full((len(counts), int(counts.max())), np.nan)
    search_from = segments.begin.copy()
    for number in range(turning.shape[1]):
        rows = np.flatnonzero(counts > number)
        stretch = first[rows] + number
        sign = np.where(is_peak[stretch], 1.0, -1.0)
        found = _first_maximum(values, search_from[rows], stretch_end[stretch], sign)
        turning[rows, number] = values[found]
        search_from[rows] = found
    return turning, counts


def _crossings(values: Floats, segments: _Segments) -> tuple[Ints, Ints, Bools]:
    """Where a stretch begins: grid position, segment, whether it holds a peak. Sorted; the begin of a segment counts."""
    present = ~np.isnan(values)
    # Whole numbers, so that a person's result does not depend on whose values were summed before.
    sums = np.append(0, np.cumsum(np.rint(np.where(present, values, 0.0) * _MICRO).astype(np.int64)))
    numbers = np.append(0, np.cumsum(present))
    difference = _trailing_means(sums, numbers, segments.begin, SHORT_POINTS)
    difference -= _trailing_means(sums, numbers, segments.begin, LONG_POINTS)
    difference[np.abs(difference) < _EQUAL_MG_DL] = 0.0

    is_begin = np.zeros(len(values), dtype=np.bool_)
    is_begin[segments.begin] = True
    compared = (difference > 0) | (difference < 0)
    compared &= present
    compared[1:] &= present[:-1]
    marks = np.flatnonzero(is_begin | compared)
    segment = np.searchsorted(segments.begin, marks, side="right") - 1
    inside = marks <= segments.end[segment]
    inside &= segment >= 0
    marks, segment = marks[inside], segment[inside]
    sign = np.sign(difference[marks])
    crosses = is_begin[marks]
    crosses[1:] |= sign[1:] * sign[:-1] < 0
    return marks[crosses], segment[crosses], sign[crosses] > 0


def _trailing_means(sums: Ints, numbers: Ints, begin: Ints, points: int) -> Floats:
    """Mean of the last `points` grid points that have a value, per grid point; NaN without one.

    Args:
        sums, numbers: running sums of the values in millionths, and of their number, with a leading zero.
        begin: where segments begin; before its first full mean, a segment has that one.
        points: length of the window.
    """
    mean = np.full(len(sums) - 1, np.nan)
    number = numbers[points:] - numbers[:-points]
    np.divide((sums[points:] - sums[:-points]) / _MICRO, number, out=mean[points - 1 :], where=number > 0)
    for point in range(points - 1):
        mean[begin + point] = mean[begin + points - 1]
    return mean


def _first_maximum(values: Floats, begin: Ints, end: Ints, sign: Floats) -> Ints:
    """Position of the first maximum of ``sign * values`` in each inclusive range; NaN is never one."""
    lengths = end - begin + 1
    starts = np.cumsum(lengths) - lengths
    positions = np.repeat(begin - starts, lengths) + np.arange(int(lengths.sum()))
    candidates = values[positions] * np.repeat(sign, lengths)
    candidates[np.isnan(candidates)] = -np.inf
    maxima = np.maximum.reduceat(candidates, starts)
    hits = np.flatnonzero(candidates == np.repeat(maxima, lengths))
    first_hits: Ints = hits[np.searchsorted(hits, starts)]
    return np.take(positions, first_hits)


def _mean_height(turning: Floats, counts: Ints, sd: Floats) -> Floats:
    """Mean height of the countable rises of each row of turning points; NaN without any."""
    rows = len(counts)
    low = np.full(rows, np.inf)
    peak = np.full(rows, -np.inf)
    rising = np.zeros(rows, dtype=np.bool_)
    total = np.zeros(rows)
    number = np.zeros(rows)
    for i in range(turning.shape[1]):
        value = turning[:, i]
        # Comparisons with the NaN of a row that has ended are false, so it stays as it is.
        low = np.where(rising, low, np.fmin(low, value))
        rising |= value - low >= sd
        peak = np.where(rising, np.fmax(peak, value), -np.inf)
        counted = rising & ((value - peak < -sd) | (counts == i + 1))
        total[counted] += (peak - low)[counted]
        number += counted
        low = np.where(counted, value, low)
        rising &= ~counted
        peak = np.where(counted, -np.inf, peak)
    mean = np.full(rows, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean
