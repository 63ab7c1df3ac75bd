"""What the grounding check promises: originals pass, every mutation is rejected."""

from datetime import timedelta
from random import Random

import orjson
import pytest

from tests.vitals.training.fact_frames import DAY, OURA, facts, source
from tests.vitals.verification.grounded_lines import Line, lines
from tests.vitals.verification.mutations import MUTATIONS
from vitals.record_types import RECORD_TYPES
from vitals.training.day_journal import multi_day
from vitals.training.day_journal.build import build_journal
from vitals.verification.grounding.check import ungrounded

LABELS = {
    "digit": {"number"},
    "unit": {"unit"},
    "date": {"date"},
    "time": {"time"},
    "comparison": {"comparison"},
    "metric": {"metric"},
    "withheld_stated": {"withheld"},
}
"""Label of a rejected fact -> what the check has to find wrong."""


def mutated(line: Line, output: str) -> Line:
    return {**line, "output": output}


def test_at_least_a_thousand_lines_of_all_kinds_and_tasks_are_grounded():
    found = [(line["output"], problems) for line in lines() if (problems := ungrounded(line))]
    assert found == []
    assert len(lines()) >= 1_000
    kinds = {line["metadata"]["record_type"] for line in lines()}
    tasks = {line["metadata"]["task"] for line in lines()}
    assert len(kinds) == len(RECORD_TYPES) + 1
    single_day = {"daily_summary", "question", "data_quality", "abstention", "preference"}
    assert tasks == {*single_day, "day_journal", "multi_day_question"}


@pytest.mark.parametrize("name", MUTATIONS)
def test_every_line_with_one_wrong_token_is_rejected(name):
    accepted, tried = [], 0
    for number, line in enumerate(lines()):
        outputs = list(MUTATIONS[name](line["output"]))
        for output in Random(f"{name}|{number}").sample(outputs, min(3, len(outputs))):
            tried += 1
            if not ungrounded(mutated(line, output)):
                accepted.append((line["output"], output))
    assert accepted == []
    assert tried >= 1_000


def test_what_another_summary_of_the_same_kind_says_is_rejected():
    summaries = [line for line in lines() if line["metadata"]["task"] == "daily_summary"]
    for line, other in zip(summaries, summaries[1:], strict=False):
        if line["metadata"]["record_type"] == other["metadata"]["record_type"]:
            assert ungrounded(mutated(line, other["output"]))


def test_a_day_below_the_mean_that_is_named_twice_is_rejected(monkeypatch):
    monkeypatch.setattr(multi_day, "QUESTIONS_A_DAY", 99)
    days = [DAY - timedelta(days=back) for back in range(6)]
    rows = [
        {"local_date": day, "mean_time_weighted": value, "coverage_percent": 90.0, "n": 900, "sources": [source(OURA)]}
        for day, value in zip(days, (70.0, 60.0, 60.0, 71.0, 72.0, 73.0), strict=True)
    ]
    made = build_journal(
        {"heart_rate": facts("heart_rate", rows)}, local_day=DAY, tenant="default", processor_version="0"
    )
    below = [line for line in map(orjson.loads, made) if "below its own" in line["output"]]
    assert below
    for line in below:
        assert ungrounded(line) == []
        said_twice = line["output"].replace(f"{days[2]}", f"{days[1]}")
        assert [problem.kind for problem in ungrounded(mutated(line, said_twice))] == ["date"]
