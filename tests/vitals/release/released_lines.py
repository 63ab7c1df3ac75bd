"""Training lines for tests of releases: made-up persons with several days each.

Belongs here: lines from made-up facts. Does not belong here: expectations.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import polars as pl

from tests.vitals.training.fact_frames import DAY, KINDS, random_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import TaskMix

EVERY_TASK = TaskMix(question=1, data_quality=1, abstention=1, preference=1)


def training_lines(persons: int, days: int, *, seed: int = 0, kinds: tuple[str, ...] = KINDS) -> list[dict[str, Any]]:
    """Parsed lines of persons who all have the same days, in the order of the training lake."""
    found = []
    for kind, frame in _tables(persons, days, seed=seed, kinds=kinds):
        lines = build_examples(kind, frame, tenant="default", processor_version="0.1.0", mix=EVERY_TASK)
        found += [orjson.loads(line) for line in lines]
    return found


def journal_lines(persons: int, days: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Parsed lines of the day journal of the last of these days, all kinds."""
    lines = build_journal(
        dict(_tables(persons, days, seed=seed, kinds=KINDS)),
        local_day=DAY + timedelta(days=days - 1),
        tenant="default",
        processor_version="0.1.0",
    )
    return [orjson.loads(line) for line in lines]


def _tables(persons: int, days: int, *, seed: int, kinds: tuple[str, ...]) -> Iterator[tuple[str, pl.DataFrame]]:
    chance = random.Random(seed)
    subjects = [f"{chance.getrandbits(128):032x}" for _ in range(persons)]
    for kind in kinds:
        facts = random_facts(kind, persons * days, seed=chance.randrange(10**6))
        yield (
            kind,
            facts.with_columns(
                subject_id=pl.Series([subject for subject in subjects for _ in range(days)]),
                local_date=pl.Series([DAY + timedelta(days=day) for _ in subjects for day in range(days)]),
            ),
        )
