"""Step facts of a local day and of a window."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical.record_frames import (
    PERSON,
    PHONE_APP,
    RING,
    WRIST,
    day,
    days,
    priorities,
    records,
    utc,
)
from tests.vitals.clinical.totals_oracle import Counted, day_total
from vitals.clinical import steps
from vitals.clinical.context import DayContext
from vitals.clinical.invariants import violations
from vitals.clinical.metrics import BY_ID
from vitals.clinical.schema import fact_schema, window_schema
from vitals.record_types import STEPS

DAY = date(2025, 3, 3)
MIDNIGHT = utc(2025, 3, 3)
BUCKET_END = timedelta(days=1, milliseconds=-1)
SHORT_END = timedelta(milliseconds=1)
TOLERANCE = BY_ID["steps.recommended_total"].tol_abs


def bucket(count: int, **row: Any) -> dict[str, Any]:
    return {"start": MIDNIGHT, "end": MIDNIGHT + BUCKET_END, "count": count, **row}


def walk(minute: float, length: float, count: int, **row: Any) -> dict[str, Any]:
    start = MIDNIGHT + timedelta(minutes=minute)
    return {"start": start, "end": start + timedelta(minutes=length), "count": count, **row}


def facts(rows: list[dict[str, Any]], *on: dict[str, Any], order: pl.DataFrame | None = None) -> pl.DataFrame:
    context = DayContext(days=days(*(on or (day(DAY),))), priorities=priorities() if order is None else order)
    frame = steps.summarise(records(STEPS, rows), context)
    assert frame.schema == fact_schema("steps", steps.SUPPORT)
    return frame


def fact(rows: list[dict[str, Any]], *on: dict[str, Any], order: pl.DataFrame | None = None) -> dict[str, Any]:
    frame = facts(rows, *on, order=order)
    assert frame.height == 1
    return frame.row(0, named=True)


def used(row: dict[str, Any]) -> list[str]:
    return [source["app"] for source in row["sources"] if source["used"]]


def reason(row: dict[str, Any], metric: str) -> str | None:
    return {w["metric"]: w["reason"] for w in row["withheld"]}.get(f"steps.{metric}")


def test_two_buckets_are_never_added_up_and_the_other_one_is_named() -> None:
    row = fact([bucket(4000), bucket(2500, app=RING, start=MIDNIGHT + timedelta(hours=4))])
    assert row["recommended_total"] == row["hc_priority_total"] == 4000
    assert row["lower_bound"] is False
    assert row["app"] == WRIST
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (WRIST, True, 1, 4000.0),
        (RING, False, 1, 2500.0),
    ]
    assert (row["records"], row["buckets_n"], row["intervals_n"]) == (1, 2, 0)


def test_a_phone_counts_only_when_nothing_is_worn() -> None:
    phone = bucket(9000, app=PHONE_APP, device="PHONE")
    assert fact([phone, bucket(4000, device="WATCH")])["recommended_total"] == 4000
    assert fact([phone])["recommended_total"] == 9000


def test_of_an_app_that_is_a_phone_only_sometimes_the_phone_alone_is_put_back() -> None:
    rows = [walk(600, 60, 300, app=PHONE_APP, device="PHONE"), walk(700, 60, 600, app=PHONE_APP), walk(600, 60, 500)]
    found = [(s["app"], s["device"]) for s in fact(rows)["sources"]]
    assert found == [(PHONE_APP, "UNKNOWN"), (WRIST, "UNKNOWN"), (PHONE_APP, "PHONE")]


WATCH = {"device": "WATCH", "model": "w"}
HAND = {"device": "PHONE", "model": "p"}


@pytest.mark.parametrize(
    ("worn", "other"),
    [
        (WATCH, HAND),
        ({"device": "RING"}, {"device": "PHONE"}),
        ({"device": "TYPE_WATCH"}, {"device": "phone "}),
        ({"device": "UNKNOWN"}, HAND),
        ({"device": None, "model": None}, HAND),
        ({"device": "FITNESS_BAND", "maker": "o"}, {"device": "PHONE", "maker": "o"}),
        ({"device": "somebody's words"}, HAND),
    ],
)
def test_of_the_devices_of_one_app_the_phone_comes_last_and_nothing_is_added_up(
    worn: dict[str, Any], other: dict[str, Any]
) -> None:
    whole = fact([bucket(7000, **worn), bucket(9000, **other, modified=MIDNIGHT + timedelta(days=9))])
    assert (whole["recommended_total"], whole["lower_bound"], whole["records"]) == (7000, False, 1)
    # What the phone shows knows apps only, and of one app's records the latest.
    assert whole["hc_priority_total"] == 9000
    assert [(s["app"], s["device"] == "PHONE", s["used"], s["value"]) for s in whole["sources"]] == [
        (WRIST, False, True, 7000.0),
        (WRIST, True, False, 9000.0),
    ]
    hourly = [walk(60 * k, 60, 100, **worn) for k in range(8, 18)]
    hourly += [walk(60 * k, 60, 300, **other, modified=MIDNIGHT + timedelta(days=9)) for k in range(8, 18)]
    assert fact(hourly)["recommended_total"] == 1000


def test_the_gaps_of_a_watch_are_filled_by_the_phone_of_the_app() -> None:
    rows = [walk(600, 60, 600, **WATCH), walk(630, 60, 1200, **HAND), walk(1200, 30, 90, **HAND)]
    row = fact(rows)
    assert row["recommended_total"] == pytest.approx(600 + 600 + 90)
    assert [(s["device"], s["used"], s["value"]) for s in row["sources"]] == [
        ("WATCH", True, 600.0),
        ("PHONE", True, 1290.0),
    ]


def test_day_buckets_of_one_device_and_intervals_of_another_are_two_totals() -> None:
    on_watch, on_phone = walk(600, 60, 3000, **WATCH), bucket(4000, **HAND)
    assert fact([on_watch, on_phone])["recommended_total"] == 3000
    row = fact([bucket(4000, **WATCH), walk(600, 60, 9000, **HAND)])
    assert (row["recommended_total"], row["buckets_n"], row["intervals_n"]) == (4000, 1, 1)


def test_of_three_devices_of_an_app_one_total_is_stated_and_all_are_named() -> None:
    rows = [bucket(5000, **HAND), bucket(3000, **WATCH), bucket(3500, device="RING")]
    row = fact(rows)
    assert row["recommended_total"] == 3500
    assert [(s["device"], s["value"]) for s in row["sources"]] == [("RING", 3500), ("WATCH", 3000), ("PHONE", 5000)]


def test_two_devices_of_one_model_cannot_be_told_apart_and_are_swept_as_one() -> None:
    rows = [walk(600, 60, 600, **WATCH), walk(600, 60, 500, device="WATCH", model=" W ")]
    row = fact(rows)
    assert row["recommended_total"] == 600
    assert len(row["sources"]) == 1


def test_the_persons_order_is_of_apps_and_within_one_the_device_decides() -> None:
    rows = [bucket(9000, app=RING, device="RING"), bucket(3000, **WATCH), bucket(8000, **HAND)]
    assert fact(rows, order=priorities(WRIST))["recommended_total"] == 3000
    assert [s["device"] for s in fact(rows, order=priorities(WRIST))["sources"]] == ["WATCH", "PHONE", "RING"]
    assert fact(rows)["recommended_total"] == 9000


def test_no_free_text_of_a_device_is_handed_on() -> None:
    row = fact([bucket(100, device="<b>my watch", maker="Ann's", model="12 Elm Street")])
    assert [s["device"] for s in row["sources"]] == ["UNKNOWN"]
    assert "Elm" not in str(row)


def test_the_persons_own_order_is_followed() -> None:
    rows = [bucket(4000), bucket(2500, app=RING)]
    row = fact(rows, order=priorities(RING))
    assert row["recommended_total"] == row["hc_priority_total"] == 2500
    assert used(row) == [RING]


@pytest.mark.parametrize(("late", "partial"), [(-1, True), (0, False), (1, False)])
def test_a_total_is_a_lower_bound_while_its_record_ends_after_its_modification(late: int, *, partial: bool) -> None:
    modified = MIDNIGHT + BUCKET_END + timedelta(milliseconds=late)
    row = fact([bucket(4000, modified=modified)])
    assert row["lower_bound"] is partial
    assert row["recommended_total"] == 4000
    assert row["as_of_utc"] == modified
    if partial:
        assert row["provisional"] is True


def test_while_the_first_source_still_runs_the_largest_total_is_stated() -> None:
    running = {"modified": MIDNIGHT + timedelta(hours=18)}
    rows = [bucket(3000, **running), bucket(5000, app=RING)]
    assert fact(rows, order=priorities(WRIST, RING))["app"] == RING
    both = [bucket(3000, **running), bucket(2000, app=RING, **running)]
    row = fact(both, order=priorities(RING, WRIST))
    assert (row["app"], row["recommended_total"], row["lower_bound"]) == (WRIST, 3000, True)


def test_a_running_total_says_on_the_persons_clock_how_far_it_goes() -> None:
    start = utc(2025, 3, 3, 5)
    modified = start + timedelta(hours=17, minutes=10)
    on = day(DAY, start, start + timedelta(days=1), zone="-05:00")
    row = fact([bucket(100, start=start, end=start + BUCKET_END, offset=-18000, modified=modified)], on)
    assert row["value_as_of_local"] == datetime(2025, 3, 3, 17, 10)
    assert row["zone"] == "-05:00"


def test_a_day_stays_open_until_its_source_can_no_longer_deliver() -> None:
    lag = timedelta(minutes=960)
    end = MIDNIGHT + timedelta(days=1)
    rows = [walk(600, 60, 100)]
    assert fact(rows, day(DAY, known_until=end + lag))["provisional"] is False
    assert fact(rows, day(DAY, known_until=end + lag - SHORT_END))["provisional"] is True


def test_intervals_of_a_bucket_source_are_part_of_its_bucket() -> None:
    row = fact([bucket(4000), walk(600, 60, 1500), walk(700, 60, 1500)])
    assert row["recommended_total"] == 4000
    assert row["sources"][0]["value"] == 4000
    assert (row["records"], row["buckets_n"], row["intervals_n"]) == (1, 1, 2)


def test_what_the_phone_shows_may_count_a_bucket_in_the_gaps_of_intervals_but_the_statement_does_not() -> None:
    rows = [bucket(4000), walk(600, 60, 3000, app=RING)]
    row = fact(rows, order=priorities(RING, WRIST))
    assert row["hc_priority_total"] == pytest.approx(3000 + 4000 * (1 - 60 / 1440), abs=TOLERANCE)
    assert row["recommended_total"] == 3000
    assert used(row) == [RING]


def test_interval_sources_fill_each_others_gaps() -> None:
    rows = [walk(600, 60, 600), walk(630, 60, 1200, app=RING)]
    row = fact(rows, order=priorities(WRIST, RING))
    assert row["recommended_total"] == pytest.approx(600 + 600)
    assert used(row) == [WRIST, RING]
    assert row["records"] == 2


def test_an_interval_source_that_adds_nothing_is_not_called_used() -> None:
    rows = [walk(600, 60, 600), walk(610, 10, 1200, app=RING, key="other")]
    row = fact(rows, order=priorities(WRIST, RING))
    assert row["recommended_total"] == 600
    assert used(row) == [WRIST]
    assert row["source_keys_sha256"] == ["key"]


def test_a_running_record_that_adds_nothing_does_not_make_the_total_a_lower_bound() -> None:
    running = walk(610, 10, 1200, app=RING, modified=MIDNIGHT + timedelta(minutes=615))
    assert fact([walk(600, 60, 600), running], order=priorities(WRIST, RING))["lower_bound"] is False
    assert fact([walk(600, 15, 600), running], order=priorities(WRIST, RING))["lower_bound"] is True


@pytest.mark.parametrize(("short", "buckets"), [(timedelta(0), 1), (SHORT_END, 1), (2 * SHORT_END, 0)])
def test_a_bucket_is_twelve_hours_or_a_millisecond_less(short: timedelta, buckets: int) -> None:
    row = fact([bucket(100, end=MIDNIGHT + timedelta(hours=12) - short)])
    assert (row["buckets_n"], row["intervals_n"]) == (buckets, 1 - buckets)


# --- local midnight ---------------------------------------------------------------------------------------------

NEXT = date(2025, 3, 4)


def test_a_record_across_midnight_is_shared_in_proportion_to_time() -> None:
    frame = facts([walk(1410, 90, 900)], day(DAY), day(NEXT))
    assert frame["local_date"].to_list() == [DAY, NEXT]
    assert frame["recommended_total"].to_list() == pytest.approx([300, 600])
    assert frame["hc_priority_total"].to_list() == pytest.approx([300, 600])


def test_a_bucket_belongs_wholly_to_its_day() -> None:
    assert facts([bucket(4000)], day(DAY), day(NEXT))["recommended_total"].to_list() == [4000]
    assert facts([bucket(4000, end=MIDNIGHT + timedelta(days=1))], day(DAY), day(NEXT))["local_date"].to_list() == [DAY]


def test_a_record_outside_the_days_asked_for_is_not_counted() -> None:
    frame = facts([bucket(1), bucket(2, start=MIDNIGHT + timedelta(days=1), end=MIDNIGHT + timedelta(days=2))])
    assert frame["recommended_total"].to_list() == [1]


def reaching(hours: float, **row: Any) -> dict[str, Any]:
    """A bucket of 24 h that begins so many hours before the day."""
    start = MIDNIGHT - timedelta(hours=hours)
    return {"start": start, "end": start + timedelta(days=1), "count": 2400, **row}


@pytest.mark.parametrize("hours", [5, -5.5, 12, 23.9, 0.1, 2 / 3600, -10 / 3600])
def test_a_bucket_over_midnight_is_split_into_no_fact(hours: float) -> None:
    frame = facts([reaching(hours)], day(DAY - timedelta(days=1)), day(DAY), day(NEXT))
    assert frame["local_date"].to_list() == ([DAY - timedelta(days=1), DAY] if hours > 0 else [DAY, NEXT])
    for row in frame.iter_rows(named=True):
        assert row["recommended_total"] is row["hc_priority_total"] is row["lower_bound"] is row["app"] is None
        assert row["over_midnight"] is True
        for metric in ("recommended_total", "hc_priority_total", "lower_bound", "minutes_ge100"):
            assert "over local midnight" in str(reason(row, metric))
        assert [(s["value"], s["used"], s["n"]) for s in row["sources"]] == [(None, False, 1)]
        assert (row["records"], row["source_keys_sha256"], row["provisional"]) == (1, ["key"], False)


@pytest.mark.parametrize("hours", [5, -5.5, 14])
def test_buckets_that_cover_a_day_between_them_give_it_no_total(hours: float) -> None:
    rows = [reaching(hours + 24 * k) for k in (-2, -1, 0, 1, 2)]
    assert facts(rows, day(DAY), day(NEXT))["recommended_total"].to_list() == [None, None]


@pytest.mark.parametrize("seconds", [0, 0.001, 1, -0.001, -1])
def test_a_bucket_that_only_ends_at_midnight_in_its_writers_way_is_whole(seconds: float) -> None:
    on = [day(DAY - timedelta(days=1)), day(DAY), day(NEXT)]
    row = facts([reaching(seconds / 3600)], *on).row(0, named=True)
    assert (row["local_date"], row["recommended_total"], row["lower_bound"]) == (DAY, 2400, False)
    ends_early = [reaching(0, end=MIDNIGHT + timedelta(days=1, seconds=-abs(seconds)))]
    assert facts(ends_early, *on).select("local_date", "recommended_total").rows() == [(DAY, 2400)]


def test_what_a_source_has_inside_the_day_is_a_lower_bound_beside_its_bucket_over_midnight() -> None:
    row = fact([reaching(5), walk(600, 60, 500), walk(1430, 20, 200)])
    assert (row["recommended_total"], row["lower_bound"], row["over_midnight"]) == (600, True, True)
    assert row["provisional"] is False
    assert row["hc_priority_total"] is None
    assert [(s["value"], s["used"]) for s in row["sources"]] == [(None, True)]


def test_intervals_of_a_source_that_would_come_second_are_a_lower_bound() -> None:
    rows = [reaching(5, app=RING), walk(600, 60, 500)]
    row = fact(rows)
    assert (row["recommended_total"], row["lower_bound"], row["over_midnight"]) == (500, True, True)
    assert used(row) == [WRIST]
    # Had they been first in any case, they are the total: by the person's order, over a phone, or as the larger.
    assert fact(rows, order=priorities(WRIST))["lower_bound"] is False
    assert fact([{**rows[0], "device": "PHONE"}, rows[1]])["lower_bound"] is False
    larger = fact([rows[0], walk(600, 60, 1901)])
    assert (larger["recommended_total"], larger["lower_bound"]) == (1901, False)


def test_a_whole_bucket_of_another_source_is_a_total_all_the_same() -> None:
    row = fact([reaching(5, app=RING, count=90_000), bucket(4000)], order=priorities(RING, WRIST))
    assert (row["recommended_total"], row["lower_bound"], row["over_midnight"]) == (4000, False, False)


def test_a_bucket_over_midnight_that_has_no_time_left_in_the_day_changes_nothing() -> None:
    # On a journey the old day's bucket runs into the new one, whose own bucket is whole.
    row = fact([reaching(20), bucket(4000)])
    assert (row["recommended_total"], row["lower_bound"]) == (4000, False)
    partly = fact([reaching(20), bucket(4000, start=MIDNIGHT + timedelta(hours=3))])
    assert (partly["recommended_total"], partly["lower_bound"], partly["over_midnight"]) == (4000, True, True)


def test_shorter_records_are_still_shared_between_days() -> None:
    half_day = timedelta(hours=12, milliseconds=-2)
    start = MIDNIGHT + timedelta(hours=18)
    frame = facts([{"start": start, "end": start + half_day, "count": 1200}], day(DAY), day(NEXT))
    assert frame["recommended_total"].to_list() == pytest.approx([600, 600], abs=TOLERANCE)
    assert frame["lower_bound"].to_list() == [False, False]


def test_a_weekly_mean_leaves_out_days_of_which_a_part_is_not_known() -> None:
    row = window({WEEK[0]: 1000, WEEK[2]: 2000, WEEK[3]: 3000, WEEK[5]: 4000}, reaching={WEEK[4]: 9000, WEEK[6]: 9000})
    assert (row["mean"], row["days_with_data"]) == (2500, 6)
    lacking = window({WEEK[0]: 1000, WEEK[2]: 2000, WEEK[3]: 3000}, reaching={WEEK[5]: 9000})
    assert (lacking["mean"], lacking["withheld"][0]["reason"]) == (None, "needs at least 4 days with a final total")


@pytest.mark.parametrize("hours", [23, 25])
def test_a_day_with_a_clock_change_keeps_its_whole_bucket_and_its_length(hours: int) -> None:
    end = MIDNIGHT + timedelta(hours=hours)
    on = day(DAY, MIDNIGHT, end)
    change = 3600 * (24 - hours)
    after = day(NEXT, end, end + timedelta(days=1))
    rows = [
        bucket(4800, end=end - SHORT_END, end_offset=change),
        walk(hours * 60 - 30, 60, 600, app=RING, offset=change),
    ]
    frame = facts(rows, on, after)
    assert frame["day_minutes"].to_list() == [hours * 60, 1440]
    assert frame["recommended_total"].to_list() == pytest.approx([4800, 300])


def test_on_a_journey_a_bucket_stays_with_its_date_although_the_day_became_shorter() -> None:
    # Flown seven hours east: the day ends after 17 hours, the bucket was written for 24.
    end = MIDNIGHT + timedelta(hours=17)
    frame = facts([bucket(2400)], day(DAY, MIDNIGHT, end), day(NEXT, end, end + timedelta(days=1)))
    assert frame["local_date"].to_list() == [DAY]
    assert frame["recommended_total"].item() == 2400
    assert frame["day_minutes"].item() == 17 * 60


def test_on_a_journey_a_bucket_may_begin_before_the_bounds_of_its_date() -> None:
    # The writer learned of the new zone only later: by its own clock the bucket is the date's from the start.
    row = fact([bucket(2400)], day(DAY, MIDNIGHT + timedelta(hours=7), MIDNIGHT + timedelta(days=1)))
    assert row["recommended_total"] == 2400


def over_the_date_line() -> tuple[dict[str, Any], dict[str, Any]]:
    """From +13:00 to -10:00 at 15:00 UTC: the date comes back at 05:00, and the two days overlap."""
    first = day(DAY, MIDNIGHT - timedelta(hours=13), MIDNIGHT + timedelta(hours=34), minutes=43 * 60)
    return first, day(NEXT, MIDNIGHT + timedelta(hours=11), MIDNIGHT + timedelta(hours=58), minutes=28 * 60)


def test_a_record_that_ends_on_an_earlier_date_than_it_began_counts_once_on_the_day_it_began() -> None:
    flight = walk(12 * 60, 180, 700, offset=13 * 3600, end_offset=-10 * 3600)
    for days_at_once in (over_the_date_line(), *((one,) for one in over_the_date_line())):
        frame = facts([flight], *days_at_once)
        expected = [(NEXT, 700)] if NEXT in [one["local_date"] for one in days_at_once] else []
        assert frame.select("local_date", "recommended_total").rows() == expected


@pytest.mark.parametrize(("hour", "offset_hours"), [(10.5, 13), (33.5, -10)])
def test_where_days_overlap_a_record_is_cut_at_midnight_of_its_own_clock(hour: float, offset_hours: int) -> None:
    late = walk(hour * 60, 60, 600, offset=offset_hours * 3600)
    for one in over_the_date_line():
        assert facts([late], one)["recommended_total"].to_list() == [300]


# --- cadence ----------------------------------------------------------------------------------------------------


def test_minutes_of_a_hundred_steps_are_counted_from_minute_records() -> None:
    row = fact([walk(600, 1, 99), walk(601, 1, 100), walk(602, 1, 101), walk(603, 0.5, 60), walk(603.5, 0.5, 40)])
    assert row["minutes_ge100"] == 3
    assert row["recommended_total"] == 400


def test_a_record_at_odd_seconds_is_shared_between_its_minutes() -> None:
    assert fact([walk(600 + k + 0.5, 1, 120) for k in range(3)])["minutes_ge100"] == 2


def test_a_record_of_no_length_counts_in_its_minute() -> None:
    row = fact([walk(600, 0, 100), walk(601.5, 0, 60)])
    assert (row["minutes_ge100"], row["recommended_total"]) == (1, 160)


@pytest.mark.parametrize(("longest", "stated"), [(1.0, True), (1 + 1 / 60_000, False)])
def test_a_longer_record_hides_the_cadence(longest: float, *, stated: bool) -> None:
    row = fact([walk(600, 1, 130), walk(602, longest, 130)])
    assert (row["minutes_ge100"] is not None) is stated
    assert (reason(row, "minutes_ge100") is None) is stated


def test_a_bucket_has_no_cadence() -> None:
    row = fact([bucket(4000), walk(600, 1, 130, app=RING)])
    assert row["minutes_ge100"] is None
    assert "longer than a minute" in str(reason(row, "minutes_ge100"))


def test_overlapping_minute_records_of_two_sources_do_not_add_up_to_a_brisk_minute() -> None:
    rows = [walk(600 + k, 1, 60) for k in range(5)] + [walk(600 + k, 1, 60, app=RING) for k in range(5)]
    assert fact(rows)["minutes_ge100"] == 0


# --- windows ----------------------------------------------------------------------------------------------------


def window(
    counts: dict[date, int], *, running: tuple[date, ...] = (), reaching: dict[date, int] | None = None
) -> dict[str, Any]:
    rows = []
    for on, count in (reaching or {}).items():
        # From the evening before to the evening, and a walk that lies wholly inside the day.
        start = utc(on.year, on.month, on.day)
        rows.append(bucket(count, start=start - timedelta(hours=5), end=start + timedelta(hours=19)))
        rows.append(bucket(100, start=start + timedelta(hours=20), end=start + timedelta(hours=21)))
    for on, count in counts.items():
        start = utc(on.year, on.month, on.day)
        late = timedelta(hours=-3) if on in running else timedelta(hours=3)
        rows.append(bucket(count, start=start, end=start + BUCKET_END, modified=start + BUCKET_END + late))
    on = [day(date(2025, 3, 1) + timedelta(days=k)) for k in range(7)]
    frame = steps.summarise_window(records(STEPS, rows), DayContext(days=days(*on)))
    assert frame.schema == window_schema("steps")
    return frame.row(0, named=True)


SATURDAY = date(2025, 3, 1)
WEEK = [SATURDAY + timedelta(days=k) for k in range(7)]


def test_a_weekly_mean_is_of_the_days_with_data() -> None:
    row = window({WEEK[0]: 1000, WEEK[2]: 2000, WEEK[3]: 3000, WEEK[5]: 4000})
    assert row["mean"] == 2500
    assert (row["days"], row["days_with_data"]) == (7, 4)
    assert (row["first_date"], row["last_date"], row["withheld"]) == (WEEK[0], WEEK[6], [])


def test_a_weekly_mean_needs_four_complete_days() -> None:
    counts = {WEEK[0]: 1000, WEEK[2]: 2000, WEEK[3]: 3000, WEEK[5]: 4000}
    row = window(counts, running=(WEEK[5],))
    assert row["mean"] is None
    assert row["days_with_data"] == 4
    assert "4 days" in row["withheld"][0]["reason"]


def test_a_weekly_mean_needs_a_complete_day_of_the_weekend() -> None:
    weekdays = dict.fromkeys(WEEK[2:], 1000)
    assert "Saturday" in window(weekdays)["withheld"][0]["reason"]
    assert window(weekdays | {WEEK[1]: 1000}, running=(WEEK[1],))["mean"] is None
    assert window(weekdays | {WEEK[1]: 7000})["mean"] == 2000


def test_a_window_without_records_says_so() -> None:
    row = window({})
    assert (row["days"], row["days_with_data"], row["mean"]) == (7, 0, None)
    assert len(row["withheld"]) == 1


# --- frames -----------------------------------------------------------------------------------------------------


def test_no_records_or_no_days_give_an_empty_table_of_the_full_schema() -> None:
    assert facts([]).is_empty()
    context = DayContext(days=days())
    empty = steps.summarise(records(STEPS, [bucket(1)]), context)
    assert empty.is_empty()
    assert empty.schema == fact_schema("steps", steps.SUPPORT)
    assert steps.summarise_window(records(STEPS, []), context).schema == window_schema("steps")


def test_the_records_behind_a_total_are_named() -> None:
    rows = [
        walk(600, 60, 10, key="b", quality=0.8, modified=MIDNIGHT + timedelta(days=1)),
        walk(700, 60, 10, key="a", quality=1.0, modified=MIDNIGHT + timedelta(days=2)),
        walk(800, 60, 10, key="a", quality=0.9, modified=MIDNIGHT + timedelta(days=1)),
    ]
    row = fact(rows)
    assert row["source_keys_sha256"] == ["a", "b"]
    assert row["data_quality_score"] == pytest.approx(0.9)
    assert (row["records"], row["as_of_utc"]) == (3, MIDNIGHT + timedelta(days=2))


def test_persons_are_kept_apart() -> None:
    rows = [bucket(100), bucket(200, subject="person-b"), bucket(300, subject="person-c")]
    frame = facts(rows, day(DAY, subject="person-b"), day(DAY))
    assert frame.select("subject_id", "recommended_total").rows() == [(PERSON, 100), ("person-b", 200)]


# --- against the oracle -----------------------------------------------------------------------------------------

APPS = (WRIST, RING, PHONE_APP)


@st.composite
def days_and_records(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Three local days, some with a clock change or a journey, and records of up to three sources around them."""
    start = MIDNIGHT
    on = []
    offset = 0
    for k in range(3):
        hours = draw(st.sampled_from([24, 24, 24, 23, 25, 17, 31]))
        on.append((DAY + timedelta(days=k), start, start + timedelta(hours=hours), offset))
        start += timedelta(hours=hours)
        offset += (24 - hours) * 3600
    rows = []
    for app in APPS[: draw(st.integers(1, 3))]:
        for _, begin, finish, at in draw(st.lists(st.sampled_from(on), max_size=3)):
            end_offset = at + int(86400 - (finish - begin).total_seconds())
            device = {
                "device": draw(st.sampled_from(["PHONE", "RING", None])),
                "model": draw(st.sampled_from([None, None, "m"])),
                "maker": draw(st.sampled_from([None, None, "o"])),
            }
            late = timedelta(hours=draw(st.sampled_from([-5, 5])))
            common = {"app": app, **device, "offset": at, "count": draw(st.integers(0, 5000))}
            if draw(st.booleans()):
                hour = timedelta(hours=draw(st.sampled_from([0, 0, 0, 4, -5, -1 / 3600, -2 / 3600])))
                end = finish + min(hour, timedelta(0)) - SHORT_END
                rows.append(
                    {**common, "start": begin + hour, "end": end, "end_offset": end_offset, "modified": end + late}
                )
            else:
                for _ in range(draw(st.integers(1, 4))):
                    at_minute = timedelta(minutes=draw(st.integers(-20, 1460)))
                    length = timedelta(minutes=draw(st.sampled_from([0, 1, 10, 60])))
                    count = draw(st.integers(0, 900))
                    begin_walk = begin + at_minute
                    where = next((o for o in on if o[1] <= begin_walk < o[2]), None)
                    if where is None:
                        continue
                    last = next((o for o in on if o[1] <= begin_walk + length < o[2]), on[-1])
                    rows.append(
                        {
                            **common,
                            "start": begin_walk,
                            "end": begin_walk + length,
                            "offset": where[3],
                            "end_offset": last[3],
                            "count": count,
                            "modified": begin_walk + length + late,
                        }
                    )
    return [day(date_, begin, finish) for date_, begin, finish, _ in on], rows


