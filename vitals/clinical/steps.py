"""Step facts of a local day and of a window.

Belongs here: the metrics of steps (docs/spec/clinical.md section 5) and their preconditions.
Does not belong here: how records become totals (`interval_totals`).
"""

import polars as pl

from vitals.clinical import interval_totals
from vitals.clinical.context import DayContext
from vitals.clinical.exact_sums import exact_sum
from vitals.clinical.interval_totals import daily_totals, total_gates, window_means
from vitals.clinical.schema import conform, fact_schema
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import STEPS

KIND = STEPS
SUPPORT = interval_totals.SUPPORT

MINUTE_MS = 60_000
MODERATE_STEPS_PER_MINUTE = 100
# A record cut into shares adds up to its count only within rounding.
ROUNDING = 1e-6

_GATES = (
    *total_gates("minutes_ge100"),
    Gate(
        ("minutes_ge100",),
        pl.col("longest_ms") <= MINUTE_MS,
        "records of the source used are longer than a minute, so the cadence is not known",
    ),
)


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Step facts per person and local day with data of its own.

    A running total is stated as a lower bound (`lower_bound`, `provisional`).

    Args:
        records: validated steps columns with LOCAL_COLUMNS.
        context: days and explicit source order of steps.

    Returns:
        `fact_schema("steps", SUPPORT)`. `value` of a source is its own total. Totals are fractions where a
        record was cut.
    """
    totals = daily_totals(records, context, value="count")
    frame = totals.facts.join(_cadence(totals.counted), on="day", how="left")
    return conform(apply_gates(frame, kind=KIND.kind, scope="day", gates=_GATES), fact_schema(KIND.kind, SUPPORT))


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Mean daily steps per person: see `interval_totals.window_means`."""
    return window_means(summarise(records, context), context, kind=KIND)


def _cadence(counted: pl.DataFrame) -> pl.DataFrame:
    """Minutes of at least 100 steps: `day`, `minutes_ge100`, `longest_ms` (longest record used).

    A record that crosses a minute is shared between both in proportion to time, so that a source whose records
    begin at odd seconds is counted like one whose records begin on the minute.
    """
    longest = counted.group_by("day").agg(longest_ms=(pl.col("end_ms") - pl.col("start_ms")).max())
    fine = longest.filter(pl.col("longest_ms") <= MINUTE_MS).select("day")
    length = pl.col("to_ms") - pl.col("from_ms")
    next_minute = (pl.col("from_ms") // MINUTE_MS + 1) * MINUTE_MS
    early = pl.when(length > 0).then((pl.min_horizontal("to_ms", next_minute) - pl.col("from_ms")) / length)
    shares = counted.join(fine, on="day", how="semi").select(
        "day", "contribution", minute=pl.col("from_ms") // MINUTE_MS, early=early.fill_null(1.0)
    )
    minutes = pl.concat(
        [
            shares.select("day", "minute", steps=pl.col("contribution") * pl.col("early")),
            shares.select("day", pl.col("minute") + 1, steps=pl.col("contribution") * (1 - pl.col("early"))),
        ]
    )
    brisk = (
        minutes.group_by("day", "minute")
        .agg(exact_sum(pl.col("steps")))
        .group_by("day")
        .agg(minutes_ge100=(pl.col("steps") >= MODERATE_STEPS_PER_MINUTE - ROUNDING).sum().cast(pl.Float64))
    )
    return longest.join(brisk, on="day", how="left")
