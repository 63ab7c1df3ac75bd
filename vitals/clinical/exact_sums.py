"""Sums, means and standard deviations that no order of rows, batch or thread count can change.

Belongs here: the one way in which the clinical modules add fractions within Polars.
Does not belong here: plain sums of whole numbers, which are exact anyhow, or sums that NumPy takes over rows in a
fixed order (`heart_rate_measures.BySpan`, `glucose_grid.mean_per_series`).

A float sum is rounded at every step, so its last bit depends on the order of the steps, and Polars' order on how many
threads share the rows, and on which other aggregates are asked for with it. Here every value becomes a whole number of
2^-60 first: whole numbers of 128 bits add up without rounding, and the total is rounded once. That is the correctly
rounded sum wherever the values are not smaller than 2^-8 or have few binary digits, and off by less than n * 2^-60
elsewhere, always by the same.
"""

import polars as pl

_SCALE = 2.0**60


def exact_sum(values: pl.Expr) -> pl.Expr:
    """Sum of floats, nulls left out; 0 without a value. Aggregates.

    Args:
        values: finite numbers below 10^20, as are their sums.

    Raises:
        polars.exceptions.InvalidOperationError: a value is not finite or too large.
    """
    # Both scalings are by a power of two, so they round nothing.
    return (values * _SCALE).cast(pl.Int128).sum().cast(pl.Float64) * (1 / _SCALE)


def exact_mean(values: pl.Expr) -> pl.Expr:
    """Arithmetic mean of floats, nulls left out; null without a value. Aggregates.

    Args, Raises: as `exact_sum`.
    """
    count = values.count()
    return pl.when(count > 0).then(exact_sum(values) / count)


def exact_sd(values: pl.Expr) -> pl.Expr:
    """Sample standard deviation (ddof 1) of floats, nulls left out; null below two values. Aggregates.

    Args, Raises: as `exact_sum`; deviations must stay below 10^10.
    """
    count = values.count()
    squares = exact_sum((values - exact_mean(values)).pow(2))
    return pl.when(count > 1).then((squares / (count - 1)).sqrt())


def exact_sd_of_whole_numbers(values: pl.Expr) -> pl.Expr:
    """Sample standard deviation (ddof 1) of whole numbers, nulls left out; null below two values. Aggregates.

    Args:
        values: integers; their number times the sum of their squares stays below 2^63.
    """
    whole = values.cast(pl.Int64)
    count = whole.count().cast(pl.Int64)
    deviation = count * whole.pow(2).sum() - whole.sum().pow(2)
    return pl.when(count > 1).then((deviation / (count * (count - 1))).sqrt())
