"""What must hold in every clinical table, whatever the data.

Belongs here: relations between facts of one row, as named Boolean expressions (true when violated).
Does not belong here: plausibility of a person's values; an implausible fact of good records is a fact.
"""

from collections.abc import Mapping
from types import MappingProxyType

import polars as pl

from vitals.clinical.metrics import metrics_of

TOLERANCE = 1e-6

_SHARES = ["pct_below_54", "pct_54_69", "pct_70_180", "pct_181_250", "pct_above_250"]
_ZONES = [
    "zone_very_light_lt57",
    "zone_light_57_64",
    "zone_moderate_64_77",
    "zone_vigorous_77_96",
    "zone_near_max_ge96",
]


def _exceeds(column: str, limit: str) -> pl.Expr:
    return pl.col(column) > pl.col(limit) + TOLERANCE


_ORDERED = {
    "minimum is not above the mean": _exceeds("min", "mean"),
    "mean is not above the maximum": _exceeds("mean", "max"),
}
_TOTALS = {
    "a total is not negative": pl.col("recommended_total") < 0,
    # Interval sources may fill each other's gaps; whole-day buckets never add up.
    "a total names the source it comes from": (pl.col("recommended_total").is_not_null())
    & (pl.col("sources").list.eval(pl.element().struct.field("used")).list.sum() < 1),
}

INVARIANTS: Mapping[str, Mapping[str, pl.Expr]] = MappingProxyType(
    {
        "blood_glucose": {
            **_ORDERED,
            # Null as soon as one share is withheld: then the others need not add up.
            "shares of the five ranges sum to 100": (pl.sum_horizontal(_SHARES, ignore_nulls=False) - 100).abs() > 1e-6,
            "wear is a share": ~pl.col("wear_percent").is_between(0, 100 + TOLERANCE),
            # A reading that counts twice, or stands for more than its interval, shows here.
            "wear and the longest gap fit into the day": pl.col("wear_percent") / 100 * pl.col("day_minutes")
            + pl.col("longest_gap_minutes")
            > pl.col("day_minutes") + TOLERANCE,
            "single readings have no wear": (pl.col("single_readings").list.len() > 0)
            & pl.any_horizontal(pl.col("wear_percent", "longest_gap_minutes", "pct_70_180").is_not_null()),
        },
        "heart_rate": {
            "minimum is not above the maximum": _exceeds("min", "max"),
            "coverage is a share": ~pl.col("coverage_percent").is_between(0, 100 + TOLERANCE),
            "no day has lost less than one item": pl.col("dropped_items") < 1,
            "zone minutes fit into the day": pl.sum_horizontal(_ZONES) > pl.col("day_minutes") + TOLERANCE,
        },
        "sleep": {
            "no day has lost less than one item": pl.col("dropped_items") < 1,
            "TST is not above TIB": _exceeds("tst", "tib"),
            "TST is not above SPT": _exceeds("tst", "spt"),
            "SPT is not above TIB": _exceeds("spt", "tib"),
            "stage minutes are not above TST": pl.sum_horizontal("light", "deep", "rem") > pl.col("tst") + TOLERANCE,
            "long awakenings are awakenings": _exceeds("awakenings_ge5", "awakenings"),
        },
        "steps": _TOTALS,
        "active_calories": _TOTALS,
        "hrv_rmssd": {
            "coverage is a share": ~pl.col("coverage_percent").is_between(0, 100 + TOLERANCE),
            "coverage and the longest gap fit into the session": pl.col("coverage_percent")
            / 100
            * pl.col("session_minutes")
            + pl.col("longest_gap_minutes")
            > pl.col("session_minutes") + TOLERANCE,
        },
    }
)


def violations(facts: pl.DataFrame, kind: str) -> dict[str, int]:
    """Number of rows that break each invariant of a clinical table, by name; empty if none does.

    Besides the kind's own, every metric must be either a value or withheld, never both and never neither, and a
    person has one row a day.
    """
    broken = {
        name: int(facts.select(expr.fill_null(value=False).sum()).item()) for name, expr in INVARIANTS[kind].items()
    }
    withheld = pl.col("withheld").list.eval(pl.element().struct.field("metric"))
    unsettled = pl.sum_horizontal(
        pl.col(m.column).is_not_null() == withheld.list.contains(m.id) for m in metrics_of(kind, "day")
    )
    broken["every metric is stated or withheld"] = int(facts.select((unsettled > 0).sum()).item())
    broken["one row per person and day"] = facts.height - facts.select("subject_id", "local_date").unique().height
    return {name: count for name, count in broken.items() if count}
