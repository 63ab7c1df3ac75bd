"""Measures of the course of glucose: grid, MAGE, MODD, CONGA, gaps; against the oracle on any readings."""

import math
import random

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import glucose_oracle as oracle
from tests.vitals.clinical.glucose_oracle import MINUTE, Reading
from vitals.clinical import glucose_statistics
from vitals.clinical.glucose_grid import GlucoseGrid, conga, longest_run_points, modd, to_grid
from vitals.clinical.glucose_mage import mage

START = 1_741_300_000_000


@st.composite
def series(draw: st.DrawFn, max_readings: int = 400) -> list[Reading]:
    """Readings with jitter, lost ones, and gaps around the limits of 45 and 180 minutes."""
    rng = random.Random(draw(st.integers(0, 10**9)))
    n = draw(st.integers(0, max_readings))
    swing = draw(st.sampled_from([0, 1, 8, 40, 150]))
    noise = draw(st.sampled_from([0, 1, 10]))
    gap_minutes = draw(st.sampled_from([45, 46, 50, 180, 184, 186, 190, 400]))
    exact = draw(st.booleans())
    utc_ms = START // (5 * MINUTE) * 5 * MINUTE if exact else START + rng.randrange(5 * MINUTE)
    readings = []
    for i in range(n):
        level = 150 + swing * math.sin(i / 9) * math.sin(i / 31) + rng.gauss(0, 1) * noise
        readings.append(Reading(utc_ms, round(min(max(level, 20), 600)), 0))
        utc_ms += 5 * MINUTE if exact else rng.randrange(294_000, 306_001)
        if rng.random() < 0.02:
            utc_ms += gap_minutes * MINUTE
        elif rng.random() < 0.05:
            utc_ms += 10 * MINUTE
    return readings


def grid_of(many: list[list[Reading]]) -> GlucoseGrid:
    flat = [(i, r) for i, readings in enumerate(many) for r in readings]
    return to_grid(
        series=np.array([i for i, _ in flat], dtype=np.int64),
        utc_ms=np.array([r.utc_ms for _, r in flat], dtype=np.int64),
        level_mg_dl=np.array([r.level for _, r in flat], dtype=np.float64),
        n_series=len(many),
    )


def assert_same(actual: float, expected: float | None) -> None:
    if expected is None:
        assert math.isnan(actual)
    else:
        assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(st.lists(series(), min_size=1, max_size=4))
def test_measures_of_many_series_are_those_of_each_alone(many: list[list[Reading]]) -> None:
    grid = grid_of(many)
    found = [mage(grid), modd(grid), conga(grid, hours=1), conga(grid, hours=24)]
    for i, readings in enumerate(many):
        points = oracle.five_minute_grid(readings)
        expected = [oracle.mage(points), oracle.modd(points), oracle.conga(points, 1), oracle.conga(points, 24)]
        for values, value in zip(found, expected, strict=True):
            assert_same(values[i], value)


@settings(deadline=None, max_examples=60)
@given(series(max_readings=120))
def test_the_grid_has_the_values_of_the_oracle(readings: list[Reading]) -> None:
    values = grid_of([readings]).values
    points = oracle.five_minute_grid(readings)
    present = values[~np.isnan(values)]
    assert present == pytest.approx([points[k] for k in sorted(points)])


@settings(deadline=None, max_examples=60)
@given(series(max_readings=300), st.integers(-50, 50))
def test_mage_does_not_depend_on_the_level_and_is_the_same_upside_down(readings: list[Reading], shift: int) -> None:
    shifted = [Reading(r.utc_ms, r.level + shift, 0) for r in readings]
    mirrored = [Reading(r.utc_ms, 700 - r.level, 0) for r in readings]
    values = mage(grid_of([readings, shifted, mirrored]))
    assert values == pytest.approx([values[0]] * 3, nan_ok=True)


