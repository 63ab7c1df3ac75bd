"""Refusals stand only where the prompt lacks the answer, and the prompt does lack it."""

from collections import Counter
from functools import cache

import pytest

from tests.vitals.training.fact_frames import DAY, KINDS, SAMSUNG, facts, source
from tests.vitals.training.number_reader import tokens
from tests.vitals.training.tasks.task_lines import frames, key_of, lines, of_task, row_of
from vitals.clinical.metrics import metrics_of
from vitals.training.language import violations
from vitals.training.tasks.abstention import NOT_GIVEN
from vitals.training.tasks.mix import MOST_LINES, TaskMix
from vitals.training.tasks.questions import QUESTIONS
from vitals.verification.answerability.evaluator import insufficient

REFUSALS = TaskMix(question=0, data_quality=0, abstention=MOST_LINES, preference=0)


@cache
def refused():
    """Every refusal of all tables, with its kind, row and the summary of the same day."""
    found = []
    for kind, frame in frames():
        rows, made = row_of(frame), lines(kind, frame, REFUSALS)
        summaries = {key_of(line): line for line in of_task(made, "daily_summary")}
        found += [(kind, rows[key_of(line)], line, summaries[key_of(line)]) for line in of_task(made, "abstention")]
    return found


def test_a_refusal_claims_nothing_of_its_metric_and_names_the_reason_in_its_text():
    for _, row, line, _ in refused():
        refusal = line["metadata"]["abstention"]
        withheld = {entry["metric"]: entry["reason"] for entry in row["withheld"]}
        assert not [c for c in line["metadata"]["claims"] if c["metric"] == refusal["metric"]]
        if refusal["reason"] == NOT_GIVEN:
            assert refusal["metric"] not in withheld
            assert "data given" in line["output"]
        else:
            assert refusal["metric"] in withheld
            assert refusal["reason"] in line["output"]
            assert refusal["reason"] in line["input"]


def test_a_refusal_holds_no_figure_but_its_date_and_those_of_its_reason():
    for _, row, line, _ in refused():
        reason = line["metadata"]["abstention"]["reason"]
        allowed = Counter([row["local_date"].isoformat(), *tokens(reason)])
        assert Counter(tokens(line["output"])) == allowed, line["output"]


def test_the_prompt_of_a_refusal_does_not_give_the_value_that_the_day_has():
    removed = 0
    for _, _, line, summary in refused():
        metric = line["metadata"]["abstention"]["metric"]
        of_metric = [c for c in summary["metadata"]["claims"] if c["metric"] == metric and c["window"]]
        if not of_metric:
            continue
        removed += 1
        assert insufficient({"input": summary["input"], "metadata": {"claims": of_metric}}) == []
        lacking = insufficient({"input": line["input"], "metadata": {"claims": of_metric}})
        assert metric in lacking, (line["metadata"]["question"], line["input"])
    assert removed > 200


GIVEN_AWAY_BY = {
    "glucose.mean": [{"SD", "CV"}],
    "glucose.cv": [{"SD", "mean"}],
    "glucose.pct_70_180": [{"readings above 180 mg/dL"}, {"min", "max"}],
    "glucose.pct_above_180": [{"readings 70-180 mg/dL"}, {"max"}],
    "glucose.episodes_lv1_hyper": [{"readings above 180 mg/dL"}, {"max"}],
    "heart_rate.mean_time_weighted": [{"time-weighted mean asleep", "time-weighted mean awake"}],
    "heart_rate.bouts_ge100": [{"max"}],
    "heart_rate.bouts_lt50": [{"min"}],
    "sleep.tst": [{"light", "deep", "REM"}, {"session", "share of session asleep"}, {"session", "awake after onset"}],
    "sleep.se": [{"session", "asleep"}, {"light", "deep", "REM"}],
    "sleep.waso": [{"session", "asleep"}, {"light", "deep", "REM"}],
    "sleep.awakenings_ge5": [{"awake after onset"}],
    "sleep.deep": [{"asleep", "light", "REM"}, {"deep, share of time asleep"}],
    "sleep.rem": [{"asleep", "light", "deep"}, {"REM, share of time asleep"}],
    "sleep.tib": [{"asleep", "share of session asleep"}],
    "hrv.rmssd_mean": [{"natural logarithm of the mean"}],
    "active_energy.net_met_minutes": [{"total"}],
}
"""Metric -> sets of facts from which a reader could work it out, or tell where it is 0 or 100."""


