"""What an answer goes without where its facts alone are longer than a prompt may be.

Belongs here: which details go first, and what the prompt says of them.
Does not belong here: the series, which gives way before any fact does (`prompts`).

A shorter form is the same row with details taken out of it, so that text, claims and prompt lose the same.
"""

from collections.abc import Iterator

from vitals.clinical.metrics import metrics_of
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative

EPISODES = "single episodes or readings with their times"
OTHER_SOURCES = "sources that were not used"
FURTHER_FIGURES = "all figures but coverage and the main ones"

_EPISODE_LISTS = ("episodes", "bouts", "naps", "single_readings")
_COVERAGE = ("n", "wear_percent", "coverage_percent", "tib", "lower_bound")


def forms(row: FactRow, kind: KindNarrative) -> Iterator[tuple[FactRow, tuple[str, ...]]]:
    """A row and its shorter forms, the fullest first, each with the names of what it goes without.

    Episodes go first, for their number is stated without them; then sources that were not used; then all
    figures but `_COVERAGE` and the headline of the kind. What may not be stated stays in all of them.
    """
    yield row, ()
    left_out: tuple[str, ...] = ()
    lists = [name for name in _EPISODE_LISTS if row.values.get(name)]
    if lists:
        row = row.without(lists)
        left_out = (*left_out, EPISODES)
        yield row, left_out
    if row.others:
        row = row.without((), sources=row.used)
        left_out = (*left_out, OTHER_SOURCES)
        yield row, left_out
    kept = {*_COVERAGE, *kind.headline}
    further = [
        metric.column
        for metric in metrics_of(row.record_type.kind, "day")
        if metric.column not in kept and row.values[metric.column] is not None
    ]
    if further:
        yield row.without(further), (*left_out, FURTHER_FIGURES)
