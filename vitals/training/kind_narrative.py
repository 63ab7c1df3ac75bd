"""What a kind's module hands to the builder of examples.

Belongs here: the shape of that, as data and one function.
Does not belong here: any kind.
"""

from collections.abc import Callable
from dataclasses import dataclass

from vitals.record_types import RecordType
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative
from vitals.training.not_assessable import Labels


@dataclass(frozen=True)
class SeriesTable:
    """How the `series` column of a kind is shown in a prompt.

    Attributes:
        title: line above the table; names the unit.
        decimals: decimals of the values.
        limits: columns of the lowest and highest value that the device can tell; values at or beyond are shown so.
    """

    title: str
    decimals: int
    limits: tuple[str, str] | None = None


@dataclass(frozen=True)
class StagesTable:
    """How the `stages` column of sleep is shown in a prompt.

    Attributes:
        title: line above the table.
    """

    title: str


@dataclass(frozen=True, kw_only=True)
class KindNarrative:
    """One kind's way from a fact row to text.

    Attributes:
        record_type: the kind.
        narrate: writes the sentences of a row.
        headline: columns that a full account of the day states; without one of them it is a limited one.
        labels: what its metrics are called where they are not assessable.
        source_value: what the `value` of a source is, if not the first headline metric.
        counted: what the `n` of a source counts, as a plural in s.
        table: what a prompt tabulates, if the kind has a series.
    """

    record_type: RecordType
    narrate: Callable[[FactRow, Narrative], None]
    headline: tuple[str, ...]
    labels: Labels
    counted: str = "records"
    source_value: str | None = None
    table: SeriesTable | StagesTable | None = None
