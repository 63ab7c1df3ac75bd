import re
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.training.fact_frames import at, at_utc, facts, readings
from vitals.clinical.context import SERIES_TYPE
from vitals.training.series_tables import series_tables, stage_tables


def series(*days):
    return pl.Series(list(days), dtype=SERIES_TYPE)


def test_values_stand_by_local_hour_with_their_minute():
    day = readings([105, 106.4, 98], start=at(7, 52))
    assert series_tables(series(day, [], None, day[:1]), decimals=0) == [
        "07: 52=105 57=106\n08: 02=98",
        "",
        "",
        "07: 52=105",
    ]


def test_a_coarser_table_holds_the_means_of_its_bins():
    day = readings([10, 20, 30, 40], start=at(7, 5))
    assert series_tables(series(day), decimals=1, every_minutes=15) == ["07: 00=15 15=35"]


def test_an_hour_that_the_clock_shows_twice_names_its_offset():
    first = datetime(2025, 11, 2, 5, 30, tzinfo=UTC)
    day = [
        {"utc": first, "offset_seconds": -14400, "value": 90.0},
        {"utc": first + timedelta(hours=1), "offset_seconds": -18000, "value": 95.0},
    ]
    assert series_tables(series(day), decimals=0) == ["01 (UTC-04:00): 30=90\n01 (UTC-05:00): 30=95"]


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
    assert stage_tables(nights(night | {"session_start_local": at(21, days=-1)}, night)) == [
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
    assert stage_tables(nights({"stages": night}, {})) == [
        "23: 41 light 8.5, 49 deep 22.5\n00: 12 other 1",
        "",
    ]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(20, 600), max_size=60), max_size=4))
def test_no_value_is_lost_and_order_is_kept(days):
    made = series(*(readings(day, start=at(21)) for day in days))
    for table, day in zip(series_tables(made, decimals=0), days, strict=True):
        assert [int(v) for v in re.findall(r"=(\d+)", table)] == day
