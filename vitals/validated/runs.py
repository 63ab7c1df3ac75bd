"""Runs of equal values, for work that needs to be done once for each.

Belongs here: how a column is cut into runs.
Does not belong here: what is done with them.

The texts of a file (app, device, zone, enum symbol) hardly change from row to row. Comparing neighbours costs a
fraction of looking a text up in a table.
"""

import polars as pl


def runs(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Cut a column into runs of equal values; nulls are equal.

    Returns:
        The number of each row's run, ascending from 0, and the value of each run: ``values.gather(number)`` is
        the column.
    """
    number = column.rle_id()
    return number, column.filter(number.diff().fill_null(1) != 0)
