"""Runs of equal values, for work that needs to be done once for each.

Belongs here: how a column is cut into runs.
Does not belong here: what is done with them.

The texts of a file (app, device, zone, enum symbol) hardly change from row to row. Comparing neighbours costs a
fraction of looking a text up in a table.
"""

from collections.abc import Callable, Sequence

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
    return number, column.gather(_begins(number))


def common_runs(columns: Sequence[pl.Series]) -> tuple[NDArray[np.intp], list[pl.Series]]:
    """Cut columns of one length into runs in which none of them changes.

    Returns:
        The number of each row's run, and for each column the value of each run.
    """
    begins = common_begins(columns)
    number = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(columns[0])))
    return number, [column.gather(begins) for column in columns]


def common_begins(columns: Sequence[pl.Series]) -> NDArray[np.intp]:
    """The first row of each run in which none of some columns of one length changes."""
    begins_run = np.zeros(len(columns[0]), dtype=bool)
    for column in columns:
        begins_run[_begins(column.rle_id().to_numpy())] = True
    return np.flatnonzero(begins_run)


def of_each_run(column: pl.Series, function: Callable[[pl.Series], pl.Series]) -> pl.Series:
    """A function of values, worked out once for each run."""
    number, firsts = runs(column)
    values = function(firsts)
    if len(values) == 1:
        return values.new_from_index(0, len(number)).alias(column.name)
    return values.gather(pl.Series(number)).alias(column.name)


def _begins(number: NDArray[np.uint32]) -> NDArray[np.intp]:
    return np.flatnonzero(np.concatenate([[len(number) > 0], number[1:] != number[:-1]]))
