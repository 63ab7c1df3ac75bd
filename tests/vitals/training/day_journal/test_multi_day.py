"""Questions over several days: every answer against the oracle, every refusal against what is missing."""

import random
import re
from collections import Counter
from datetime import timedelta

import orjson
import pytest

from tests.vitals.training.day_journal.journal_cohort import cohort
from tests.vitals.training.day_journal.multi_day_oracle import OF_METRIC, PAIRS, Days, expected_of, read
from tests.vitals.training.fact_frames import DAY, KINDS, facts
from vitals.training.day_journal import multi_day
from vitals.training.day_journal.build import build_journal
from vitals.training.day_journal.day_metrics import DAY_METRICS
from vitals.training.language import violations
from vitals.training.line_check import problems
from vitals.verification.answerability.evaluator import insufficient

CAUSAL = re.compile(
    r"\b(because|due|cause|effect|affect|therefore|thus|hence|consequen|lead|led|result|so that|explain|impact"
    r"|correlat|associat|depend|link|relat|influenc|contribut)",
    re.IGNORECASE,
)


def lines_of(frames, last=DAY, **changes):
    arguments = {"local_day": last, "tenant": "default", "processor_version": "1", **changes}
    return [orjson.loads(line) for line in build_journal(frames, **arguments)]


def questions_of(frames, last=DAY):
    return [line for line in lines_of(frames, last) if line["metadata"]["task"] != "day_journal"]


@pytest.fixture
def everything(monkeypatch):
    """Every question that can be answered or has to be refused, not only those chosen for the day."""
    monkeypatch.setattr(multi_day, "QUESTIONS_A_DAY", 99)
    monkeypatch.setattr(multi_day, "_refusals", lambda _: 99)


def unit_of(line) -> str:
    return DAY_METRICS[line["metadata"]["question"].partition(":")[2]].unit


def test_every_answer_and_refusal_says_exactly_what_the_oracle_says(everything):
    frames = cohort(7, 25)
    asked = Counter()
    for line in (each for back in range(3) for each in questions_of(frames, DAY - timedelta(days=back))):
        metadata = line["metadata"]
        last = DAY.fromisoformat(metadata["local_date"])
        expected = expected_of(frames, metadata["subject_id"], last, metadata["question"])
        assert expected.may_answer is (metadata["task"] == "multi_day_question"), metadata["question"]
        numbers, dates, times = read(line["output"])
        assert numbers == sorted(expected.numbers), line["output"]
        assert dates == expected.dates, line["output"]
        assert times == expected.times, line["output"]
        for options in expected.together:
            said = [option.format(unit=unit_of(line)) if "{" in option else option for option in options]
            assert any(option in line["output"] for option in said), (said, line["output"])
        asked[metadata["question"], metadata["task"]] += 1
    answered = {question for question, task in asked if task == "multi_day_question"}
    names = ("two_days", "window_mean", "window_extremes", "days_below_own_mean", "days_with_final_value")
    assert answered == {f"{name}:{metric}" for name in names for metric in OF_METRIC} | set(PAIRS)
    assert sum(asked.values()) > 2_000
    assert sum(count for (_, task), count in asked.items() if task == "abstention") > 300


def test_nights_stand_beside_the_day_of_their_own_date(everything):
    frames = cohort(8, 10)
    seen = 0
    for line in questions_of(frames):
        pair = PAIRS.get(line["metadata"]["question"])
        if pair is None or line["metadata"]["task"] == "abstention":
            continue
        nights, days = (Days(frames, line["metadata"]["subject_id"], DAY, metric) for metric in pair)
        for night in nights.below():
            [sentence] = [s for s in re.split(r"(?<=[a-z)])\. ", line["output"]) if f"ight ending on {night}" in s]
            assert nights.text(night) in sentence
            if night in days.values:
                assert days.text(night) in sentence
                seen += 1
            else:
                assert days.states[night] in sentence
    assert seen > 20


def test_every_line_loads_suffices_and_speaks_of_no_cause(everything):
    for line in lines_of(cohort(9, 20)):
        assert problems(orjson.dumps(line, option=orjson.OPT_SORT_KEYS)) == []
        assert insufficient(line) == []
        assert violations(line["output"]) == []
        assert violations(line["instruction"]) == []
        assert not CAUSAL.search(line["output"] + line["instruction"])


