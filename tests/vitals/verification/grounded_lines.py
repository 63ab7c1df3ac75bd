"""Lines of all kinds and tasks over a twin cohort, for the tests of the grounding check.

Belongs here: making lines. Does not belong here: expectations.
"""

from functools import cache
from typing import Any

import orjson

from tests.vitals.training.twin_facts import twin_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import TaskMix

PEOPLE, DAYS = 5, 8
MIX = TaskMix(daily_summary=1, question=5, data_quality=1, abstention=3, preference=3)

Line = dict[str, Any]


@cache
def lines() -> tuple[Line, ...]:
    """Lines of every kind and task, in a fixed order."""
    made: list[Line] = []
    for kind, facts in sorted(twin_facts(3, people=PEOPLE, days=DAYS).items()):
        made += map(orjson.loads, build_examples(kind, facts, tenant="default", processor_version="0.0.0", mix=MIX))
    return (*made, *journal_lines())


@cache
def journal_lines() -> tuple[Line, ...]:
    """Journals and questions over several days."""
    facts = twin_facts(3, people=PEOPLE, days=DAYS)
    dates = sorted({day for table in facts.values() for day in table["local_date"].to_list()})
    made: list[Line] = []
    for day in dates:
        made += map(orjson.loads, build_journal(facts, local_day=day, tenant="default", processor_version="0.0.0"))
    return tuple(made)
