import re
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.training.fact_frames import at, at_utc, facts, readings
from vitals.clinical.context import SERIES_TYPE
from vitals.training.series_tables import FEWEST_ALONE, series_tables, stage_tables
from vitals.verification.answerability.prompt_reader import Table as ReadTable
from vitals.verification.answerability.table_values import _points


def series(*days):
    return pl.Series(list(days), dtype=SERIES_TYPE)


def rows_of(tables):
    return [table.rows for table in tables]


def test_values_stand_by_local_hour_with_their_minute():
    day = readings([105, 106.4, 98], start=at(7, 52))
    assert rows_of(series_tables(series(day, [], None, day[:1]), decimals=0)) == [
        "07: 52=105 57=106\n08: 02=98",
        "",
        "",
        "07: 52=105",
    ]


def test_a_coarser_table_holds_the_means_of_its_bins():
    day = readings([10, 20, 30, 40], start=at(7, 5))
    assert rows_of(series_tables(series(day), decimals=1, every_minutes=15)) == ["07: 00=15 15=35"]


def test_an_hour_that_the_clock_shows_twice_names_its_offset():
    first = datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    day = [
        {"utc": first, "offset_seconds": -14400, "value": 90.0},
        {"utc": first + timedelta(hours=1), "offset_seconds": -18000, "value": 95.0},
    ]
    assert rows_of(series_tables(series(day), decimals=0)) == ["01 (UTC-04:00): 30=90\n01 (UTC-05:00): 30=95"]


def nights(*rows):
    return facts("sleep", rows)


def test_stage_runs_of_a_night_with_a_clock_change_name_the_offset_of_their_clock():
    # A session from 22:00 at UTC-04:00 to 02:00 at UTC-05:00: on the clock of its end it began at 21:00.
    night = {
        "session_start_local": at(22, days=-1),
        "session_start_utc": at_utc(21, days=-1),
        "session_end_local": at(2),
        "session_end_utc": at_utc(2),
        "stages": [
            {"start_local": at(21, days=-1), "end_local": at(21, 50, days=-1), "stage": "LIGHT"},
            {"start_local": at(21, 50, days=-1), "end_local": at(2), "stage": "DEEP"},
        ],
    }
    assert rows_of(stage_tables(nights(night | {"session_start_local": at(21, days=-1)}, night))) == [
        "21: 00 light 50, 50 deep 250",
        "21 (UTC-05:00): 00 light 50, 50 deep 250",
    ]


def test_stage_runs_stand_by_the_hour_they_start_in_and_unknown_words_are_not_repeated():
    night = [
        {
            "start_local": at(23, 41, days=-1),
            "end_local": at(23, 49, days=-1) + timedelta(seconds=30),
            "stage": "LIGHT",
        },
        {"start_local": at(23, 49, days=-1) + timedelta(seconds=30), "end_local": at(0, 12), "stage": "DEEP"},
        {"start_local": at(0, 12), "end_local": at(0, 13), "stage": "Aunt Mary called"},
    ]
    assert rows_of(stage_tables(nights({"stages": night}, {}))) == [
        "23: 41 light 8.5, 49 deep 22.5\n00: 12 other 1",
        "",
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(20, 600), max_size=60), max_size=4))
def test_no_value_is_lost_and_order_is_kept(days):
    made = series(*(readings(day, start=at(21)) for day in days))
    for table, day in zip(series_tables(made, decimals=0), days, strict=True):
        assert [int(v) for v in re.findall(r"[ =](\d+)(?![\d=:])", table.rows)] == day


def at_minutes(minutes):
    return [
        {"utc": at_utc(0) + timedelta(minutes=minute), "offset_seconds": -18000, "value": 40.0 + index % 360}
        for index, minute in enumerate(minutes)
    ]


def read_back(table):
    """Minutes and values of a table, as the evaluator of prompts reads them."""
    words = "" if table.step_minutes is None else f"; a value alone is {table.step_minutes} min after the one before"
    points, clocks, _ = _points(ReadTable(f"Readings (minute=value{words})", table.rows.split("\n")))
    return [(clock, value) for clock, (_, value) in zip(clocks, points, strict=True)]


def test_a_value_at_the_usual_interval_stands_without_its_minute_and_any_other_with_it():
    minutes = [*range(3, 63, 5), *range(63, 90, 5), 91, 96, 105]
    [table] = series_tables(series(at_minutes(minutes)), decimals=0)
    assert table.step_minutes == 5
    assert table.rows.split("\n") == [
        "00: 03=40 41 42 43 44 45 46 47 48 49 50 51",
        "01: 03=52 53 54 55 56 57 31=58 59 45=60",
    ]


@pytest.mark.parametrize("interval", [1, 2, 3, 5, 10, 15])
def test_every_minute_of_a_table_is_read_back_at_any_interval(interval):
    minutes = [minute for minute in range(7, 1440, interval) if minute % 97]
    [table] = series_tables(series(at_minutes(minutes)), decimals=0)
    assert table.step_minutes == interval
    assert read_back(table) == [(minute, 40.0 + index % 360) for index, minute in enumerate(minutes)]


def test_few_values_keep_their_minutes_for_the_explanation_takes_as_much_room():
    for values in (2, FEWEST_ALONE // 2, FEWEST_ALONE):
        [table] = series_tables(series(at_minutes([minute * 4 for minute in range(values)])), decimals=0)
        assert table.step_minutes is None
        assert table.rows.count("=") == values


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 1439), max_size=80, unique=True), max_size=4))
def test_what_is_written_of_any_day_is_read_back(days):
    made = series(*(at_minutes(sorted(day)) for day in days))
    for table, day in zip(series_tables(made, decimals=0), days, strict=True):
        expected = [(minute, 40.0 + index % 360) for index, minute in enumerate(sorted(day))]
        assert (read_back(table) if table.rows else []) == expected


def test_what_a_device_could_not_tell_is_shown_as_its_limit_and_read_back_as_a_side() -> None:
    day = readings([39, 40, 41, 120, 399, 400, 401], start=at(0, 0))
    (table,) = series_tables(series(day), decimals=0, limits=pl.DataFrame({"low": [40], "high": [400]}))
    assert table.rows == "00: 00=<40 05=<40 10=41 15=120 20=399 25=>400 30=>400"
    points, _, signs = _points(ReadTable("Readings (minute=value)", [table.rows]))
    assert [value for _, value in points] == [40, 40, 41, 120, 399, 400, 400]
    assert signs == {"<", ">"}
    # A mean that holds such a value is a bound too; one that holds both sides is none.
    (coarse,) = series_tables(
        series(day[:5]),
        decimals=0,
        limits=pl.DataFrame({"low": [40], "high": [400]}),
        every_minutes=15,
    )
    assert coarse.rows == "00: 00=<40 15=260"
    (both,) = series_tables(
        series(day),
        decimals=0,
        limits=pl.DataFrame({"low": [40], "high": [400]}),
        every_minutes=60,
    )
    assert both.rows == ""
    (unknown,) = series_tables(
        series(day),
        decimals=0,
        limits=pl.DataFrame({"low": [None], "high": [None]}, schema={"low": pl.Int32, "high": pl.Int32}),
    )
    assert unknown.rows.startswith("00: 00=39")


def test_a_bare_value_in_a_table_that_does_not_explain_it_says_nothing():
    assert _points(ReadTable("Readings (minute=value)", ["00: 03=85 83"]))[:2] == ([], [])
