from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import sleep_oracle
from tests.vitals.clinical.sleep_cases import (
    HOUR,
    OURA,
    SAMSUNG,
    Session,
    at,
    context,
    instant,
    night,
    numbered,
    sleep_records,
)
from tests.vitals.clinical.sleep_strategies import people, pieces, rankings, zones
from vitals.clinical import sleep
from vitals.clinical.metrics import BY_ID, metrics_of
from vitals.clinical.schema import fact_schema

UTC_MINUS_5 = [(0, -18000)]
MARCH = (date(2025, 3, 27), date(2025, 4, 2))
SAMPLES = Path(__file__).parents[4] / "shared" / "samples"


def facts(sessions, zone=UTC_MINUS_5, *, days=MARCH, ranks=None, **fields):
    """date -> row of one person."""
    frame = sleep.summarise(sleep_records(sessions, zone), context(zone, *days, ranks=ranks, **fields))
    return {row["local_date"]: row for row in frame.to_dicts()}


def one(*args, **fields):
    rows = facts(*args, **fields)
    assert len(rows) == 1
    return next(iter(rows.values()))


def reason(row, metric):
    return {w["metric"]: w["reason"] for w in row["withheld"]}.get(f"sleep.{metric}")


def assert_equal_to_oracle(row, expected, scope):
    withheld = {w["metric"] for w in row["withheld"]}
    for metric in metrics_of("sleep", scope):
        value, wanted = row[metric.column], expected[metric.column]
        assert (value is None) == (wanted is None), metric.id
        assert (metric.id in withheld) == (wanted is None), metric.id
        if wanted is not None:
            assert value == pytest.approx(wanted, abs=max(metric.tol_abs, 1e-9), rel=metric.tol_rel), metric.id


# A night from 23:00 to 07:00 in New York.
NIGHT = night(
    at("2025-03-29 04:00"), ("AWAKE", 10), ("LIGHT", 200), ("DEEP", 60), ("AWAKE", 6), ("REM", 94), ("LIGHT", 110)
)


def test_a_plain_night_has_the_values_one_counts_by_hand():
    row = one([NIGHT])
    assert row["local_date"] == date(2025, 3, 29)
    expected = {
        "tib": 480,
        "tst": 464,
        "spt": 470,
        "waso": 6,
        "sol": 10,
        "se": 100 * 464 / 480,
        "sme": 100 * 464 / 470,
        "light": 310,
        "deep": 60,
        "rem": 94,
        "unscored": 0,
        "awakenings": 1,
        "awakenings_ge5": 1,
        "sfi": 60 / 464,
        "n_sessions": 1,
        "midpoint_local_minutes": 3 * 60 + 5,
        "total_tst_all_sessions": 464,
        "coverage_percent": 100,
    }
    assert {k: row[k] for k in expected} == pytest.approx(expected)
    assert row["withheld"] == []
    assert row["session_start_local"] == datetime(2025, 3, 28, 23)
    assert row["onset_local"] == datetime(2025, 3, 28, 23, 10)
    assert row["final_wake_local"] == row["session_end_local"] == datetime(2025, 3, 29, 7)


