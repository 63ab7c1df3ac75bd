"""A person's local days, by zone evidence.

Belongs here: which offset was in force at an instant, the wall date of a record, and the bounds of a local
day (CLINICAL.md G2, G3, G5; DATA_FACTS.md "Time zones").
Does not belong here: how evidence is collected (`validated.zone_offsets`), or any metric.

The offset in force at an instant is the last trusted observation of any of the person's sources at or before
it; before the first, the first. An observation of another offset than `Z` is trusted. `Z` is trusted

1. if none of the person's sources ever reports another offset, or
2. if the source has itself reported other offsets of the person, all the person's other offsets lie within
   two hours of UTC, and no other offset was written while it wrote `Z`. Without this, everybody whose winter
   time is UTC (the British Isles, Portugal) would keep summer time all winter. A source that writes `Z` for
   want of a zone (a CGM app) never reports another offset, and stays untrusted.
"""

from datetime import date

import polars as pl

from vitals.clinical.context import DAYS_SCHEMA
from vitals.clinical.division import divided
from vitals.record_types import UTC_MS
from vitals.validated.zone_offsets import MANUAL_SOURCE, NO_OFFSET_SECONDS

TIMELINE_SCHEMA = pl.Schema({"subject_id": pl.String(), "from_utc": UTC_MS, "offset_seconds": pl.Int32()})
"""Change points of a person's offset, sorted. The first also holds for all earlier instants."""

NEAR_UTC_SECONDS = 2 * 3600


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
    is_z = (pl.col("offset_seconds") == 0) & (pl.col("source_app") != MANUAL_SOURCE)
    others = given.filter(~is_z)
    person = others.group_by("subject_id").agg(near_utc=(pl.col("offset_seconds").abs() <= NEAR_UTC_SECONDS).all())
    aware = others.select("subject_id", "source_app").unique().with_columns(zone_aware=pl.lit(value=True))
    z = (
        given.filter(is_z)
        .join(person, on="subject_id", how="left")
        .join(aware, on=["subject_id", "source_app"], how="left")
    )
    alone = z.filter(pl.col("near_utc").is_null())
    candidates = z.filter(pl.col("near_utc") & pl.col("zone_aware"))
    other_dates = others.select("subject_id", "utc_date", o_first="first_utc", o_last="last_utc")
    contradicted = (
        candidates.join(other_dates, on=["subject_id", "utc_date"])
        .filter((pl.col("o_first") < pl.col("last_utc")) & (pl.col("o_last") > pl.col("first_utc")))
        .select("subject_id", "source_app", "utc_date")
        .unique()
    )
    accepted = candidates.join(contradicted, on=["subject_id", "source_app", "utc_date"], how="anti")
    return pl.concat([others, alone.select(given.columns), accepted.select(given.columns)])


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
    start_offset, start_date = _local(records, "start_utc", "start_offset_seconds", timeline)
    end_offset, end_date = start_offset, start_date
    ends = records.select(start_utc="end_utc", start_offset_seconds="end_offset_seconds")
    # An instant ends where it starts.
    if not ends.equals(records.select(ends.columns)):
        end_offset, end_date = _local(records, "end_utc", "end_offset_seconds", timeline)
    return records.with_columns(
        offset_seconds=start_offset,
        end_offset_in_force_seconds=end_offset,
        local_date=start_date,
        end_local_date=end_date,
    )


def _local(records: pl.DataFrame, instant: str, own: str, timeline: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Offset in force and wall date at an instant of each record, whose own offset counts unless it is `Z`."""
    own_is_trusted = pl.col(own).fill_null(0) != 0
    in_force = pl.lit(_in_force(records, instant, timeline))
    offset = records.select(pl.when(own_is_trusted).then(pl.col(own)).otherwise(in_force).cast(pl.Int32)).to_series()
    return offset, records.select(wall_clock(pl.col(instant), pl.lit(offset)).dt.date()).to_series()


def wall_clock(instant: pl.Expr, offset_seconds: pl.Expr) -> pl.Expr:
    """Naive local date and time of an instant."""
    return (instant + pl.duration(seconds=offset_seconds)).dt.replace_time_zone(None)


def _in_force(frame: pl.DataFrame, instant: str, timeline: pl.DataFrame) -> pl.Series:
    """Offset in seconds by the timeline at an instant of each row, in the order of the rows."""
    changing = timeline.filter(pl.len().over("subject_id") > 1)
    first = timeline.group_by("subject_id", maintain_order=True).agg(first_offset=pl.col("offset_seconds").first())
    # Neighbours are mostly records of one person: only the first of each run is looked up.
    run = frame["subject_id"].rle_id()
    heads = frame.select("subject_id").filter(run != run.shift(1, fill_value=-1))
    first_offset = heads.join(first, on="subject_id", how="left", maintain_order="left")["first_offset"].gather(run)
    # Nearly everybody has one offset in a window: the ordered join is only for those who changed theirs.
    if changing.is_empty():
        return first_offset
    return (
        frame.select("subject_id", at=instant)
        .with_columns(first_offset)
        .with_row_index("__row")
        .sort("at")
        .join_asof(
            changing.sort("from_utc"),
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
    points = pl.concat([before, after]).select("subject_id", "from_utc").unique().sort("subject_id", "from_utc")
    # The span before the first point needs a probe of its own.
    probes = pl.concat(
        [points, points.group_by("subject_id").agg(pl.col("from_utc").min() - pl.duration(days=1))]
    ).sort("subject_id", "from_utc")
    old = _in_force(probes, "from_utc", before)
    new = _in_force(probes, "from_utc", after)
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
