"""What texts say of days on which the data are unusual: read as a clinician would, over all wordings.

Belongs here: days whose sentences were once untrue or misleading. Does not belong here: what every text must hold.
"""

from typing import Any

import orjson

from tests.vitals.training.fact_frames import DAY, OURA, facts, source
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.grounding.check import ungrounded
from vitals.training.sufficiency.evaluator import insufficient
from vitals.training.tasks.mix import TaskMix

EVERYTHING = TaskMix(daily_summary=1, question=12, data_quality=1, abstention=4, preference=12)
PEOPLE = 24
"""So many that every wording of a statement occurs."""

Line = dict[str, Any]


def made(kind: str, row: dict[str, Any], **task: str) -> list[Line]:
    """Checked lines of a day of many people, of one task and question if told."""
    frame = facts(kind, [{"subject_id": f"subject-{i}"} | row for i in range(PEOPLE)], reason="it was not measured")
    lines = map(orjson.loads, build_examples(kind, frame, tenant="default", processor_version="0", mix=EVERYTHING))
    return checked([line for line in lines if task.items() <= line["metadata"].items()])


def journals(kind: str, row: dict[str, Any]) -> list[Line]:
    """Checked journals of a day on which only one kind has data."""
    frame = facts(kind, [{"subject_id": f"subject-{i}"} | row for i in range(PEOPLE)], reason="it was not measured")
    lines = map(orjson.loads, build_journal({kind: frame}, local_day=DAY, tenant="default", processor_version="0"))
    return checked([line for line in lines if line["metadata"]["task"] == "day_journal"])


def checked(lines: list[Line]) -> list[Line]:
    assert lines
    for line in lines:
        assert ungrounded(line) == []
        assert insufficient(line) == []
    return lines


VALUES_BY_DAY = {"n": None, "sources": [source(OURA, used=False, n=1)]}


def test_values_outside_a_night_are_of_the_app_that_delivered_them_and_not_of_another() -> None:
    for line in (*made("hrv_rmssd", VALUES_BY_DAY, task="daily_summary"), *journals("hrv_rmssd", VALUES_BY_DAY)):
        text = line["output"]
        assert "an unlisted app" not in text
        # "Also" needs another that was used, and that there are values is no reason for using none.
        assert "also" not in text
        assert "so that" not in text
        assert "Oura delivered data, which were not used" in text or "Data of Oura were present, but not used" in text
