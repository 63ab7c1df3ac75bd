"""A person's local days, by zone evidence.

Belongs here: which offset was in force at an instant, the wall date of a record, and the bounds of a local
day (docs/spec/clinical.md G2, G3, G5; docs/spec/data_facts.md "Time zones").
Does not belong here: how evidence is collected (`validated.zone_offsets`), or any metric.

The offset in force at an instant is the last trusted observation of any of the person's sources at or before
it; before the first, the first. An observation of another offset than `Z` is trusted. `Z` is trusted

1. if none of the person's sources ever reports another offset, or
2. if the source has itself reported other offsets: then it knows where the person is and means UTC, as in winter in
   London. Not on dates on which another offset was written while it wrote `Z`, by itself or by others; and if those
   are more than half of its dates with `Z`, on none: then `Z` is what it writes for want of a zone.

A source that writes nothing but `Z` (a CGM app) while others disagree is not believed.
"""

from datetime import date

import polars as pl

from vitals.clinical.context import DAYS_SCHEMA
from vitals.clinical.division import divided
from vitals.record_types import UTC_MS
from vitals.validated.zone_offsets import MANUAL_SOURCE, NO_OFFSET_SECONDS

TIMELINE_SCHEMA = pl.Schema({"subject_id": pl.String(), "from_utc": UTC_MS, "offset_seconds": pl.Int32()})
"""Change points of a person's offset, sorted. The first also holds for all earlier instants."""


def offset_timeline(observations: pl.DataFrame) -> pl.DataFrame:
    """Change points of each person's offset.

    Args:
        observations: `validated.zone_offsets.OBSERVATION_SCHEMA`.

    Returns:
        TIMELINE_SCHEMA; equal neighbours are merged.
    """
    given = observations.filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)
    points = (
        _trusted(given)
        .unpivot(on=["first_utc", "last_utc"], index=["subject_id", "offset_seconds"], value_name="from_utc")
        .select(TIMELINE_SCHEMA.names())
        # Two sources at one instant with different offsets: the greater distance from UTC is the one that
        # some source must have known; an arbitrary but fixed order settles the rest.
        .sort("subject_id", "from_utc", pl.col("offset_seconds").abs(), "offset_seconds")
        .unique(["subject_id", "from_utc"], keep="last", maintain_order=True)
    )
    changes = pl.col("offset_seconds").ne_missing(pl.col("offset_seconds").shift(1).over("subject_id"))
    return points.filter(changes).cast(TIMELINE_SCHEMA)


def _trusted(given: pl.DataFrame) -> pl.DataFrame:
    source, dated = ["subject_id", "source_app"], ["subject_id", "source_app", "utc_date"]
    is_z = (pl.col("offset_seconds") == 0) & (pl.col("source_app") != MANUAL_SOURCE)
    z, named = given.filter(is_z), given.filter(~is_z)
    disagreeing = named.filter(pl.col("offset_seconds") != 0)
    alone = z.join(disagreeing, on="subject_id", how="anti")
    candidates = z.join(disagreeing, on=source, how="semi")
    contradicted = (
        candidates.join(
            disagreeing.select("subject_id", "utc_date", o_first="first_utc", o_last="last_utc"),
            on=["subject_id", "utc_date"],
        )
        .filter((pl.col("o_first") < pl.col("last_utc")) & (pl.col("o_last") > pl.col("first_utc")))
        .select(dated)
        .unique()
    )
    doubtful = (
        candidates.select(dated)
        .join(contradicted.with_columns(contradicted=pl.lit(value=True)), on=dated, how="left")
        .group_by(source)
        .agg(pl.col("contradicted").count(), dates=pl.len())
        .filter(2 * pl.col("contradicted") > pl.col("dates"))
    )
    accepted = candidates.join(contradicted, on=dated, how="anti").join(doubtful, on=source, how="anti")
    return pl.concat([named, alone, accepted])


