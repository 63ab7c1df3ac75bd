"""Which records of a source are one sleep: a record's edge is where an app cut, not where a sleep began or ended.

Belongs here: which records of one source are the same time told again, and which are pieces of one sleep period
(docs/spec/clinical.md section 4, "Sleep periods").
Does not belong here: what a period measures, or which source counts where several overlap (`sleep_sessions`).

A source is an app on one device. Everything here looks at its own source alone, and no further than the longest
period: whoever sees the two days around a record finds the same period, whatever else is in the frame.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

import polars as pl

from vitals.clinical.context import SleepGaps
from vitals.clinical.local_day import wall_clock

SOURCE = ["subject_id", "source_app", "device"]

# Writers that end a stage or a session at .999 of a second leave a hole of a millisecond, which is no interruption.
TOUCHING_MS = 1_000

LONGEST_PERIOD_MS = 16 * 3_600_000
"""Longest plausible sleep (`validated.normalise`): what would be longer joined is not joined. Together with the
longest gap it stays below a day, so that a record changes no facts but of its own days and of their neighbours."""

NIGHT_FROM_HOUR, NIGHT_TO_HOUR = 20, 10
"""The night by the person's clock."""

AWAKE_BELOW_MS = 3_600_000
"""A gap between two pieces that is shorter is time awake; any other is not scored."""

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_TOLD_AGAIN_SHARE = 0.5


def at_night(clock: pl.Expr) -> pl.Expr:
    """Whether a wall clock time lies in the night, its edges included."""
    of_day = clock.dt.epoch("ms") % _DAY_MS
    return (of_day >= NIGHT_FROM_HOUR * _HOUR_MS) | (of_day <= NIGHT_TO_HOUR * _HOUR_MS)


def with_periods(records: pl.DataFrame, gaps: SleepGaps) -> pl.DataFrame:
    """Number the sleep period that each record is a piece of.

    Args:
        records: sleep records with LOCAL_COLUMNS, `device`, and `staged`, `sleep_ms`, `is_wake_only` of each.
        gaps: how far apart pieces of one sleep may lie.

    Returns:
        The records that count, with `session`: by source and start, records told again left out.
    """
    once = _told_once(records, share=_TOLD_AGAIN_SHARE)
    asleep = _chained(once.filter(~pl.col("is_wake_only")), gaps)
    is_too_long = (pl.len() > 1) & (pl.col("end_utc").max() - pl.col("start_utc").min() > _duration(LONGEST_PERIOD_MS))
    too_long = is_too_long.over("chain")
    # In a chain that never ends, each record stands for itself, and none beside a better one.
    apart = _told_once(asleep.filter(too_long), share=0.0).with_columns(chain=-1 - pl.int_range(pl.len()))
    joined = pl.concat([asleep.filter(~too_long), apart])
    awake = _beside(once.filter("is_wake_only"), joined, gaps)
    numbered = pl.concat([joined, awake]).sort(*SOURCE, "start_utc", "end_utc", "record_id")
    return numbered.with_columns(session=pl.col("chain").rank("dense").cast(pl.UInt32)).drop("chain")


def _duration(milliseconds: int) -> pl.Expr:
    return pl.duration(milliseconds=milliseconds)


def overlap_group(keys: list[str]) -> pl.Expr:
    """Number of the group of transitively overlapping rows, in a frame sorted by keys and start."""
    latest_end_before = pl.col("end_utc").cum_max().shift(1).over(keys)
    return (latest_end_before.is_null() | (pl.col("start_utc") >= latest_end_before)).cum_sum()


def _told_once(records: pl.DataFrame, *, share: float) -> pl.DataFrame:
    """Leave out records of which better ones of their source cover more than a share.

    Better is staged before unstaged, then more time asleep, then longer, then modified later, then by id. So a
    night that an app wrote twice counts once, and a whole night beside its single stages does not count again.
    """
    grouped = records.sort(*SOURCE, "start_utc", "record_id").with_columns(group=overlap_group(SOURCE))
    is_contested = pl.len().over("group") > 1
    contested = grouped.filter(is_contested).sort(
        "group",
        "staged",
        "sleep_ms",
        pl.col("end_utc") - pl.col("start_utc"),
        "modified_utc",
        "record_id",
        descending=[False, True, True, True, True, False],
        nulls_last=True,
    )
    kept = [
        one
        for _, rivals in contested.group_by("group", maintain_order=True)
        for one in _kept(zip(rivals["start_utc"].to_physical(), rivals["end_utc"].to_physical(), strict=True), share)
    ]
    return pl.concat([grouped.filter(~is_contested), contested.filter(pl.Series(kept, dtype=pl.Boolean))]).drop("group")


