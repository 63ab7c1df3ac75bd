"""Glucose facts against the oracle, over simulated people."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from tests.vitals.clinical import glucose_oracle as oracle
from tests.vitals.clinical.glucose_cohort import (
    STELO,
    Person,
    context,
    course,
    dates,
    day_of,
    ms,
    records,
    regular,
)
from vitals.clinical import blood_glucose
from vitals.clinical.context import PRIORITIES_SCHEMA
from vitals.clinical.metrics import BY_ID, metrics_of
from vitals.clinical.schema import fact_schema, window_schema

EASTERN = -5 * 3600
# Clocks go forward on 9 March 2025 at 07:00 UTC and back on 2 November at 06:00 UTC.
SPRING = ((0, EASTERN), (ms("2025-03-09T07:00"), -4 * 3600))
AUTUMN = ((0, -4 * 3600), (ms("2025-11-02T06:00"), EASTERN))
# A flight from New York to Paris, noted at 20:00 UTC: 18 hours of 11 March.
JOURNEY = ((0, EASTERN), (ms("2025-03-11T20:00"), 3600))
# Eastward over the date line and back two days later: 12 March twice.
DATE_LINE = ((0, 11 * 3600), (ms("2025-03-12T08:00"), -11 * 3600), (ms("2025-03-12T20:00"), 11 * 3600))


def cohort() -> list[Person]:
    begin = "2025-03-06T05:00"
    return [
        Person("steady", course(1, begin, 8, swing=40), diabetes="yes"),
        Person("wild", course(2, begin, 8, center=150, swing=180, missing=0), diabetes="yes"),
        Person("low", course(3, begin, 8, center=66, swing=30)),
        Person("flat", course(4, begin, 8, swing=4, center=100)),
        Person("spring", course(5, begin, 8, offsets=SPRING, swing=90), SPRING),
        Person("journey", course(6, begin, 8, offsets=JOURNEY, swing=90), JOURNEY),
        Person("date line", course(7, begin, 8, offsets=DATE_LINE, swing=90), DATE_LINE),
        Person("gaps", course(8, begin, 8, swing=120, gaps=((20, 23.4), (50, 51), (75, 90), (120, 121.2)))),
        Person("holes", course(9, begin, 8, swing=120, missing=0.25)),
        Person("stelo", course(10, begin, 8, app=STELO, bounds=(71, 249), swing=100, gaps=((30, 33),))),
    ]


DAYS = dates("2025-03-07", "2025-03-12")


def assert_metric(metric_id: str, actual: Any, expected: float | None, where: str) -> None:
    metric = BY_ID[metric_id]
    assert expected is not None, (metric_id, where)
    allowed = metric.tol_abs + metric.tol_rel * abs(expected)
    assert abs(actual - expected) <= allowed, (metric_id, where, actual, expected)


def expected_days(people: list[Person], days: list[date]) -> dict[tuple[str, date], dict[str, float | None]]:
    expected = {}
    for person in people:
        chosen = oracle.choose(person.readings, person.ranks, set(person.phones))
        found = oracle.episodes(chosen)
        for day in days:
            readings = [r for r in chosen if r.local_date == day]
            period = day_of(person, day)
            if readings and period:
                values = oracle.metrics(readings, period)
                for rule in blood_glucose.EPISODE_RULES:
                    values[f"episodes_{rule.level}"] = sum(
                        e.level == rule.level and e.first.local_date == day for e in found
                    )
                expected[person.name, day] = values
    return expected


def test_every_stated_metric_of_a_day_agrees_with_the_oracle() -> None:
    people = cohort()
    out = blood_glucose.summarise(records(people), context(people, DAYS))
    expected = expected_days(people, DAYS)
    assert [(row["subject_id"], row["local_date"]) for row in out.iter_rows(named=True)] == sorted(expected)
    stated = dict.fromkeys((m.id for m in metrics_of("blood_glucose", "day")), 0)
    for row in out.iter_rows(named=True):
        where = f"{row['subject_id']} {row['local_date']}"
        withheld = {w["metric"] for w in row["withheld"]}
        for metric in metrics_of("blood_glucose", "day"):
            value = row[metric.column]
            assert (value is None) == (metric.id in withheld)
            if value is not None:
                assert_metric(metric.id, value, expected[row["subject_id"], row["local_date"]][metric.column], where)
                stated[metric.id] += 1
    never = {"glucose." + name for name in ("gmi", "ea1c", "gri", "modd", "conga24", "adrr")}
    assert {name for name, number in stated.items() if number < 20} == never


def test_every_stated_metric_of_a_window_agrees_with_the_oracle() -> None:
    begin = "2025-10-25T04:00"
    people = [
        Person("autumn", course(21, begin, 19, offsets=AUTUMN, swing=110), AUTUMN, diabetes="yes"),
        Person("low", course(22, begin, 19, center=80, swing=70, gaps=((100, 130), (300, 304)))),
        Person("wild", course(23, begin, 19, center=170, swing=200, missing=0.1), diabetes="unknown"),
    ]
    days = dates("2025-10-27", "2025-11-11")
    out = blood_glucose.summarise_window(records(people), context(people, days))
    assert out.schema == window_schema("blood_glucose")
    for row, person in zip(out.iter_rows(named=True), people, strict=True):
        readings = [r for r in person.readings if r.local_date in days]
        periods = [day_of(person, day) for day in days]
        values = oracle.metrics(
            readings,
            oracle.Period(periods[0].begin_ms, periods[-1].end_ms, sum(p.minutes for p in periods)),
        )
        by_day = [[r.level for r in readings if r.local_date == day] for day in days]
        covered = [
            oracle.covered([r for r in readings if r.local_date == day], p)
            for day, p in zip(days, periods, strict=True)
        ]
        values["wear_percent"] = 100 * sum(covered) / sum(p.minutes * oracle.MINUTE for p in periods)
        valid = [
            levels
            for levels, ms, p in zip(by_day, covered, periods, strict=True)
            if ms >= 0.7 * p.minutes * oracle.MINUTE
        ]
        values["adrr"] = oracle.adrr(valid)
        for rule in blood_glucose.EPISODE_RULES:
            values[f"episodes_{rule.level}"] = sum(
                e.level == rule.level and e.first.local_date in days for e in oracle.episodes(person.readings)
            )
        withheld = {w["metric"] for w in row["withheld"]}
        assert withheld == {"glucose.ea1c"}
        for metric in metrics_of("blood_glucose", "window"):
            if metric.id not in withheld:
                assert_metric(metric.id, row[metric.column], values[metric.column], person.name)
        assert (row["first_date"], row["last_date"], row["days"]) == (days[0], days[-1], 16)
        assert row["days_with_data"] == sum(bool(levels) for levels in by_day)


def test_the_cohort_has_all_kinds_of_episode_and_day() -> None:
    """Else the comparisons above would prove less than they seem to."""
    expected = expected_days(cohort(), DAYS)
    for rule in blood_glucose.EPISODE_RULES:
        assert sum(values[f"episodes_{rule.level}"] or 0 for values in expected.values()) >= 3, rule.level
    people = {p.name: p for p in cohort()}
    assert day_of(people["spring"], date(2025, 3, 9)).minutes == 1380
    assert day_of(people["journey"], date(2025, 3, 11)).minutes == 1080
    assert sum(values["n"] == 0 for values in expected.values()) == 0


def test_the_edges_of_ranges_belong_where_the_consensus_puts_them() -> None:
    levels = [53, 54, 69, 70, 140, 141, 180, 181, 250, 251]
    person = Person("edges", regular("2025-03-07T00:00", levels * 28), ((0, 0),))
    row = one_day(person, date(2025, 3, 7))
    shares = {name: value for name, value in row.items() if name.startswith("pct_")}
    assert shares == {
        "pct_below_54": 10.0,
        "pct_below_70": 30.0,
        "pct_54_69": 20.0,
        "pct_70_180": 40.0,
        "pct_70_140": 20.0,
        "pct_above_140": 50.0,
        "pct_above_180": 30.0,
        "pct_181_250": 20.0,
        "pct_above_250": 10.0,
    }


def test_a_single_reading_gives_a_count_and_no_spread() -> None:
    person = Person("single", regular("2025-03-07T12:00", [111]), ((0, 0),))
    row = one_day(person, date(2025, 3, 7))
    assert (row["n"], row["mean"], row["min"], row["max"], row["median"]) == (1, 111.0, 111.0, 111.0, 111.0)
    assert row["longest_gap_minutes"] == 720.0
    assert row["sd"] is None
    assert row["pct_70_180"] is None


def test_days_without_readings_have_no_row() -> None:
    person = Person("some", regular("2025-03-07T00:00", [100] * 288), ((0, 0),))
    out = blood_glucose.summarise(records([person]), context([person], dates("2025-03-05", "2025-03-09")))
    assert out["local_date"].to_list() == [date(2025, 3, 7)]


def test_no_records_give_an_empty_table_of_the_full_shape() -> None:
    person = Person("nobody", [])
    day_context = context([person], DAYS)
    out = blood_glucose.summarise(records([person]), day_context)
    assert out.is_empty()
    assert out.schema == fact_schema("blood_glucose", blood_glucose.SUPPORT)
    window = blood_glucose.summarise_window(records([person]), day_context)
    assert window["days_with_data"].to_list() == [0]
    assert len(window["withheld"][0]) == len(metrics_of("blood_glucose", "window"))


def test_the_table_has_exactly_the_shape_of_the_schema() -> None:
    people = cohort()[:2]
    out = blood_glucose.summarise(records(people), context(people, DAYS))
    assert out.schema == fact_schema("blood_glucose", blood_glucose.SUPPORT)


def test_order_of_records_does_not_matter() -> None:
    people = cohort()[:4]
    twins = [*people[0].readings, *people[0].readings[:50]]
    people[0] = Person("steady", twins)
    outs = [blood_glucose.summarise(records(people, seed), context(people, DAYS)) for seed in (1, 2)]
    assert outs[0].equals(outs[1])


def test_people_do_not_change_each_others_facts() -> None:
    people = cohort()
    together = blood_glucose.summarise(records(people), context(people, DAYS))
    alone = pl.concat(blood_glucose.summarise(records([p]), context([p], DAYS)) for p in people)
    assert _close(together, alone.sort("subject_id", "local_date"))


def _close(a: pl.DataFrame, b: pl.DataFrame) -> bool:
    """Whether all plain columns agree; sums of floats depend in their last digits on where they begin."""
    for name, dtype in a.schema.items():
        if dtype.is_float():
            difference = (a[name] - b[name]).abs().max()
            if a[name].is_null().ne(b[name].is_null()).any() or (difference or 0) > 1e-9:
                return False
        elif not dtype.is_nested() and not a[name].equals(b[name]):
            return False
    return True


def test_facts_of_a_day_do_not_depend_on_which_other_days_are_asked_for() -> None:
    people = [Person("one", course(31, "2025-03-04T05:00", 9, swing=150, center=160))]
    together = blood_glucose.summarise(records(people), context(people, dates("2025-03-06", "2025-03-10")))
    alone = blood_glucose.summarise(records(people), context(people, [date(2025, 3, 8)]))
    same = together.filter(pl.col("local_date") == date(2025, 3, 8))
    assert _close(same, alone)
    assert same["episodes"].to_list() == alone["episodes"].to_list()


def test_support_columns_say_where_and_when() -> None:
    levels: list[int | None] = [100] * 288
    levels[10], levels[20], levels[30] = 90, 150, 90
    levels[100:112] = [None] * 12
    person = Person("support", regular("2025-03-07T05:00", levels, offset_hours=-5))
    row = one_day(person, date(2025, 3, 7))
    assert str(row["min_at_local"]) == "2025-03-07 00:50:00"
    assert str(row["max_at_local"]) == "2025-03-07 01:40:00"
    assert str(row["longest_gap_start_local"]) == "2025-03-07 08:20:00"
    assert str(row["longest_gap_end_local"]) == "2025-03-07 09:20:00"
    assert row["longest_gap_minutes"] == 60.0
    assert (row["expected_n"], row["n"], row["records"], row["nocturnal_n"]) == (288, 276, 276, 72)
    assert row["coverage_percent"] == row["wear_percent"] == pytest.approx(100 * 276 / 288)
    assert row["source_keys_sha256"] == ["key-0", "key-1", "key-2"]
    assert row["data_quality_score"] == pytest.approx(0.95)
    assert row["as_of_utc"].isoformat() == "2025-03-08T07:55:00+00:00"
    assert len(row["series"]) == 276
    assert [s["value"] for s in row["series"][:11]] == [100.0] * 10 + [90.0]


def test_a_gap_at_the_edge_reaches_to_midnight() -> None:
    person = Person("late", regular("2025-03-07T15:00", [100] * 100, offset_hours=-5))
    row = one_day(person, date(2025, 3, 7))
    assert str(row["longest_gap_start_local"]) == "2025-03-07 00:00:00"
    assert str(row["longest_gap_end_local"]) == "2025-03-07 10:00:00"
    person = Person("early", regular("2025-03-07T05:00", [100] * 100, offset_hours=-5))
    row = one_day(person, date(2025, 3, 7))
    assert str(row["longest_gap_start_local"]) == "2025-03-07 08:20:00"
    assert str(row["longest_gap_end_local"]) == "2025-03-08 00:00:00"


def test_a_denser_sensor_is_not_worn_more_than_all_day() -> None:
    person = Person("dense", regular("2025-03-07T00:00", [100] * 1440, step_s=60), ((0, 0),))
    assert one_day(person, date(2025, 3, 7))["wear_percent"] == 100.0


@pytest.mark.parametrize(("known_until", "open_"), [("2025-03-08T08:09", True), ("2025-03-08T08:11", False)])
def test_a_day_is_provisional_until_its_source_has_delivered_it(*, known_until: str, open_: bool) -> None:
    person = Person("stelo", regular("2025-03-07T05:00", [100] * 288, offset_hours=-5, app=STELO))
    out = blood_glucose.summarise(records([person]), context([person], [date(2025, 3, 7)], known_until))
    assert out["provisional"].to_list() == [open_]


def test_one_source_is_chosen_for_a_day_and_the_other_named() -> None:
    many = regular("2025-03-07T00:00", [100] * 288, app="com.many")
    few = regular("2025-03-07T00:02", [130] * 250, app="com.few")
    day = date(2025, 3, 7)
    choices = {
        "more readings": (Person("p", many + few, ((0, 0),)), "com.many"),
        "sensor before phone": (Person("p", many + few, ((0, 0),), phones=frozenset({"com.many"})), "com.few"),
        "rank before all": (
            Person("p", many + few, ((0, 0),), phones=frozenset({"com.few"}), ranks={"com.few": 1}),
            "com.few",
        ),
    }
    for why, (person, app) in choices.items():
        row = one_day(person, day)
        values = {"com.many": (288, 100.0), "com.few": (250, 130.0)}
        assert row["sources"][0]["app"] == app, why
        assert [s["used"] for s in row["sources"]] == [True, False]
        assert {s["app"]: (s["n"], s["value"]) for s in row["sources"]} == values
        assert (row["n"], row["mean"]) == values[app], why
    alphabetical = Person("p", many + regular("2025-03-07T00:02", [130] * 288, app="com.also"), ((0, 0),))
    assert one_day(alphabetical, day)["mean"] == 130.0


def test_a_rank_of_another_person_does_not_count() -> None:
    many = regular("2025-03-07T00:00", [100] * 288, app="com.many")
    few = regular("2025-03-07T00:02", [130] * 250, app="com.few")
    person = Person("p", many + few, ((0, 0),))
    day_context = context([person], [date(2025, 3, 7)])
    foreign = pl.DataFrame([{"subject_id": "q", "source_app": "com.few", "rank": 1}], schema=PRIORITIES_SCHEMA)
    object.__setattr__(day_context, "priorities", foreign)
    assert blood_glucose.summarise(records([person]), day_context)["mean"].to_list() == [100.0]


def one_day(person: Person, day: date) -> dict[str, Any]:
    out = blood_glucose.summarise(records([person]), context([person], [day]))
    assert len(out) == 1
    return out.row(0, named=True)
