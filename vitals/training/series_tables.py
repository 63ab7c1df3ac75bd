"""A day's series as the compact table of a prompt, for many days at once.

Belongs here: the text form of readings, bins and stage runs by local hour, and its coarser forms.
Does not belong here: which form fits a prompt (`prompts`).

    07: 02=105 106 108 110 24=111        07: 02 light 8.5, 11 deep 30

Most readings of a sensor follow each other at one interval. A value that follows the one before it in its hour at that
interval stands alone, without its minute, which takes four characters less and loses nothing.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from vitals.training.claims import VALUE_DECIMALS
from vitals.training.rounding import round_column, round_half_up, round_parts, round_series

_MINUTE_MS = 60_000
_HOUR_MINUTES = 60
_DAY_MINUTES = 1440
_OF_THE_LAST = 0.01
"""A unit of the last of VALUE_DECIMALS."""

STAGE_WORDS = {
    "AWAKE": "awake",
    "OUT_OF_BED": "out of bed",
    "LIGHT": "light",
    "DEEP": "deep",
    "REM": "REM",
    "SLEEPING": "sleeping",
    "UNKNOWN": "unscored",
}
"""Stage names that a prompt shows; any other is somebody's own word and shown as "other"."""

FEWEST_ALONE = 15
"""Values without their minute that a table must have, for the words that explain them take as much room."""

_MOST_STEP_MINUTES = _HOUR_MINUTES - 1


class Table(NamedTuple):
    """The table of one day.

    Attributes:
        rows: its lines; "" for a day without values.
        step_minutes: minutes from the value before to a value without a minute of its own; None if each has one.
    """

    rows: str
    step_minutes: int | None = None


NO_TABLE = Table("")


def series_tables(
    series: pl.Series, *, decimals: int, limits: pl.DataFrame | None = None, every_minutes: int | None = None
) -> list[Table]:
    """Values of each day by local hour, ``HH: MM=value value MM=value``.

    Args:
        series: one SERIES_TYPE list per day.
        decimals: decimals of the values.
        limits: `low` and `high`, one row per day: a value at or beyond is written as ``<low`` or ``>high``, and so is a
            mean that holds one. A mean that holds both is left out.
        every_minutes: mean per this many minutes (a divisor of 60) instead of every value; MM is then the
            bin's first minute.

    Returns:
        One table per day, hours in order of time. Where the offset changes in the series, each hour names its own:
        ``01 (UTC-04:00): ...``, for the wall clock shows an hour twice.
    """
    frame = _exploded(series)
    minute = (pl.col("utc").dt.epoch("ms") + pl.col("offset_seconds").cast(pl.Int64) * 1_000) // _MINUTE_MS
    frame = _with_sides(frame.select("row", "offset_seconds", "value", minute=minute), limits)
    if every_minutes is not None:
        frame = (
            frame.group_by(
                "row", "offset_seconds", pl.col("minute") // every_minutes * every_minutes, maintain_order=True
            )
            .agg(pl.col("value").mean(), pl.col("low", "high").any())
            .filter(~(pl.col("low") & pl.col("high")))
        )
    value = round_column(pl.col("value"), decimals)
    text = value.cast(pl.Int64).cast(pl.String) if decimals == 0 else value.cast(pl.String).str.strip_suffix(".0")
    side = pl.when("low").then(pl.lit("<")).when("high").then(pl.lit(">")).otherwise(pl.lit(""))
    timed = frame.with_columns(text=side + text).collect()
    steps = _steps(timed)
    tables = _joined(timed, " ", "=", days=len(series), steps=steps)
    return [Table(rows, steps.get(day)) for day, rows in enumerate(tables)]


def _with_sides(frame: pl.LazyFrame, limits: pl.DataFrame | None) -> pl.LazyFrame:
    """The values, never beyond a limit, and whether each is at the `low` or the `high` one."""
    if limits is None:
        return frame.with_columns(low=pl.lit(value=False), high=pl.lit(value=False))
    low, high = (pl.lit(limits[name].cast(pl.Float64)).gather("row") for name in ("low", "high"))
    value = pl.col("value")
    return frame.with_columns(
        value=value.clip(low, high),
        low=(value <= low).fill_null(value=False),
        high=(value >= high).fill_null(value=False),
    )


