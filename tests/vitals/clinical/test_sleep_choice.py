from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import sleep_oracle
from tests.vitals.clinical.sleep_cases import (
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

UTC_MINUS_5 = [(0, -18000)]
START = at("2025-03-29 04:00")


def chosen(sessions, zone=UTC_MINUS_5, ranks=None):
    priorities = context(zone, date(2025, 3, 27), date(2025, 4, 2), ranks=ranks).priorities
    return sleep.choose_sessions(sleep_records(sessions, zone), priorities=priorities)


def apps(sessions, ranks=None):
    return set(chosen(numbered(sessions), ranks=ranks)["source_app"])


def sources(sessions, ranks=None):
    days = context(UTC_MINUS_5, date(2025, 3, 27), date(2025, 4, 2), ranks=ranks)
    frame = sleep.summarise(sleep_records(numbered(sessions), UTC_MINUS_5), days)
    assert frame.height == 1
    return {(s["app"], s["used"]): (s["n"], s["value"]) for s in frame["sources"].to_list()[0]}


STAGED = night(START, ("AWAKE", 10), ("LIGHT", 300), ("REM", 100), app="com.a")
LONGER = night(START, ("LIGHT", 420), app="com.b")
UNSTAGED = night(START, ("SLEEPING", 470), app="com.c")


def test_a_source_with_scored_stages_goes_before_one_without_whatever_the_rank():
    assert apps([STAGED, UNSTAGED], {"com.c": 1}) == {"com.a"}


def test_among_staged_sources_the_explicit_rank_decides():
    assert apps([STAGED, LONGER], {"com.a": 1}) == {"com.a"}
    assert apps([STAGED, LONGER], {"com.a": 2, "com.b": 1}) == {"com.b"}


def test_without_a_rank_a_body_worn_device_goes_before_a_phone():
    assert apps([STAGED, replace(LONGER, device="PHONE")]) == {"com.a"}


@pytest.mark.parametrize("device", [None, "UNKNOWN"])
def test_a_device_of_unknown_type_is_not_demoted(device):
    assert apps([STAGED, replace(LONGER, device=device)]) == {"com.b"}


def test_then_the_source_with_more_time_asleep_is_chosen():
    assert apps([STAGED, LONGER]) == {"com.b"}


def test_the_name_breaks_a_tie_whatever_the_order_of_arrival():
    twin = replace(STAGED, app="com.z")
    assert apps([STAGED, twin]) == apps([twin, STAGED]) == {"com.a"}


def test_the_source_not_chosen_is_kept_with_its_own_sleep_time():
    assert sources([STAGED, LONGER]) == {("com.b", True): (1, 420), ("com.a", False): (1, 400)}


def test_a_source_whose_sleep_time_may_not_be_stated_is_kept_without_a_value():
    no_stages = Session(start=START, end=START + 3600, app="com.z")
    assert sources([STAGED, no_stages])[("com.z", False)] == (1, None)


def test_a_source_that_splits_the_night_keeps_all_its_parts():
    parts = [night(START, ("LIGHT", 200), app="com.a"), night(START + 15_000, ("REM", 240), app="com.a")]
    whole = night(START, ("LIGHT", 200), ("AWAKE", 60), ("LIGHT", 230), app="com.b")
    # 50 minutes lie between the parts.
    assert chosen(numbered([*parts, whole]))["source_app"].to_list() == ["com.a"]
    assert sources([*parts, whole]) == {("com.a", True): (1, 440), ("com.b", False): (1, 430)}


def test_the_value_of_a_source_not_chosen_is_that_of_the_main_night_not_of_its_naps():
    nap = night(at("2025-03-29 19:00"), ("LIGHT", 40), app="com.a")
    assert sources([STAGED, LONGER, nap]) == {
        ("com.b", True): (1, 420),
        ("com.a", False): (1, 400),
        ("com.a", True): (1, 40),
    }


def test_sources_chained_by_overlap_are_one_cluster():
    # a and c do not meet, but both meet b.
    a = night(START, ("LIGHT", 200), app="com.a")
    b = night(START + 190 * 60, ("LIGHT", 100), app="com.b")
    c = night(START + 280 * 60, ("LIGHT", 210), app="com.c")
    assert apps([a, b, c]) == {"com.c"}
    assert apps([a, b, c], {"com.b": 1}) == {"com.b"}
    assert apps([a, c]) == {"com.a", "com.c"}


def test_sessions_that_only_touch_do_not_compete():
    second = night(STAGED.end, ("LIGHT", 500), app="com.b")
    assert apps([STAGED, second]) == {"com.a", "com.b"}


def test_a_night_that_one_app_wrote_twice_counts_once():
    edited = replace(STAGED, start=STAGED.start + 600, end=STAGED.end + 60, modified=STAGED.end + 9000)
    rows = chosen(numbered([STAGED, edited]))
    assert rows.height == 1
    assert sources([STAGED, edited]) == {("com.a", True): (1, 400)}


def test_persons_do_not_compete_with_each_other():
    other = replace(LONGER, subject="q")
    assert chosen(numbered([STAGED, other])).height == 2


@settings(max_examples=100, deadline=None)
@given(st.one_of(people, pieces), zones, rankings)
def test_chosen_sessions_are_those_of_the_oracle_and_never_overlap(sessions, zone, ranks):
    rows = chosen(sessions, zone, ranks)
    clusters = sleep_oracle.choose(sessions, ranks, 30, zone)
    expected = {s.record_id: sleep_oracle.measures(s, 30) for kept, _ in clusters for s in kept}
    assert set(rows["record_id"]) == expected.keys()
    for row in rows.to_dicts():
        known = expected[row["record_id"]]
        assert row["tst_minutes"] == pytest.approx(known["tst"])
        assert row["staged"] == known["staged"]
        assert (row["onset_utc"], row["final_wake_utc"]) == (instant(known["onset"]), instant(known["final"]))
    ends = rows.sort("start_utc")["end_utc"]
    assert (rows.sort("start_utc")["start_utc"][1:] >= ends[:-1]).all()
    mains = rows.group_by("end_local_date").agg(pl.col("is_main").sum())
    assert (mains["is_main"] <= 1).all()


def test_no_records_give_no_sessions_in_the_documented_shape():
    empty = sleep_records([STAGED], UTC_MINUS_5).clear()
    priorities = context(UTC_MINUS_5, date(2025, 3, 27), date(2025, 4, 2)).priorities
    assert sleep.choose_sessions(empty, priorities=priorities).schema == sleep.SESSIONS_SCHEMA


def test_the_real_pair_of_sources_is_decided_by_more_time_asleep_unless_ranked():
    samsung = night(START, ("LIGHT", 370), ("AWAKE", 70), app=SAMSUNG, device="UNKNOWN")
    oura = night(START, ("AWAKE", 50), ("LIGHT", 325), app=OURA)
    assert apps([samsung, oura]) == {SAMSUNG}
    assert apps([samsung, oura], {OURA: 1}) == {OURA}
