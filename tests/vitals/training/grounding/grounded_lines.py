"""Lines of all kinds and tasks over a twin cohort, for the tests of the grounding check.

Belongs here: making lines. Does not belong here: expectations.
"""

from functools import cache
from typing import Any

import orjson

from tests.vitals.training.twin_facts import twin_facts
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import TaskMix

MIX = TaskMix(daily_summary=1, question=5, data_quality=1, abstention=3, preference=3)

Line = dict[str, Any]


@cache
def lines() -> tuple[Line, ...]:
    """Lines of every kind and task, in a fixed order."""
    made: list[Line] = []
    for kind, facts in sorted(twin_facts(3, people=5, days=8).items()):
        for line in build_examples(kind, facts, tenant="default", processor_version="0.0.0", mix=MIX):
            made.append(orjson.loads(line))
    return tuple(made)
