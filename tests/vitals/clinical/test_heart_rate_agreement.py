"""Heart-rate facts against the oracle, on generated days and on real uploads; and what must hold of every row."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import heart_rate_oracle as oracle
from tests.vitals.clinical.heart_rate_cases import (
    APPS,
    DAY,
    MIDNIGHT,
    facts,
    generated_day,
    samples_of,
    session_frame,
)
from tests.vitals.clinical.record_frames import PERSON, day, days, priorities, profiles, records, session, sessions, utc
from tests.vitals.clinical.sample_records import moment, needs_samples, sample_rows
from vitals.clinical import heart_rate
from vitals.clinical.context import DayContext
from vitals.clinical.invariants import violations
from vitals.clinical.metrics import BY_ID, metrics_of
from vitals.record_types import HEART_RATE


def may_be_stated(metric: str, expected: dict[str, Any]) -> bool:
    """The preconditions of docs/spec/narrative.md B and of docs/spec/clinical.md section 2 (waking mean), read again."""
    half_day = expected["coverage_percent"] >= 50
    asleep = expected["sleep_coverage_percent"]
    half_night = asleep is not None and asleep >= 50
    four_hours_awake = asleep is not None and expected["wake_coverage_minutes"] >= 240
    return {
        "mean_time_weighted": half_day,
        "sleep_mean_time_weighted": half_night,
        "resting_low30_in_main_sleep": half_night,
        "wake_mean_time_weighted": four_hours_awake,
        "dip_percent": half_night and four_hours_awake,
        "bouts_ge100": half_day or bool(expected["bouts_ge100"]),
        "bouts_lt50": half_day or bool(expected["bouts_lt50"]),
    }.get(metric, True)


def assert_agrees(row: dict[str, Any], expected: dict[str, Any]) -> None:
    withheld = {w["metric"] for w in row["withheld"]}
    for metric in metrics_of("heart_rate", "day"):
        if metric.column in heart_rate.ZONES:
            value = None if expected["zones"] is None else expected["zones"][heart_rate.ZONES.index(metric.column)]
        else:
            value = expected[metric.column]
        if isinstance(value, list):
            value = len(value)
        if value is None or not may_be_stated(metric.column, expected):
            assert row[metric.column] is None, metric.id
            assert metric.id in withheld
        else:
            limit = BY_ID[metric.id].tol_abs / 10
            assert row[metric.column] == pytest.approx(value, abs=max(limit, 1e-9)), metric.id
            assert metric.id not in withheld
    for support in ("sleep_coverage_percent", "wake_coverage_minutes", "longest_gap_minutes"):
        assert row[support] == pytest.approx(expected[support], abs=1e-6), support
    found = [
        (b["start_local"], pytest.approx(b["minutes"]), pytest.approx(b["extreme_bpm"]))
        for level in ("ge100", "lt50")
        for b in row["bouts"]
        if b["level"] == level
    ]
    offset = row["series"][0]["offset_seconds"]
    wanted = [(oracle.local(s, offset), m, e) for k in ("bouts_ge100", "bouts_lt50") for s, m, e in expected[k]]
    assert found == wanted
    assert {oracle.seconds(p["utc"]): p["value"] for p in row["series"]} == pytest.approx(expected["series"], abs=1e-6)
    assert [(s["app"], s["device"], s["n"]) for s in row["sources"] if s["n"]] == expected["minutes_of"]


@settings(deadline=None, max_examples=60)
@given(generated_day(), st.permutations(APPS), st.integers(0, 3), st.sampled_from([None, 30.0, 70.0]))
def test_every_metric_agrees_with_the_oracle(
    case: dict[str, Any], order: list[str], listed: int, age: float | None
) -> None:
    frame = facts(
        case["rows"],
        day(DAY, MIDNIGHT, case["end"]),
        priorities=priorities(*order[:listed]),
        sessions=session_frame(case),
        profiles=profiles(person_a={"age_years": age}),
    )
    expected = oracle.facts(
        samples_of(case["rows"]),
        oracle.Day(
            start=MIDNIGHT,
            end=case["end"],
            day_minutes=(case["end"] - MIDNIGHT) / timedelta(minutes=1),
            night=case["night"],
            sessions=case["sessions"],
            age=age,
            order=order[:listed],
        ),
    )
    if expected is None:
        assert frame.is_empty()
        return
    assert_agrees(frame.row(0, named=True), expected)
    assert violations(frame, "heart_rate") == {}


def three_days(case: dict[str, Any]) -> list[dict[str, Any]]:
    end = case["end"]
    return [
        day(DAY - timedelta(days=1), MIDNIGHT - timedelta(days=1), MIDNIGHT),
        day(DAY, MIDNIGHT, end),
        day(DAY + timedelta(days=1), end, end + timedelta(days=1)),
    ]


@settings(deadline=None, max_examples=30)
@given(generated_day(), st.integers(0, 1000))
def test_neither_the_order_of_records_nor_the_other_days_of_a_call_change_a_day(
    case: dict[str, Any], seed: int
) -> None:
    frame = records(HEART_RATE, case["rows"])
    slept = session_frame(case)
    together = heart_rate.summarise(frame, DayContext(days=days(*three_days(case)), sessions=slept))
    shuffled = frame.sample(fraction=1, shuffle=True, seed=seed)
    again = heart_rate.summarise(shuffled, DayContext(days=days(*three_days(case)).reverse(), sessions=slept.reverse()))
    assert again.equals(together)
    alone = [heart_rate.summarise(frame, DayContext(days=days(on), sessions=slept)) for on in three_days(case)]
    assert pl.concat(alone).equals(together)


@settings(deadline=None, max_examples=20)
@given(generated_day(), generated_day())
def test_persons_of_one_call_do_not_touch_each_other(one: dict[str, Any], other: dict[str, Any]) -> None:
    def of(case: dict[str, Any], subject: str) -> tuple[list[dict[str, Any]], dict[str, Any], pl.DataFrame]:
        slept = session_frame(case).with_columns(subject_id=pl.lit(subject))
        return (
            [{**r, "subject": subject} for r in case["rows"]],
            day(DAY, MIDNIGHT, case["end"], subject=subject),
            slept,
        )

    cases = [of(one, PERSON), of(other, "person-b")]
    apart = [facts(rows, on, sessions=slept) for rows, on, slept in cases]
    rows, on, slept = ([c[k] for c in cases] for k in range(3))
    together = facts(rows[0] + rows[1], *on, sessions=pl.concat(slept))
    assert together.equals(pl.concat(apart))


# --- real uploads -----------------------------------------------------------------------------------------------


def sample_heart_rate() -> list[dict[str, Any]]:
    return [
        {
            **row,
            "samples": [{"time_utc": moment(s["timeEpochMillis"]), "bpm": s["beatsPerMinute"]} for s in row["samples"]],
        }
        for row in sample_rows("HeartRateRecord")
    ]


@needs_samples
@pytest.mark.parametrize("on", [date(2025, 9, 19), date(2025, 9, 20)])
def test_a_real_day_agrees_with_the_oracle(on: date) -> None:
    rows = sample_heart_rate()
    start = utc(on.year, on.month, on.day, 5)
    bounds = day(on, start, start + timedelta(days=1), zone="-05:00")
    nights = [r for r in sample_rows("SleepSessionRecord") if (r["end"] - timedelta(hours=5)).date() == on]
    slept = max(nights, key=lambda r: r["end"] - r["start"], default=None)
    # Sleep periods of real sessions begin at any millisecond; the oracle walks in ten seconds.
    night = None if slept is None else (_ten(slept["start"]), _ten(slept["end"]))
    expected = oracle.facts(
        samples_of(rows),
        oracle.Day(start, start + timedelta(days=1), 1440, night, [night] if night else [], age=44.0),
    )
    frame = facts(
        rows,
        bounds,
        sessions=sessions(*([session(*night, on)] if night else [])),
        profiles=profiles(person_a={"age_years": 44.0}),
    )
    assert (expected is None) == frame.is_empty()
    if expected is not None:
        assert_agrees(frame.row(0, named=True), expected)


def _ten(moment: Any) -> Any:
    return moment - timedelta(seconds=moment.second % 10, microseconds=moment.microsecond)