@settings(max_examples=120, deadline=None)
@given(st.one_of(people, pieces), zones, rankings)
def test_every_metric_of_a_day_is_that_of_the_brute_force_oracle(sessions, zone, ranks):
    rows = facts(sessions, zone, ranks=ranks)
    expected = sleep_oracle.days(sessions, zone, ranks=ranks, no_latency={SAMSUNG}, documented={SAMSUNG, OURA})
    assert rows.keys() == expected.keys()
    for day, row in rows.items():
        assert_equal_to_oracle(row, expected[day], "day")
        assert row["coverage_percent"] == pytest.approx(expected[day]["coverage_percent"])
        main, naps = expected[day]["main"], expected[day]["naps"]
        if main is None:
            assert {row[name] for name in ("session_start_utc", "session_app", "staged", "session_records")} == {None}
        else:
            assert (row["session_start_utc"], row["session_app"]) == (instant(main.start), main.app)
            assert (row["session_end_utc"], row["session_records"]) == (instant(main.end), len(main.records))
            assert (row["between_awake_minutes"], row["between_unscored_minutes"]) == pytest.approx(
                (expected[day]["gap_awake"], expected[day]["gap_unscored"])
            )
        assert (row["staged"], row["records"]) == (expected[day]["staged"], expected[day]["records"])
        wall_starts = [sleep_oracle.wall(s.start, sleep_oracle.offset_at(zone, s.start)) for s in naps]
        assert [n["start_local"] for n in row["naps"]] == wall_starts
        sources = {(s["app"], s["used"]): (s["n"], s["value"]) for s in row["sources"]}
        assert sources == expected[day]["sources"]


@settings(max_examples=30, deadline=None)
@given(st.one_of(people, pieces), st.randoms(use_true_random=False))
def test_the_order_of_records_and_stages_changes_nothing(sessions, random):
    shuffled = [replace(s, stages=tuple(random.sample(s.stages, len(s.stages)))) for s in sessions]
    random.shuffle(shuffled)
    assert facts(sessions) == facts(shuffled)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(people, pieces), min_size=2, max_size=4), zones)
def test_many_persons_at_once_are_each_as_alone(groups, zone):
    named = [replace(s, subject=f"p{i}") for i, sessions in enumerate(groups) for s in sessions]
    subjects = tuple(f"p{i}" for i in range(len(groups)))
    together = sleep.summarise(sleep_records(named, zone), context(zone, *MARCH, subjects=subjects))
    alone = pl.concat(
        sleep.summarise(
            sleep_records([s for s in named if s.subject == subject], zone), context(zone, *MARCH, subjects=(subject,))
        )
        for subject in subjects
    )
    assert together.equals(alone)


@settings(max_examples=30, deadline=None)
@given(st.one_of(people, pieces))
def test_sleep_and_wake_within_the_sleep_period_never_exceed_it(sessions):
    for row in facts(sessions).values():
        if row["waso"] is not None:
            assert row["tst"] + row["waso"] <= row["spt"] + 1e-9
        assert row["spt"] is None or row["spt"] <= row["tib"]


def test_a_session_that_ends_after_midnight_belongs_to_the_wake_date_alone():
    assert facts([NIGHT]).keys() == {date(2025, 3, 29)}


@pytest.mark.parametrize(("end", "day"), [("04:59:30", 28), ("05:00:00", 29)])
def test_the_date_of_a_session_is_that_of_its_end_to_the_second(end, day):
    start, stop = at("2025-03-29 00:00"), at(f"2025-03-29 {end}")
    row = one([Session(start=start, end=stop, stages=((start, stop, "LIGHT"),))])
    assert row["local_date"] == date(2025, 3, day)


def test_a_night_across_the_clock_change_is_measured_in_elapsed_time_and_dated_by_its_end():
    zone = [(0, 3600), (at("2025-03-30 01:00"), 7200)]
    row = one([night(at("2025-03-29 22:00"), ("LIGHT", 420))], zone)
    assert row["zone"] == "+01:00>+02:00"
    assert (row["tib"], row["tst"]) == (420, 420)
    assert row["session_start_local"] == datetime(2025, 3, 29, 23)
    assert row["final_wake_local"] == datetime(2025, 3, 30, 7)
    # 22:00Z + 3.5 h = 01:30Z, on the clock of the wake date 03:30.
    assert row["midpoint_local_minutes"] == 210


def test_a_session_without_stages_states_its_length_and_nothing_of_sleep():
    row = one([Session(start=NIGHT.start, end=NIGHT.end)])
    stated = {m.column for m in metrics_of("sleep", "day") if row[m.column] is not None}
    assert stated == {"tib", "unscored", "n_sessions"}
    assert (row["tib"], row["unscored"], row["coverage_percent"], row["staged"]) == (480, 480, 0, False)
    assert reason(row, "tst") == "the session has no stages, and session length is not sleep time"


