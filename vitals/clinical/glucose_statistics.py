"""Glucose metrics that need the levels of a period only, not their order, as Polars expressions.

Belongs here: distribution, time in ranges, risk indices and the estimates made from a mean (docs/spec/clinical.md section
1). Levels are whole mg/dL: a threshold between two whole numbers cannot be missed by float noise.
Does not belong here: measures of the course over time (`glucose_grid`, `glucose_mage`, `glucose_episodes`).
"""

from math import gcd

import numpy as np
import polars as pl

from vitals.clinical.exact_sums import exact_mean, exact_sd_of_whole_numbers

DAY_MS = 24 * 3_600_000
NIGHT_ENDS_MS = 6 * 3_600_000

_OF_READINGS = ("period", "level_mg_dl", "value_mg_dl", "at_low", "at_high", "interval_ms")


def risk(level: pl.Expr) -> pl.Expr:
    """Kovatchev's symmetrised scale of a level in mg/dL: negative below 112.5, zero there, positive above."""
    return 1.509 * (level.cast(pl.Float64).log().pow(1.084) - 5.381)


def low_risk(level: pl.Expr) -> pl.Expr:
    """Low blood-glucose risk of a level, 0 to 100; its mean is the LBGI."""
    return 10 * risk(level).clip(upper_bound=0).pow(2)


def high_risk(level: pl.Expr) -> pl.Expr:
    """High blood-glucose risk of a level, 0 to 100; its mean is the HBGI."""
    return 10 * risk(level).clip(lower_bound=0).pow(2)


def gmi(mean: pl.Expr) -> pl.Expr:
    """Glucose management indicator in %, from a mean in mg/dL (Bergenstal 2018). Never to be called A1C."""
    return 3.31 + 0.02392 * mean


def ea1c(mean: pl.Expr) -> pl.Expr:
    """Estimated A1C in %, from a mean in mg/dL (ADAG, Nathan 2008). For research only: it is never stated."""
    return (mean + 46.7) / 28.7


def gri() -> pl.Expr:
    """Glycemia risk index, 0 to 100, from the columns of `distribution` (Klonoff 2022)."""
    weighted = (
        3.0 * pl.col("pct_below_54")
        + 2.4 * pl.col("pct_54_69")
        + 1.6 * pl.col("pct_above_250")
        + 0.8 * pl.col("pct_181_250")
    )
    return weighted.clip(upper_bound=100)


def per_period(readings: pl.DataFrame) -> pl.DataFrame:
    """Metrics of each period; the names of the columns are metric columns, `nocturnal_n`, and counts behind them.

    Where sensors of several intervals follow each other in a period, a reading weighs as much as the time it stands for.

    Args:
        readings: `period`, `level_mg_dl` (whole, as written), `value_mg_dl` (the limit of the sensor where it is at or
            beyond one), `at_low`, `at_high`, `interval_ms`, `local_time` (naive wall clock).

    Returns:
        One row per `period` that has readings, in no order.
    """
    # The time of day in milliseconds: five times as fast as taking the hour from the calendar.
    by_night = readings["local_time"].to_physical() % DAY_MS < NIGHT_ENDS_MS
    readings = readings.select(*_OF_READINGS, by_night=by_night)
    weighed = _weighed(readings)
    nights = weighed.filter("by_night").group_by("period").agg(**nocturnal())
    facts = (
        weighed.with_columns(**risks(weighed["level_mg_dl"]))
        .group_by("period")
        .agg(**distribution())
        .join(nights, on="period", how="left")
        .with_columns(nocturnal_n=pl.col("nocturnal_weight").fill_null(0), n=pl.col("weight"), **shares())
    )
    if weighed is readings:
        return facts
    counts = readings.group_by("period").agg(
        n=pl.len().cast(pl.Int64), nocturnal_n=pl.col("by_night").sum().cast(pl.Int64)
    )
    return facts.drop("n", "nocturnal_n").join(counts, on="period")


