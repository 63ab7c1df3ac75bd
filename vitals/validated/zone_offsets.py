"""Zone offset ids, and the evidence that records give of a person's offset.

Belongs here: parsing `Z`, `-05:00`, `+05:30`, and turning rows into zone observations: per person, source app
and UTC date the first and last instant at which an offset was written. Observations merge by minimum and
maximum, so any order of arrival ends in the same evidence.
Does not belong here: which evidence is trusted and what the local day is (`clinical.local_day`).
"""

import polars as pl

from vitals.validated.runs import runs

MAX_OFFSET_SECONDS = 18 * 3600
"""Java's ZoneOffset, which writes these ids, allows no more."""

NO_OFFSET_SECONDS = 999_999
"""Marks rows that gave no zone: they prove that the person has data on that date, and no offset."""

MANUAL_SOURCE = "manual"
"""Source of an offset that a person told of a record: trusted, `Z` included. No package of an app has this name."""

OBSERVATION_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "source_app": pl.String(),
        "utc_date": pl.Date(),
        "offset_seconds": pl.Int32(),
        "first_utc": pl.Datetime("ms", "UTC"),
        "last_utc": pl.Datetime("ms", "UTC"),
    }
)

_PATTERN = r"^([+-])(\d{2}):([0-5]\d)(?::([0-5]\d))?$"


def is_missing(zone: pl.Expr) -> pl.Expr:
    """Whether a zone id is absent; writers use null or an empty string."""
    return zone.is_null() | (zone == "")


def offset_seconds(zone: pl.Expr) -> pl.Expr:
    """Offset in seconds of a zone id (`Z` is 0); null if it is absent or not an offset."""
    return zone.map_batches(_of_each_distinct_id, return_dtype=pl.Int32)


def _of_each_distinct_id(zones: pl.Series) -> pl.Series:
    """Read every distinct id once: a person has a handful, and the pattern costs more than the rest of a rule."""
    run, firsts = runs(zones)
    distinct = firsts.unique().drop_nulls()
    if distinct.is_empty():
        return pl.Series(zones.name, [None] * zones.len(), dtype=pl.Int32)
    offsets = distinct.to_frame("zone").select(_parsed(pl.col("zone"))).to_series()
    return firsts.replace_strict(distinct, offsets, default=None, return_dtype=pl.Int32).gather(run)


def _parsed(zone: pl.Expr) -> pl.Expr:
    parts = zone.str.extract_groups(_PATTERN)
    sign = pl.when(parts.struct.field("1") == "-").then(-1).otherwise(1)
    seconds = (
        parts.struct.field("2").cast(pl.Int32) * 3600
        + parts.struct.field("3").cast(pl.Int32) * 60
        + parts.struct.field("4").cast(pl.Int32).fill_null(0)
    )
    value = pl.when(zone.is_in(["Z", "z"])).then(0).otherwise(sign * seconds)
    return pl.when(value.abs() <= MAX_OFFSET_SECONDS).then(value).cast(pl.Int32)


def observations(records: pl.DataFrame) -> pl.DataFrame:
    """Zone evidence of validated records.

    Args:
        records: validated columns of one kind.

    Returns:
        OBSERVATION_SCHEMA, one row per person, source, UTC date and offset, sorted.
    """
    instant = ["subject_id", "source_app"]
    starts = records.select(*instant, at="start_utc", offset_seconds="start_offset_seconds")
    # The end of a day bucket lies after its publication: its zone is a forecast, not an observation.
    lived = pl.col("end_utc").is_between(pl.col("start_utc"), pl.col("modified_utc"), closed="right")
    ends = records.filter(lived).select(*instant, at="end_utc", offset_seconds="end_offset_seconds")
    keys = ["subject_id", "source_app", "utc_date", "offset_seconds"]
    return (
        pl.concat([starts, ends])
        .with_columns(pl.col("offset_seconds").fill_null(NO_OFFSET_SECONDS), utc_date=pl.col("at").dt.date())
        .group_by(keys)
        .agg(first_utc=pl.col("at").min(), last_utc=pl.col("at").max())
        .sort(keys)
        .select(OBSERVATION_SCHEMA.names())
        .cast(OBSERVATION_SCHEMA)
    )