def test_a_session_that_is_only_sleeping_states_sleep_time_and_no_stage_minutes():
    row = one([night(NIGHT.start, ("SLEEPING", 400), ("AWAKE", 20), ("SLEEPING", 60))])
    assert (row["tst"], row["waso"], row["staged"]) == (460, 20, False)
    assert [row[k] for k in ("light", "deep", "rem", "pct_light", "pct_deep", "pct_rem")] == [None] * 6
    assert reason(row, "deep") == "the source scored no light, deep or REM sleep"


def test_a_session_awake_throughout_has_zero_sleep_and_no_sleep_period():
    row = one([night(NIGHT.start, ("AWAKE", 60))])
    assert (row["tst"], row["se"]) == (0, 0)
    assert [row[k] for k in ("spt", "waso", "sme", "midpoint_local_minutes", "awakenings")] == [None] * 5


@pytest.mark.parametrize(("unscored", "stated"), [(47.5, True), (48, True), (48.5, False)])
@pytest.mark.parametrize("as_unknown", [True, False])
def test_sleep_time_is_stated_while_at_most_a_tenth_of_the_session_is_unscored(unscored, stated, as_unknown):
    row = one(
        [night(NIGHT.start, ("LIGHT", 300), ("UNKNOWN" if as_unknown else None, unscored), ("REM", 180 - unscored))]
    )
    assert row["unscored"] == unscored
    for metric in ("tst", "waso", "se", "light", "awakenings", "total_tst_all_sessions"):
        assert (row[metric] is not None) == stated, metric
    assert row["spt"] == 480


