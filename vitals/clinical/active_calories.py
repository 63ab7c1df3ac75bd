"""Active-energy facts of a local day and of a window.

Belongs here: the metrics of active energy (docs/spec/clinical.md section 6) and their preconditions.
Does not belong here: how records become totals (`interval_totals`). There is no target to compare with: none of
those in use has a guideline behind it.
"""

import polars as pl

from vitals.clinical import interval_totals
from vitals.clinical.context import DayContext
from vitals.clinical.division import divided
from vitals.clinical.interval_totals import daily_totals, total_gates, window_means
from vitals.clinical.schema import conform, fact_schema
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import ACTIVE_CALORIES

KIND = ACTIVE_CALORIES
SUPPORT = interval_totals.SUPPORT

_GATES = (
    *total_gates("net_met_minutes"),
    Gate(("net_met_minutes",), pl.col("weight_kg") > 0, "body weight is not known"),
)


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Active-energy facts per person and local day with data of its own, in kcal.

    A running total is stated as a lower bound (`lower_bound`, `provisional`); net MET-minutes follow it.

    Args:
        records: validated active-calories columns with LOCAL_COLUMNS.
        context: days, body weights, explicit source order of active energy.

    Returns:
        `fact_schema("active_calories", SUPPORT)`. `value` of a source is its own total.
    """
    frame = (
        daily_totals(records, context, value="energy_kcal")
        .facts.join(context.profiles.select("subject_id", "weight_kg"), on="subject_id", how="left")
        # 1 kcal per kg and hour is one MET.
        .with_columns(net_met_minutes=divided(pl.col("recommended_total") * 60, pl.col("weight_kg")))
    )
    return conform(apply_gates(frame, kind=KIND.kind, scope="day", gates=_GATES), fact_schema(KIND.kind, SUPPORT))


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Mean daily active energy per person: see `interval_totals.window_means`."""
    return window_means(summarise(records, context), context, kind=KIND)
