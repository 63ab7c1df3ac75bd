"""What holds for the lines of every task: shape, order, sufficiency, language."""

import re

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, OURA, SAMSUNG, STELO, at_utc, facts, random_facts, source
from tests.vitals.training.number_reader import unclaimed
from tests.vitals.training.tasks.task_lines import ALL, frames, lines, of_task
from vitals.training.examples import build_examples
from vitals.training.language import violations
from vitals.training.line_check import problems
from vitals.training.line_schema import NO_ABSTENTION, NO_REJECTED_FACT
from vitals.training.prompt_words import TOPICS
from vitals.training.tasks.data_quality import INSTRUCTIONS
from vitals.verification.answerability.evaluator import insufficient


def test_every_line_is_what_it_promises_and_its_prompt_gives_its_claims():
    for kind, frame in frames():
        apps = {s["app"] for row in frame["sources"] for s in row} | {STELO, SAMSUNG, OURA}
        for line in lines(kind, frame):
            assert problems(orjson.dumps(line)) == [], line["metadata"]["task"]
            assert insufficient(line) == [], (line["metadata"].get("question"), line["output"])
            assert unclaimed(line, apps) == [], line["output"]


def test_operands_of_a_derived_claim_are_claims_of_the_same_line():
    for kind, frame in frames():
        for line in lines(kind, frame):
            claims = line["metadata"]["claims"]
            ids = {claim["id"] for claim in claims}
            for claim in claims:
                assert (claim["formula"] is not None) == bool(claim["operands"])
                assert set(claim["operands"]) <= ids


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_all_tasks_have_sorted_keys_and_stand_by_subject_and_id(kind):
    made = build_examples(kind, random_facts(kind, 20, seed=5), tenant="t", processor_version="1", mix=ALL)
    parsed = [orjson.loads(line) for line in made]
    order = [(e["metadata"]["subject_id"], e["id"]) for e in parsed]
    assert order == sorted(order)
    assert len({e["id"] for e in parsed}) == len(parsed)
    for line, example in zip(made, parsed, strict=True):
        assert orjson.dumps(example, option=orjson.OPT_SORT_KEYS) == line


def test_an_explanation_of_the_data_names_coverage_gap_sources_limits_and_state():
    row = {
        "n": 247,
        "expected_n": 288,
        "wear_percent": 85.76,
        "longest_gap_minutes": 200.0,
        "source_floor_mg_dl": 70,
        "source_ceiling_mg_dl": 250,
        "mean": 118.0,
        "provisional": True,
        "as_of_utc": at_utc(17, 10),
        "sources": [source(STELO, n=247, value=118.0), source("org.other.app", used=False, value=121.0)],
    }
    made = of_task(lines("blood_glucose", facts("blood_glucose", [row])), "data_quality")
    output = made[0]["output"]
    for part in ("247", "86 %", "200 min", "Dexcom Stelo", "org.other.app", "121 mg/dL", "70", "250", "190 min"):
        assert part in output, part
    assert "17:10" in output
    assert re.search("needs 14 days", output)
    assert "118" not in output


@pytest.mark.parametrize("topic", TOPICS.values())
@pytest.mark.parametrize("wording", INSTRUCTIONS.options)
def test_an_explanation_is_asked_for_without_a_forbidden_word(topic, wording):
    assert violations(wording.format(topic=topic)) == []


def test_an_explanation_of_a_running_total_calls_it_a_lower_bound():
    row = {"recommended_total": 5310.0, "lower_bound": True, "provisional": True, "sources": [source(SAMSUNG)]}
    output = of_task(lines("steps", facts("steps", [row])), "data_quality")[0]["output"]
    assert "lower bound" in output
    assert "provisional" in output or "still" in output


def spoil_operands(line):
    claim = next(c for c in line["metadata"]["claims"] if c.get("operands"))
    claim["operands"] = ["heart_rate.of_nobody"]


def claim_the_refused(line):
    metric = line["metadata"]["abstention"]["metric"]
    line["metadata"]["claims"].append(line["metadata"]["claims"][0] | {"metric": metric, "id": metric})


def good(task):
    frame = random_facts("heart_rate", 20, seed=5)
    return next(
        line
        for line in of_task(lines("heart_rate", frame), task)
        if any(c.get("operands") for c in line["metadata"]["claims"]) or task != "question"
    )


@pytest.mark.parametrize(
    ("task", "spoil", "expected"),
    [
        ("preference", lambda line: line.update(rejected=None), "preference without"),
        (
            "preference",
            lambda line: line["metadata"].update(rejected_fact=dict(NO_REJECTED_FACT)),
            "preference without",
        ),
        ("preference", lambda line: line.update(rejected=line["rejected"] + " "), "labelled fact alone"),
        ("preference", lambda line: line.update(rejected=line["output"]), "labelled fact alone"),
        ("preference", lambda line: line["metadata"]["rejected_fact"].update(label="tone"), "incomplete"),
        ("preference", lambda line: line.update(rejected=line["rejected"] + " You should rest."), "advice"),
        ("question", lambda line: line["metadata"].update(question=None), "without metadata.question"),
        ("question", lambda line: line.update(rejected="x"), "outside a preference"),
        ("question", spoil_operands, "operand"),
        (
            "abstention",
            lambda line: line["metadata"].update(abstention=dict(NO_ABSTENTION)),
            "without metadata.abstention",
        ),
        ("abstention", lambda line: line["metadata"]["abstention"].update(reason=""), "no metric or reason"),
        ("abstention", claim_the_refused, "refused metric is claimed"),
    ],
)
def test_the_line_check_names_what_a_task_lacks(task, spoil, expected):
    line = good(task)
    assert problems(orjson.dumps(line)) == []
    spoil(line)
    assert any(expected in problem for problem in problems(orjson.dumps(line)))
