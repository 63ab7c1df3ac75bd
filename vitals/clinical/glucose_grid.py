"""Glucose readings of many series at once on a 5-minute grid, and the measures of lagged differences on it.

Belongs here: the grid (linear interpolation, never over a gap longer than 45 minutes), MODD and CONGA, and
sums per series. A series is any run of readings that belong together: a local day, or a window of a person.
Does not belong here: MAGE (`glucose_mage`), or which readings belong to a series (`blood_glucose`).

Grid points are the multiples of 5 minutes of UTC, so lags are physical hours, whatever the wall clock does.
All series lie behind each other in one flat array: no padding, no loop over series.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

STEP_MINUTES = 5
STEP_MS = STEP_MINUTES * 60_000
MAX_INTERPOLATED_MS = 45 * 60_000


@dataclass(frozen=True)
class GlucoseGrid:
    """Series on the grid.

    Attributes:
        values: mg/dL per grid point, NaN where readings are too far apart; the points of a series are
            consecutive and 5 minutes apart.
        series: number of the series per grid point, ascending.
        n_series: how many series there are; one may have no grid point.
    """

    values: Floats
    series: Ints
    n_series: int


def to_grid(*, series: Ints, utc_ms: Ints, level_mg_dl: Floats, n_series: int) -> GlucoseGrid:
    """Interpolate readings on the grid.

    Args:
        series: number of the series per reading, ascending, below `n_series`.
        utc_ms: instants, ascending within a series. Of equal instants the last reading holds.
        level_mg_dl: readings.
        n_series: how many series there are.
    """
    last_of_series = np.empty(len(series), dtype=np.bool_)
    if len(series):
        last_of_series[:-1] = series[1:] != series[:-1]
        last_of_series[-1] = True
    first_step = -(-utc_ms // STEP_MS)
    # A reading owns the grid points from its instant to before the next reading; the last one of a series
    # only the point on which it falls, if it does.
    until_step = np.where(last_of_series, utc_ms // STEP_MS + 1, np.roll(first_step, -1))
    owned = until_step - first_step
    reading = np.repeat(np.arange(len(series)), owned)
    within = np.arange(len(reading)) - np.repeat(np.cumsum(owned) - owned, owned)

    following = np.where(last_of_series, np.arange(len(series)), np.arange(1, len(series) + 1))
    gap_ms = utc_ms[following] - utc_ms
    slope = np.where(gap_ms > 0, (level_mg_dl[following] - level_mg_dl) / np.maximum(gap_ms, 1), 0.0)
    elapsed_ms = (first_step * STEP_MS - utc_ms)[reading] + within * STEP_MS
    values = level_mg_dl[reading] + slope[reading] * elapsed_ms
    values[(gap_ms > MAX_INTERPOLATED_MS)[reading] & (elapsed_ms > 0)] = np.nan
    return GlucoseGrid(values=values, series=series[reading], n_series=n_series)


def modd(grid: GlucoseGrid) -> Floats:
    """Mean absolute difference from the value 24 hours before, mg/dL per series; NaN without any pair.

    Source: docs/spec/clinical.md section 1 (Service and Nelson 1980), physical 24 hours.
    """
    difference, series = _lagged_difference(grid, hours=24)
    return mean_per_series(np.abs(difference), series, grid.n_series)


def conga(grid: GlucoseGrid, *, hours: int) -> Floats:
    """Sample SD of the difference from the value `hours` before, mg/dL per series; NaN below two pairs.

    Source: docs/spec/clinical.md section 1 (McDonnell 2005).
    """
    difference, series = _lagged_difference(grid, hours=hours)
    return sd_per_series(difference, series, grid.n_series)


def longest_run_points(grid: GlucoseGrid) -> Ints:
    """Longest run of grid points without a hole, in points, per series."""
    present = np.flatnonzero(~np.isnan(grid.values))
    longest = np.zeros(grid.n_series, dtype=np.int64)
    if not len(present):
        return longest
    series = grid.series[present]
    begins = np.flatnonzero(np.concatenate([[True], (np.diff(present) > 1) | (np.diff(series) > 0)]))
    lengths = np.diff(np.append(begins, len(present)))
    np.maximum.at(longest, series[begins], lengths)
    return longest


def mean_per_series(values: Floats, series: Ints, n_series: int) -> Floats:
    """Mean of the values of each series; NaN for a series without one."""
    count = np.bincount(series, minlength=n_series)
    total = np.bincount(series, weights=values, minlength=n_series)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def sd_per_series(values: Floats, series: Ints, n_series: int) -> Floats:
    """Sample SD (ddof 1) of the values of each series; NaN below two values."""
    count = np.bincount(series, minlength=n_series)
    deviation = values - mean_per_series(values, series, n_series)[series]
    squares = np.bincount(series, weights=deviation * deviation, minlength=n_series)
    return np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)


def _lagged_difference(grid: GlucoseGrid, *, hours: int) -> tuple[Floats, Ints]:
    lag = hours * 60 // STEP_MINUTES
    difference = grid.values[lag:] - grid.values[:-lag]
    usable = (grid.series[lag:] == grid.series[:-lag]) & ~np.isnan(difference)
    return difference[usable], grid.series[lag:][usable]
