"""Zone offset ids, and the evidence that records give of a person's offset.

Belongs here: parsing `Z`, `-05:00`, `+05:30`, and turning rows into zone observations: per person, source app
and UTC date the first and last instant at which an offset was written. Observations merge by minimum and
maximum, so any order of arrival ends in the same evidence.
Does not belong here: which evidence is trusted and what the local day is (`clinical.local_day`).
"""

import numpy as np
import polars as pl

from vitals.record_types import UTC_MS
from vitals.validated.runs import common_begins, of_each_run

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
        "first_utc": UTC_MS,
        "last_utc": UTC_MS,
    }
)

_PATTERN = r"^([+-])(\d{2}):([0-5]\d)(?::([0-5]\d))?$"


def is_missing(zone: pl.Expr) -> pl.Expr:
    """Whether a zone id is absent; writers use null or an empty string."""
    return zone.is_null() | (zone == "")


def offset_seconds(zone: pl.Expr) -> pl.Expr:
    """Offset in seconds of a zone id (`Z` is 0); null if it is absent or not an offset."""
    return zone.map_batches(lambda zones: of_each_run(zones, _offsets), return_dtype=pl.Int32)


def is_unreadable(zone: pl.Expr) -> pl.Expr:
    """Whether a zone id is there and is not an offset."""

    def unreadable(zones: pl.Series) -> pl.Series:
        there = zones.to_frame("zone").select(~is_missing(pl.col("zone"))).to_series()
        return there & _offsets(zones).is_null()

    return zone.map_batches(lambda zones: of_each_run(zones, unreadable), return_dtype=pl.Boolean)


def _offsets(zones: pl.Series) -> pl.Series:
    """Read every distinct id once: a person has a handful, and the pattern costs more than the rest of a rule."""
    distinct = zones.unique().drop_nulls()
    if distinct.is_empty():
        return pl.Series(zones.name, [None] * zones.len(), dtype=pl.Int32)
    offsets = distinct.to_frame("zone").select(_parsed(pl.col("zone"))).to_series()
    return zones.replace_strict(distinct, offsets, default=None, return_dtype=pl.Int32)


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
    person = ["subject_id", "source_app"]
    starts = records.select(*person, at="start_utc", offset_seconds="start_offset_seconds")
    # The end of a day bucket lies after its publication: its zone is a forecast, not an observation.
    lived = pl.col("end_utc").is_between(pl.col("start_utc"), pl.col("modified_utc"), closed="right")
    ends = records.filter(lived).select(*person, at="end_utc", offset_seconds="end_offset_seconds")
    keys = ["subject_id", "source_app", "utc_date", "offset_seconds"]
    return (
        pl.concat([_first_and_last(starts, keys), _first_and_last(ends, keys)])
        .group_by(keys)
        .agg(pl.col("first_utc").min(), pl.col("last_utc").max())
        .sort(keys)
        .select(OBSERVATION_SCHEMA.names())
        .cast(OBSERVATION_SCHEMA)
    )


def _first_and_last(instants: pl.DataFrame, keys: list[str]) -> pl.DataFrame:
    """First and last instant of each run of rows with the same keys: a day of a person mostly stands together."""
    dated = instants.with_columns(
        pl.col("offset_seconds").fill_null(NO_OFFSET_SECONDS), utc_date=pl.col("at").dt.date()
    )
    begins = common_begins([dated[key] for key in keys])
    at = dated["at"].to_physical().to_numpy()
    first, last = (extreme.reduceat(at, begins) if len(begins) else at for extreme in (np.minimum, np.maximum))
    return dated.select(pl.col(keys).gather(begins)).with_columns(
        pl.Series("first_utc", first).cast(UTC_MS), pl.Series("last_utc", last).cast(UTC_MS)
    )
