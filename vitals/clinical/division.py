"""Division that gives the same result in a frame of one row and in one of many.

Belongs here: the one workaround for Polars' division of a column by a number.
Does not belong here: any other arithmetic.
"""

import polars as pl


def divided(numerator: pl.Expr, divisor: float | pl.Expr) -> pl.Expr:
    """Quotient of a column and a number (or another column), correctly rounded in every row.

    In a frame of more than one row, Polars 2 multiplies a column by the rounded reciprocal of a number, so
    that a third of all quotients are off in the last place and a person's facts depend on who else is in the
    frame. A column that a join took from a frame of one row (the only person's weight) is such a number too.
    Between two columns of a value per row it divides.
    """
    return numerator / (numerator * 0 + divisor)
