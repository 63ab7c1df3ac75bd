"""Which source is believed: the order of sources, and the two totals that follow from it.

Belongs here: the order of a person's sources and their devices (G10), what the phone would show for that order (S1),
and which source's total is the one to state (S2). All of it is about sources, none about a kind.
Does not belong here: what a source can deliver (`source_capabilities`), how records are cut into local days
(`interval_totals`), or any metric.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.clinical.devices import PHONE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_SWEPT = ("group", "from_ms", "to_ms", "start_ms", "end_ms", "source_rank", "modified_ms")


def rank_sources(frame: pl.DataFrame, *, keys: Sequence[str], priorities: pl.DataFrame, total: str) -> pl.DataFrame:
    """Order the candidates of each group, the one to believe first.

    A candidate is what one device of one app wrote. The order is: explicit rank of the app, then anything before a phone,
    then the larger total, then the app's name, then the device. Only PHONE is put back: a device of unknown type proves
    nothing, and the apps of rings and watches often leave the type out (docs/spec/clinical.md, section 5).

    Args:
        frame: one row per candidate, with `subject_id`, `source_app`, `device_type` and `device` (see `devices`), the
            keys and the total.
        keys: columns of the group within which candidates compete, such as subject and local date.
        priorities: `context.PRIORITIES_SCHEMA`. A listed app comes before every unlisted one, with all its devices, or
            those of the listed type.
        total: column of the quantity that decides when nothing else does; more is better, null is least.

    Returns:
        The frame in its own order, with `source_rank` (Int32, from 1 within its group, no two alike).
    """
    ranked = explicit_ranks(frame.with_row_index("__row"), priorities).rename({"rank": "__explicit"})
    is_phone = pl.col("device_type").eq_missing(pl.lit(PHONE)).alias("__phone")
    order = ranked.select(*keys, "__row", "__explicit", "source_app", "device", is_phone, __total=total).sort(
        *keys,
        "__explicit",
        "__phone",
        "__total",
        "source_app",
        "device",
        "__row",
        descending=[False] * len(keys) + [False, False, True, False, False, False],
        nulls_last=True,
    )
    first = pl.struct(*keys) != pl.struct(*keys).shift(1)
    place = pl.int_range(pl.len())
    start = pl.when(first.fill_null(value=True)).then(place).forward_fill()
    order = order.select("__row", source_rank=(place - start + 1).cast(pl.Int32)).sort("__row")
    return ranked.drop("__row", "__explicit").with_columns(order["source_rank"])


def explicit_ranks(candidates: pl.DataFrame, priorities: pl.DataFrame) -> pl.DataFrame:
    """Add `rank`: what people said of a candidate's app, or of its devices of one type; null where nobody said anything.

    Args:
        candidates: one row per candidate, with `subject_id`, `source_app` and `device_type`.
        priorities: `context.PRIORITIES_SCHEMA`; of two rows that fit a candidate the lower rank counts.
    """
    of_app, of_device = ["subject_id", "source_app"], ["subject_id", "source_app", "device_type"]
    ranks = [
        priorities.filter(which).group_by(on).agg(pl.col("rank").min().alias(name))
        for name, on, which in (
            ("rank", of_app, pl.col("device_type").is_null()),
            ("__rank", of_device, pl.col("device_type").is_not_null()),
        )
    ]
    return (
        candidates.join(ranks[0], on=of_app, how="left", maintain_order="left")
        .join(ranks[1], on=of_device, how="left", maintain_order="left")
        .with_columns(rank=pl.min_horizontal("rank", "__rank"))
        .drop("__rank")
    )


def priority_contributions(pieces: pl.DataFrame) -> pl.Series:
    """What each record adds to the total that Health Connect's priority aggregation shows (S1).

    At each instant the open record of the first-ranked source counts, and of equals the one modified last, then
    the one that starts last, ends last, is larger. A record counts in proportion to the time it wins. A record
    of no length counts once, whole, if nothing open at that instant, ends included, comes before it. Read from
    PriorityRecordsAggregator, AggregationRecordData and ValueColumnAggregationData of AOSP.

    Args:
        pieces: one row per record and group. `group` (Int64, from 0), `from_ms` and `to_ms` (the part of the
            record inside the group's time), `start_ms`, `end_ms` and `value` of the whole record,
            `source_rank`, `modified_ms`.

    Returns:
        The contribution of each row, in the unit of the value; their sum by group is the group's total.
    """
    column = {name: pieces[name].cast(pl.Int64).to_numpy() for name in _SWEPT}
    value = pieces["value"].cast(pl.Float64).to_numpy()
    whole_ms = column["end_ms"] - column["start_ms"]
    part_ms = column["to_ms"] - column["from_ms"]
    momentary = whole_ms == 0
    contribution: Floats = np.where(momentary, value, value * part_ms / np.where(momentary, 1, whole_ms))

    # One axis for all groups, on which they do not meet: instants before 2109 fit below the bit.
    axis = column["group"] << 42
    begin, finish = axis + column["from_ms"], axis + column["to_ms"]
    contested = np.flatnonzero(_has_rivals(column["group"], begin, finish, momentary))
    if contested.size:
        swept = {name: values[contested] for name, values in column.items()}
        contribution[contested] = _sweep(swept, value[contested], begin[contested], finish[contested])
    return pl.Series("contribution", contribution)


def _has_rivals(group: Ints, begin: Ints, finish: Ints, momentary: Flags) -> Flags:
    """Whether any two records of the piece's group are open at one time; most days have none that are.

    A record of no length also meets those that it only touches.
    """
    order = np.argsort(begin, kind="stable")
    meets = np.zeros(order.size, np.bool_)
    meets[1:] = begin[order][1:] < np.maximum.accumulate(finish[order])[:-1]
    groups = 1 + int(group.max(initial=-1))
    overlapping = np.bincount(group[order[meets]], minlength=groups) > 0
    crowded = (np.bincount(group[momentary], minlength=groups) > 0) & (np.bincount(group, minlength=groups) > 1)
    rivals: Flags = (overlapping | crowded)[group]
    return rivals


def _sweep(column: dict[str, Ints], value: Floats, begin: Ints, finish: Ints) -> Floats:
    """Contributions of pieces that overlap: the winner of every stretch between two ends, and of every end."""
    winning = np.lexsort((value, column["end_ms"], column["start_ms"], column["modified_ms"], -column["source_rank"]))
    precedence = np.empty(winning.size, np.int64)
    precedence[winning] = np.arange(winning.size)

    # Not np.unique, which hashes: slow on numbers that differ in their low bits only.
    instants = np.sort(np.concatenate((begin, finish)))
    instants = instants[np.append(True, np.diff(instants) > 0)]
    first, last = np.searchsorted(instants, begin), np.searchsorted(instants, finish)
    # Cell 2k is the instant k, cell 2k+1 the time from it to the next. A record is open at both its ends.
    winner = _greatest(2 * first, 2 * last + 1, precedence, cells=2 * instants.size)

    whole_ms = column["end_ms"] - column["start_ms"]
    stretches = np.flatnonzero(winner[1:-1:2] >= 0)
    holder = winning[winner[1:-1:2][stretches]]
    held_ms = np.bincount(holder, weights=np.diff(instants)[stretches], minlength=winning.size)
    contribution: Floats = value * held_ms / np.maximum(whole_ms, 1)
    at_instant = winning[winner[::2][winner[::2] >= 0]]
    momentary = at_instant[whole_ms[at_instant] == 0]
    contribution[momentary] = value[momentary]
    return contribution


def _greatest(first: Ints, after: Ints, rank: Ints, *, cells: int) -> Ints:
    """Greatest rank over each cell among the ranges `[first, after)` that cover it; -1 where none does.

    A range is two blocks of a power of two, which may overlap; blocks are halved level by level. So the work is
    cells times levels, whatever the overlap: a hostile upload of ten thousand overlapping days stays cheap.
    """
    level = np.frexp(after - first)[1] - 1
    table = np.full(cells, -1)
    for step in range(int(level.max()), -1, -1):
        block = 1 << step
        if step + 1 <= level.max():
            halved = table.copy()
            np.maximum(halved[block:], table[:-block], out=halved[block:])
            table = halved
        here = level == step
        np.maximum.at(table, first[here], rank[here])
        np.maximum.at(table, after[here] - block, rank[here])
    return table


def choose_total(candidates: pl.DataFrame, *, keys: Sequence[str]) -> pl.DataFrame:
    """The total to state (S2): of the first-ranked candidate, or the largest while that one is not known in full.

    Args:
        candidates: one row per candidate and group: the keys, `source_rank`, `total` (null where none is known),
            `partial` (a record of it still runs, or reaches over midnight).
        keys: columns of the group.

    Returns:
        One row per group, all columns, sorted by the keys.
    """
    first_is_partial = pl.col("partial").sort_by("source_rank").first().over(keys)
    size = pl.when(first_is_partial).then(pl.col("total")).otherwise(pl.lit(0.0))
    return (
        candidates.with_columns(__size=size)
        .sort(*keys, "__size", "source_rank", descending=[*[False] * len(keys), True, False], nulls_last=True)
        .unique(list(keys), keep="first", maintain_order=True)
        .drop("__size")
    )