def test_a_symmetric_wave_has_the_mage_of_its_height() -> None:
    levels = [round(150 - 50 * math.cos(2 * math.pi * i / 72)) for i in range(721)]
    readings = [Reading(START // (5 * MINUTE) * 5 * MINUTE + i * 5 * MINUTE, g, 0) for i, g in enumerate(levels)]
    assert mage(grid_of([readings]))[0] == pytest.approx(100, abs=0.5)


def test_mage_needs_32_points_and_a_spread() -> None:
    step = 5 * MINUTE
    begin = START // step * step
    wave = [Reading(begin + i * step, 100 + 80 * (i // 8 % 2), 0) for i in range(33)]
    flat = [Reading(begin + i * step, 100, 0) for i in range(300)]
    values = mage(grid_of([wave[:31], wave[:32], flat, []]))
    assert [math.isnan(v) for v in values] == [True, False, True, True]


def test_a_repeated_instant_keeps_the_last_of_its_readings() -> None:
    step = 5 * MINUTE
    begin = START // step * step
    readings = [Reading(begin, 100, 0), Reading(begin, 140, 0), Reading(begin + 2 * step, 160, 0)]
    assert grid_of([readings]).values.tolist() == [140.0, 150.0, 160.0]


def test_runs_of_the_grid_end_at_gaps_and_at_series() -> None:
    step = 5 * MINUTE
    begin = START // step * step
    first = [Reading(begin + i * step, 100, 0) for i in (0, 1, 2, 20, 21)]
    second = [Reading(begin + i * step, 100, 0) for i in (22, 23)]
    assert longest_run_points(grid_of([first, second, []])).tolist() == [3, 2, 0]


@settings(deadline=None)
@given(st.integers(20, 600))
def test_estimates_and_risks_of_a_level_follow_their_formulas(level: int) -> None:
    values = pl.select(
        gmi=glucose_statistics.gmi(pl.lit(level)),
        ea1c=glucose_statistics.ea1c(pl.lit(level)),
        low=glucose_statistics.low_risk(pl.lit(level)),
        high=glucose_statistics.high_risk(pl.lit(level)),
    ).row(0)
    f = oracle.kovatchev(level)
    expected = (3.31 + 0.02392 * level, (level + 46.7) / 28.7, 10 * min(f, 0) ** 2, 10 * max(f, 0) ** 2)
    assert values == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.floats(0, 100), min_size=4, max_size=4))
def test_the_glycemia_risk_index_weighs_and_stops_at_100(shares: list[float]) -> None:
    names = ("pct_below_54", "pct_54_69", "pct_above_250", "pct_181_250")
    frame = pl.DataFrame(dict(zip(names, ([s] for s in shares), strict=True)))
    expected = min(100.0, sum(w * s for w, s in zip((3.0, 2.4, 1.6, 0.8), shares, strict=True)))
    assert frame.select(glucose_statistics.gri()).item() == pytest.approx(expected)


@pytest.mark.parametrize(("gap_ms", "points"), [(45 * MINUTE, 10), (45 * MINUTE + 1, 1)])
def test_nothing_is_interpolated_over_more_than_45_minutes(gap_ms: int, points: int) -> None:
    begin = START // (5 * MINUTE) * 5 * MINUTE
    values = grid_of([[Reading(begin, 100, 0), Reading(begin + gap_ms, 145, 0)]]).values
    assert int((~np.isnan(values)).sum()) == points


@pytest.mark.parametrize(("missing", "segments"), [(36, 1), (37, 2)])
def test_mage_splits_where_more_than_180_minutes_are_missing(missing: int, segments: int) -> None:
    begin = START // (5 * MINUTE) * 5 * MINUTE
    # A low half and a high half, each with waves of its own: only one segment sees the step between them.
    low = [Reading(begin + i * 5 * MINUTE, 80 + 20 * (i // 12 % 2), 0) for i in range(96)]
    resume = begin + (96 + missing) * 5 * MINUTE
    high = [Reading(resume + i * 5 * MINUTE, 280 + 20 * (i // 12 % 2), 0) for i in range(96)]
    assert bool(mage(grid_of([low + high]))[0] > 100) is (segments == 1)
