"""Row rules and the file score: each rule at its boundary, siblings unharmed."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.validated.decoded import FETCH, frame, row
from vitals.record_types import (
    ACTIVE_CALORIES,
    BLOOD_GLUCOSE,
    HEART_RATE,
    HRV_RMSSD,
    RECORD_TYPES,
    SLEEP,
    STEPS,
)
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.rules import YEAR_2000_MS, judge

HOUR = 3_600_000


def reasons(record_type, *rows) -> list:
    return judge(frame(list(rows)), record_type)["reason"].to_list()


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_an_ordinary_row_of_every_kind_is_good(record_type):
    assert reasons(record_type, row(record_type)) == [None]


@pytest.mark.parametrize(
    ("record_type", "column", "value", "reason"),
    [
        # From 1.1 to 19 only the other unit makes sense of a level (test_units).
        (BLOOD_GLUCOSE, "level_raw", 1.0, "out_of_range:level_mg_dl"),
        (BLOOD_GLUCOSE, "level_raw", 19.0, "unit_suspect:level_mg_dl"),
        (BLOOD_GLUCOSE, "level_raw", 20.0, None),
        (BLOOD_GLUCOSE, "level_raw", 600.4, None),
        (BLOOD_GLUCOSE, "level_raw", 600.5, "out_of_range:level_mg_dl"),
        (BLOOD_GLUCOSE, "level_raw", float("nan"), "missing_required:level_mg_dl"),
        (BLOOD_GLUCOSE, "level_raw", 99_999.0, "out_of_range:level_mg_dl"),
        (STEPS, "count", -1, "out_of_range:count"),
        (STEPS, "count", 0, None),
        (STEPS, "count", 100_000, None),
        (STEPS, "count", 100_001, "out_of_range:count"),
        (ACTIVE_CALORIES, "energy_kcal", 10_000.0, None),
        (ACTIVE_CALORIES, "energy_kcal", 10_000.1, "unit_suspect:energy_kcal"),
        (ACTIVE_CALORIES, "energy_kcal", 10_000_000.1, "out_of_range:energy_kcal"),
        (HRV_RMSSD, "rmssd_ms", 0.0, "out_of_range:rmssd_ms"),
        (HRV_RMSSD, "rmssd_ms", 1.0, None),
        (HRV_RMSSD, "rmssd_ms", 300.1, "out_of_range:rmssd_ms"),
        (STEPS, "record_id", "  ", "missing_required:record_id"),
        (STEPS, "source_app", None, "missing_required:source_app"),
        (STEPS, "start_zone", "+19:00", "bad_zone_offset"),
        (STEPS, "start_zone", "Europe/Berlin", "bad_zone_offset"),
        (STEPS, "start_zone", "+05:45", None),
        (STEPS, "start_zone", "Z", None),
        (STEPS, "start_zone", None, None),
        (STEPS, "start_ms", YEAR_2000_MS - 1, "time_before_2000"),
        (STEPS, "end_ms", FETCH - 30 * HOUR, "end_before_start"),
        (STEPS, "modified_ms", FETCH + 25 * HOUR, "time_in_future"),
        (SLEEP, "end_ms", FETCH - 2 * HOUR, "end_before_start"),
        (HEART_RATE, "samples", [], "missing_required:samples"),
    ],
)
def test_a_row_breaks_exactly_the_rule_its_value_says(record_type, column, value, reason):
    good = row(record_type, 1)
    assert reasons(record_type, row(record_type, 0, **{column: value}), good) == [reason, None]


def test_a_start_ten_minutes_after_the_fetch_is_still_a_clock_and_more_is_the_future():
    at, late = FETCH + 600_000, FETCH + 600_001
    rows = [row(BLOOD_GLUCOSE, i, start_ms=t, end_ms=t, modified_ms=t) for i, t in enumerate((at, late))]
    assert reasons(BLOOD_GLUCOSE, *rows) == [None, "time_in_future"]


@pytest.mark.parametrize("hours_later", [24, 25, 2, 1.01, 24 * 365])
@pytest.mark.parametrize("fetched_days_later", [0, 1, 30, 800])
def test_an_instant_later_than_its_record_was_written_is_impossible_whenever_it_is_fetched(
    hours_later, fetched_days_later
):
    at = FETCH + round(hours_later * HOUR)
    late = {"start_ms": at, "end_ms": at, "modified_ms": FETCH, "fetched_ms": FETCH + fetched_days_later * 24 * HOUR}
    [reason] = reasons(BLOOD_GLUCOSE, row(BLOOD_GLUCOSE, **late))
    is_fetched_before = at > late["fetched_ms"] + 600_000
    assert reason == ("time_in_future" if is_fetched_before else "later_than_modified")


@pytest.mark.parametrize("record_type", [STEPS, ACTIVE_CALORIES])
@pytest.mark.parametrize("minutes", [-60, 0, 10, 59])
def test_a_start_up_to_an_hour_after_its_writing_is_two_clocks_and_the_end_of_a_bucket_may_be_any(record_type, minutes):
    start = FETCH - 30 * HOUR
    bucket = {"start_ms": start, "end_ms": start + 24 * HOUR, "modified_ms": start - minutes * 60_000}
    assert reasons(record_type, row(record_type, **bucket)) == [None]


def test_a_day_bucket_that_ends_after_its_fetch_is_good():
    assert reasons(STEPS, row(STEPS, start_ms=FETCH - 10 * HOUR, end_ms=FETCH + 10 * HOUR)) == [None]


def test_a_session_over_24_hours_is_refused_and_one_over_16_is_kept():
    start = FETCH - 40 * HOUR
    rows = [row(SLEEP, i, start_ms=start, end_ms=start + h * HOUR, stages=[]) for i, h in enumerate((17, 24, 25))]
    assert reasons(SLEEP, *rows) == [None, None, "out_of_range:duration"]


anything = st.one_of(st.none(), st.integers(-(2**62), 2**62))


@given(
    st.sampled_from(RECORD_TYPES),
    st.fixed_dictionaries({"start_ms": anything, "end_ms": anything, "fetched_ms": anything, "modified_ms": anything}),
    st.one_of(st.none(), st.text(max_size=8)),
)
@settings(deadline=None, max_examples=120)
def test_validation_is_total_whatever_the_times_and_zones(record_type, times, zone):
    odd = row(record_type, 0, **times, start_zone=zone, end_zone=zone, record_id=zone)
    judged = judge(frame([odd, row(record_type, 1)]), record_type)
    assert judged.height == 2
    assert judged["reason"].to_list()[1] is None


def test_a_clean_file_scores_one_and_each_share_lowers_it_by_its_weight():
    rows = [row(STEPS, i) for i in range(8)]
    rows += [row(STEPS, 8, count=-1), row(STEPS, 9, end_ms=0)]
    judged = judge(frame(rows), STEPS)
    assert score_files(judged, STEPS, ScorePolicy())["score"].to_list() == [pytest.approx(1 - 0.2 * 0.1 - 0.2 * 0.1)]
    assert score_files(judged.head(8), STEPS, ScorePolicy())["score"].to_list() == [1.0]


def test_rows_without_a_zone_lower_completeness_only():
    judged = judge(frame([row(STEPS, i, start_zone=None, end_zone=None) for i in range(4)]), STEPS)
    assert judged["reason"].null_count() == 4
    assert score_files(judged, STEPS, ScorePolicy())["score"].to_list() == [0.7]


def test_the_score_of_a_file_does_not_depend_on_its_neighbours_in_the_batch():
    good, bad = [row(STEPS, i) for i in range(3)], [row(STEPS, i, file_index=1, count=-5) for i in range(3)]
    scores = score_files(judge(frame(good + bad), STEPS), STEPS, ScorePolicy())
    assert scores.select("file_index", "score").rows() == [(0, 1.0), (1, 0.8)]
    assert isinstance(scores, pl.DataFrame)
