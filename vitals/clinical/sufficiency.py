"""Which metrics may be stated, and why not (NARRATIVE.md B).

Belongs here: the mechanism that turns preconditions into null values with reasons, for all kinds alike.
Does not belong here: the preconditions themselves; each kind's module lists its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.clinical.metrics import Metric, metrics_of

WITHHELD_TYPE = pl.List(pl.Struct({"metric": pl.String(), "reason": pl.String()}))
NOT_MEASURED = "no value could be computed from the records of this period"

_STATED = 0


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
        kind: name of the record type.
        scope: which of its metrics the frame is about.
        gates: in order of precedence; the first that fails gives the reason.

    Returns:
        The frame with those metrics null and a column ``withheld`` (list of metric and reason), so that each
        metric of the kind is either a value or in ``withheld``, never both and never neither.
    """
    metrics = metrics_of(kind, scope)
    present = set(frame.columns)
    frame = frame.with_columns(
        pl.lit(None, dtype=pl.Float64).alias(m.column) for m in metrics if m.column not in present
    )
    codes = _codes(frame, metrics, gates)
    row, number = np.nonzero(codes)
    reason = codes[row, number].astype(np.int64) * len(frame) + row
    entries = pl.DataFrame(
        {
            "row": row,
            "metric": pl.Series([m.id for m in metrics], dtype=pl.String).gather(number),
            "reason": _reasons(frame, gates).gather(reason),
        }
    )
    lists = pl.DataFrame({"row": np.arange(len(frame))}).join(
        entries.group_by("row", maintain_order=True).agg(withheld=pl.struct("metric", "reason")),
        on="row",
        how="left",
        maintain_order="left",
    )
    return frame.with_columns(
        *(
            pl.when(pl.lit(pl.Series(codes[:, i] == _STATED))).then(pl.col(metric.column)).alias(metric.column)
            for i, metric in enumerate(metrics)
            if codes[:, i].any()
        ),
        lists["withheld"].cast(WITHHELD_TYPE).fill_null(pl.Series([[]], dtype=WITHHELD_TYPE)),
    )


def _codes(frame: pl.DataFrame, metrics: Sequence[Metric], gates: Sequence[Gate]) -> NDArray[np.uint8]:
    """Why each metric (column) of each row is withheld: `_STATED`, a gate's number from 1, or one more for no value.

    Numbers, because one text expression per metric that tries gate after gate takes ten times as long.
    """
    codes = np.full((len(frame), len(metrics)), _STATED, dtype=np.uint8)
    for i, metric in enumerate(metrics):
        column = frame[metric.column]
        if column.dtype.is_float():
            # A null is NaN there.
            codes[~np.isfinite(column.to_numpy()), i] = len(gates) + 1
        elif column.null_count():
            codes[column.is_null().to_numpy(), i] = len(gates) + 1
    # The row number makes a frame of all rows even of literals.
    fails = frame.select(
        pl.int_range(pl.len()).alias("row"),
        *((~gate.holds.fill_null(value=False)).alias(str(i)) for i, gate in enumerate(gates)),
    )
    for i, gate in reversed(list(enumerate(gates))):
        guarded = np.array([m.column in gate.columns for m in metrics], dtype=np.bool_)
        codes[np.logical_and.outer(fails[str(i)].to_numpy(), guarded)] = i + 1
    return codes


def _reasons(frame: pl.DataFrame, gates: Sequence[Gate]) -> pl.Series:
    """Text of every code for every row, code after code."""
    texts = [
        pl.lit(""),
        *(pl.lit(gate.reason) if isinstance(gate.reason, str) else gate.reason for gate in gates),
        pl.lit(NOT_MEASURED),
    ]
    columns = frame.select(
        pl.int_range(pl.len()).alias("row"),
        *(text.cast(pl.String).fill_null(NOT_MEASURED).alias(str(i)) for i, text in enumerate(texts)),
    )
    return pl.concat([columns[str(i)].alias("reason") for i in range(len(texts))])
