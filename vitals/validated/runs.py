"""Runs of equal values, for work that needs to be done once for each.

Belongs here: how a column is cut into runs.
Does not belong here: what is done with them.

The texts of a file (app, device, zone, enum symbol) hardly change from row to row. Comparing neighbours costs a
fraction of looking a text up in a table.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray


def runs(column: pl.Series) -> tuple[NDArray[np.uint32], pl.Series]:
    """Cut a column into runs of equal values; nulls are equal.

    Returns:
        The number of each row's run, ascending from 0, and the value of each run: ``values.gather(number)`` is
        the column.
    """
    number = column.rle_id().to_numpy()
    begins = np.flatnonzero(np.concatenate([[len(number) > 0], number[1:] != number[:-1]]))
    return number, column.gather(begins)
