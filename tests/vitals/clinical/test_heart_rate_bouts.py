"""Bouts at or above 100 and below 50 bpm: what is consecutive, how long a bout lasts, whose day it is."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.vitals.clinical.heart_rate_cases import DAY, NEXT, at, fact, facts, minutes, record, spots
from tests.vitals.clinical.record_frames import PHONE_APP, RING, day


def bouts(rows: list[dict[str, Any]], level: str = "ge100") -> list[dict[str, Any]]:
    return [b for b in fact(rows)["bouts"] or [] if b["level"] == level]


@pytest.mark.parametrize(("count", "found"), [(10, 0), (11, 1)])
def test_a_bout_lasts_from_its_first_value_to_its_last(count: int, found: int) -> None:
    rows = [minutes(600, count, 120)]
    assert len(bouts(rows)) == found
    if found:
        assert bouts(rows)[0] == {
            "level": "ge100",
            "start_local": datetime(2025, 3, 3, 10),
            "minutes": 10.0,
            "extreme_bpm": 120.0,
        }


def test_one_value_is_no_bout_however_long_it_holds() -> None:
    assert bouts([*spots(600, 1, 150)]) == []


def test_two_spots_ten_minutes_apart_are_a_bout() -> None:
    assert [b["minutes"] for b in bouts([*spots(600, 2, 150)])] == [10]
    assert bouts([*spots(600, 2, 150, every=9)]) == []


@pytest.mark.parametrize(("gap", "found"), [(11, [22.0]), (12, [])])
def test_a_gap_of_more_than_eleven_minutes_ends_a_bout(gap: int, found: list[float]) -> None:
    assert [b["minutes"] for b in bouts([*spots(600, 3, 120, every=gap)])] == found


@pytest.mark.parametrize(
    ("bpm", "level", "found"), [(100, "ge100", 1), (99, "ge100", 0), (49, "lt50", 1), (50, "lt50", 0)]
)
def test_a_hundred_is_high_and_fifty_is_not_low(bpm: int, level: str, found: int) -> None:
    assert len(bouts([minutes(600, 20, bpm)], level)) == found


def test_one_value_below_the_limit_ends_a_bout() -> None:
    rows = [minutes(600, 12, 110), minutes(612, 1, 99), minutes(613, 15, 120)]
    assert [(b["minutes"], b["extreme_bpm"]) for b in bouts(rows)] == [(11, 110), (14, 120)]


def test_the_extreme_is_the_highest_above_and_the_lowest_below() -> None:
    rows = [record([(600 + k, b) for k, b in enumerate([101, 150, 130] + [110] * 10)])]
    assert bouts(rows)[0]["extreme_bpm"] == 150
    rows = [record([(600 + k, b) for k, b in enumerate([49, 42, 44] + [48] * 10)])]
    assert bouts(rows, "lt50")[0]["extreme_bpm"] == 42


def test_counts_and_list_agree_and_the_list_is_in_order_of_time() -> None:
    rows = [
        minutes(700, 20, 45),
        minutes(600, 20, 120),
        minutes(800, 20, 130),
        minutes(0, 500, 70),
        minutes(900, 400, 70),
    ]
    row = fact(rows)
    assert (row["bouts_ge100"], row["bouts_lt50"]) == (2, 1)
    assert [b["level"] for b in row["bouts"]] == ["ge100", "lt50", "ge100"]


# --- midnight ---------------------------------------------------------------------------------------------------


def on_both_days(rows: list[dict[str, Any]]) -> list[list[float]]:
    frame = facts(rows, day(DAY), day(NEXT))
    return [[b["minutes"] for b in found] for found in frame["bouts"].to_list()]


def test_a_bout_across_midnight_belongs_whole_to_the_day_of_its_start() -> None:
    rows = [minutes(1400, 100, 45), *spots(1600, 5, 70)]
    assert on_both_days(rows) == [[99], []]


def test_five_minutes_before_midnight_and_five_after_are_one_bout() -> None:
    rows = [minutes(1435, 11, 120), *spots(1600, 5, 70)]
    assert on_both_days(rows) == [[10], []]


def test_a_bout_that_begins_at_midnight_is_the_new_days() -> None:
    rows = [*spots(1430, 1, 70), minutes(1440, 30, 120)]
    assert on_both_days(rows) == [[], [29]]


def test_after_a_gap_of_more_than_eleven_minutes_over_midnight_a_new_bout_begins() -> None:
    assert on_both_days([minutes(1400, 30, 120), minutes(1441, 30, 120)]) == [[29], [29]]
    assert on_both_days([minutes(1400, 30, 120), minutes(1440, 30, 120)]) == [[69], []]


def test_the_next_day_alone_knows_that_its_first_bout_began_the_day_before() -> None:
    row = fact([minutes(1400, 100, 45), minutes(1500, 800, 70)], day(NEXT))
    assert row["bouts_lt50"] == 0


def test_a_bout_of_the_first_day_is_whole_although_the_next_day_is_not_asked_for() -> None:
    row = fact([minutes(1400, 100, 45)], day(DAY))
    assert [b["minutes"] for b in row["bouts"]] == [99]


def test_after_midnight_a_bout_goes_on_in_one_source_even_if_the_day_itself_knew_neither() -> None:
    rows = [minutes(1400, 40, 120), minutes(1440, 20, 120, app=PHONE_APP), minutes(1440, 20, 60, app=RING)]
    assert [b["minutes"] for b in fact(rows, day(DAY))["bouts"]] == [59]


def test_a_bout_starts_on_the_local_clock() -> None:
    on = day(DAY, at(-120), at(1320), zone="+02:00")
    row = fact([minutes(600, 20, 120, offset=7200), *spots(500, 2, 70, offset=7200)], on)
    assert row["bouts"][0]["start_local"] == datetime(2025, 3, 3, 12)
    assert row["bouts"][0]["start_local"] - timedelta(hours=2) == at(600).replace(tzinfo=None)


def test_a_second_source_in_between_takes_part_in_the_run() -> None:
    rows = [*spots(600, 30, 120, every=2), minutes(0, 60, 120), minutes(600, 59, 60, app=RING)]
    # Every other minute is the ring's, at rest: no ten minutes are high in a row.
    assert [b["minutes"] for b in bouts(rows)] == [59]