def segments(timeline: pl.DataFrame) -> pl.DataFrame:
    """Spans of constant offset: `subject_id`, `from_utc`, `to_utc`, `offset_seconds`; open ends are null."""
    first = pl.int_range(pl.len()).over("subject_id") == 0
    return timeline.with_columns(
        to_utc=pl.col("from_utc").shift(-1).over("subject_id"),
        from_utc=pl.when(first).then(None).otherwise(pl.col("from_utc")),
    )


def with_local_time(records: pl.DataFrame, timeline: pl.DataFrame) -> pl.DataFrame:
    """Add the offset in force and the wall date at start and end of each record.

    A record's own offset other than `Z` is itself the latest trusted observation at its instant.

    Args:
        records: validated columns of one kind.
        timeline: TIMELINE_SCHEMA of at least the persons in the records. A person without one (no source
            ever gave a zone) has no local day: such records must have been held back before.

    Returns:
        The records with `context.LOCAL_COLUMNS`, in their order.
    """
    first_offset, changing = _first_offset(records["subject_id"], timeline), _changing(timeline)
    starts, ends = records["start_utc"], records["end_utc"]
    own_start, own_end = records["start_offset_seconds"], records["end_offset_seconds"]
    is_instant = starts.equals(ends)
    at_start = _in_force(records, "start_utc", first_offset, changing)
    at_end = at_start if is_instant else _in_force(records, "end_utc", first_offset, changing)

    def resolved(own: str, in_force: pl.Series) -> pl.Expr:
        own_is_trusted = pl.col(own).fill_null(0) != 0
        return pl.when(own_is_trusted).then(pl.col(own)).otherwise(pl.lit(in_force)).cast(pl.Int32)

    dated = records.with_columns(
        offset_seconds=resolved("start_offset_seconds", at_start),
        end_offset_in_force_seconds=resolved("end_offset_seconds", at_end),
    ).with_columns(local_date=wall_clock(pl.col("start_utc"), pl.col("offset_seconds")).dt.date())
    if is_instant and own_start.equals(own_end):
        return dated.with_columns(end_local_date="local_date")
    end_clock = wall_clock(pl.col("end_utc"), pl.col("end_offset_in_force_seconds"))
    return dated.with_columns(end_local_date=end_clock.dt.date())


def dates_touched() -> pl.Expr:
    """Wall dates of a record with LOCAL_COLUMNS, as a list. On a journey over the date line it ends on the earlier one."""
    ends = ("local_date", "end_local_date")
    return pl.date_ranges(pl.min_horizontal(ends), pl.max_horizontal(ends))


def wall_clock(instant: pl.Expr, offset_seconds: pl.Expr) -> pl.Expr:
    """Naive local date and time of an instant."""
    return (instant + pl.duration(seconds=offset_seconds)).dt.replace_time_zone(None)


def _changing(timeline: pl.DataFrame) -> pl.DataFrame:
    """The part of a timeline that is of persons with several offsets, by instant."""
    return timeline.filter(pl.len().over("subject_id") > 1).sort("from_utc")


def _first_offset(subject_ids: pl.Series, timeline: pl.DataFrame) -> pl.Series:
    """Each person's first offset in seconds."""
    first = timeline.group_by("subject_id", maintain_order=True).agg(first_offset=pl.col("offset_seconds").first())
    # Neighbours are mostly records of one person: only the first of each run is looked up.
    run = subject_ids.rle_id()
    heads = subject_ids.filter(run != run.shift(1, fill_value=-1)).to_frame()
    return heads.join(first, on="subject_id", how="left", maintain_order="left")["first_offset"].gather(run)


