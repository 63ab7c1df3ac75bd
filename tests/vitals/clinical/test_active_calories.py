"""Active-energy facts, where they differ from steps, and both on real uploads."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from tests.vitals.clinical.record_frames import RING, day, days, profiles, records, utc
from tests.vitals.clinical.sample_records import needs_samples, sample_rows
from vitals.clinical import active_calories, steps
from vitals.clinical.context import DayContext
from vitals.clinical.invariants import violations
from vitals.clinical.metrics import metrics_of
from vitals.clinical.schema import fact_schema, window_schema
from vitals.record_types import ACTIVE_CALORIES, STEPS

DAY = date(2025, 3, 3)
MIDNIGHT = utc(2025, 3, 3)


def bucket(kcal: float, **row: Any) -> dict[str, Any]:
    return {"start": MIDNIGHT, "end": MIDNIGHT + timedelta(days=1, milliseconds=-1), "energy_kcal": kcal, **row}


def fact(rows: list[dict[str, Any]], **person: Any) -> dict[str, Any]:
    people = profiles(person_a={"age_years": None, "weight_kg": None, "diabetes": None} | person)
    frame = active_calories.summarise(records(ACTIVE_CALORIES, rows), DayContext(days=days(day(DAY)), profiles=people))
    assert frame.schema == fact_schema("active_calories", active_calories.SUPPORT)
    assert violations(frame, "active_calories") == {}
    return frame.row(0, named=True)


def test_a_fraction_of_a_kilocalorie_is_kept() -> None:
    row = fact([bucket(123.75)])
    assert row["recommended_total"] == row["hc_priority_total"] == 123.75
    assert row["sources"][0]["value"] == 123.75


def test_net_met_minutes_follow_from_body_weight() -> None:
    assert fact([bucket(140.0)], weight_kg=70.0)["net_met_minutes"] == pytest.approx(120)


@pytest.mark.parametrize("weight", [None, 0.0])
def test_without_body_weight_net_met_minutes_are_withheld(weight: float | None) -> None:
    row = fact([bucket(140.0)], weight_kg=weight)
    assert row["net_met_minutes"] is None
    assert row["withheld"] == [{"metric": "active_energy.net_met_minutes", "reason": "body weight is not known"}]


def test_a_person_without_a_profile_still_has_a_total() -> None:
    frame = active_calories.summarise(records(ACTIVE_CALORIES, [bucket(140.0)]), DayContext(days=days(day(DAY))))
    assert frame["recommended_total"].to_list() == [140]
    assert frame["net_met_minutes"].to_list() == [None]


def test_the_sum_of_two_sources_is_never_stated() -> None:
    row = fact([bucket(140.0), bucket(100.0, app=RING)])
    assert row["recommended_total"] == 140
    assert [source["value"] for source in row["sources"]] == [140, 100]


def test_energy_of_two_devices_of_one_app_is_that_of_the_watch() -> None:
    row = fact([bucket(140.5, device="WATCH"), bucket(300.0, device="PHONE")], weight_kg=70.0)
    assert row["recommended_total"] == 140.5
    assert row["net_met_minutes"] == pytest.approx(120.43, abs=0.01)


def test_energy_over_midnight_is_not_split_and_neither_is_what_follows_from_it() -> None:
    start = MIDNIGHT - timedelta(hours=5)
    row = fact([bucket(240.0, start=start, end=start + timedelta(days=1))], weight_kg=70.0)
    assert row["recommended_total"] is row["net_met_minutes"] is None
    assert {w["metric"].partition(".")[2] for w in row["withheld"] if "over local midnight" in w["reason"]} == {
        "hc_priority_total",
        "recommended_total",
        "lower_bound",
        "net_met_minutes",
    }


def test_every_metric_of_the_kind_is_stated_or_withheld() -> None:
    row = fact([bucket(140.0)])
    withheld = {w["metric"] for w in row["withheld"]}
    assert {m.id for m in metrics_of("active_calories", "day") if row[m.column] is None} == withheld


def test_a_window_has_the_mean_of_its_days() -> None:
    first = date(2025, 3, 1)
    on = [day(first + timedelta(days=k)) for k in range(7)]
    rows = [
        bucket(100.0 * k, start=o["day_start_utc"], end=o["day_start_utc"] + timedelta(days=1, milliseconds=-1))
        for k, o in enumerate(on)
    ]
    frame = active_calories.summarise_window(records(ACTIVE_CALORIES, rows), DayContext(days=days(*on)))
    assert frame.schema == window_schema("active_calories")
    assert frame.row(0, named=True)["mean"] == pytest.approx(300)


def test_no_records_give_an_empty_table() -> None:
    frame = active_calories.summarise(records(ACTIVE_CALORIES, []), DayContext(days=days(day(DAY))))
    assert frame.is_empty()
    assert frame.schema == fact_schema("active_calories", active_calories.SUPPORT)


# --- real uploads -----------------------------------------------------------------------------------------------

SAMPLE_DAY = date(2025, 9, 20)
SAMSUNG, OURA = "com.sec.android.app.shealth", "com.ouraring.oura"


def sample_context() -> DayContext:
    start = utc(2025, 9, 20, 5)
    on = day(SAMPLE_DAY, start, start + timedelta(days=1), zone="-05:00", known_until=utc(2025, 9, 20, 22, 29, 46))
    return DayContext(days=days(on))


def stated(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame["local_date"].to_list() == [SAMPLE_DAY]
    return frame.row(0, named=True)


@needs_samples
def test_the_steps_of_a_real_day_are_a_lower_bound_and_name_the_other_source() -> None:
    row = stated(steps.summarise(records(STEPS, sample_rows("StepsRecord")), sample_context()))
    assert row["recommended_total"] == pytest.approx(3933)
    assert row["hc_priority_total"] == pytest.approx(3933, abs=1)
    assert (row["app"], row["lower_bound"], row["provisional"]) == (SAMSUNG, True, True)
    assert [(s["app"], s["used"], s["value"]) for s in row["sources"]] == [(SAMSUNG, True, 3933), (OURA, False, 2517)]
    assert row["value_as_of_local"].replace(microsecond=0) == datetime(2025, 9, 20, 17, 10, 56)


@needs_samples
def test_the_active_energy_of_a_real_day_is_a_lower_bound() -> None:
    rows = [{**row, "energy_kcal": row["energyInKilocalories"]} for row in sample_rows("ActiveCaloriesBurnedRecord")]
    row = stated(active_calories.summarise(records(ACTIVE_CALORIES, rows), sample_context()))
    assert row["recommended_total"] == pytest.approx(124)
    assert (row["app"], row["lower_bound"]) == (OURA, True)
