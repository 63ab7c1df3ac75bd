"""What an answer goes without where its facts alone are longer than a prompt may be.

Belongs here: which details go first, and what the prompt says of them.
Does not belong here: the series, which gives way before any fact does (`prompts`).

A shorter form is the same row with details taken out of it, so that text, claims and prompt lose the same.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from vitals.clinical.metrics import metrics_of
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative

EPISODES = "single episodes with their times"
OTHER_SOURCES = "sources that were not used"
FURTHER_FIGURES = "all figures but coverage and the main ones"

_EPISODE_LISTS = ("episodes", "bouts", "naps")
_COVERAGE = ("n", "wear_percent", "coverage_percent", "tib", "lower_bound")


def forms(row: FactRow, kind: KindNarrative) -> Iterator[tuple[FactRow, tuple[str, ...]]]:
    """A row and its shorter forms, the fullest first, each with the names of what it goes without.

    Episodes go first, for their number is stated without them; then sources that were not used; then all
    figures but `_COVERAGE` and the headline of the kind. What may not be stated stays in all of them.
    """
    yield row, ()
    values: Mapping[str, Any] = row.values
    left_out: tuple[str, ...] = ()
    lists = [name for name in _EPISODE_LISTS if values.get(name)]
    if lists:
        values = {**values, **dict.fromkeys(lists)}
        left_out = (*left_out, EPISODES)
        yield FactRow(row.record_type, values), left_out
    if row.others:
        values = {**values, "sources": row.used}
        left_out = (*left_out, OTHER_SOURCES)
        yield FactRow(row.record_type, values), left_out
    kept = {*_COVERAGE, *kind.headline}
    further = [
        metric.column
        for metric in metrics_of(row.record_type.kind, "day")
        if metric.column not in kept and values[metric.column] is not None
    ]
    if further:
        yield FactRow(row.record_type, {**values, **dict.fromkeys(further)}), (*left_out, FURTHER_FIGURES)
