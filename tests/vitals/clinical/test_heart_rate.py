"""Heart-rate facts of a local day: sources, holds, nights, preconditions, tables."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from tests.vitals.clinical.heart_rate_cases import (
    DAY,
    MIDNIGHT,
    NEXT,
    at,
    fact,
    facts,
    minutes,
    reasons,
    record,
    spots,
)
from tests.vitals.clinical.record_frames import (
    PERSON,
    PHONE_APP,
    RING,
    WRIST,
    day,
    days,
    priorities,
    profiles,
    records,
    session,
    sessions,
    utc,
)
from vitals.clinical import heart_rate
from vitals.clinical.context import DayContext
from vitals.clinical.heart_rate_measures import zone_minutes
from vitals.clinical.heart_rate_minutes import Minutes
from vitals.clinical.metrics import metrics_of
from vitals.clinical.schema import window_schema
from vitals.record_types import HEART_RATE

NIGHT = session(at(-60), at(420), DAY, onset=at(-50), wake=at(410))


def asleep(*more: dict[str, Any]) -> Any:
    return sessions(NIGHT, *more)


# --- one value a minute, of one source --------------------------------------------------------------------------


def test_samples_of_one_minute_are_one_value() -> None:
    row = fact([record([(600, 60), (600.5, 70), (600.75, 80)]), record([(601, 90)])])
    assert (row["n"], row["min"], row["max"]) == (2, 70, 90)
    assert row["sources"][0]["value"] == 80


def test_a_spot_record_inside_an_hour_record_belongs_to_the_same_minute() -> None:
    row = fact([minutes(600, 60, 60), record([(610.5, 66)])])
    assert (row["n"], row["max"], row["records"]) == (60, 63, 2)


def test_two_sources_are_never_pooled() -> None:
    rows = [*spots(600, 20, 60), *spots(600, 10, 90, app=RING), *spots(605, 5, 80, app=RING)]
    row = fact(rows)
    assert row["n"] == 25
    assert (row["min"], row["max"]) == (60, 80)
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (WRIST, True, 20, 60.0),
        (RING, True, 15, pytest.approx((10 * 90 + 5 * 80) / 15)),
    ]


@pytest.mark.parametrize(
    ("worn", "other"),
    [
        ({"device": "WATCH"}, {"device": "PHONE"}),
        ({"device": "RING", "model": "a"}, {"device": "RING", "model": "b"}),
        ({"device": "WATCH"}, {"device": None}),
        ({"device": None, "model": "a"}, {"device": None}),
        ({"device": "CHEST_STRAP", "maker": "a"}, {"device": "CHEST_STRAP", "maker": "b"}),
    ],
)
def test_two_devices_of_one_app_are_not_pooled_within_a_minute(worn: dict[str, Any], other: dict[str, Any]) -> None:
    row = fact([*spots(600, 20, 60, **worn), *spots(600, 10, 90, **other), *spots(605, 5, 80, **other)])
    assert (row["n"], row["min"], row["max"]) == (25, 60, 80)
    assert [(s["app"], s["used"], s["n"]) for s in row["sources"]] == [(WRIST, True, 20), (WRIST, True, 15)]
    assert [s["device"] for s in row["sources"]] == [worn["device"] or "UNKNOWN", other["device"] or "UNKNOWN"]


def test_of_one_app_the_phone_is_put_back_whatever_it_counts() -> None:
    row = fact([*spots(600, 20, 60, device="PHONE"), *spots(600, 10, 90, device="WATCH")])
    assert [(s["device"], s["n"]) for s in row["sources"]] == [("WATCH", 10), ("PHONE", 20)]
    assert row["max"] == 90


def test_the_second_source_is_not_called_used_if_it_fills_no_minute() -> None:
    row = fact([*spots(600, 20, 60), *spots(600, 10, 90, app=RING, key="other")])
    assert [(s["app"], s["used"]) for s in row["sources"]] == [(WRIST, True), (RING, False)]
    assert row["source_keys_sha256"] == ["key"]
    assert row["records"] == 20


def test_a_phone_comes_after_what_is_worn_and_an_explicit_order_before_both() -> None:
    rows = [*spots(600, 20, 60, app=PHONE_APP, device="PHONE"), *spots(600, 10, 90, app=RING, device="RING")]
    assert fact(rows)["sources"][0]["app"] == RING
    assert fact(rows)["max"] == 90
    assert fact(rows, priorities=priorities(PHONE_APP))["max"] == 60


def test_the_order_of_sources_is_made_anew_each_day() -> None:
    rows = [
        *spots(600, 20, 60),
        *spots(600, 10, 90, app=RING),
        *spots(2040, 10, 60),
        *spots(2040, 20, 90, app=RING),
    ]
    frame = facts(rows, day(DAY), day(NEXT))
    assert frame["max"].to_list() == [60, 90]


# --- holds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("gap", "held"), [(10, 21), (11, 22), (12, 22), (60, 22)])
def test_a_value_holds_until_the_next_but_at_most_eleven_minutes(gap: int, held: int) -> None:
    row = fact([*spots(600, 2, 60, every=gap)])
    assert row["coverage_percent"] == pytest.approx(100 * held / 1440)


def test_a_value_does_not_hold_past_midnight() -> None:
    frame = facts([*spots(1435, 2, 60, every=10)], day(DAY), day(NEXT))
    assert frame["coverage_percent"].to_list() == pytest.approx([100 * 5 / 1440, 100 * 11 / 1440])


def test_the_mean_is_weighted_by_time() -> None:
    # Ten dense hours at 50, ten sparse ones at 100: samples alone would say 54.5.
    row = fact([*[minutes(60 * h, 60, 50) for h in range(10)], *spots(600, 60, 100)])
    assert row["mean_time_weighted"] == pytest.approx((600 * 50 + 601 * 100) / 1201)
    assert row["n"] == 660


def test_the_spread_is_that_of_the_minute_values() -> None:
    row = fact([record([(600, 60), (601, 62), (602, 64)])])
    assert row["sd_samples"] == pytest.approx(2)


# --- days -------------------------------------------------------------------------------------------------------


def test_a_record_across_midnight_gives_each_day_its_own_samples() -> None:
    frame = facts([minutes(1430, 20, 60)], day(DAY), day(NEXT))
    assert frame["n"].to_list() == [10, 10]
    assert frame["records"].to_list() == [1, 1]


@pytest.mark.parametrize(("ms", "on"), [(-1, DAY - timedelta(days=1)), (0, DAY), (86_399_999, DAY), (86_400_000, NEXT)])
def test_midnight_belongs_to_the_day_it_begins(ms: int, on: date) -> None:
    frame = facts([record([(ms / 60_000, 60)])], day(DAY - timedelta(days=1)), day(DAY), day(NEXT))
    assert frame["local_date"].to_list() == [on]


@pytest.mark.parametrize("hours", [23, 25, 17])
def test_shares_of_a_day_use_its_own_length(hours: int) -> None:
    on = day(DAY, MIDNIGHT, at(hours * 60))
    row = fact([minutes(60 * h, 60, 60) for h in range(hours)], on)
    assert (row["n"], row["day_minutes"]) == (hours * 60, hours * 60)
    assert row["coverage_percent"] == pytest.approx(100)
    assert len(row["series"]) == hours * 4


def test_local_times_follow_the_offset_in_force() -> None:
    on = day(DAY, at(300), at(1740), zone="-05:00")
    row = fact([*spots(900, 2, 60, offset=-18000), *spots(960, 1, 50, offset=-18000), *spots(961, 1, 99)], on)
    assert row["min_at_local"] == datetime(2025, 3, 3, 11)
    assert row["max_at_local"] == datetime(2025, 3, 3, 16, 1)


def test_on_a_day_lived_in_two_pieces_the_hours_of_another_date_are_left_out() -> None:
    # East of the date line until 06:00 UTC, then a day behind: DAY, then the evening before it, then DAY again.
    before = DAY - timedelta(days=1)
    west = -12 * 3600
    on = [
        day(DAY, at(0), at(36 * 60), minutes=6 * 60 + 24 * 60),
        day(before, at(6 * 60), at(12 * 60), minutes=6 * 60),
    ]
    rows = [*spots(60, 3, 60), *spots(7 * 60, 4, 70, offset=west), *spots(13 * 60, 5, 80, offset=west)]
    frame = facts(rows, *on)
    assert frame.select("local_date", "n", "max").rows() == [(before, 4, 70), (DAY, 8, 80)]


def test_the_longest_gap_includes_the_edges_of_the_day() -> None:
    row = fact([*spots(100, 10, 60), *spots(900, 40, 60)])
    assert row["longest_gap_minutes"] == 710
    assert row["longest_gap_start_local"] == datetime(2025, 3, 3, 3, 10)
    assert row["longest_gap_end_local"] == datetime(2025, 3, 3, 15)
    late = fact([*spots(1300, 5, 60)])
    assert (late["longest_gap_start_local"], late["longest_gap_end_local"]) == (
        datetime(2025, 3, 3),
        datetime(2025, 3, 3, 21, 40),
    )
    early = fact([*spots(10, 5, 60)])
    assert (early["longest_gap_start_local"], early["longest_gap_end_local"]) == (
        datetime(2025, 3, 3, 0, 50),
        datetime(2025, 3, 4),
    )


def test_of_equal_gaps_the_first_is_named() -> None:
    row = fact([*spots(720, 1, 60)])
    assert (row["longest_gap_start_local"], row["longest_gap_end_local"]) == (
        datetime(2025, 3, 3),
        datetime(2025, 3, 3, 12),
    )


def test_quarter_hours_share_a_hold_that_crosses_them() -> None:
    row = fact([*spots(608, 1, 60), *spots(618, 1, 90)])
    assert [(p["utc"], pytest.approx(p["value"])) for p in row["series"]] == [
        (at(600), 60),
        (at(615), (3 * 60 + 11 * 90) / 14),
    ]


# --- nights -----------------------------------------------------------------------------------------------------


def test_the_night_counts_with_its_minutes_before_midnight() -> None:
    rows = [minutes(-60, 60, 70), minutes(0, 60, 50)]
    row = fact(rows, sessions=sessions(session(at(-60), at(60), DAY)))
    assert row["sleep_mean_time_weighted"] == pytest.approx(60)
    assert row["sleep_coverage_percent"] == pytest.approx(100)
    assert row["n"] == 60
    assert row["records"] == 2


def test_the_night_is_the_sleep_period_not_the_session() -> None:
    rows = [minutes(-60, 10, 120), minutes(-50, 460, 60), minutes(410, 10, 120)]
    row = fact(rows, sessions=asleep())
    assert row["sleep_mean_time_weighted"] == pytest.approx(60)


def test_the_minute_of_the_final_waking_is_no_part_of_the_night() -> None:
    rows = [minutes(0, 410, 60), minutes(410, 1, 31)]
    assert fact(rows, sessions=asleep())["resting_low30_in_main_sleep"] == 60
    earlier = [minutes(0, 409, 60), minutes(409, 1, 31)]
    assert fact(earlier, sessions=asleep())["resting_low30_in_main_sleep"] == pytest.approx(60 - 29 / 30)


def test_a_source_that_only_the_evening_part_of_the_night_has_is_used_too() -> None:
    rows = [minutes(-50, 50, 50, app=RING, key="evening"), minutes(0, 410, 60)]
    row = fact(rows, sessions=asleep())
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (WRIST, True, 410, 60.0),
        (RING, True, 0, None),
    ]
    assert row["source_keys_sha256"] == ["evening", "key"]


def test_a_value_just_before_the_day_is_looked_at_but_not_used() -> None:
    row = fact([*spots(-5, 1, 120, key="before"), *spots(0, 3, 120)])
    assert (row["records"], row["source_keys_sha256"]) == (3, ["key"])
    # The bout began the day before.
    assert row["bouts"] == []


def test_waking_time_is_outside_all_sessions() -> None:
    nap = session(at(800), at(860), DAY, main=False)
    rows = [minutes(0, 420, 50), minutes(420, 380, 80), minutes(800, 60, 50), minutes(860, 580, 80)]
    row = fact(rows, sessions=asleep(nap))
    assert row["wake_mean_time_weighted"] == pytest.approx(80)
    assert row["wake_coverage_minutes"] == pytest.approx(1440 - 420 - 60)
    assert row["dip_percent"] == pytest.approx(100 * 30 / 80)


def test_the_hold_of_a_waking_value_ends_where_a_session_starts() -> None:
    row = fact([*spots(595, 1, 80)], sessions=sessions(session(at(600), at(660), DAY)))
    assert row["wake_coverage_minutes"] == pytest.approx(5)


def test_a_waking_value_before_two_short_sessions_ends_at_the_first() -> None:
    slept = sessions(session(at(600), at(601), DAY), session(at(602), at(604), DAY, main=False))
    assert fact([*spots(599, 1, 80)], sessions=slept)["wake_coverage_minutes"] == pytest.approx(1)


def test_the_lowest_half_hour_is_a_plain_mean_of_thirty_minutes() -> None:
    rows = [minutes(0, 100, 60), minutes(100, 30, 50), minutes(130, 280, 60)]
    row = fact(rows, sessions=asleep())
    assert row["resting_low30_in_main_sleep"] == pytest.approx(50)
    assert fact([minutes(0, 410, 60)], sessions=asleep())["resting_low30_in_main_sleep"] == 60


@pytest.mark.parametrize(
    ("offsets", "stated"),
    [
        ((0, 5, 10, 15, 20), True),
        ((0, 5, 10, 15, 19), False),
        ((0, 10, 15, 20), False),
        ((0, 7, 14, 21, 29), True),
        ((0, 7, 14, 21, 30), False),
    ],
)
def test_a_half_hour_needs_five_values_that_span_twenty_minutes(offsets: tuple[int, ...], *, stated: bool) -> None:
    # A short session, so that few values cover half of it.
    slept = sessions(session(at(100), at(135), DAY))
    row = fact([record([(100 + o, 60) for o in offsets])], sessions=slept)
    assert (row["resting_low30_in_main_sleep"] is not None) is stated
    if not stated:
        assert "5 values" in reasons(row)["resting_low30_in_main_sleep"]


def test_the_order_of_sources_of_a_day_holds_for_its_night() -> None:
    rows = [*spots(500, 30, 80), minutes(-30, 30, 50), minutes(-30, 30, 70, app=RING), minutes(400, 20, 70, app=RING)]
    row = fact(rows, sessions=sessions(session(at(-30), at(20), DAY)))
    assert row["sleep_mean_time_weighted"] == pytest.approx(50)


# --- preconditions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("held", "stated"), [(719, False), (720, True)])
def test_the_mean_needs_half_of_the_day(held: int, *, stated: bool) -> None:
    row = fact([minutes(0, held, 60)], day(DAY, known_until=at(5000)))
    # The last value holds eleven minutes instead of one.
    shorter = fact([minutes(0, held - 10, 60)])
    assert (shorter["mean_time_weighted"] is not None) is stated
    assert ("mean_time_weighted" in reasons(shorter)) is not stated
    for always in ("n", "min", "max", "sd_samples", "coverage_percent"):
        assert row[always] is not None


@pytest.mark.parametrize(("covered", "stated"), [(229, False), (230, True)])
def test_sleep_needs_half_of_the_night(covered: int, *, stated: bool) -> None:
    row = fact([minutes(410 - covered, covered, 60), *spots(600, 80, 80)], sessions=asleep())
    for metric in ("sleep_mean_time_weighted", "resting_low30_in_main_sleep", "dip_percent"):
        assert (row[metric] is not None) is stated
        assert (metric in reasons(row)) is not stated


@pytest.mark.parametrize(("covered", "stated"), [(229, False), (230, True)])
def test_the_waking_mean_and_the_dip_need_four_waking_hours(covered: int, *, stated: bool) -> None:
    # The last value holds eleven minutes, so these are 239 and 240 minutes.
    row = fact([minutes(-50, 470, 60), minutes(600, covered, 80)], sessions=asleep())
    assert row["wake_coverage_minutes"] == covered + 10
    for metric in ("wake_mean_time_weighted", "dip_percent"):
        assert (row[metric] is not None) is stated
        assert (metric in reasons(row)) is not stated
    assert row["sleep_mean_time_weighted"] == pytest.approx(60)


def test_without_a_main_session_neither_sleep_nor_waking_is_stated() -> None:
    nap = sessions(session(at(800), at(860), DAY, main=False))
    for given in (None, sessions(), nap):
        row = fact([minutes(0, 1440, 60)], sessions=given)
        assert row["sleep_coverage_percent"] is None
        assert row["wake_coverage_minutes"] is None
        for metric in ("sleep_mean_time_weighted", "wake_mean_time_weighted", "dip_percent"):
            assert reasons(row)[metric] == "no main sleep session ends on this day"


def test_that_there_was_no_bout_is_stated_only_of_a_watched_day() -> None:
    sparse = fact([*spots(600, 10, 75)])
    assert sparse["bouts_ge100"] is None
    assert sparse["bouts_lt50"] is None
    seen = fact([*spots(600, 10, 120)])
    assert (seen["bouts_ge100"], seen["bouts_lt50"]) == (1, None)
    watched = fact([minutes(0, 800, 75)])
    assert (watched["bouts_ge100"], watched["bouts_lt50"]) == (0, 0)


def test_one_value_has_no_spread() -> None:
    row = fact([*spots(600, 1, 60)])
    assert row["sd_samples"] is None
    assert "sd_samples" in reasons(row)


def test_zones_need_an_age_and_begin_at_their_lower_bound() -> None:
    # At 40 the estimated maximum is 180 bpm: 57, 64, 77 and 96 % are 102.6, 115.2, 138.6 and 172.8 bpm.
    bpm = (102, 103, 115, 116, 138, 139, 172, 173)
    rows = [minutes(600 + k, 1, b) for k, b in enumerate(bpm)]
    row = fact(rows, profiles=profiles(person_a={"age_years": 40.0}))
    assert [row[zone] for zone in heart_rate.ZONES] == pytest.approx([1, 2, 2, 2, 11])
    unknown = fact(rows)
    assert {reasons(unknown)[zone] for zone in heart_rate.ZONES} == {"age is not known"}


@pytest.mark.parametrize(("bpm", "zone"), [(113.9, 0), (114.0, 1), (128.0, 2), (154.0, 3), (191.9, 3), (192.0, 4)])
def test_a_value_on_a_bound_belongs_to_the_zone_that_begins_there(bpm: float, zone: int) -> None:
    one = np.zeros(1, np.int64)
    values = Minutes(span=one, start_ms=one, bpm=np.array([bpm]), source=one, offset_seconds=one)
    found = zone_minutes(values, np.array([3.0]), highest_bpm=np.array([200.0]))
    assert [z.item() for z in found] == [3 if k == zone else 0 for k in range(5)]


# --- tables -----------------------------------------------------------------------------------------------------


def test_every_metric_is_stated_or_withheld() -> None:
    row = fact([*spots(600, 3, 60)])
    stated = {m.column for m in metrics_of("heart_rate", "day") if row[m.column] is not None}
    assert stated | set(reasons(row)) == {m.column for m in metrics_of("heart_rate", "day")}
    assert not stated & set(reasons(row))


def test_a_day_stays_open_until_its_source_can_no_longer_deliver() -> None:
    lag = timedelta(minutes=960)
    assert fact([*spots(600, 1, 60)], day(DAY, known_until=at(1440) + lag))["provisional"] is False
    almost = at(1440) + lag - timedelta(milliseconds=1)
    assert fact([*spots(600, 1, 60)], day(DAY, known_until=almost))["provisional"] is True


def test_the_records_behind_a_day_are_named() -> None:
    rows = [
        record([(600, 60)], key="b", quality=0.8, modified=at(3000)),
        record([(610, 60)], key="a", quality=1.0, modified=at(4000)),
        record([(1500, 60)], key="c", modified=at(9000)),
    ]
    row = fact(rows)
    assert row["source_keys_sha256"] == ["a", "b"]
    assert row["data_quality_score"] == pytest.approx(0.9)
    assert (row["records"], row["as_of_utc"]) == (2, at(4000))
    assert row["sources"][0]["as_of_utc"] == at(4000)


def test_samples_outside_the_times_of_their_record_still_count_where_they_are() -> None:
    frame = facts([record([(600, 60), (2000, 70)], start=at(600), end=at(600))], day(DAY), day(NEXT))
    assert frame["max"].to_list() == [60, 70]


def test_a_day_without_a_sample_has_no_row() -> None:
    frame = facts([*spots(600, 3, 60)], day(DAY), day(NEXT), day(DAY, subject="person-b"))
    assert frame.select("subject_id", "local_date").rows() == [(PERSON, DAY)]


@pytest.mark.parametrize("rows", [[], [*spots(600, 3, 60, subject="person-b")]])
def test_no_records_give_an_empty_table_of_the_full_schema(rows: list[dict[str, Any]]) -> None:
    assert facts(rows, sessions=asleep()).is_empty()


def test_no_days_give_an_empty_table() -> None:
    context = DayContext(days=days())
    assert heart_rate.summarise(records(HEART_RATE, spots(600, 3, 60)), context).is_empty()
    window = heart_rate.summarise_window(records(HEART_RATE, []), context)
    assert window.schema == window_schema("heart_rate")
    assert window.is_empty()


def test_a_window_counts_its_days_with_data() -> None:
    on = [day(DAY), day(NEXT), day(DAY, subject="person-b")]
    window = heart_rate.summarise_window(records(HEART_RATE, spots(600, 3, 60)), DayContext(days=days(*on)))
    assert window.schema == window_schema("heart_rate")
    assert window.rows() == [(PERSON, DAY, NEXT, 2, 1, []), ("person-b", DAY, DAY, 1, 0, [])]


def test_a_year_of_days_needs_no_neighbour() -> None:
    start = utc(2025, 1, 1)
    rows = [record([(0, 60)], start=start, end=start)]
    rows[0]["samples"] = [{"time_utc": start, "bpm": 60}]
    on = [day(date(2025, 1, 1) + timedelta(days=k)) for k in range(365)]
    assert facts(rows, *on)["local_date"].to_list() == [date(2025, 1, 1)]


def test_the_chosen_source_is_named_first() -> None:
    rows = [*spots(600, 3, 60, app=RING), *spots(600, 5, 60)]
    assert [s["app"] for s in fact(rows)["sources"]] == [WRIST, RING]