def test_a_day_without_a_final_value_is_never_counted(everything):
    frames = cohort(10, 12)
    for line in questions_of(frames):
        for claim in line["metadata"]["claims"]:
            metric, _, day = claim["id"].partition("#")
            if metric in OF_METRIC and day[:4].isdigit():
                days = Days(frames, line["metadata"]["subject_id"], DAY, metric)
                assert days.states[DAY.fromisoformat(day)] == "final"


def test_operands_of_derived_claims_stand_in_the_line_with_their_own_dates(everything):
    for line in questions_of(cohort(11, 8)):
        claims = {claim["id"]: claim for claim in line["metadata"]["claims"]}
        for claim in list(claims.values()):
            for operand in claim.get("operands", ()):
                assert claims[operand]["window"] == operand.partition("#")[2]
                assert claims[operand]["sources"]


def test_a_refusal_names_what_is_missing_and_gives_no_value(everything):
    rows = [{"subject_id": "a", "local_date": DAY, "recommended_total": 4321.0, "lower_bound": False}]
    found = {line["metadata"]["question"]: line for line in questions_of({"steps": facts("steps", rows)})}
    line = found["two_days:steps.recommended_total"]
    assert line["metadata"]["task"] == "abstention"
    assert line["metadata"]["abstention"] == {
        "metric": "steps.recommended_total#difference",
        "reason": f"{DAY - timedelta(days=1)}: no data",
    }
    assert "no data" in line["output"]
    assert "4,321" not in line["output"]


def test_no_sentence_says_mean_twice_in_a_row(everything):
    for line in questions_of(cohort(7, 25)):
        assert "mean mean" not in line["instruction"] + line["output"]


def test_a_week_without_a_weekend_day_allows_no_mean_of_steps(everything):
    days = [DAY - timedelta(days=back) for back in (0, 3, 4, 5, 6)]
    assert all(day.weekday() < 5 for day in days)
    rows = [{"subject_id": "a", "local_date": day, "recommended_total": 5000.0, "lower_bound": False} for day in days]
    found = {line["metadata"]["question"]: line for line in questions_of({"steps": facts("steps", rows)})}
    assert "Saturday or Sunday" in found["window_mean:steps.recommended_total"]["output"]


def test_a_day_of_other_length_is_named_with_its_hours(everything):
    rows = [
        {
            "subject_id": "a",
            "local_date": DAY,
            "recommended_total": 5000.0,
            "lower_bound": False,
            "day_minutes": 1380.0,
        },
        {"subject_id": "a", "local_date": DAY - timedelta(days=1), "recommended_total": 4000.0, "lower_bound": False},
    ]
    found = {line["metadata"]["question"]: line for line in questions_of({"steps": facts("steps", rows)})}
    output = found["two_days:steps.recommended_total"]["output"]
    assert re.search(rf"{DAY} (?:was|had) 23 h", output)
    assert "24 h" not in output


def test_lines_follow_from_the_facts_alone_and_not_from_their_order_or_other_people():
    frames = cohort(12, 6)
    shuffled = {
        kind: frames[kind].sample(fraction=1, shuffle=True, seed=4) for kind in random.sample(KINDS, len(KINDS))
    }
    lines = lines_of(frames)
    assert lines == lines_of(frames)
    assert lines == lines_of(shuffled)
    alone = {kind: frame.filter(frame["subject_id"] == "person-003") for kind, frame in frames.items()}
    assert lines_of(alone) == [line for line in lines if line["metadata"]["subject_id"] == "person-003"]


def test_days_outside_the_window_change_nothing():
    frames = cohort(13, 4)
    window = {kind: frame.filter(frame["local_date"] > DAY - timedelta(days=7)) for kind, frame in frames.items()}
    assert window["steps"].height < frames["steps"].height
    assert lines_of(frames) == lines_of(window)


def test_a_day_gives_two_questions_and_at_most_one_refusal():
    found = Counter((line["metadata"]["subject_id"], line["metadata"]["task"]) for line in lines_of(cohort(14, 40)))
    assert {count for (_, task), count in found.items() if task == "multi_day_question"} == {2}
    assert {count for (_, task), count in found.items() if task == "abstention"} == {1}
    refusals = sum(count for (_, task), count in found.items() if task == "abstention")
    assert 8 <= refusals <= 32
