"""Which metrics may be stated, and why not (docs/spec/narrative.md B).

Belongs here: the mechanism that turns preconditions into null values with reasons, for all kinds alike.
Does not belong here: the preconditions themselves; each kind's module lists its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.clinical.metrics import Metric, metrics_of

WITHHELD_TYPE = pl.List(pl.Struct({"metric": pl.String(), "reason": pl.String()}))
DOES_NOT_APPLY = "does not apply: "
"""Begins the reason of a metric that data of this sort do not have, such as the coverage of single readings. Texts and
training lines do not speak of it."""
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
    told = [gate for gate in gates if isinstance(gate.reason, pl.Expr)]
    # The row number makes a frame of all rows even of literals.
    checks = frame.select(
        pl.int_range(pl.len()).alias("row"),
        *((~gate.holds.fill_null(value=False)).alias(f"fails {i}") for i, gate in enumerate(gates)),
        *(_text(gate).alias(f"reason {i}") for i, gate in enumerate(told)),
    )
    fails = [checks[f"fails {i}"].to_numpy() for i in range(len(gates))]
    dtypes = frame.schema
    floats = {m.column: i for i, m in enumerate(metrics) if dtypes[m.column] == pl.Float64}
    values = {column: frame[column].to_numpy() for column in floats}
    codes = _codes(frame, metrics, gates, fails, {column: np.isfinite(value) for column, value in values.items()})
    withheld = codes != _STATED
    return frame.with_columns(
        *(
            pl.Series(column, np.where(withheld[:, i], np.nan, values[column]), nan_to_null=True)
            for column, i in floats.items()
            if withheld[:, i].any()
        ),
        *(
            pl.when(pl.lit(pl.Series(~withheld[:, i]))).then(pl.col(metric.column)).alias(metric.column)
            for i, metric in enumerate(metrics)
            if metric.column not in floats and withheld[:, i].any()
        ),
        _lists(codes, metrics, gates, [checks[f"reason {i}"] for i in range(len(told))]),
    )


def _text(gate: Gate) -> pl.Expr:
    text = gate.reason if isinstance(gate.reason, pl.Expr) else pl.lit(gate.reason)
    return text.cast(pl.String).fill_null(NOT_MEASURED)


def _codes(
    frame: pl.DataFrame,
    metrics: Sequence[Metric],
    gates: Sequence[Gate],
    fails: Sequence[NDArray[np.bool_]],
    finite: Mapping[str, NDArray[np.bool_]],
) -> NDArray[np.uint8]:
    """Why each metric (column) of each row is withheld: `_STATED`, a gate's number from 1, or one more for no value.

    Numbers, because one text expression per metric that tries gate after gate takes ten times as long.
    """
    codes = np.full((len(frame), len(metrics)), _STATED, dtype=np.uint8)
    place = {metric.column: i for i, metric in enumerate(metrics)}
    for column, i in place.items():
        has_value = finite[column] if column in finite else frame[column].is_not_null().to_numpy()
        codes[~has_value, i] = len(gates) + 1
    for number, gate in reversed(list(enumerate(gates, start=1))):
        failing = fails[number - 1]
        for column in gate.columns:
            if column in place:
                codes[failing, place[column]] = number
    return codes


def _lists(
    codes: NDArray[np.uint8], metrics: Sequence[Metric], gates: Sequence[Gate], told: Sequence[pl.Series]
) -> pl.Series:
    """The column ``withheld``.

    Args:
        codes: see `_codes`.
        metrics, gates: what their columns and numbers stand for.
        told: reasons of the gates whose reason depends on the row, in their order.
    """
    row, number = np.nonzero(codes)
    code = codes[row, number].astype(np.int64)
    fixed = [gate.reason if isinstance(gate.reason, str) else None for gate in gates]
    texts = [pl.Series([*fixed, NOT_MEASURED], dtype=pl.String), *told]
    position = code - 1
    by_row = [i for i, text in enumerate(fixed) if text is None]
    for block, i in enumerate(by_row):
        position = np.where(code == i + 1, len(texts[0]) + block * len(codes) + row, position)
    entries = pl.DataFrame(
        {
            "row": row,
            "metric": pl.Series([m.id for m in metrics], dtype=pl.String).gather(number),
            "reason": pl.concat(texts).gather(position),
        }
    )
    lists = pl.DataFrame({"row": np.arange(len(codes))}).join(
        entries.group_by("row", maintain_order=True).agg(withheld=pl.struct("metric", "reason")),
        on="row",
        how="left",
        maintain_order="left",
    )
    return lists["withheld"].cast(WITHHELD_TYPE).fill_null(pl.Series([[]], dtype=WITHHELD_TYPE))
