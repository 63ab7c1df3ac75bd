"""Glucose metrics that need the levels of a period only, not their order, as Polars expressions.

Belongs here: distribution, time in ranges, risk indices and the estimates made from a mean (CLINICAL.md section
1). Levels are whole mg/dL: a threshold between two whole numbers cannot be missed by float noise.
Does not belong here: measures of the course over time (`glucose_grid`, `glucose_mage`, `glucose_episodes`).
"""

import polars as pl

NIGHT_ENDS_HOUR = 6


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


def share(condition: pl.Expr) -> pl.Expr:
    """Percentage of the rows of a group that meet a condition."""
    return 100.0 * condition.mean()


def distribution(level: pl.Expr) -> dict[str, pl.Expr]:
    """Aggregations over the readings of a period; the names are metric columns.

    Args:
        level: whole mg/dL.
    """
    return {
        "n": pl.len().cast(pl.Int64),
        "mean": level.mean(),
        "sd": level.std(),
        "min": level.min().cast(pl.Float64),
        "max": level.max().cast(pl.Float64),
        "median": level.median(),
        "lbgi": low_risk(level).mean(),
        "hbgi": high_risk(level).mean(),
        "pct_below_54": share(level < 54),
        "pct_below_70": share(level < 70),
        "pct_54_69": share((level >= 54) & (level < 70)),
        "pct_70_180": share((level >= 70) & (level <= 180)),
        "pct_70_140": share((level >= 70) & (level <= 140)),
        "pct_above_140": share(level > 140),
        "pct_above_180": share(level > 180),
        "pct_181_250": share((level > 180) & (level <= 250)),
        "pct_above_250": share(level > 250),
    }


def nocturnal(level: pl.Expr, local_time: pl.Expr) -> dict[str, pl.Expr]:
    """Aggregations over the readings of a period with a local clock of 00:00 to 05:59.

    Args:
        level: whole mg/dL.
        local_time: naive wall clock.
    """
    at_night = level.filter(local_time.dt.hour() < NIGHT_ENDS_HOUR)
    return {
        "nocturnal_n": at_night.len().cast(pl.Int64),
        "nocturnal_mean": at_night.mean(),
        "nocturnal_pct_below_70": share(at_night < 70),
        "nocturnal_pct_above_180": share(at_night > 180),
    }


def derived() -> dict[str, pl.Expr]:
    """Columns that follow from those of `distribution`."""
    mean, sd = pl.col("mean"), pl.col("sd")
    return {
        "cv": 100 * sd / mean,
        "j_index": 0.001 * (mean + sd).pow(2),
    }
