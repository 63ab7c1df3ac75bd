"""What the grounding check promises: originals pass, every mutation is rejected."""

from random import Random

import pytest

from tests.vitals.training.grounding.grounded_lines import Line, lines
from tests.vitals.training.grounding.mutations import MUTATIONS
from vitals.training.grounding.check import ungrounded

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
    assert len(kinds) == 7
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
