"""Lines of every task for tests: as many of each as a mix allows.

Belongs here: making and picking lines. Does not belong here: expectations.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
import polars as pl

from tests.vitals.training.fact_frames import KINDS, facts, random_facts
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from tests.vitals.training.twin_facts import twin_facts
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import MOST_LINES, TaskMix

ALL = TaskMix(question=MOST_LINES, data_quality=1, abstention=MOST_LINES, preference=MOST_LINES)

Line = dict[str, Any]


def lines(kind: str, frame: pl.DataFrame, mix: TaskMix = ALL) -> list[Line]:
    made = build_examples(kind, frame, tenant="default", processor_version="0.1.0", mix=mix)
    return [orjson.loads(line) for line in made]


def frames() -> Iterator[tuple[str, pl.DataFrame]]:
    """Kinds and tables: a twin cohort, made-up days, and values nobody chose."""
    cohort = twin_facts(11, people=3, days=3)
    for kind in KINDS:
        yield kind, cohort[kind]
        yield kind, facts(kind, [GOLDEN[kind]], reason=REASONS[kind])
        yield kind, random_facts(kind, 60, seed=21)


def of_task(made: list[Line], task: str) -> list[Line]:
    return [line for line in made if line["metadata"]["task"] == task]


def row_of(frame: pl.DataFrame) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Rows by person and date."""
    return {(row["subject_id"], row["local_date"].isoformat()): row for row in frame.iter_rows(named=True)}


def key_of(line: Line) -> tuple[str, str]:
    return line["metadata"]["subject_id"], line["metadata"]["local_date"]