def stage_tables(nights: pl.DataFrame) -> list[Table]:
    """Stage runs of each night by local hour, ``HH: MM stage minutes, MM stage minutes``.

    Args:
        nights: `stages`, one list of (start_local, end_local, stage) per night, all on the clock of the session's
            end, and the session's start and end in UTC and on the clock of each (`clinical.sleep.SUPPORT`).

    Returns:
        One table per night, "" for a night without stages. A run stands in the hour it starts in. Where the clock
        changed in the session, each hour names the offset: the session began by another.
    """
    frame = _exploded(nights["stages"])
    start = pl.col("start_local").dt.epoch("ms")
    frame = frame.with_columns(minutes=(pl.col("end_local").dt.epoch("ms") - start) / _MINUTE_MS)
    frame = _adding_up(frame.collect(), nights).lazy()
    minutes = pl.col("minutes")
    whole = minutes == minutes.floor()
    length = pl.when(whole).then(minutes.cast(pl.Int64).cast(pl.String)).otherwise(minutes.cast(pl.String))
    word = pl.col("stage").replace_strict(STAGE_WORDS, default="other", return_dtype=pl.String)
    begins, ends = nights.select(begins=_offset("start"), ends=_offset("end")).get_columns()
    frame = frame.select(
        "row", offset_seconds=pl.lit(ends).gather("row"), minute=start // _MINUTE_MS, text=word + " " + length
    )
    moving = (begins != ends).arg_true()
    return [Table(rows) for rows in _joined(frame.collect(), ", ", " ", days=len(nights), moving=moving)]


_SUMS = MappingProxyType({"LIGHT": "light", "DEEP": "deep", "REM": "rem", "UNKNOWN": "unscored", "AWAKE": "waso"})
"""Stage -> the column that may state its minutes."""


def _adding_up(runs: pl.DataFrame, nights: pl.DataFrame) -> pl.DataFrame:
    """Stage runs whose `minutes` have VALUE_DECIMALS, and in each night and stage add up to what is stated of them."""
    exact = runs["minutes"]
    shown = round_series(exact, VALUE_DECIMALS)
    # Most apps score stages in halves of a minute.
    if (shown - exact).abs().max() in {None, 0.0}:
        return runs
    frame = runs.with_columns(shown=shown).with_row_index("run")
    sums = frame.group_by("row", "stage").agg("run", pl.col("minutes").sum().alias("sum"), pl.col("shown").sum())
    written = shown.to_list()
    for row, stage, members, total, sum_shown in sums.iter_rows():
        column = _SUMS.get(stage)
        stated = nights[column][row] if column in nights.columns else None
        whole = stated if stated is not None and abs(stated - total) < _OF_THE_LAST else total
        if abs(round_half_up(whole, VALUE_DECIMALS) - sum_shown) > _OF_THE_LAST / 10:
            parts = round_parts([exact[run] for run in members], total=whole, places=VALUE_DECIMALS)
            for run, minutes in zip(members, parts, strict=True):
                written[run] = minutes
    return runs.with_columns(minutes=pl.Series(written, dtype=pl.Float64))


