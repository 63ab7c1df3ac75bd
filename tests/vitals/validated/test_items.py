"""Items of a list: an impossible one goes, its siblings and its record stay."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.validated.decoded import FETCH, frame, row
from vitals.record_types import HEART_RATE, SLEEP
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.items import EDGE_TOLERANCE_MS
from vitals.validated.rule_policy import CONFLICTING, SHARED_RULES, read_change
from vitals.validated.rules import YEAR_2000_MS, judge

HOUR, MINUTE = 3_600_000, 60_000
START = FETCH - 2 * HOUR
"""Start of the hour that `row` makes; FETCH is an hour after its end."""

FAR = 4_000_000_000_000
NO_BPM, NO_TIME = {"time_ms": START + 30 * MINUTE, "bpm": None}, {"time_ms": None, "bpm": 70}


def sample(minute: float, bpm: int | None = 70) -> dict:
    return {"time_ms": START + round(minute * MINUTE), "bpm": bpm}


def stage(start: float | None, end: float | None, name: str | None = "LIGHT") -> dict:
    times = (None if at is None else START + round(at * MINUTE) for at in (start, end))
    return dict(zip(("start_ms", "end_ms"), times, strict=True)) | {"stage": name}


HOUR_OF_SAMPLES = [sample(minute, 60 + minute % 7) for minute in range(60)]
NIGHT = [stage(10 * i, 10 * i + 10, name) for i, name in enumerate(("LIGHT", "DEEP", "REM", "LIGHT", "AWAKE", "LIGHT"))]


def judged_hour(samples: list[dict], **changes) -> dict:
    """The judged row of a record of an hour."""
    return judge(frame([row(HEART_RATE, samples=samples, **changes)]), HEART_RATE).row(0, named=True)


def judged_night(stages: list[dict], **changes) -> dict:
    return judge(frame([row(SLEEP, stages=stages, **changes)]), SLEEP).row(0, named=True)


IMPOSSIBLE_SAMPLES = [
    (sample(30, 0), "out_of_range:bpm"),
    (sample(30, 29), "out_of_range:bpm"),
    (sample(30, 241), "out_of_range:bpm"),
    (sample(30, 255), "out_of_range:bpm"),
    (sample(30, -1), "out_of_range:bpm"),
    (sample(30, 2**40), "out_of_range:bpm"),
    (NO_BPM, "missing_required:samples"),
    (NO_TIME, "missing_required:samples"),
    ({"time_ms": None, "bpm": None}, "missing_required:samples"),
    ({"time_ms": 0, "bpm": 70}, "time_before_2000"),
    ({"time_ms": START // 1000, "bpm": 70}, "time_before_2000"),
    ({"time_ms": YEAR_2000_MS - 1, "bpm": 70}, "time_before_2000"),
    ({"time_ms": -(2**63), "bpm": 70}, "time_before_2000"),
    ({"time_ms": FAR, "bpm": 70}, "time_in_future"),
    ({"time_ms": START * 1000, "bpm": 70}, "time_in_future"),
    ({"time_ms": 2**63 - 1, "bpm": 70}, "time_in_future"),
    ({"time_ms": FETCH + 10 * MINUTE + 1, "bpm": 70}, "time_in_future"),
    (sample(-1.01), "outside_record"),
    (sample(61.01), "outside_record"),
    (sample(-24 * 60), "outside_record"),
]


@pytest.mark.parametrize(("bad", "reason"), IMPOSSIBLE_SAMPLES)
@pytest.mark.parametrize("place", [0, 30, 60])
def test_an_impossible_sample_is_dropped_and_its_hour_stays(bad, reason, place):
    found = judged_hour([*HOUR_OF_SAMPLES[:place], bad, *HOUR_OF_SAMPLES[place:]])
    assert (found["reason"], found["samples"]) == (None, HOUR_OF_SAMPLES)
    assert found["dropped"] == [{"reason": reason, "items": 1}]


@pytest.mark.parametrize(("bad", "reason"), IMPOSSIBLE_SAMPLES)
def test_a_record_of_which_nothing_sound_is_left_is_quarantined(bad, reason):
    found = judged_hour([bad] * 3)
    assert (found["reason"], found["samples"], found["dropped"]) == (reason, [bad] * 3, None)
    assert found["rule_version"] >= 1


@pytest.mark.parametrize("bpm", [30, 31, 220, 221, 239, 240])
def test_a_rate_from_30_to_240_is_plausible(bpm):
    found = judged_hour([sample(0, bpm)])
    assert (found["reason"], found["dropped"]) == (None, None)


@pytest.mark.parametrize("at", [-EDGE_TOLERANCE_MS, 0, HOUR, HOUR + EDGE_TOLERANCE_MS])
def test_a_sample_at_the_rounded_edge_of_its_record_is_of_it(at):
    assert judged_hour([{"time_ms": START + at, "bpm": 70}])["dropped"] is None


def test_a_sample_beyond_its_fetch_is_the_future_although_its_record_ends_later():
    running = [sample(10), {"time_ms": FETCH + 11 * MINUTE, "bpm": 70}]
    found = judged_hour(running, end_ms=FETCH + HOUR)
    assert (found["samples"], found["dropped"]) == ([sample(10)], [{"reason": "time_in_future", "items": 1}])


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (stage(None, 60), "missing_required:stages"),
        (stage(0, None), "missing_required:stages"),
        (stage(None, None), "missing_required:stages"),
        (stage(30, 20), "end_before_start"),
        (stage(30, 29.99), "end_before_start"),
        ({"start_ms": 0, "end_ms": START, "stage": "REM"}, "time_before_2000"),
        ({"start_ms": START, "end_ms": 0, "stage": "REM"}, "time_before_2000"),
        ({"start_ms": START, "end_ms": FAR, "stage": "REM"}, "time_in_future"),
        ({"start_ms": FAR, "end_ms": FAR + 1, "stage": "REM"}, "time_in_future"),
        (stage(-120, -60), "outside_record"),
        (stage(62, 70), "outside_record"),
    ],
)
def test_an_impossible_stage_is_dropped_and_its_night_stays(bad, reason):
    found = judged_night([*NIGHT[:3], bad, *NIGHT[3:]])
    assert (found["reason"], found["stages"]) == (None, NIGHT)
    assert found["dropped"] == [{"reason": reason, "items": 1}]
    assert judged_night([bad])["reason"] == reason


@pytest.mark.parametrize("kept", [stage(-30, 30), stage(50, 65), stage(-30, 65), stage(20, 20), stage(0, 60, None)])
def test_a_stage_that_only_leaves_its_session_is_left_to_whoever_reads_the_night(kept):
    found = judged_night([kept])
    assert (found["reason"], found["stages"], found["dropped"]) == (None, [kept], None)


def test_a_session_without_stages_is_good_and_an_hour_without_samples_is_not():
    assert judged_night([])["reason"] is None
    assert judged_hour([])["reason"] == "missing_required:samples"
    found = judge(frame([row(SLEEP, stages=None), row(SLEEP, 1)]), SLEEP)
    assert found["reason"].to_list() == [None, None]


@pytest.mark.parametrize("place", [0, 30, 60])
@pytest.mark.parametrize("times", [2, 3, 7])
def test_an_equal_item_is_one_item_wherever_it_stands_again(place, times):
    again = [*HOUR_OF_SAMPLES[:place], *[HOUR_OF_SAMPLES[30]] * (times - 1), *HOUR_OF_SAMPLES[place:]]
    found = judged_hour(again)
    assert found["reason"] is found["dropped"] is None
    assert sorted(found["samples"], key=lambda s: s["time_ms"]) == HOUR_OF_SAMPLES
    night = judged_night([*NIGHT, *NIGHT * (times - 1)])
    assert (night["stages"], night["dropped"]) == (NIGHT, None)


def test_two_stages_at_one_instant_are_left_to_whoever_reads_the_night():
    both = [stage(0, 30, "LIGHT"), stage(0, 20, "REM"), stage(0, 30, "DEEP")]
    assert judged_night(both)["stages"] == both


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        # The others of the hour are 60 to 66, so their median is 63.
        ((63, 150), 63),
        ((150, 63), 63),
        ((40, 70), 70),
        ((40, 70, 64), 64),
        ((61, 65), 61),
        ((65, 61), 61),
        ((62, 240, 31), 62),
    ],
)
def test_of_two_values_at_one_instant_the_one_nearer_to_the_hour_stays(values, kept):
    others = [one for one in HOUR_OF_SAMPLES if one["time_ms"] != START + 30 * MINUTE]
    found = judged_hour([*others, *(sample(30, bpm) for bpm in values)])
    assert found["samples"] == [*others, sample(30, kept)]
    assert found["dropped"] == [{"reason": CONFLICTING, "items": len(values) - 1}]


@pytest.mark.parametrize(
    "samples",
    [
        [sample(0, 60), sample(0, 61)],
        [sample(0, 60), sample(0, 180), sample(1, 60), sample(1, 180)],
        [sample(0, 60), sample(0, 60), sample(0, 61)],
        # An impossible sample tells nothing of which of the others is right.
        [sample(0, 60), sample(0, 61), sample(5, 0)],
    ],
)
def test_two_values_at_every_instant_tell_nothing_of_which_is_right(samples):
    found = judged_hour(samples)
    assert found["reason"] in {CONFLICTING, "out_of_range:bpm"}
    assert found["samples"] == samples


def test_a_record_that_breaks_a_rule_itself_is_quarantined_as_it_came():
    found = judged_hour([sample(0), sample(1, 0)], record_id=" ")
    assert (found["reason"], found["dropped"]) == ("missing_required:record_id", None)
    assert len(found["samples"]) == 2
    assert score_files(judge(frame([row(HEART_RATE, samples=[sample(0), sample(1, 0)], start_zone="x")]), HEART_RATE),
                       HEART_RATE, ScorePolicy())["score"].to_list() == [0.8]  # fmt: skip


def test_a_moved_bound_takes_items_out_and_brings_them_back():
    hour = [sample(0, 45), sample(1, 70), sample(2, 245)]
    for text, kept in (("min=50", [70]), ("max=250", [45, 70, 245]), ("max=200", [45, 70])):
        policy = SHARED_RULES.with_change(read_change(f"out_of_range:bpm.{text}"))
        judged = judge(frame([row(HEART_RATE, samples=hour)]), HEART_RATE, policy)
        assert [one["bpm"] for one in judged["samples"][0]] == kept


def test_a_file_of_good_records_with_single_bad_samples_flows():
    spoilt = [row(HEART_RATE, i) for i in range(40)]
    for each in spoilt:
        each["samples"] = [{"time_ms": each["start_ms"] + i * MINUTE, "bpm": 0 if i == 7 else 70} for i in range(60)]
    scores = score_files(judge(frame(spoilt), HEART_RATE), HEART_RATE, ScorePolicy())
    assert scores["score"].to_list() == [pytest.approx(1 - 0.2 / 60, abs=1e-6)]
    worst = [row(HEART_RATE, i, samples=[NO_BPM, NO_TIME, sample(0, 0), sample(-99), sample(0 - 60 * i)])
             for i in range(4)]  # fmt: skip
    assert score_files(judge(frame(worst), HEART_RATE), HEART_RATE, ScorePolicy())["score"].item() < 0.7


def test_items_later_than_their_record_was_written_go_however_late_it_is_fetched():
    for days in (1, 2, 400):
        fetched = FETCH + days * 24 * HOUR
        times = {"end_ms": START + 23 * HOUR, "modified_ms": START + HOUR, "fetched_ms": fetched}
        hour = judged_hour([sample(10), sample(119), sample(121), sample(22 * 60)], **times)
        assert (hour["samples"], hour["dropped"]) == ([sample(10), sample(119)], LATER)
        # The end of a stage may lie after the writing of its session; where it starts counts.
        night = judged_night([stage(0, 110), stage(110, 180), stage(121, 130), stage(20 * 60, 21 * 60)], **times)
        assert (night["stages"], night["dropped"]) == ([stage(0, 110), stage(110, 180)], LATER)


LATER = [{"reason": "later_than_modified", "items": 2}]

sound = st.lists(st.tuples(st.integers(0, 59), st.integers(30, 240)), min_size=1, unique_by=lambda s: s[0], max_size=20)
spoilt = st.lists(st.sampled_from([bad for bad, _ in IMPOSSIBLE_SAMPLES]), max_size=8)


@given(st.lists(st.tuples(sound, spoilt, st.integers(0, 3)), min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=100)
def test_every_record_keeps_exactly_its_sound_samples_whatever_stands_beside_them(hours, random):
    rows, expected = [], []
    for index, (good, bad, repeats) in enumerate(hours):
        kept = [sample(minute, bpm) for minute, bpm in good]
        delivered = [*kept, *bad, *[random.choice(kept) for _ in range(repeats)]]
        random.shuffle(delivered)
        times = {"start_ms": START, "end_ms": START + HOUR, "modified_ms": START + HOUR}
        rows.append(row(HEART_RATE, index, **times, samples=delivered))
        expected.append((sorted(kept, key=lambda s: s["time_ms"]), len(bad)))
    judged = judge(frame(rows), HEART_RATE)
    assert judged["reason"].null_count() == len(rows)
    found = [
        (sorted(kept, key=lambda s: s["time_ms"]), sum(one["items"] for one in dropped or ()))
        for kept, dropped in judged.select("samples", "dropped").iter_rows()
    ]
    assert found == expected


@given(st.lists(st.tuples(st.integers(-5, 65), st.sampled_from([None, 0, 60, 61, 200, 300])), max_size=12))
@settings(deadline=None, max_examples=100)
def test_the_order_in_which_a_list_names_its_items_decides_nothing(items):
    samples = [sample(minute, bpm) for minute, bpm in items]
    times = {"start_ms": START, "end_ms": START + HOUR, "modified_ms": START + HOUR}
    rows = [row(HEART_RATE, i, **times, samples=order)
            for i, order in enumerate((samples, samples[::-1], sorted(samples, key=str)))]  # fmt: skip
    judged = judge(frame(rows), HEART_RATE)
    assert judged["reason"].n_unique() == judged["dropped"].n_unique() == 1
    if judged["reason"][0] is None:
        assert len({str(sorted(found, key=str)) for found in judged["samples"].to_list()}) == 1
    assert isinstance(judged, pl.DataFrame)
