"""What a kind's clinical module is given besides its records.

Belongs here: the shape of that input, shared by all kinds.
Does not belong here: how the input is found (`local_day`, `sources`, the resources that read tables).
"""

from dataclasses import dataclass, field

import polars as pl

from vitals.record_types import UTC_MS

DAYS_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "local_date": pl.Date(),
        # First instant of the local day and first instant after it. On a day that a journey across the
        # date line splits, the span holds foreign hours too; day_minutes counts only its own.
        "day_start_utc": UTC_MS,
        "day_end_utc": UTC_MS,
        "day_minutes": pl.Float64(),
        # Latest fetch of any of the person's exports: nothing is known of later instants.
        "known_until_utc": UTC_MS,
        # Offset(s) in force, as "-05:00" or, with a change in the day, "-05:00>-04:00".
        "zone": pl.String(),
    }
)

PROFILES_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "age_years": pl.Float64(),
        "weight_kg": pl.Float64(),
        "diabetes": pl.String(),
    }
)


@dataclass(frozen=True, kw_only=True)
class SleepGaps:
    """How far apart two sleep records of one source may lie and still be pieces of one sleep, in minutes.

    Attributes:
        night_minutes: below which a gap that lies in the night (by the person's clock) interrupts no sleep.
        day_minutes: the same for any other gap.
    """

    night_minutes: float = 120
    day_minutes: float = 15


DEFAULT_SLEEP_GAPS = SleepGaps()
"""Of a tenant that has set none (`vitals.tenant_settings`)."""

PRIORITIES_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "source_app": pl.String(),
        # Lower comes first.
        "rank": pl.Int32(),
        # One of `devices.DEVICE_TYPES`: only the app's devices of this type. Null: all of them.
        "device_type": pl.String(),
    }
)

LOCAL_COLUMNS = pl.Schema(
    {
        # Offset in force at start and end, by evidence; never null.
        "offset_seconds": pl.Int32(),
        "end_offset_in_force_seconds": pl.Int32(),
        "local_date": pl.Date(),
        "end_local_date": pl.Date(),
    }
)
"""Columns that local-day resolution adds to validated records before a clinical module sees them."""

SOURCES_TYPE = pl.List(
    pl.Struct(
        {
            "app": pl.String(),
            # Type of the device, one of `devices.DEVICE_TYPES`, where devices of one app are told apart; null elsewhere.
            "device": pl.String(),
            "used": pl.Boolean(),
            # Records (or minutes, for heart rate) of this source in the day.
            "n": pl.Int64(),
            # The kind's headline value by this source alone; null where it cannot be stated.
            "value": pl.Float64(),
            "as_of_utc": UTC_MS,
        }
    )
)

SERIES_TYPE = pl.List(pl.Struct({"utc": UTC_MS, "offset_seconds": pl.Int32(), "value": pl.Float64()}))

FACT_COLUMNS = pl.Schema(
    {
        "subject_id": pl.String(),
        "local_date": pl.Date(),
        "zone": pl.String(),
        "day_minutes": pl.Float64(),
        # Share of the day (glucose, heart rate) or of the session (sleep, HRV) that data cover.
        "coverage_percent": pl.Float64(),
        # True while a source may still deliver more for this day, or its total still runs.
        "provisional": pl.Boolean(),
        # Latest modification among the records used: what the day's facts are "as of".
        "as_of_utc": UTC_MS,
        "records": pl.Int64(),
        "sources": SOURCES_TYPE,
        "source_keys_sha256": pl.List(pl.String()),
        "data_quality_score": pl.Float64(),
    }
)
"""Columns every clinical table has before its metrics; `withheld` comes last."""


COMPLETIONS_TYPE = pl.List(pl.Int64())
"""Last column of a clinical table, `completions`: ids of what people said of records that the day's facts read."""


@dataclass(frozen=True, kw_only=True)
class DayContext:
    """Everything about the people and days in question that is not a record of the kind.

    Attributes:
        days: DAYS_SCHEMA; the local days to summarise, per person. Rows only for these are returned.
        profiles: PROFILES_SCHEMA; a person without a row has an unknown profile.
        priorities: PRIORITIES_SCHEMA; explicit source order of this kind, lower rank first. Empty for most.
        sessions: chosen sleep periods (`sleep.choose_sessions`), for the kinds that need sleep.
        sleep_gaps: the tenant's limits of gaps within one sleep; sleep alone reads them.
    """

    days: pl.DataFrame
    profiles: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PROFILES_SCHEMA))
    priorities: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=PRIORITIES_SCHEMA))
    sessions: pl.DataFrame | None = None
    sleep_gaps: SleepGaps = DEFAULT_SLEEP_GAPS