def test_overlapping_and_protruding_stages_are_counted_once_within_the_session():
    start = NIGHT.start
    stages = (
        (start - HOUR, start + HOUR, "LIGHT"),
        (start + HOUR // 2, start + 2 * HOUR, "DEEP"),
        (start + HOUR, start + HOUR + 60, "AWAKE"),
        (start + 2 * HOUR, start + 9 * HOUR, "REM"),
    )
    row = one([Session(start=start, end=start + 8 * HOUR, stages=stages)])
    assert (row["light"], row["deep"], row["rem"], row["tst"], row["waso"]) == (60, 60, 360, 480, 0)


def test_adjacent_equal_stages_are_one_run():
    split = night(NIGHT.start, ("LIGHT", 10), ("LIGHT", 20), ("AWAKE", 3), ("OUT_OF_BED", 3), ("LIGHT", 30))
    row = one([split])
    assert [s["stage"] for s in row["stages"]] == ["LIGHT", "AWAKE", "OUT_OF_BED", "LIGHT"]
    assert (row["awakenings"], row["awakenings_ge5"], row["sfi"]) == (1, 1, pytest.approx(1.0))


def test_a_stage_end_a_millisecond_early_is_no_interruption():
    s = NIGHT.start
    stages = ((s, s + 600 - 0.001, "LIGHT"), (s + 600, s + 800 - 0.001, "AWAKE"), (s + 800, s + 1000, "AWAKE"))
    row = one([Session(start=s, end=s + 1900, stages=(*stages, (s + 1000, s + 1900, "LIGHT")))])
    assert (row["awakenings"], row["awakenings_ge5"]) == (1, 1)
    assert row["sfi"] == pytest.approx(1 / (row["tst"] / 60))


def test_a_hole_of_a_second_splits_a_run():
    s = NIGHT.start
    stages = ((s, s + 600, "LIGHT"), (s + 600, s + 800, "AWAKE"), (s + 801, s + 1000, "AWAKE"))
    row = one([Session(start=s, end=s + 1900, stages=(*stages, (s + 1000, s + 1900, "LIGHT")))])
    assert (row["awakenings"], row["awakenings_ge5"]) == (2, 0)


@pytest.mark.parametrize(("minutes", "count"), [(4.5, 0), (5, 1)])
def test_an_awakening_counts_as_long_from_five_minutes(minutes, count):
    row = one([night(NIGHT.start, ("LIGHT", 60), ("AWAKE", minutes), ("LIGHT", 60))])
    assert (row["awakenings"], row["awakenings_ge5"]) == (1, count)


def test_wake_before_sleep_and_after_it_is_no_awakening_but_the_last_waking_is_a_transition():
    row = one([night(NIGHT.start, ("AWAKE", 30), ("LIGHT", 60), ("AWAKE", 30))])
    assert (row["waso"], row["awakenings"], row["sol"], row["sfi"]) == (0, 0, 30, 1)


def test_unknown_time_between_sleep_and_wake_is_no_transition():
    row = one([night(NIGHT.start, ("LIGHT", 60), ("UNKNOWN", 1), ("AWAKE", 6), ("LIGHT", 60))])
    assert (row["waso"], row["awakenings"], row["sfi"]) == (6, 1, 0)


@pytest.mark.parametrize(
    ("app", "parts", "latency"),
    [
        (OURA, [("AWAKE", 7), ("LIGHT", 60)], 7),
        (OURA, [("LIGHT", 60)], 0),
        (OURA, [("AWAKE", 4), ("UNKNOWN", 3), ("LIGHT", 60)], None),
        (OURA, [("AWAKE", 4), (None, 3), ("LIGHT", 60)], None),
        (SAMSUNG, [("AWAKE", 7), ("LIGHT", 60)], None),
        (SAMSUNG, [("LIGHT", 60)], None),
        ("com.example.new", [("AWAKE", 7), ("LIGHT", 60)], 7),
        ("com.example.new", [("LIGHT", 60)], None),
    ],
)
def test_latency_is_stated_only_if_the_wake_time_before_sleep_is_recorded(app, parts, latency):
    row = one([night(NIGHT.start, *parts, app=app)])
    assert row["sol"] == latency
    assert (reason(row, "sol") is None) == (latency is not None)


def test_the_longest_sleep_of_the_date_is_the_night_and_the_others_are_naps():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 25))
    evening = night(at("2025-03-29 23:00"), ("LIGHT", 15), ("UNKNOWN", 45))
    row = one(numbered([evening, nap, NIGHT]))
    assert (row["n_sessions"], row["tst"]) == (3, 464)
    assert [n["start_local"] for n in row["naps"]] == [datetime(2025, 3, 29, 14), datetime(2025, 3, 29, 18)]
    assert [n["tst_minutes"] for n in row["naps"]] == [25, None]
    assert row["total_tst_all_sessions"] is None
    assert reason(row, "total_tst_all_sessions") == "the sleep time of a session of the day is withheld"


def test_naps_are_added_to_the_total_and_to_nothing_else():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 25))
    with_nap, without = one(numbered([NIGHT, nap])), one([NIGHT])
    assert with_nap["total_tst_all_sessions"] == without["total_tst_all_sessions"] + 25
    assert with_nap["tst"] == without["tst"]


def test_a_session_without_stages_is_the_night_against_a_short_scored_nap():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 25))
    row = one(numbered([Session(start=NIGHT.start, end=NIGHT.end), nap]))
    assert row["tst"] is None
    assert [n["tst_minutes"] for n in row["naps"]] == [25]


def test_a_day_is_provisional_until_the_source_can_deliver_no_more():
    day_end, lag = at("2025-03-30 05:00"), 960 * 60
    for known_until, open_day in ((day_end + lag - 1, True), (day_end + lag, False)):
        assert one([NIGHT], known_until=known_until)["provisional"] is open_day


def test_a_session_that_was_still_running_when_exported_is_provisional():
    assert one([replace(NIGHT, modified=NIGHT.end - 1)])["provisional"] is True
    assert one([replace(NIGHT, modified=NIGHT.end)])["provisional"] is False


