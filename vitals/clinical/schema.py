"""The shape of a clinical table: which columns, in which order, of which type.

Belongs here: the schema that follows from the shared fact columns, the metric registry and a kind's support
columns, and the cast of a computed frame to it.
Does not belong here: what the columns mean (`context`, `metrics`, the module of the kind).
"""

import polars as pl

from vitals.clinical.context import FACT_COLUMNS
from vitals.clinical.metrics import Metric, metrics_of
from vitals.clinical.sufficiency import WITHHELD_TYPE

WINDOW_COLUMNS = pl.Schema(
    {
        "subject_id": pl.String(),
        # First and last local date of the window, whether or not they have data.
        "first_date": pl.Date(),
        "last_date": pl.Date(),
        "days": pl.Int64(),
        "days_with_data": pl.Int64(),
    }
)
"""Columns every window summary has before its metrics; `withheld` comes last."""


def metric_dtype(metric: Metric) -> pl.DataType:
    """Column type of a metric: whole numbers for counts, truth values for bool, else floats."""
    if metric.unit == "count":
        return pl.Int64()
    if metric.unit == "bool":
        return pl.Boolean()
    return pl.Float64()


def fact_schema(kind: str, support: pl.Schema) -> pl.Schema:
    """Full ordered schema of a kind's clinical table.

    Args:
        kind: name of the record type.
        support: the kind's own columns beside its metrics.

    Returns:
        FACT_COLUMNS, the day metrics, the support columns and ``withheld``. A metric with the name of a fact
        column (``coverage_percent``) is that fact column.

    Raises:
        KeyError: the kind is not one of the record types.
    """
    metrics = {m.column: metric_dtype(m) for m in metrics_of(kind, "day") if m.column not in FACT_COLUMNS}
    return pl.Schema({**FACT_COLUMNS, **metrics, **support, "withheld": WITHHELD_TYPE})


def window_schema(kind: str) -> pl.Schema:
    """Full ordered schema of a kind's window summary: WINDOW_COLUMNS, the window metrics, ``withheld``.

    Raises:
        KeyError: the kind is not one of the record types.
    """
    metrics = {m.column: metric_dtype(m) for m in metrics_of(kind, "window")}
    return pl.Schema({**WINDOW_COLUMNS, **metrics, "withheld": WITHHELD_TYPE})


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Columns of the schema only, in its order and types, rows by subject and day (or first day).

    Raises:
        polars.exceptions.ColumnNotFoundError: the frame lacks a column of the schema.
        polars.exceptions.InvalidOperationError: a value does not fit its type.
    """
    order = ["subject_id", "local_date" if "local_date" in schema else "first_date"]
    given = frame.schema
    columns = [name if given.get(name) == dtype else pl.col(name).cast(dtype) for name, dtype in schema.items()]
    return frame.select(columns).sort(order)