def _offset(edge: str) -> pl.Expr:
    """Offset in seconds at the start or end of a session; 0 where it is not known."""
    wall, utc = pl.col(f"session_{edge}_local"), pl.col(f"session_{edge}_utc")
    return ((wall.dt.epoch("ms") - utc.dt.epoch("ms")) // 1_000).fill_null(0).cast(pl.Int32)


def _exploded(lists: pl.Series) -> pl.LazyFrame:
    """Items of the lists as rows, with the position of their list; empty and null lists have none."""
    frame = pl.LazyFrame({"item": lists}).with_row_index("row")
    return frame.filter(pl.col("item").list.len() > 0).explode("item").unnest("item")


@lru_cache(maxsize=4)
def _prefixes(separator: str, between: str) -> pl.Series:
    """What stands before a value, by minute of the day; from _DAY_MINUTES on, where it opens a line."""
    clock = [divmod(minute, _HOUR_MINUTES) for minute in range(_DAY_MINUTES)]
    inside = [f"{separator}{minute:02d}{between}" for _, minute in clock]
    opening = [f"\n{hour:02d}: {minute:02d}{between}" for hour, minute in clock]
    return pl.Series([*inside, *opening, separator])


def _opens() -> pl.Expr:
    """Whether a text is the first of its hour."""
    hour = pl.col("minute") // _HOUR_MINUTES
    changes = pl.any_horizontal(c != c.shift(1) for c in (pl.col("row"), pl.col("offset_seconds"), hour))
    return changes.fill_null(value=True)


def _steps(timed: pl.DataFrame) -> dict[int, int]:
    """The most frequent distance in minutes between two values of an hour, by row; not for a row with few of it."""
    distance = pl.col("minute") - pl.col("minute").shift(1)
    found = (
        timed.lazy()
        .select("row", opens=_opens(), distance=distance)
        .filter(~pl.col("opens"), pl.col("distance").is_between(1, _MOST_STEP_MINUTES))
        .group_by("row", "distance")
        .agg(times=pl.len())
        .filter(pl.col("times") >= FEWEST_ALONE)
        # The shorter of two that are as frequent, so that nothing hangs on the order of rows.
        .sort("row", "times", "distance", descending=[False, True, False])
        .group_by("row", maintain_order=True)
        .first()
        .collect()
    )
    return dict(found.select("row", "distance").iter_rows())


def _joined(
    timed: pl.DataFrame,
    separator: str,
    between: str,
    *,
    days: int,
    moving: pl.Series | None = None,
    steps: Mapping[int, int] = MappingProxyType({}),
) -> list[str]:
    """Texts in order of time (row, offset_seconds, local minute, text) to one table per row.

    One join per day: each text carries what stands before it, and the first of an hour also the line break. Hours
    of the rows that are `moving` name their offset; unless told, those are the rows that have several. A text that is
    so many minutes (`steps`, by row) after the one before it stands without its minute.
    """
    step = pl.col("row").replace_strict(dict(steps), default=None, return_dtype=pl.Int64)
    frame = timed.with_columns(opens=_opens()).with_columns(
        alone=(~pl.col("opens") & (pl.col("minute") - pl.col("minute").shift(1) == step)).fill_null(value=False)
    )
    index = pl.col("minute") % _DAY_MINUTES + pl.col("opens").cast(pl.Int64) * _DAY_MINUTES
    frame = frame.with_columns(index=pl.when("alone").then(2 * _DAY_MINUTES).otherwise(index))
    prefix = _prefixes(separator, between).gather(frame["index"])
    if moving is None:
        several = pl.col("offset_seconds").n_unique() > 1
        moving = frame.group_by("row").agg(several=several).filter("several")["row"]
    if len(moving):
        named = pl.col("opens") & pl.col("row").is_in(moving.implode())
        labelled = pl.format("{} (UTC{}):", pl.col("prefix").str.head(3), _offset_text()) + pl.col("prefix").str.tail(
            -4
        )
        frame = frame.with_columns(prefix=prefix)
        prefix = frame.select(pl.when(named).then(labelled).otherwise("prefix"))["prefix"]
    tables = (
        frame.select("row", cell=prefix + frame["text"])
        .group_by("row", maintain_order=True)
        .agg(pl.col("cell").str.join("").str.strip_prefix("\n"))
    )
    found = dict(zip(tables["row"].to_list(), tables["cell"].to_list(), strict=True))
    return [found.get(day, "") for day in range(days)]


def _offset_text() -> pl.Expr:
    size = pl.col("offset_seconds").abs() // 60
    sign = pl.when(pl.col("offset_seconds") < 0).then(pl.lit("-")).otherwise(pl.lit("+"))
    hours, minutes = size // _HOUR_MINUTES, size % _HOUR_MINUTES
    return sign + hours.cast(pl.String).str.zfill(2) + ":" + minutes.cast(pl.String).str.zfill(2)