def test_provenance_is_that_of_the_sessions_used():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 25), key="b", quality=0.8)
    other = night(NIGHT.start, ("LIGHT", 30), app=SAMSUNG, key="z")
    row = one(numbered([replace(NIGHT, key="a"), nap, other]))
    assert (row["records"], row["source_keys_sha256"], row["data_quality_score"]) == (2, ["a", "b"], pytest.approx(0.9))
    assert row["as_of_utc"] == instant(nap.modified_at)


def test_no_records_give_an_empty_table_with_the_full_schema():
    schema = fact_schema("sleep", sleep.SUPPORT)
    empty = sleep_records([NIGHT], UTC_MINUS_5).clear()
    assert sleep.summarise(empty, context(UTC_MINUS_5, *MARCH)).schema == schema
    assert sleep.summarise(empty, context(UTC_MINUS_5, *MARCH)).is_empty()
    assert sleep.summarise(sleep_records([NIGHT], UTC_MINUS_5), context(UTC_MINUS_5, *MARCH)).schema == schema


def test_a_session_without_length_is_no_session():
    assert facts([Session(start=NIGHT.start, end=NIGHT.start, stages=NIGHT.stages)]) == {}


def test_only_the_days_asked_for_have_rows():
    sessions = numbered([replace(NIGHT, start=NIGHT.start + i * 86400, end=NIGHT.end + i * 86400) for i in range(3)])
    assert facts(sessions, days=(date(2025, 3, 30), date(2025, 3, 30))).keys() == {date(2025, 3, 30)}


def test_stage_times_lie_within_the_session_on_one_clock():
    zone = [(0, 3600), (at("2025-03-30 01:00"), 7200)]
    row = one([night(at("2025-03-29 22:00"), ("LIGHT", 200), ("REM", 220))], zone)
    first, last = row["stages"]
    assert first["end_local"] == last["start_local"]
    assert last["end_local"] == row["session_end_local"]
    assert last["end_local"] - first["start_local"] == timedelta(minutes=420)


def test_metric_ids_of_the_registry_are_the_columns():
    assert {m.column for m in BY_ID.values() if m.id.startswith("sleep.") and m.scope != "window"} <= set(
        fact_schema("sleep", sleep.SUPPORT)
    )


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no sample uploads here")
def test_real_sessions_have_the_values_of_the_oracle():
    fastavro = pytest.importorskip("fastavro")
    newest = {}
    for path in sorted(SAMPLES.glob("SleepSessionRecord_*.avro")):
        with path.open("rb") as file:
            newest.update({r["metadata"]["id"]: r for r in fastavro.reader(file)})
    sessions = [
        Session(
            start=r["startTimeEpochMillis"] // 1000,
            end=r["endTimeEpochMillis"] // 1000,
            stages=tuple(
                (s["startTimeEpochMillis"] // 1000, s["endTimeEpochMillis"] // 1000, s["stage"]) for s in r["stages"]
            ),
            app=r["metadata"]["dataOriginPackageName"],
            device=(r["metadata"]["device"] or {}).get("type"),
            record_id=r["metadata"]["id"],
            modified=r["metadata"]["lastModifiedTimeEpochMillis"] // 1000,
        )
        for r in newest.values()
    ]
    rows = facts(sessions, days=(date(2025, 9, 1), date(2025, 9, 30)))
    expected = sleep_oracle.days(sessions, UTC_MINUS_5, step=1, no_latency={SAMSUNG}, documented={SAMSUNG, OURA})
    assert rows.keys() == expected.keys()
    for day, row in rows.items():
        assert_equal_to_oracle(row, expected[day], "day")
    assert {(s["app"], s["value"], s["used"]) for s in rows[date(2025, 9, 20)]["sources"]} == {
        (SAMSUNG, 370, True),
        (OURA, 325, False),
    }