def _weighed(readings: pl.DataFrame) -> pl.DataFrame:
    """The readings, in periods of several intervals each as often as its interval is the greatest common part of them."""
    extremes = readings.group_by("period").agg(
        least=pl.col("interval_ms").min(), most=pl.col("interval_ms").max(), all=pl.col("interval_ms").unique()
    )
    several = extremes.filter(pl.col("least") != pl.col("most"))
    if several.is_empty():
        return readings
    parts = several.select("period", part=pl.Series([gcd(*each) for each in several["all"].to_list()], dtype=pl.Int64))
    return (
        readings.join(parts, on="period", how="left", maintain_order="left")
        .with_columns(times=(pl.col("interval_ms") // pl.col("part")).fill_null(1))
        .select(pl.col(readings.columns).repeat_by("times"))
        .explode(readings.columns)
    )


def risks(levels: pl.Series) -> dict[str, pl.Series]:
    """`low_risk` and `high_risk` of each level.

    A level is one of some hundred whole numbers: the logarithm and the power are taken once for each.

    Args:
        levels: whole mg/dL, not negative.
    """
    highest = levels.max()
    table = pl.DataFrame({"level": np.arange(highest + 1 if isinstance(highest, int) else 0)}).select(
        low_risk=low_risk(pl.col("level")), high_risk=high_risk(pl.col("level"))
    )
    return {name: table[name].gather(levels) for name in table.columns}


def distribution() -> dict[str, pl.Expr]:
    """Aggregations over the readings of a period; the names are metric columns or read by `shares`.

    Levels decide the side of a threshold, values (never beyond the limits of a sensor) everything else.
    """
    level, value = pl.col("level_mg_dl"), pl.col("value_mg_dl")
    return {
        "weight": pl.len().cast(pl.Int64),
        "mean": value.mean(),
        "sd": exact_sd_of_whole_numbers(value),
        "min": value.min().cast(pl.Float64),
        "max": value.max().cast(pl.Float64),
        "median": value.median(),
        "at_low_weight": pl.col("at_low").sum().cast(pl.Int64),
        "at_high_weight": pl.col("at_high").sum().cast(pl.Int64),
        "lbgi": exact_mean(pl.col("low_risk")),
        "hbgi": exact_mean(pl.col("high_risk")),
        **{f"below_{bound}": (level < bound).sum().cast(pl.Int64) for bound in (54, 70)},
        **{f"above_{bound}": (level > bound).sum().cast(pl.Int64) for bound in (140, 180, 250)},
    }


def shares() -> dict[str, pl.Expr]:
    """Percentages of the readings in ranges, from the counts of `distribution`."""
    n = pl.col("weight")
    below_54, below_70 = pl.col("below_54"), pl.col("below_70")
    above_140, above_180, above_250 = pl.col("above_140"), pl.col("above_180"), pl.col("above_250")
    counts = {
        "pct_below_54": below_54,
        "pct_below_70": below_70,
        "pct_54_69": below_70 - below_54,
        "pct_70_180": n - below_70 - above_180,
        "pct_70_140": n - below_70 - above_140,
        "pct_above_140": above_140,
        "pct_above_180": above_180,
        "pct_181_250": above_180 - above_250,
        "pct_above_250": above_250,
    }
    return {name: 100.0 * (count / n) for name, count in counts.items()}


def nocturnal() -> dict[str, pl.Expr]:
    """Aggregations over those readings of a period with a local clock of 00:00 to 05:59."""
    level = pl.col("level_mg_dl")
    return {
        "nocturnal_weight": pl.len().cast(pl.Int64),
        "nocturnal_mean": pl.col("value_mg_dl").mean(),
        "nocturnal_at_limit": (pl.col("at_low") | pl.col("at_high")).any(),
        "nocturnal_pct_below_70": 100.0 * (level < 70).mean(),
        "nocturnal_pct_above_180": 100.0 * (level > 180).mean(),
    }


def derived() -> dict[str, pl.Expr]:
    """Columns that follow from those of `distribution`."""
    mean, sd = pl.col("mean"), pl.col("sd")
    at_low, at_high = pl.col("at_low_weight") > 0, pl.col("at_high_weight") > 0
    return {
        "min_is_bound": at_low,
        "max_is_bound": at_high,
        "mean_is_bound": at_low ^ at_high,
        "cv": 100 * sd / mean,
        "j_index": 0.001 * (mean + sd).pow(2),
    }
