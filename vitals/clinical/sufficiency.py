"""Which metrics may be stated, and why not (NARRATIVE.md B).

Belongs here: the mechanism that turns preconditions into null values with reasons, for all kinds alike.
Does not belong here: the preconditions themselves; each kind's module lists its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from vitals.clinical.metrics import metrics_of

WITHHELD_TYPE = pl.List(pl.Struct({"metric": pl.String(), "reason": pl.String()}))
NOT_MEASURED = "no value could be computed from the records of this period"


@dataclass(frozen=True)
class Gate:
    """One precondition of some metrics.

    Attributes:
        columns: metric columns it guards.
        holds: Boolean expression over a row of the fact frame; null counts as not met.
        reason: what is missing, as a sentence part that completes "withheld: ...".
    """

    columns: tuple[str, ...]
    holds: pl.Expr
    reason: str | pl.Expr


def apply_gates(
    frame: pl.DataFrame, *, kind: str, scope: Literal["day", "window"], gates: Sequence[Gate]
) -> pl.DataFrame:
    """Null every metric whose precondition fails and say why.

    Args:
        frame: one row per person and period, one column per metric of the kind and scope (missing columns
            are added as null).
        gates: in order of precedence; the first that fails gives the reason.

    Returns:
        The frame with those metrics null and a column ``withheld`` (list of metric and reason), so that each
        metric of the kind is either a value or in ``withheld``, never both and never neither.
    """
    metrics = metrics_of(kind, scope)
    frame = frame.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(m.column) for m in metrics if m.column not in frame.columns
    )
    # Each gate is evaluated once, however many metrics it guards.
    failing = {f"__gate_{i}": ~gate.holds.fill_null(value=False) for i, gate in enumerate(gates)}
    frame = frame.with_columns(**failing)
    reasons: dict[str, pl.Expr] = {}
    values: list[pl.Expr] = []
    for metric in metrics:
        missing = pl.col(metric.column).is_null()
        if frame.schema[metric.column].is_float():
            missing = missing | ~pl.col(metric.column).is_finite()
        reason = pl.when(missing).then(pl.lit(NOT_MEASURED))
        for i, gate in reversed(list(enumerate(gates))):
            if metric.column in gate.columns:
                text = pl.lit(gate.reason) if isinstance(gate.reason, str) else gate.reason
                reason = pl.when(pl.col(f"__gate_{i}")).then(text).otherwise(reason)
        reasons[metric.id] = reason
        values.append(pl.when(reason.is_null()).then(pl.col(metric.column)).alias(metric.column))
    withheld = (
        pl.concat_list(
            pl.when(reason.is_not_null()).then(
                pl.struct(pl.lit(metric_id).alias("metric"), reason.cast(pl.String).alias("reason"))
            )
            for metric_id, reason in reasons.items()
        )
        .list.drop_nulls()
        .cast(WITHHELD_TYPE)
        .alias("withheld")
    )
    return frame.with_columns(*values, withheld).drop(failing)
