from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import sleep_oracle
from tests.vitals.clinical.sleep_cases import Session, at, context, night, numbered, sleep_records
from tests.vitals.clinical.test_sleep import UTC_MINUS_5, assert_equal_to_oracle, reason
from vitals.clinical import sleep
from vitals.clinical.schema import window_schema
from vitals.clinical.sleep_regularity import circular_sd_minutes

# 23:00 to 07:00 at -05:00; the date is that of the waking.
FIRST_START = at("2025-03-20 04:00")
FIRST_DAY = date(2025, 3, 20)
DAY = 86_400
BERLIN = [(0, 3600), (at("2025-03-30 01:00"), 7200)]
PARTS = (("AWAKE", 10), ("LIGHT", 300), ("AWAKE", 5), ("REM", 165))


def window(sessions, days, zone=UTC_MINUS_5, first=FIRST_DAY):
    frame = sleep.summarise_window(
        sleep_records(sessions, zone), context(zone, first, first + timedelta(days=days - 1))
    )
    assert frame.height == 1
    return frame.to_dicts()[0]


def nights(count, parts=PARTS, shift_minutes=lambda _: 0):
    return numbered([night(FIRST_START + i * DAY + 60 * shift_minutes(i), *parts) for i in range(count)])


def test_the_same_night_every_day_is_perfectly_regular():
    row = window(nights(7), 7)
    assert (row["sri"], row["sd_tst"]) == (100, 0)
    assert row["circular_sd_midpoint_minutes"] == pytest.approx(0, abs=1e-3)
    assert (row["mean_tst"], row["days"], row["days_with_data"]) == (465, 7, 7)
    assert row["withheld"] == []


def test_an_hour_of_shift_costs_what_the_changed_epochs_say():
    parts = (("LIGHT", 480),)
    row = window(nights(8, parts, lambda i: 60 * (i % 2)), 8)
    # Two hours of each compared day differ.
    assert row["sri"] == pytest.approx(-100 + 200 * 22 / 24)


@pytest.mark.parametrize(("kept", "stated"), [(7, True), (6, False)])
def test_regularity_needs_seven_nights(kept, stated):
    row = window(nights(kept), kept)
    for metric in ("sri", "circular_sd_midpoint_minutes"):
        assert (row[metric] is not None) == stated
        assert (reason(row, metric) is None) == stated


@pytest.mark.parametrize(("missing", "stated"), [(2, True), (3, False)])
def test_regularity_allows_two_missing_nights(missing, stated):
    row = window(nights(12)[missing:], 12)
    for metric in ("sri", "circular_sd_midpoint_minutes"):
        assert (row[metric] is not None) == stated


def test_a_missing_night_is_missing_and_not_a_night_awake():
    sessions = nights(9)
    del sessions[4]
    assert window(sessions, 9)["sri"] == 100


def test_a_night_without_stages_is_missing_and_not_a_night_awake():
    sessions = nights(9)
    sessions[4] = replace(sessions[4], stages=())
    row = window(sessions, 9)
    assert row["sri"] == 100
    assert (row["days_with_data"], row["mean_tst"]) == (9, 465)


def test_regularity_is_on_the_physical_axis_so_a_clock_change_shifts_it_by_an_hour():
    # 23:00 to 07:00 by the wall clock on each night; the change costs one hour at each end, once.
    first = date(2025, 3, 26)
    start = at("2025-03-25 22:00")
    sessions = numbered(
        [night(start + i * DAY - (3600 if i > 4 else 0), ("LIGHT", 420 if i == 4 else 480)) for i in range(8)]
    )
    row = window(sessions, 8, BERLIN, first)
    expected = sleep_oracle.window(sessions, BERLIN, first, first + timedelta(days=7))
    assert row["sri"] == pytest.approx(expected["sri"], abs=0.2)
    assert row["sri"] < 100
    # Midpoints are wall clock: only the short night differs.
    assert row["circular_sd_midpoint_minutes"] == pytest.approx(expected["circular_sd_midpoint_minutes"], abs=0.5)