@settings(deadline=None, max_examples=150)
@given(days_and_records(), st.permutations(APPS), st.integers(0, 3))
def test_daily_totals_agree_with_the_oracle(
    case: tuple[list[dict[str, Any]], list[dict[str, Any]]], order: list[str], listed: int
) -> None:
    on, rows = case
    frame = records(STEPS, rows)
    context = DayContext(days=days(*on), priorities=priorities(*order[:listed]))
    found = {row["local_date"]: row for row in steps.summarise(frame, context).iter_rows(named=True)}
    counted = [
        Counted(
            app=row["source_app"],
            start=row["start_utc"],
            end=row["end_utc"],
            value=row["count"],
            modified=row["modified_utc"],
            first_date=row["local_date"],
            last_date=row["end_local_date"],
            device=(row["device_type"] or "UNKNOWN", row["device_manufacturer"] or "", row["device_model"] or ""),
        )
        for row in frame.iter_rows(named=True)
    ]
    for bounds in on:
        expected = day_total(
            counted, bounds["local_date"], (bounds["day_start_utc"], bounds["day_end_utc"]), order[:listed]
        )
        row = found.get(bounds["local_date"])
        if expected is None:
            assert row is None
            continue
        assert row is not None
        assert row["hc_priority_total"] == approximately(expected.shown)
        assert row["recommended_total"] == approximately(expected.stated)
        assert (row["app"], row["over_midnight"]) == (expected.app, expected.over_midnight)
        assert row["lower_bound"] == (None if expected.stated is None else expected.is_bound)
        alone = [(s["app"], s["device"], s["value"]) for s in row["sources"]]
        assert [(app, device, approximately(value)) for app, device, value in expected.alone] == alone


def approximately(value: float | None) -> Any:
    return None if value is None else pytest.approx(value, abs=1e-6)


@settings(deadline=None, max_examples=40)
@given(days_and_records(), st.randoms(use_true_random=False))
def test_neither_the_order_of_records_nor_the_other_days_of_a_call_change_a_day(
    case: tuple[list[dict[str, Any]], list[dict[str, Any]]], random: Any
) -> None:
    on, rows = case
    frame = records(STEPS, rows)
    together = steps.summarise(frame, DayContext(days=days(*on)))
    shuffled = frame.sample(fraction=1, shuffle=True, seed=random.randrange(1000))
    assert steps.summarise(shuffled, DayContext(days=days(*on))).equals(together)
    alone = [steps.summarise(frame, DayContext(days=days(one))) for one in on]
    assert pl.concat(alone).equals(together)


@settings(deadline=None, max_examples=40)
@given(days_and_records())
def test_what_must_hold_of_every_row_holds(case: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    on, rows = case
    found = violations(steps.summarise(records(STEPS, rows), DayContext(days=days(*on))), "steps")
    # Sources that fill each other's gaps are used together.
    assert set(found) <= {"exactly one source is used"}
