"""What a prompt must hold: lines are taken out of it, and a search of the tests' own says what that should break."""

import re
from copy import deepcopy
from datetime import date

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.training.fact_frames import KINDS, OURA, SAMSUNG, STELO, at, random_facts, readings, source
from tests.vitals.training.prompt_search import (
    MANY_TASKS,
    check_every_line,
    examples,
    golden,
    is_constant,
    one,
    without,
)
from tests.vitals.training.twin_facts import twin_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.prompts import LEAST_TOKEN_BUDGET, TOKEN_BUDGET
from vitals.training.tasks.mix import TASKS
from vitals.verification.answerability.evaluator import insufficient


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_line_that_a_claim_needs_is_missed_and_no_other(kind, seed):
    for example in examples(kind, random_facts(kind, 12, seed=seed)):
        check_every_line(example)


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_that_a_claim_of_a_golden_example_needs_is_missed_and_no_other(kind):
    check_every_line(golden(kind))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 500))
def test_a_line_that_a_claim_of_a_twin_needs_is_missed_and_no_other_in_every_task(seed):
    for kind, frame in twin_facts(seed).items():
        for example in examples(kind, frame.head(2), MANY_TASKS):
            check_every_line(example)


@settings(max_examples=2, deadline=None)
@given(st.integers(0, 500))
def test_a_line_that_a_claim_of_a_journal_or_of_several_days_needs_is_missed_and_no_other(seed):
    tables = twin_facts(seed, people=1, days=8)
    tasks = set()
    for local_day in (date(2025, 9, 18), date(2025, 9, 21)):
        for line in build_journal(tables, local_day=local_day, tenant="default", processor_version="0.1.0"):
            example = orjson.loads(line)
            tasks.add(example["metadata"]["task"])
            check_every_line(example)
    assert "day_journal" in tasks


def test_values_of_one_record_do_not_answer_for_another_whose_line_is_gone():
    tables = twin_facts(1, people=1, days=8)
    made = build_journal(tables, local_day=date(2025, 9, 18), tenant="default", processor_version="0.1.0")
    example = next(e for e in map(orjson.loads, made) if e["metadata"]["task"] == "day_journal")
    lines = example["input"].split("\n")
    heads = [i for i, line in enumerate(lines) if line == "Record: heart rate"]
    assert heads
    of_kind = [c["id"] for c in example["metadata"]["claims"] if c["id"].startswith("heart_rate.") and c["window"]]
    assert of_kind
    assert set(of_kind) <= set(insufficient(without(example, set(heads))))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [8, 31, 77, 204])
def test_no_line_of_random_facts_of_any_task_lacks_anything(kind, seed):
    made = examples(kind, random_facts(kind, 40, seed=seed), MANY_TASKS)
    assert {example["metadata"]["task"] for example in made} == set(TASKS)
    assert [insufficient(example) for example in made] == [[]] * len(made)


@pytest.mark.parametrize("seed", [4, 19, 58])
def test_no_line_of_a_twin_of_any_task_and_length_lacks_anything(seed):
    for kind, frame in twin_facts(seed, people=2, days=2).items():
        for budget in (LEAST_TOKEN_BUDGET, 1300, TOKEN_BUDGET):
            made = examples(kind, frame, MANY_TASKS, token_budget=budget)
            assert [insufficient(example) for example in made] == [[]] * len(made)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_prompt_gives_the_constants_of_definitions_alone(kind):
    example = golden(kind) | {"input": ""}
    wanted = [claim["id"] for claim in example["metadata"]["claims"] if not is_constant(claim)]
    assert insufficient(example) == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_claim_that_disagrees_with_the_prompt_is_named(kind):
    example = golden(kind)
    for position, claim in enumerate(example["metadata"]["claims"]):
        if is_constant(claim):
            continue
        changed = deepcopy(example)
        other = changed["metadata"]["claims"][position]
        if claim["text"] is None:
            other["value"] += 10
        else:
            other["text"] = claim["text"][:-1] + ("1" if claim["text"][-1] != "1" else "2")
        assert claim["id"] in insufficient(changed), claim["id"]


def test_a_value_in_another_unit_is_not_the_claimed_one():
    example = golden("blood_glucose")
    changed = example | {"input": example["input"].replace("81 mg/dL", "81 mmol/L")}
    assert insufficient(changed) == ["glucose.min"]


def test_a_value_of_another_kind_does_not_count():
    example = golden("heart_rate")
    changed = example | {"input": example["input"].replace("Record: heart rate", "Record: step count")}
    rejected = insufficient(changed)
    assert "heart_rate.min" in rejected
    assert "day#date" not in rejected


def test_lines_that_contradict_each_other_give_nothing():
    example = golden("blood_glucose")
    changed = example | {"input": example["input"].replace("SD: 19.62", "SD: 21 mg/dL\nSD: 19.62")}
    assert insufficient(changed) == ["glucose.sd"]


def full_day(**other):
    """A day whose every reading stands in the prompt, with facts that follow from it."""
    values = [100 + i % 60 for i in range(288)]
    series = readings(values, start=at(0))
    row = {"n": 288, "expected_n": 288, "mean": 128.5, "min": 100.0, "min_at_local": at(0), "max": 159.0}
    row |= {"max_at_local": at(4, 55), "pct_70_140": 100 * sum(v <= 140 for v in values) / 288}
    return one("blood_glucose", **row, series=series, sources=[source(STELO, n=288, value=128.5)], **other)