@st.composite
def weeks(draw):
    """Seven to nine dates with irregular nights, some missing, unstaged or with naps."""
    days = draw(st.integers(7, 9))
    sessions = []
    for i in range(-1, days + 1):
        start = at("2025-03-26 22:00") + i * DAY + 1800 * draw(st.integers(-6, 6))
        kind = draw(st.sampled_from(["night"] * 12 + ["none", "unstaged", "unknown", "nap"]))
        parts = [(draw(st.sampled_from(["LIGHT", "AWAKE", "REM"])), 30.5 * draw(st.integers(1, 6))) for _ in range(6)]
        if kind == "unstaged":
            sessions.append(Session(start=start, end=start + 7 * 3600))
        elif kind != "none":
            sessions.append(night(start, *parts, ("UNKNOWN", 90 if kind == "unknown" else 15), ("LIGHT", 30)))
        if kind == "nap":
            sessions.append(night(start - 7 * 3600, ("LIGHT", 45)))
    return numbered(sessions), days


@settings(max_examples=25, deadline=None)
@given(weeks(), st.sampled_from([BERLIN, UTC_MINUS_5]))
def test_every_metric_of_a_window_is_that_of_the_brute_force_oracle(week, zone):
    sessions, days = week
    first = date(2025, 3, 26)
    row = window(sessions, days, zone, first)
    expected = sleep_oracle.window(sessions, zone, first, first + timedelta(days=days - 1))
    assert_equal_to_oracle(row, expected, "window")
    assert row["days_with_data"] == expected["days_with_data"]


@given(st.lists(st.floats(0, 1439), min_size=1, max_size=9), st.floats(0, 1440))
@settings(deadline=None)
def test_circular_spread_does_not_depend_on_where_midnight_is(minutes, shift):
    frame = pl.DataFrame({"a": minutes, "b": [(m + shift) % 1440 for m in minutes]})
    a, b = frame.select(a=circular_sd_minutes(pl.col("a")), b=circular_sd_minutes(pl.col("b"))).row(0)
    assert a == pytest.approx(sleep_oracle.circular_sd(minutes), abs=0.01) or a > 700
    assert a == pytest.approx(b, abs=0.01) or a > 700


def test_midpoints_on_both_sides_of_midnight_are_close():
    frame = pl.DataFrame({"a": [1435.0, 5.0]})
    assert frame.select(circular_sd_minutes(pl.col("a"))).item() == pytest.approx(5, abs=0.01)


def test_one_night_has_a_mean_and_no_spread():
    row = window(nights(1), 7)
    assert (row["mean_tst"], row["sd_tst"]) == (465, None)
    assert reason(row, "sd_tst") == "needs at least 2 nights with a stated sleep time"


def test_a_person_without_records_has_a_row_with_everything_withheld():
    empty = sleep_records(nights(1), UTC_MINUS_5).clear()
    frame = sleep.summarise_window(empty, context(UTC_MINUS_5, FIRST_DAY, FIRST_DAY + timedelta(days=6)))
    row = frame.to_dicts()[0]
    assert frame.schema == window_schema("sleep")
    assert (row["days"], row["days_with_data"]) == (7, 0)
    assert len(row["withheld"]) == 4


def test_no_days_give_an_empty_window_table():
    days = context(UTC_MINUS_5, FIRST_DAY, FIRST_DAY)
    frame = sleep.summarise_window(sleep_records(nights(1), UTC_MINUS_5), replace(days, days=days.days.clear()))
    assert frame.is_empty()
    assert frame.schema == window_schema("sleep")


def test_windows_of_many_persons_are_each_as_alone():
    mixed = [replace(s, subject=name) for name in ("p", "q") for s in nights(9, shift_minutes=lambda i: 13 * (i % 4))]
    mixed = numbered([s for i, s in enumerate(mixed) if s.subject == "p" or i % 3])
    days = (FIRST_DAY, FIRST_DAY + timedelta(days=8))
    both = sleep.summarise_window(sleep_records(mixed, UTC_MINUS_5), context(UTC_MINUS_5, *days, subjects=("p", "q")))
    for name in ("p", "q"):
        own = [s for s in mixed if s.subject == name]
        alone = sleep.summarise_window(sleep_records(own, UTC_MINUS_5), context(UTC_MINUS_5, *days, subjects=(name,)))
        assert both.filter(pl.col("subject_id") == name).equals(alone)
