"""Which glucose readings count, per person and local day.

Belongs here: the choice of one source app per day, what is kept of the others, and the order of the readings.
Does not belong here: any metric.

Sources are chosen, never pooled (CLINICAL.md G10): two sensors on one person differ by more than most days do.
"""

from dataclasses import dataclass

import polars as pl

from vitals.clinical.context import SOURCES_TYPE
from vitals.clinical.exact_sums import exact_mean
from vitals.clinical.source_capabilities import glucose_ceiling, glucose_floor

DAY = ("subject_id", "local_date")
_PER_READING = ("start_utc", "offset_seconds", "level_mg_dl", "row")


@dataclass(frozen=True)
class ChosenReadings:
    """The readings of one source app per person and local day.

    Attributes:
        days: one row per person and local day with readings, sorted: `subject_id`, `local_date`, `day` (row
            number), `source_app` (the chosen one), its `source_floor_mg_dl` and `source_ceiling_mg_dl`,
            `as_of_utc`, `source_keys_sha256`, `data_quality_score`, and `sources` (`context.SOURCES_TYPE`, the
            chosen one first; the value is the app's own mean).
        readings: one row per reading, sorted by person, instant, record id: `person` and `day` as numbers,
            `start_utc`, `offset_seconds`, `level_mg_dl`, `local_time` (naive wall clock).
    """

    days: pl.DataFrame
    readings: pl.DataFrame


def choose_readings(records: pl.DataFrame, priorities: pl.DataFrame) -> ChosenReadings:
    """Choose one source app per person and local day.

    Explicit rank first; then a sensor before a phone; then the app with more readings; then the app's name.

    Args:
        records: glucose records with local columns.
        priorities: `context.PRIORITIES_SCHEMA`.
    """
    per_app = _per_app(records, priorities)
    source = pl.struct(
        pl.col("source_app").alias("app"),
        pl.int_range(pl.len()).eq(0).alias("used"),
        "n",
        "value",
        "as_of_utc",
    )
    chosen = (
        per_app.group_by(DAY, maintain_order=True)
        .agg(pl.all().first(), sources=source)
        .with_columns(
            pl.col("sources").cast(SOURCES_TYPE),
            person=pl.col("subject_id").rle_id().cast(pl.Int64),
            source_floor_mg_dl=glucose_floor(pl.col("source_app")),
            source_ceiling_mg_dl=glucose_ceiling(pl.col("source_app")),
        )
        .with_row_index("day")
        .with_columns(pl.col("day").cast(pl.Int64))
    )
    readings = chosen.select("person", "day", *_PER_READING).explode(_PER_READING)
    return ChosenReadings(
        days=chosen.drop("person", "n", "value", "phone", "rank", *_PER_READING),
        readings=_in_order(readings, records["record_id"]),
    )


def _per_app(records: pl.DataFrame, priorities: pl.DataFrame) -> pl.DataFrame:
    """One row per person, local date and app, best source first, its readings as lists."""
    # The only pass that looks at the text of all records; what follows works on numbers. Records come file by file,
    # so that neighbours say the same, and groups of runs are far fewer to find than groups of records.
    texts = records.select(*DAY, "source_app", "device_type", "source_key_sha256")
    run = texts.select(pl.struct(pl.all()).rle_id()).to_series()
    per_app = (
        texts.filter(run != run.shift(1, fill_value=-1))
        .with_row_index("run")
        .group_by(*DAY, "source_app")
        .agg(
            "run",
            # Only PHONE says something; an unknown type proves nothing.
            phone=pl.col("device_type").eq_missing(pl.lit("PHONE")).all(),
            source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
        )
        .with_row_index("group")
    )
    group_of_run = per_app.select("group", "run").explode("run").sort("run")["group"]
    numbers = (
        records.select("start_utc", "offset_seconds", "level_mg_dl", "modified_utc", "file_quality")
        .with_columns(group_of_run.gather(run))
        .with_row_index("row")
        .group_by("group")
        .agg(
            *_PER_READING,
            n=pl.len().cast(pl.Int64),
            value=pl.col("level_mg_dl").mean(),
            as_of_utc=pl.col("modified_utc").max(),
            data_quality_score=exact_mean(pl.col("file_quality")),
        )
    )
    return (
        per_app.drop("run")
        .join(numbers, on="group")
        .drop("group")
        .join(priorities, on=["subject_id", "source_app"], how="left")
        .sort(
            *DAY,
            "rank",
            "phone",
            "n",
            "source_app",
            descending=[False, False, False, False, True, False],
            nulls_last=True,
        )
    )


def _in_order(readings: pl.DataFrame, record_ids: pl.Series) -> pl.DataFrame:
    # One number sorts several times faster than two columns; instants stay below 2^44 ms until the year 2527.
    keyed = readings.with_columns(order=pl.col("person") * 2**44 + pl.col("start_utc").to_physical())
    ordered = keyed.sort("order")
    if (ordered["order"].diff() == 0).any():
        ordered = keyed.with_columns(record_ids.gather(keyed["row"])).sort("order", "record_id")
    local_time = (pl.col("start_utc") + pl.duration(seconds="offset_seconds")).dt.replace_time_zone(None)
    return ordered.select("person", "day", *_PER_READING[:-1], local_time=local_time)
