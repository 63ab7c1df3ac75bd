"""Values of a kind as a decoded frame names them.

Belongs here: the names, and limits of time that rules of rows and of items share.
Does not belong here: the rules (`rules`, `items`).
"""

import polars as pl

from vitals.record_types import RecordType

YEAR_2000_MS = 946_684_800_000
YEAR_2100_MS = 4_102_444_800_000
FUTURE_TOLERANCE_MS = 10 * 60_000
"""A phone's clock may run behind its sources' clocks by some minutes; more is not a measurement yet."""

LATER_THAN_MODIFIED_MS = 60 * 60_000
"""An instant this long after its record was written did not exist then, whenever the record is fetched. A phone's clock
may run behind its sources' clocks; an hour is the least by which a wrong zone shifts a time."""

DECODED_NAMES = {"level_mg_dl": "level_raw"}
"""Value columns whose decoded name differs: the decoded level is not yet rounded."""

JUDGED_COLUMNS = frozenset({"duration_implausible", "dropped_items"})
"""Value columns of validated tables that no writer delivers: validation finds them."""


def rounded(value: pl.Expr, column: str) -> pl.Expr:
    """A value as its range judges it: float noise of a unit round trip must not decide."""
    return (value + 0.5).floor() if column in DECODED_NAMES else value


def value_columns(record_type: RecordType) -> list[str]:
    """Names of a kind's values in a decoded frame."""
    return [DECODED_NAMES.get(name, name) for name in record_type.value_columns if name not in JUDGED_COLUMNS]