def _in_force(frame: pl.DataFrame, instant: str, first_offset: pl.Series, changing: pl.DataFrame) -> pl.Series:
    """Offset in seconds by the timeline at an instant of each row, in the order of the rows.

    Args:
        frame: `subject_id` and the instant.
        instant: its column.
        first_offset: `_first_offset` of the rows.
        changing: `_changing` of the timeline.
    """
    # Nearly everybody has one offset in a window: the ordered join is only for those who changed theirs.
    if changing.is_empty():
        return first_offset
    return (
        frame.select("subject_id", at=instant)
        .with_columns(first_offset)
        .with_row_index("__row")
        .sort("at")
        .join_asof(
            changing,
            left_on="at",
            right_on="from_utc",
            by="subject_id",
            strategy="backward",
            check_sortedness=False,
        )
        .sort("__row")
        .select(pl.coalesce("offset_seconds", "first_offset"))
        .to_series()
    )


def local_days(timeline: pl.DataFrame, *, first_date: date, last_date: date, known_until: pl.DataFrame) -> pl.DataFrame:
    """Bounds of the local days of every person in a timeline.

    Args:
        timeline: TIMELINE_SCHEMA.
        first_date, last_date: inclusive range of local dates.
        known_until: `subject_id`, `known_until_utc` (latest fetch of the person's exports).

    Returns:
        `context.DAYS_SCHEMA`. A date that a person skipped (travel across the date line) has no row.
    """
    dates = pl.DataFrame({"local_date": pl.date_range(first_date, last_date, eager=True)})
    midnight = pl.col("local_date").cast(pl.Datetime("ms")).dt.replace_time_zone("UTC")
    offset = pl.duration(seconds=pl.col("offset_seconds"))
    pieces = (
        segments(timeline)
        .join(dates, how="cross")
        .with_columns(
            start=pl.max_horizontal((midnight - offset).cast(UTC_MS), pl.col("from_utc")),
            end=pl.min_horizontal((midnight + pl.duration(days=1) - offset).cast(UTC_MS), pl.col("to_utc")),
        )
        .filter(pl.col("end") > pl.col("start"))
        .sort("subject_id", "local_date", "start")
        .with_columns(zone=zone_id(pl.col("offset_seconds")))
    )
    return (
        pieces.group_by("subject_id", "local_date", maintain_order=True)
        .agg(
            day_start_utc=pl.col("start").first(),
            day_end_utc=pl.col("end").last(),
            day_minutes=divided((pl.col("end") - pl.col("start")).dt.total_milliseconds().sum(), 60_000),
            zone=pl.col("zone").str.join(">"),
        )
        .join(known_until, on="subject_id", how="left")
        .select(DAYS_SCHEMA.names())
        .cast(DAYS_SCHEMA)
    )


def zone_id(offset_seconds: pl.Expr) -> pl.Expr:
    """Offset as text, such as "-05:00"."""
    minutes = offset_seconds.abs() // 60
    return pl.format(
        "{}{}:{}",
        pl.when(offset_seconds < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
        (minutes // 60).cast(pl.String).str.zfill(2),
        (minutes % 60).cast(pl.String).str.zfill(2),
    )


def changed_spans(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Where two timelines of the same persons disagree.

    Args:
        before, after: TIMELINE_SCHEMA; a person may be missing from `before`.

    Returns:
        `subject_id`, `from_utc`, `to_utc` (null: open), one row per span whose offset changed.
    """
    # What holds at a person's first point holds before it, too.
    probes = pl.concat([before, after]).select("subject_id", "from_utc").unique().sort("subject_id", "from_utc")
    old, new = (
        _in_force(probes, "from_utc", _first_offset(probes["subject_id"], timeline), _changing(timeline))
        for timeline in (before, after)
    )
    first = pl.int_range(pl.len()).over("subject_id") == 0
    return (
        probes.with_columns(
            old=old,
            new=new,
            to_utc=pl.col("from_utc").shift(-1).over("subject_id"),
        )
        .with_columns(from_utc=pl.when(first).then(None).otherwise(pl.col("from_utc")))
        .filter(pl.col("old").ne_missing(pl.col("new")))
        .select("subject_id", "from_utc", "to_utc")
    )
