import re

import orjson
import pytest

from tests.vitals.training.fact_frames import DAY, KINDS, STELO, at, facts, random_facts, readings, source
from vitals.training.examples import build_examples
from vitals.training.language import violations
from vitals.training.prompt_words import TOPICS
from vitals.training.prompts import INSTRUCTIONS, TOKEN_BUDGET, estimate_tokens


def examples(kind, frame):
    return [orjson.loads(line) for line in build_examples(kind, frame, tenant="default", processor_version="0.1.0")]


@pytest.mark.parametrize("kind", KINDS)
def test_every_line_of_a_prompt_is_a_statement_of_its_own(kind):
    for example in examples(kind, random_facts(kind, 50, seed=3)):
        lines = example["input"].split("\n")
        assert lines[0] == f"Record: {TOPICS[kind]}"
        assert lines[1].startswith("Local day: ")
        assert len(set(lines)) == len(lines) or "an unlisted app" in example["input"]
        assert max(map(len, lines)) < 700


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_keeps_to_its_budget(kind):
    for example in examples(kind, random_facts(kind, 150, seed=4)):
        assert estimate_tokens(example["input"]) <= TOKEN_BUDGET


def glucose_day(every_minutes):
    count = 1440 // every_minutes
    values = [100 + i % 60 for i in range(count)]
    series = readings(values, start=at(0), every_minutes=every_minutes)
    return facts("blood_glucose", [{"n": count, "mean": 129.5, "series": series, "sources": [source(STELO)]}])


def values_in(text):
    """Values in the rows of a table."""
    return sum(len(row[4:].split(" ")) for row in text.split("\n") if re.match(r"\d\d: ", row))


def test_a_full_day_of_five_minute_readings_is_shown_whole():
    text = examples("blood_glucose", glucose_day(5))[0]["input"]
    assert values_in(text) == 288
    assert "shortened" not in text


def test_a_day_of_minute_readings_is_shown_as_means_and_says_so():
    text = examples("blood_glucose", glucose_day(1))[0]["input"]
    assert "shortened to means per 15 min" in text
    assert values_in(text) == 96
    assert estimate_tokens(text) <= TOKEN_BUDGET


def test_a_night_with_too_many_stage_runs_leaves_them_out_and_says_so():
    runs = [
        {"start_local": at(i // 60, i % 60), "end_local": at(i // 60, i % 60), "stage": "OUT_OF_BED"}
        for i in range(600)
    ]
    text = examples("sleep", facts("sleep", [{"tst": 400.0, "stages": runs}]))[0]["input"]
    assert "left out" in text
    assert "out of bed" not in text


def test_a_prompt_does_not_show_a_withheld_headline_of_any_source():
    frame = facts(
        "blood_glucose",
        [{"n": 5, "sources": [source(STELO, value=123.0), source("org.other.app", used=False, value=77.0)]}],
    )
    text = examples("blood_glucose", frame)[0]["input"]
    assert "123" not in text
    assert "77" not in text


@pytest.mark.parametrize("topic", TOPICS.values())
@pytest.mark.parametrize("wording", INSTRUCTIONS.options)
def test_an_instruction_asks_for_nothing_forbidden(topic, wording):
    assert violations(wording.format(topic=topic)) == []


def test_instructions_vary_between_people_and_days():
    rows = [{"subject_id": f"s{i}", "local_date": DAY} for i in range(200)]
    assert len({e["instruction"] for e in examples("steps", facts("steps", rows))}) == len(INSTRUCTIONS.options)