def of_readings(example):
    """The example with all lines of facts and sources taken out, so that the readings are left."""
    lines = example["input"].split("\n")
    kept = ("Record", "Local day", "Not assessable", "Readings")
    return example | {"input": "\n".join(s for s in lines if s.startswith(kept) or re.match(r"\d\d: \d\d=", s))}


def test_what_all_readings_give_needs_no_line_of_its_own():
    mean = sum(100 + i % 60 for i in range(288)) / 288
    assert mean == 128.5
    stated = {claim["id"] for claim in full_day()["metadata"]["claims"]}
    assert {"glucose.n", "glucose.mean", "glucose.min#at", "glucose.max#at", "glucose.pct_70_140"} <= stated
    assert insufficient(of_readings(full_day())) == ["glucose.source_lag_minutes#most"]


def test_a_row_of_readings_that_is_missing_is_missed_where_nothing_else_gives_the_value():
    example = of_readings(full_day())
    lines = example["input"].split("\n")
    first = next(i for i, line in enumerate(lines) if line.startswith("00: 00="))
    assert {"glucose.n", "glucose.min#at"} <= set(insufficient(without(example, {first})))
    assert "glucose.n" not in insufficient(example)


def test_means_of_readings_do_not_stand_in_for_the_readings():
    example = full_day()
    shortened = of_readings(
        example | {"input": example["input"].replace("one before):", "one before); shortened to means per 15 min:")}
    )
    assert {"glucose.n", "glucose.mean", "glucose.max"} <= set(insufficient(shortened))


def test_stage_minutes_follow_from_the_runs():
    runs = [(0, 60, "LIGHT"), (60, 30, "DEEP"), (90, 10, "AWAKE"), (100, 50, "REM")]
    stages = [
        {"start_local": at(m // 60, m % 60), "end_local": at((m + n) // 60, (m + n) % 60), "stage": s}
        for m, n, s in runs
    ]
    row = {"tst": 140.0, "waso": 10.0, "light": 60.0, "deep": 30.0, "rem": 50.0, "pct_deep": 100 * 30 / 140}
    example = one("sleep", **row, staged=True, stages=stages, sources=[source(SAMSUNG, value=140.0)])
    lines = example["input"].split("\n")
    kept = ("Record", "Local day", "Not assessable", "Main session")
    only_runs = example | {"input": "\n".join(s for s in lines if s.startswith(kept) or re.match(r"\d\d: \d\d ", s))}
    assert insufficient(only_runs) == []
    wrong = deepcopy(only_runs)
    next(c for c in wrong["metadata"]["claims"] if c["id"] == "sleep.deep")["value"] = 45.0
    assert insufficient(wrong) == ["sleep.deep"]


def test_the_value_of_another_source_is_missed_with_its_line():
    example = golden("sleep")
    lines = example["input"].split("\n")
    gone = {i for i, line in enumerate(lines) if line.startswith("Source Oura")}
    assert insufficient(without(example, gone)) == [f"sleep.tst#other:{OURA}", f"sleep.tst#other:{OURA}#difference"]


def test_a_number_of_a_reason_is_missed_with_the_reason():
    example = golden("blood_glucose")
    lines = example["input"].split("\n")
    gone = {i for i, line in enumerate(lines) if line.startswith("Not assessable")}
    names = insufficient(without(example, gone))
    assert names
    assert all("#needs_" in name for name in names)


def test_the_line_of_one_source_does_not_answer_for_another():
    example = golden("sleep")
    changed = example | {"input": example["input"].replace("Source Oura:", "Source Dexcom Stelo:")}
    assert insufficient(changed) == [f"sleep.tst#other:{OURA}", f"sleep.tst#other:{OURA}#difference"]
    swapped = example | {"input": example["input"].replace("Source Oura: not used", "Source Oura: used")}
    assert f"sleep.tst#other:{OURA}" in insufficient(swapped)


def test_a_time_of_another_day_is_not_that_of_the_day():
    example = golden("steps")
    assert "2025-03-03 17:03" in example["input"]
    changed = example | {"input": example["input"].replace("2025-03-03 17:03", "2025-03-02 17:03")}
    assert insufficient(changed) == [f"steps.recommended_total#other:{OURA}:as_of"]


def test_what_two_sources_say_each_does_not_answer_for_what_they_say_together():
    sources = [source(SAMSUNG, n=2, value=8000.0), source(OURA, n=3, value=100.0)]
    example = one("steps", recommended_total=8000.0, lower_bound=False, sources=sources)
    fact = next(i for i, line in enumerate(example["input"].split("\n")) if line.startswith("total: "))
    assert insufficient(without(example, {fact})) == ["steps.recommended_total"]
    alone = one("steps", recommended_total=8000.0, lower_bound=False, sources=sources[:1])
    assert insufficient(without(alone, {fact - 1})) == []


def test_formulas_that_run_in_a_circle_give_nothing():
    example = golden("sleep")
    first, second = deepcopy(example["metadata"]["claims"][:2])
    first |= {"id": "sleep.a", "formula": "sleep.b + 0", "operands": ["sleep.b"]}
    second |= {"id": "sleep.b", "formula": "sleep.a + 0", "operands": ["sleep.a"]}
    itself = first | {"id": "sleep.c", "formula": "sleep.c + 0", "operands": ["sleep.c"]}
    line = example | {"metadata": {"claims": [first, second, itself]}}
    assert insufficient(line) == ["sleep.a", "sleep.b", "sleep.c"]
