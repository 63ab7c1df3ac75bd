"""A tenant's own bounds: what may be moved and how far, and what a person may let through."""

import pytest

from tests.vitals.validated.decoded import frame, row
from vitals.errors import UsageError
from vitals.record_types import BLOOD_GLUCOSE, HEART_RATE, RECORD_TYPES, SLEEP, STEPS
from vitals.validated.decoded_values import value_columns
from vitals.validated.rule_policy import (
    CONFLICTING,
    HARD_LIMITS,
    RulePolicy,
    default_bounds,
    kinds_of,
    may_be_waived,
    payload_hashes,
    read_change,
)
from vitals.validated.rules import judge, rules_of

LEVEL = "out_of_range:level_mg_dl"


def reasons(record_type, rows, policy) -> list:
    return judge(frame(rows), record_type, policy)["reason"].to_list()


@pytest.mark.parametrize(("text", "flips"), [(f"{LEVEL}.max=700", 700.4), (f"{LEVEL}.min=10", 9.5)])
def test_a_moved_bound_counts_to_the_last_whole_unit(text, flips):
    policy = RulePolicy().with_change(read_change(text))
    beyond = flips + (0.2 if "max" in text else -0.2)
    rows = [row(BLOOD_GLUCOSE, 0, level_raw=flips), row(BLOOD_GLUCOSE, 1, level_raw=beyond)]
    refused = LEVEL if "max" in text else "unit_suspect:level_mg_dl"
    assert reasons(BLOOD_GLUCOSE, rows, RulePolicy()) == [refused, refused]
    assert reasons(BLOOD_GLUCOSE, rows, policy) == [None, refused]


def test_a_bound_moves_for_every_sample_of_a_container():
    hour = row(HEART_RATE)
    hour["samples"] = [{"time_ms": hour["start_ms"], "bpm": 250}]
    policy = RulePolicy().with_change(read_change("out_of_range:bpm.max=250"))
    assert reasons(HEART_RATE, [hour], RulePolicy()) == ["out_of_range:bpm"]
    assert reasons(HEART_RATE, [hour], policy) == [None]


@pytest.mark.parametrize(
    ("samples", "reason", "kept"),
    [
        # Nothing sound: what was let through is kept within the hard limits, the rest is lost.
        ([(0, 245), (1, 0), (2, 401)], "out_of_range:bpm", [245]),
        ([(0, 300), (0, 300)], "out_of_range:bpm", [300]),
        ([(0, 80), (0, 90)], CONFLICTING, [80, 90]),
        ([(0, 80), (0, 90), (0, 80)], CONFLICTING, [80, 90]),
    ],
)
def test_a_record_let_through_keeps_what_nobody_has_to_refuse(samples, reason, kept):
    hour = row(HEART_RATE)
    hour["samples"] = [{"time_ms": hour["start_ms"] + 60_000 * at, "bpm": bpm} for at, bpm in samples]
    (payload,) = payload_hashes(frame([hour]), value_columns(HEART_RATE))
    assert reasons(HEART_RATE, [hour], RulePolicy()) == [reason]
    judged = judge(frame([hour]), HEART_RATE, RulePolicy(waived={reason: frozenset({("r0", payload)})}))
    assert judged["reason"].to_list() == [None]
    assert [sample["bpm"] for sample in judged["samples"][0]] == kept


def test_the_payload_of_a_quarantined_record_is_what_was_delivered():
    hour = row(HEART_RATE)
    hour["samples"] = [{"time_ms": hour["start_ms"], "bpm": bpm} for bpm in (0, 1)]
    judged = judge(frame([hour]), HEART_RATE)
    assert judged["samples"].to_list() == [hour["samples"]]
    assert judged["dropped"].to_list() == [None]


def test_a_longest_duration_moves_in_hours():
    start = 1_758_200_000_000
    long = row(SLEEP, start_ms=start, end_ms=start + 30 * 3_600_000, stages=[])
    policy = RulePolicy().with_change(read_change("out_of_range:duration.max_hours=30"))
    assert reasons(SLEEP, [long], RulePolicy()) == ["out_of_range:duration"]
    assert reasons(SLEEP, [long], policy) == [None]


@pytest.mark.parametrize(
    "text",
    [
        "out_of_range:level_mg_dl.max",
        "out_of_range:level_mg_dl.max=",
        "out_of_range:level_mg_dl.max=much",
        "out_of_range:level_mg_dl.max=nan",
        "out_of_range:level_mg_dl.max=inf",
        "out_of_range:level_mg_dl.min=0",
        "out_of_range:level_mg_dl.middle=5",
        "missing_required:record_id.max=5",
        "score.threshold=1.01",
        "time_in_future.max=1",
        "=3",
    ],
)
def test_what_is_no_bound_or_beyond_the_hard_limits_is_refused_in_words(text):
    with pytest.raises(UsageError):
        read_change(text)


def test_every_bound_has_hard_limits_that_hold_its_shared_value():
    for (rule, _), value in default_bounds().items():
        low, high = HARD_LIMITS[rule]
        assert low <= value <= high
        assert kinds_of(rule)


def test_changes_grow_the_version_of_their_rule_only():
    policy = RulePolicy()
    for text in (f"{LEVEL}.max=700", f"{LEVEL}.min=10", "score.threshold=0.6"):
        policy = policy.with_change(read_change(text))
    assert policy.versions == {LEVEL: 2, "score": 1}
    assert (policy.bound(LEVEL, "max", 600), policy.threshold(0.7)) == (700, 0.6)


def test_a_waived_payload_passes_that_rule_only_and_only_as_it_was():
    bad = row(BLOOD_GLUCOSE, 0, level_raw=700.0)
    (payload,) = payload_hashes(frame([bad]), value_columns(BLOOD_GLUCOSE))
    policy = RulePolicy(waived={LEVEL: frozenset({("r0", payload)})})
    other = {**bad, "level_raw": 701.0, "row_index": 1}
    backwards = {**bad, "modified_ms": bad["fetched_ms"] + 10**9, "row_index": 2}
    assert reasons(BLOOD_GLUCOSE, [bad, other, backwards], policy) == [None, LEVEL, "time_in_future"]


def test_a_waived_payload_beyond_the_hard_limits_still_fails():
    bad = row(BLOOD_GLUCOSE, 0, level_raw=5000.0)
    (payload,) = payload_hashes(frame([bad]), value_columns(BLOOD_GLUCOSE))
    policy = RulePolicy(waived={LEVEL: frozenset({("r0", payload)})})
    assert reasons(BLOOD_GLUCOSE, [bad], policy) == [LEVEL]


def test_the_payload_of_a_row_does_not_depend_on_its_file_row_or_fetch():
    one = row(STEPS, 0)
    elsewhere = {**one, "file_index": 3, "row_index": 9, "fetched_ms": one["fetched_ms"] + 5}
    first, second, other = payload_hashes(frame([one, elsewhere, {**one, "count": 101}]), value_columns(STEPS))
    assert first == second != other


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_rules_of_presence_and_time_can_be_waived_by_nobody(record_type):
    for rule in rules_of(record_type):
        physiological = rule.aspect == "physiological" or rule.reason in {"out_of_range:duration", CONFLICTING}
        assert may_be_waived(rule.reason) == physiological
