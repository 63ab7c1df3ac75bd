"""Which day journals no longer follow from the facts, after the facts of one local day have been written again.

Belongs here: the marks of journals; a journal reads the facts of its own day and of the days before it.
Does not belong here: the marks of facts (`staleness`), or who asks for a journal (the `stale_days` sensor).

A journal that nobody has begun needs no mark: it will read the facts as they are then. One that is being written
has a mark (`journal.render_journal` sees to that), and one that has been written has a file.
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any

import polars as pl

from pipeline.training_paths import JOURNAL, category_path
from resources.catalog.rows.days import StaleMark
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES
from vitals.training.day_journal.day_metrics import WINDOW_DAYS
from vitals.training.fact_row import LONG_LISTS

_PEOPLE = pl.Schema({"subject_id": pl.String(), "local_date": pl.Date()})


def journal_marks(tenant: str, days: Iterable[date]) -> list[StaleMark]:
    """Marks of the journals of these days."""
    return [
        StaleMark(tenant=tenant, stage="training", kind=JOURNAL, local_date=day, reason="facts")
        for day in sorted(set(days))
    ]


def journals_after(workspace: Workspace, *, tenant: str, local_day: date) -> list[date]:
    """Days whose journals looked back on a local day, or are doing so: those with a file or a mark."""
    lake = workspace.lake(tenant)
    later = [local_day + timedelta(days=ahead) for ahead in range(1, WINDOW_DAYS)]
    begun = workspace.catalog.stale_days.marked(tenant, "training", JOURNAL, later)
    # After the marks: a journal has its file before it loses its mark.
    return [day for day in later if day in begun or lake.exists(category_path(JOURNAL, day))]


def touched(lake: Lake, days: Collection[date], *, table: str, local_day: date, facts: pl.DataFrame) -> set[date]:
    """Those of the days on which somebody whose facts of a local day are about to change has data of any kind.

    Args:
        lake: the tenant's lake.
        days: days to choose from.
        table: the clinical table as it is now.
        local_day: the day whose facts change.
        facts: its facts as they will be.
    """
    if not days:
        return set()
    before = lake.scan(table, schema=facts.schema, partitions=("local_date", [local_day]))
    people = _changed(before.drop(LONG_LISTS, strict=False).collect(), facts.drop(LONG_LISTS, strict=False))
    found: set[date] = set()
    for record_type in RECORD_TYPES:
        rows = lake.scan(f"clinical/{record_type.kind}", schema=_PEOPLE, partitions=("local_date", days))
        found |= set(rows.filter(pl.col("subject_id").is_in(people)).collect()["local_date"])
    return found


def _changed(before: pl.DataFrame, after: pl.DataFrame) -> list[str]:
    """People whose rows differ, or are in one of the frames only."""
    old, new = _by_person(before), _by_person(after)
    return sorted(subject_id for subject_id in old.keys() | new.keys() if old.get(subject_id) != new.get(subject_id))


def _by_person(facts: pl.DataFrame) -> dict[str, dict[str, Any]]:
    return {row["subject_id"]: row for row in facts.iter_rows(named=True)}