def test_the_prompt_of_a_refusal_does_not_give_its_metric_away_by_arithmetic():
    seen = set()
    for _, _, line, summary in refused():
        metric = line["metadata"]["abstention"]["metric"]
        facts_shown = {part.partition(":")[0] for part in line["input"].split("\n")}
        before = {part.partition(":")[0] for part in summary["input"].split("\n")}
        for giving_away in GIVEN_AWAY_BY.get(metric, []):
            assert not giving_away <= facts_shown, (metric, line["input"])
            seen |= {metric} if giving_away <= before else set()
    # An unknown name of a fact would never be found.
    assert seen == set(GIVEN_AWAY_BY)


@pytest.mark.parametrize("kind", KINDS)
def test_values_that_nobody_else_has_are_nowhere_in_the_prompt_of_their_refusal(kind):
    """Every metric gets a figure of its own; refusing one must take that figure out of prompt and answer."""
    numeric = [m for m in metrics_of(kind, "day") if m.unit != "bool"]
    values = {m.column: 201 + 2 * i if m.unit == "count" else 201.0 + 2 * i for i, m in enumerate(numeric)}
    sources = [source(SAMSUNG, n=3, value=values.get("tst", 7.0))]
    rows = [
        values | {"subject_id": f"s{i}", "local_date": DAY, "lower_bound": False, "sources": sources}
        if kind in {"steps", "active_calories"}
        else values | {"subject_id": f"s{i}", "sources": sources}
        for i in range(8)
    ]
    seen = set()
    for line in of_task(lines(kind, facts(kind, rows), REFUSALS), "abstention"):
        metric = line["metadata"]["abstention"]["metric"]
        figure = f"{values[metric.partition('.')[2]]:g}"
        assert figure not in tokens(line["input"].replace(",", "")), (metric, line["input"])
        assert figure not in tokens(line["output"].replace(",", "")), metric
        seen.add(metric.partition(".")[2])
    assert seen == {q.metric for q in QUESTIONS[kind] if q.metric is not None and q.metric in values}


def test_a_refused_question_is_put_as_one_that_is_answered():
    for kind, row, line, _ in refused():
        question = next(q for q in QUESTIONS[kind] if q.name == line["metadata"]["question"])
        date = row["local_date"].isoformat()
        assert any(ask.format(date=date) in line["instruction"] for ask in question.ask.options)


def test_both_reasons_occur_and_every_kind_refuses():
    reasons = {(kind, line["metadata"]["abstention"]["reason"] == NOT_GIVEN) for kind, _, line, _ in refused()}
    assert reasons == {(kind, removed) for kind in KINDS for removed in (True, False)}


def test_a_series_is_not_shown_beside_a_refusal():
    assert not [line for _, _, line, _ in refused() if "by local hour" in line["input"]]


def test_a_day_with_nothing_to_refuse_gives_no_refusal():
    row = {"recommended_total": None, "minutes_ge100": None, "withheld": [], "sources": [source(SAMSUNG)]}
    assert of_task(lines("steps", facts("steps", [row]), REFUSALS), "abstention") == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_refusal_calls_a_metric_is_sayable(kind):
    for question in QUESTIONS[kind]:
        assert (question.metric is None) == (question.subject == "")
        assert violations(f"For 2025-03-03 {question.subject} cannot be stated.") == []
        if question.metric is not None:
            assert question.metric in question.hides