def _kept(spans: Iterable[tuple[int, int]], share: float) -> list[bool]:
    """Whether each span, best first, has at most a share of it covered by those kept before it."""
    begins: list[int] = []
    ends: list[int] = []
    kept: list[bool] = []
    for begin, end in spans:
        first, last = bisect_right(ends, begin), bisect_left(begins, end)
        met = list(zip(begins[first:last], ends[first:last], strict=True))
        covered = sum(min(end, until) - max(begin, since) for since, until in met)
        kept.append(covered <= share * (end - begin))
        if kept[-1]:
            # Those that it meets become one span with it, so that the lists stay short and disjoint.
            begins[first:last] = [min([begin, *(since for since, _ in met)])]
            ends[first:last] = [max([end, *(until for _, until in met)])]
    return kept


def _chained(records: pl.DataFrame, gaps: SleepGaps) -> pl.DataFrame:
    """Number (`chain`) the runs of records of a source that overlap, abut or lie less than a gap apart."""
    ordered = records.sort(*SOURCE, "start_utc", "end_utc", "record_id")
    farthest = pl.col("end_utc").cum_max().over(SOURCE)
    end_clock = wall_clock(pl.col("end_utc"), pl.col("end_offset_in_force_seconds"))
    reached = ordered.with_columns(farthest=farthest).with_columns(
        until_clock=pl.when(pl.col("end_utc") == pl.col("farthest")).then(end_clock).forward_fill().over(SOURCE)
    )
    since_ms = (pl.col("start_utc") - pl.col("farthest").shift(1).over(SOURCE)).dt.total_milliseconds()
    starts_clock = wall_clock(pl.col("start_utc"), pl.col("offset_seconds"))
    allowed_ms = _allowed_ms(pl.col("until_clock").shift(1).over(SOURCE), starts_clock, gaps)
    follows = (since_ms < pl.max_horizontal(allowed_ms, pl.lit(TOUCHING_MS))).fill_null(value=False)
    return reached.with_columns(chain=(~follows).cum_sum().cast(pl.Int64)).drop("farthest", "until_clock")


def _allowed_ms(from_clock: pl.Expr, to_clock: pl.Expr, gaps: SleepGaps) -> pl.Expr:
    """Below which length a gap between these clock times interrupts no sleep."""
    minutes = (
        pl.when(at_night(from_clock) & at_night(to_clock))
        .then(pl.lit(gaps.night_minutes))
        .otherwise(pl.lit(gaps.day_minutes))
    )
    return (minutes * 60_000).cast(pl.Int64)


def _beside(awake: pl.DataFrame, asleep: pl.DataFrame, gaps: SleepGaps) -> pl.DataFrame:
    """Give records of nothing but wake the chain that they lie in or that they touch; the rest get one of their own.

    Wake joins no two sleeps by itself, or an app that writes every stage of the day would sleep without end. At
    the edge of a period it counts as long as a gap would.
    """
    touching = _duration(TOUCHING_MS)
    spans = (
        asleep.group_by(*SOURCE, "chain")
        .agg(since=pl.col("start_utc").min(), until=pl.col("end_utc").max())
        .with_columns(meets_until=pl.col("until") + touching)
    )
    probe = awake.with_columns(probe_end=pl.col("end_utc") + touching)
    last = probe.sort("probe_end").join_asof(
        spans.sort("since").select(*SOURCE, "since", "until", last="chain"),
        left_on="probe_end",
        right_on="since",
        by=SOURCE,
        strategy="backward",
        check_sortedness=False,
    )
    both = last.sort("start_utc").join_asof(
        spans.sort("meets_until").select(*SOURCE, "meets_until", first="chain"),
        left_on="start_utc",
        right_on="meets_until",
        by=SOURCE,
        strategy="forward",
        check_sortedness=False,
    )
    inside = (pl.col("start_utc") >= pl.col("since")) & (pl.col("end_utc") <= pl.col("until"))
    length_ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    allowed_ms = _allowed_ms(
        wall_clock(pl.col("start_utc"), pl.col("offset_seconds")),
        wall_clock(pl.col("end_utc"), pl.col("end_offset_in_force_seconds")),
        gaps,
    )
    # The same chain from both sides: exactly one meets it.
    belongs = (pl.col("first") == pl.col("last")) & (inside | (length_ms < allowed_ms))
    own = pl.max_horizontal(asleep["chain"].max() or 0, 0) + 1 + pl.int_range(pl.len())
    return both.select(
        *awake.columns, chain=pl.when(belongs.fill_null(value=False)).then(pl.col("last")).otherwise(own)
    ).cast({"chain": pl.Int64})
