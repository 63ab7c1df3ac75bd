"""Every answer against an oracle that reads the fact row and nothing else."""

import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from functools import cache

import pytest

from tests.vitals.training.fact_frames import KINDS, SAMSUNG, STELO, facts, random_facts, source
from tests.vitals.training.number_reader import tokens, without_app_names
from tests.vitals.training.tasks.oracle import ORACLE, as_of_tokens, half_up
from tests.vitals.training.tasks.task_lines import frames, key_of, lines, of_task, row_of
from vitals.clinical.source_capabilities import CAPABILITIES
from vitals.training.language import violations
from vitals.training.source_names import title_of
from vitals.training.tasks.draft import REQUESTS
from vitals.training.tasks.questions import QUESTIONS

ABOUT_THE_RECORD = {"sources", "missing", "state"}


@cache
def asked():
    """Every question line of all tables, with its kind and row."""
    found = []
    for kind, frame in frames():
        rows = row_of(frame)
        found += [(kind, rows[key_of(line)], line) for line in of_task(lines(kind, frame), "question")]
    return found


def stated(row):
    """The row with what clinical withheld taken out, as nobody may state it."""
    withheld = {entry["metric"].partition(".")[2] for entry in row["withheld"] or []}
    return {column: None if column in withheld else value for column, value in row.items()}


def apps_of(row):
    return {s["app"] for s in row["sources"]} | {row.get("session_app") or ""} - {""} | set(CAPABILITIES)


def are_said(said, wanted):
    """Whether the figures are those wanted, or the same with more decimals: parts are written so that they add up."""
    finer, missing = Counter(said) - Counter(wanted), Counter(wanted) - Counter(said)
    for figure in missing.elements():
        places = len(figure.partition(".")[2])
        same = next(
            (one for one in finer.elements() if len(one.partition(".")[2]) > places and at(one, places) == figure),
            next((one for one in finer.elements() if one in differences_of(said) and is_near(one, figure)), None),
        )
        if same is None:
            return False
        finer[same] -= 1
    return not +finer


def is_near(one, figure):
    """Whether a difference of finer figures may be this one of rounded figures."""
    return abs(Decimal(one.replace(",", "")) - Decimal(figure.replace(",", ""))) <= 1


def differences_of(said):
    """Differences of any two of the figures, with the places of the finer one."""
    numbers = [Decimal(figure.replace(",", "")) for figure in said if re.fullmatch(r"[\d,]+([.]\d+)?", figure)]
    return {f"{abs(a - b):,f}" for a in numbers for b in numbers}


def at(figure, places):
    try:
        return f"{half_up(figure.replace(',', ''), places):,f}"
    except InvalidOperation:
        return None


def test_every_answer_holds_exactly_the_figures_of_the_oracle():
    for kind, row, line in asked():
        name = line["metadata"]["question"]
        if name in ABOUT_THE_RECORD:
            continue
        expected = ORACLE[kind][name](stated(row))
        assert expected is not None, (kind, name, line["output"])
        figures, word = expected
        wanted = [*figures, row["local_date"].isoformat(), *as_of_tokens(row, kind, name)]
        said = tokens(without_app_names(line["output"], apps_of(row)))
        assert are_said(said, wanted), (kind, name, line["output"])
        if word is not None:
            assert f" {word} " in line["output"], (kind, name, line["output"])


def test_the_oracle_knows_every_question_and_every_question_is_asked():
    names = {(kind, line["metadata"]["question"]) for kind, _, line in asked()}
    assert names == {(kind, question.name) for kind in KINDS for question in QUESTIONS[kind]}
    assert names == {(kind, name) for kind in KINDS for name in {*ORACLE[kind], *ABOUT_THE_RECORD}}


def test_the_sources_of_an_answer_are_those_of_the_row():
    for _, row, line in asked():
        if line["metadata"]["question"] != "sources":
            continue
        output = line["output"]
        before, _, after = output.lower().partition(". ")
        unused = {title_of(s["app"]).lower() for s in row["sources"] if not s["used"]}
        used = {title_of(s["app"]).lower() for s in row["sources"] if s["used"]}
        assert all(title in before for title in used), output
        assert all(title in after for title in unused), output
        assert not any(title in after for title in used - unused), output


def test_what_is_missing_is_told_with_its_reasons_and_no_other_figure():
    for _, row, line in asked():
        if line["metadata"]["question"] == "missing":
            reasons = " ".join(entry["reason"] for entry in row["withheld"])
            said = tokens(line["output"])
            assert said.count(row["local_date"].isoformat()) == 1
            assert set(said) - {row["local_date"].isoformat()} <= set(tokens(reasons)), line["output"]


def test_a_day_is_called_closed_only_if_nothing_of_it_is_open():
    for _, row, line in asked():
        if line["metadata"]["question"] == "state":
            assert line["output"].startswith("No" if row["provisional"] else "Yes")
            assert row["provisional"] or row.get("lower_bound", False) is False


def test_a_running_total_is_answered_as_a_lower_bound():
    row = {"recommended_total": 5310.0, "lower_bound": True, "provisional": True, "sources": [source(SAMSUNG)]}
    answers = [
        line["output"]
        for i in range(20)
        for line in of_task(lines("steps", facts("steps", [row | {"subject_id": f"s{i}"}])), "question")
        if line["metadata"]["question"] == "total"
    ]
    assert len(answers) == 20
    assert all("at least 5,310 steps" in answer for answer in answers)


def test_an_answer_claims_only_what_it_says():
    row = {"mean": 118.2, "median": 114.0, "n": 247, "sources": [source(STELO)]}
    made = of_task(lines("blood_glucose", facts("blood_glucose", [row])), "question")
    mean = next(line for line in made if line["metadata"]["question"] == "mean")
    assert {claim["id"] for claim in mean["metadata"]["claims"]} == {"day#date", "glucose.mean"}
    assert mean["metadata"]["clinical_insights"] == {"metrics": ["glucose.mean"], "values": [118.2]}


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_put_in_many_ways_and_none_is_forbidden(kind):
    for question in QUESTIONS[kind]:
        assert len(question.ask.options) * len(REQUESTS.options) >= 10
        for asked_as in question.ask.options:
            for request in REQUESTS.options:
                text = request.format(question=asked_as.format(date="2025-03-03"))
                assert violations(text) == [], text


def test_phrasings_differ_between_people():
    made = of_task(lines("hrv_rmssd", random_facts("hrv_rmssd", 200, seed=2)), "question")
    per_question = Counter(line["metadata"]["question"] for line in made)
    variants = {
        name: len(
            {
                line["instruction"].replace(line["metadata"]["local_date"], "")
                for line in made
                if line["metadata"]["question"] == name
            }
        )
        for name in per_question
    }
    assert all(count >= 8 for count in variants.values()), variants
