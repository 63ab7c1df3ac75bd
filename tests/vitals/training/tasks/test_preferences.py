"""A rejected answer is the chosen one with exactly one wrong fact, of the label it bears."""

import re
from collections import Counter
from datetime import date
from functools import cache

import pytest

from tests.vitals.training.fact_frames import KINDS
from tests.vitals.training.number_reader import text_of, tokens
from tests.vitals.training.tasks.task_lines import frames, key_of, lines, of_task
from vitals.training.language import violations
from vitals.training.line_check import REJECTED_LABELS
from vitals.training.tasks.ask import OPPOSITES, WRONG_UNITS
from vitals.verification.grounding.check import ungrounded

FIGURE = re.compile(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?")
CLOCK = re.compile(r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d")
UNITS = {*WRONG_UNITS, *(wrong for wrongs in WRONG_UNITS.values() for wrong in wrongs)}
SIDES = {*OPPOSITES, *OPPOSITES.values()}


@cache
def pairs():
    """Every preference of all tables, with its kind and the summary of the same day."""
    found = []
    for kind, frame in frames():
        made = lines(kind, frame)
        summaries = {key_of(line): line for line in of_task(made, "daily_summary")}
        found += [(kind, line, summaries[key_of(line)]) for line in of_task(made, "preference")]
    return found


def span_of(line):
    """Start and end of what differs, by comparing the two texts from both ends."""
    chosen, rejected = line["output"], line["rejected"]
    fact = line["metadata"]["rejected_fact"]
    return [
        start
        for start in range(len(chosen))
        if chosen.startswith(fact["chosen"], start)
        and chosen[:start] + fact["rejected"] + chosen[start + len(fact["chosen"]) :] == rejected
    ]


def test_every_pair_differs_in_exactly_one_place():
    for _, line, _ in pairs():
        assert line["rejected"] != line["output"]
        assert len(span_of(line)) == 1, line
        assert line["messages"][1]["content"] == line["output"]


def test_the_label_says_what_kind_of_thing_differs():
    for _kind, line, _ in pairs():
        fact = line["metadata"]["rejected_fact"]
        chosen, rejected, label = fact["chosen"], fact["rejected"], fact["label"]
        if label == "digit":
            assert FIGURE.fullmatch(chosen), fact
            assert FIGURE.fullmatch(rejected), fact
        elif label == "unit":
            assert {chosen, rejected} <= UNITS
        elif label == "date":
            assert date.fromisoformat(chosen) != date.fromisoformat(rejected)
        elif label == "time":
            assert CLOCK.fullmatch(chosen), fact
            assert CLOCK.fullmatch(rejected), fact
            assert chosen[:-5] == rejected[:-5]
        elif label == "comparison":
            assert {chosen, rejected} <= SIDES
        elif label == "metric":
            assert not tokens(chosen + rejected), fact
        else:
            assert label == "withheld_stated"
            assert line["metadata"]["abstention"]["metric"]
            assert rejected.startswith("was "), fact
            assert tokens(rejected), fact


KINDS_OF_LABEL = {
    "digit": {"number"},
    "unit": {"unit"},
    "date": {"date"},
    "time": {"time"},
    "comparison": {"comparison"},
    "metric": {"metric"},
    "withheld_stated": {"withheld"},
}
"""What the grounding check calls the wrong fact of a label."""


def test_the_grounding_check_passes_the_chosen_answer_and_fails_the_rejected_one_for_its_label():
    for _, line, _ in pairs():
        fact = line["metadata"]["rejected_fact"]
        assert ungrounded(line) == [], line["output"]
        wrong = ungrounded(line | {"output": line["rejected"]})
        assert {problem.kind for problem in wrong} == KINDS_OF_LABEL[fact["label"]], (fact, wrong)


def test_the_claim_of_a_wrong_fact_is_the_one_whose_value_stood_there():
    for _, line, _ in pairs():
        fact = line["metadata"]["rejected_fact"]
        claims = {claim["id"]: claim for claim in line["metadata"]["claims"]}
        if fact["label"] in {"digit", "date", "time"}:
            assert text_of(claims[fact["claim"]]) == fact["chosen"]
        elif fact["label"] == "withheld_stated":
            assert fact["claim"] == line["metadata"]["abstention"]["metric"]
            assert fact["claim"] not in claims
        else:
            assert fact["claim"] in claims, fact


def test_a_wrong_value_is_nowhere_a_right_one_of_the_day():
    for _, line, summary in pairs():
        fact = line["metadata"]["rejected_fact"]
        if fact["label"] in {"digit", "date", "time"}:
            right = {text_of(c) for of in (line, summary) for c in of["metadata"]["claims"]}
            assert fact["rejected"] not in right, fact


def test_a_wrong_figure_is_near_the_right_one():
    for _, line, _ in pairs():
        fact = line["metadata"]["rejected_fact"]
        if fact["label"] == "digit":
            right, wrong = (float(fact[k].replace(",", "")) for k in ("chosen", "rejected"))
            assert wrong != right
            assert abs(wrong - right) <= max(3.0, 0.3 * right + 1), fact


def test_another_metric_name_is_one_whose_value_differs():
    for _, line, summary in pairs():
        fact = line["metadata"]["rejected_fact"]
        if fact["label"] == "metric":
            own = next(c for c in line["metadata"]["claims"] if c["id"] == fact["claim"])
            others = {text_of(c) for c in summary["metadata"]["claims"] if c["unit"] == own["unit"]}
            assert others - {text_of(own)}


def test_labels_are_spread_over_the_kinds():
    labels = Counter(line["metadata"]["rejected_fact"]["label"] for _, line, _ in pairs())
    assert set(labels) == REJECTED_LABELS
    total = sum(labels.values())
    assert all(count <= 0.4 * total for count in labels.values()), labels
    assert {kind for kind, _, _ in pairs()} == set(KINDS)


def test_a_rejected_answer_keeps_to_the_language():
    """It teaches facts, not manners: a forbidden word in it would be a second difference."""
    for rejected in {line["rejected"] for _, line, _ in pairs()}:
        assert violations(rejected) == [], rejected


@pytest.mark.parametrize("word", sorted(SIDES | UNITS))
def test_words_that_may_stand_in_a_rejected_answer_are_sayable(word):
    assert violations(f"It was {word} that.") == []
