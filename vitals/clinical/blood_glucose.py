"""Blood glucose: facts of a local day, and of a window of days, per person.

Belongs here: how the parts (chosen readings, statistics, grid measures, episodes, gates) make one row.
Does not belong here: the formulas (`glucose_statistics`, `glucose_grid`, `glucose_mage`, `glucose_episodes`),
the preconditions (`glucose_gates`), or a sentence.

A reading counts for the local date of its instant; an episode counts once, for the day of its first reading,
with its whole duration. MAGE and CONGA-1 of a day see the readings of that day only.

A day is a sensor's or one of single readings (`glucose_readings`). Single readings make a count, a mean, a minimum, a
maximum, and the readings themselves with their times; nothing that takes time between them to be known.

A *period* is what one row is about: a local day, or all days of a person's window. Periods are numbered in the
order of the rows, and readings carry that number.
"""

import numpy as np
import polars as pl

from vitals.clinical import glucose_gates, glucose_statistics
from vitals.clinical.context import SERIES_TYPE, DayContext
from vitals.clinical.division import divided
from vitals.clinical.exact_sums import exact_mean, exact_sum
from vitals.clinical.glucose_episodes import EPISODE_RULES, find_episodes
from vitals.clinical.glucose_grid import (
    GlucoseGrid,
    Ints,
    conga,
    longest_run_points,
    modd,
    to_grid,
)
from vitals.clinical.glucose_mage import mage
from vitals.clinical.glucose_readings import DAY, ChosenReadings, choose_readings
from vitals.clinical.sampling_interval import MINUTE_MS
from vitals.clinical.schema import conform, fact_schema, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sufficiency import apply_gates
from vitals.clinical.time_covered import time_covered
from vitals.record_types import BLOOD_GLUCOSE
from vitals.training.rounding import round_column

KIND = BLOOD_GLUCOSE

LOCAL_TIME = pl.Datetime("ms")

EPISODES_TYPE = pl.List(
    pl.Struct(
        {
            "level": pl.String(),
            "start_local": LOCAL_TIME,
            # From the first to the end of the last reading that counts.
            "minutes": pl.Float64(),
            "extreme_mg_dl": pl.Int32(),
            # Whether the extreme is a limit of the sensor, so that the level was that or beyond.
            "extreme_is_bound": pl.Boolean(),
        }
    )
)

SUPPORT = pl.Schema(
    {
        # How often the sensor reads; null for single readings, or where sensors of several intervals follow each other.
        "sampling_interval_minutes": pl.Int64(),
        # Readings that such a sensor takes in a day of this length.
        "expected_n": pl.Int64(),
        # Levels outside are never delivered by the chosen source; null without such a limit.
        "source_floor_mg_dl": pl.Int32(),
        "source_ceiling_mg_dl": pl.Int32(),
        # Levels at or beyond are codes: the sensor tells a side and no level. Null where its limits are not known.
        "limit_low_mg_dl": pl.Int32(),
        "limit_high_mg_dl": pl.Int32(),
        # First reading of the lowest and of the highest level.
        "min_at_local": LOCAL_TIME,
        "max_at_local": LOCAL_TIME,
        "longest_gap_start_local": LOCAL_TIME,
        "longest_gap_end_local": LOCAL_TIME,
        "nocturnal_n": pl.Int64(),
        # Readings of finger blood and the like in the chosen app; beside a sensor's they are counted and not used.
        "single_n": pl.Int64(),
        # Of a day without a sensor, all its readings with their times.
        "single_readings": SERIES_TYPE,
        # In the order of their start; only of kinds whose count may be stated.
        "episodes": EPISODES_TYPE,
        "series": SERIES_TYPE,
    }
)


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Facts of every person and local day of the context that has readings.

    Args:
        records: validated columns and `context.LOCAL_COLUMNS`, covering the days and two more on either side.
        context: days and source priorities.

    Returns:
        `schema.fact_schema` of the kind, sorted by person and date.
    """
    schema = fact_schema(KIND.kind, SUPPORT)
    chosen = choose_readings(records, context.priorities)
    days = chosen.days.join(context.days, on=DAY, maintain_order="left").with_row_index("period")
    if days.is_empty():
        return pl.DataFrame(schema=schema)
    of_days = _of_periods(chosen.readings, days)
    episodes = _of_periods(_episodes(chosen), days)
    facts = _add_measures(days, of_days, _grid(of_days, len(days)), episodes).join(
        _day_support(of_days), on="period", maintain_order="left"
    )
    has_gap = (pl.col("longest_gap_minutes") > 0) & ~pl.col("is_single")
    facts = facts.with_columns(
        apps_text=pl.col("source_app"),
        coverage_percent=pl.when(~pl.col("is_single")).then("wear_percent"),
        records=pl.col("n"),
        expected_n=round_column(divided(pl.col("day_minutes"), pl.col("sampling_interval_minutes")), 0),
        longest_gap_start_local=pl.when(has_gap).then(
            pl.col("longest_gap_start_local").fill_null(pl.col("local_date").cast(LOCAL_TIME))
        ),
        longest_gap_end_local=pl.when(has_gap).then(
            pl.col("longest_gap_end_local").fill_null(pl.col("local_date").dt.offset_by("1d").cast(LOCAL_TIME))
        ),
        provisional=day_is_open(
            known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("source_app")
        ).fill_null(value=True),
    )
    gated = apply_gates(facts, kind=KIND.kind, scope="day", gates=glucose_gates.day_gates())
    return conform(_add_episodes(gated, episodes), schema)


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Facts of every person over all of its days in the context.

    Args:
        records: as for `summarise`.
        context: the days of the window per person (consecutive), source priorities, profiles.

    Returns:
        `schema.window_schema` of the kind, sorted by person; one row per person of the context. Without any
        reading every metric is withheld.
    """
    windows = (
        context.days.group_by("subject_id")
        .agg(
            first_date=pl.col("local_date").min(),
            last_date=pl.col("local_date").max(),
            days=pl.len().cast(pl.Int64),
            day_start_utc=pl.col("day_start_utc").min(),
            day_end_utc=pl.col("day_end_utc").max(),
            day_minutes=exact_sum(pl.col("day_minutes")),
        )
        .sort("subject_id")
        .with_row_index("period")
        .join(context.profiles.select("subject_id", "diabetes"), on="subject_id", how="left", maintain_order="left")
    )
    chosen = choose_readings(records, context.priorities)
    days = chosen.days.join(context.days, on=DAY, maintain_order="left").join(
        windows.select("subject_id", "period"), on="subject_id", maintain_order="left"
    )
    # A window is a sensor's: days of single readings are days with data, and no more.
    of_windows = _of_periods(chosen.readings.filter(~pl.col("is_single")), days)
    grid = _grid(of_windows, len(windows))
    facts = (
        _add_measures(windows, of_windows, grid, _of_periods(_episodes(chosen), days))
        .join(_days_of_windows(of_windows, days), on="period", how="left", maintain_order="left")
        .with_columns(
            pl.col("days_with_data", "valid_days", "valid_pairs").fill_null(0),
            pl.Series("modd", modd(grid)).fill_nan(None),
            pl.Series("conga24", conga(grid, hours=24)).fill_nan(None),
            is_single=pl.lit(value=False),
            wear_percent=pl.when(pl.col("n").is_not_null()).then(
                divided(100.0 * pl.col("of_days_minutes"), pl.col("day_minutes"))
            ),
            gmi=glucose_statistics.gmi(pl.col("mean")),
            gri=glucose_statistics.gri(),
        )
    )
    gated = apply_gates(facts, kind=KIND.kind, scope="window", gates=glucose_gates.window_gates())
    return conform(gated, window_schema(KIND.kind))


def _of_periods(rows: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Rows of the days in question, with the number of their period, sorted by it and else as they were."""
    numbered = rows.join(days.select("day", pl.col("period").cast(pl.Int64)), on="day", maintain_order="left")
    # A journey back across the date line is the only way out of order.
    ordered = numbered if numbered["period"].is_sorted() else numbered.sort("period", maintain_order=True)
    # Groups of a column known to be sorted are found without hashing.
    return ordered.with_columns(pl.col("period").set_sorted())


def _grid(readings: pl.DataFrame, n_periods: int) -> GlucoseGrid:
    return to_grid(
        series=_ints(readings, "period"),
        utc_ms=_ints(readings, "start_utc"),
        level_mg_dl=readings["value_mg_dl"].cast(pl.Float64).to_numpy(),
        n_series=n_periods,
    )


def _add_measures(
    periods: pl.DataFrame, readings: pl.DataFrame, grid: GlucoseGrid, episodes: pl.DataFrame
) -> pl.DataFrame:
    """Add to each period what days and windows have in common. A period without readings gets nulls."""
    aggregates = glucose_statistics.per_period(readings)
    counts = episodes.group_by("period").agg(
        (pl.col("level") == rule.level).sum().cast(pl.Int64).alias(f"episodes_{rule.level}") for rule in EPISODE_RULES
    )
    cover = time_covered(
        period=_ints(readings, "period"),
        utc_ms=_ints(readings, "start_utc"),
        interval_ms=_ints(readings, "interval_ms"),
        begin_ms=_ints(periods, "day_start_utc"),
        end_ms=_ints(periods, "day_end_utc"),
    )
    has_readings = pl.col("n").is_not_null()
    covered_minutes = pl.lit(pl.Series(cover.covered_ms)) / MINUTE_MS
    gap_minutes = divided(pl.lit(pl.Series(cover.gap_ms)), MINUTE_MS)
    # On a day that a journey across the date line splits, foreign hours lie between its edges.
    uncovered = pl.col("day_minutes") - pl.col("covered_minutes")
    return (
        periods.with_columns(pl.col("period").cast(pl.Int64))
        .join(aggregates, on="period", how="left", maintain_order="left")
        .join(counts, on="period", how="left", maintain_order="left")
        .with_columns(
            pl.when(has_readings).then(pl.col(f"episodes_{rule.level}").fill_null(0)).alias(f"episodes_{rule.level}")
            for rule in EPISODE_RULES
        )
        .with_columns(
            pl.Series("mage", mage(grid)).fill_nan(None),
            pl.Series("conga1", conga(grid, hours=1)).fill_nan(None),
            pl.Series("longest_run_points", longest_run_points(grid)),
            covered_minutes=pl.when(has_readings).then(pl.min_horizontal(covered_minutes, "day_minutes")),
            longest_gap_start_local=_local_time_of(readings, cover.before, after="interval_ms"),
            longest_gap_end_local=_local_time_of(readings, cover.after),
            **glucose_statistics.derived(),
        )
        .with_columns(
            wear_percent=_wear_percent(),
            longest_gap_minutes=pl.when(has_readings).then(pl.min_horizontal(gap_minutes, uncovered)),
        )
    )


def _wear_percent() -> pl.Expr:
    """Share of the period's time that readings stand for."""
    return divided(100.0 * pl.col("covered_minutes"), pl.col("day_minutes"))


def _local_time_of(readings: pl.DataFrame, numbers: Ints, *, after: str | None = None) -> pl.Series:
    """Wall clock of readings by number, or a column of milliseconds after it; null for -1."""
    wanted = pl.Series(numbers)
    time = readings["local_time"]
    if after is not None:
        time = time + readings[after].cast(pl.Duration("ms"))
    return time.gather(wanted.set(wanted < 0, None))


def _day_support(readings: pl.DataFrame) -> pl.DataFrame:
    """What a day keeps of its readings beside the metrics."""
    value, local_time, single = pl.col("value_mg_dl"), pl.col("local_time"), pl.col("is_single")
    item = pl.struct(pl.col("start_utc").alias("utc"), "offset_seconds", value.cast(pl.Float64).alias("value"))
    return readings.group_by("period").agg(
        min_at_local=local_time.get(value.arg_min()),
        max_at_local=local_time.get(value.arg_max()),
        series=item.filter(~single),
        single_readings=item.filter(single),
    )


def _days_of_windows(readings: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Per window: its covered time, valid days and pairs of consecutive ones, ADRR, and the limits of its sources."""
    value = pl.col("value_mg_dl")
    # Both risks are monotonous, so the extremes of the day carry the greatest.
    extremes = readings.group_by("day").agg(
        daily_range=glucose_statistics.low_risk(value.min()) + glucose_statistics.high_risk(value.max()),
    )
    by_day = _of_periods(readings.drop("period"), days.with_columns(period=pl.col("day")))
    cover = time_covered(
        period=np.searchsorted(days["day"].to_numpy(), _ints(by_day, "day")),
        utc_ms=_ints(by_day, "start_utc"),
        interval_ms=_ints(by_day, "interval_ms"),
        begin_ms=_ints(days, "day_start_utc"),
        end_ms=_ints(days, "day_end_utc"),
    )
    covered_minutes = pl.min_horizontal(pl.lit(pl.Series(cover.covered_ms)) / MINUTE_MS, "day_minutes")
    limited = pl.col("source_floor_mg_dl").is_not_null() | pl.col("source_ceiling_mg_dl").is_not_null()
    valid = pl.col("valid")
    return (
        days.with_columns(covered_minutes=covered_minutes)
        .join(extremes, on="day", how="left", maintain_order="left")
        .with_columns(valid=glucose_gates.valid_day(_wear_percent()))
        .group_by(pl.col("period").cast(pl.Int64))
        .agg(
            days_with_data=pl.len().cast(pl.Int64),
            of_days_minutes=exact_sum(pl.col("covered_minutes")),
            valid_days=valid.sum().cast(pl.Int64),
            valid_pairs=(pl.col("local_date").filter(valid).diff().dt.total_days() == 1).sum().cast(pl.Int64),
            adrr=exact_mean(pl.col("daily_range").filter(valid)),
            apps_text=pl.col("source_app").filter(limited).unique().sort().str.join(", "),
            source_floor_mg_dl=pl.col("source_floor_mg_dl").max(),
            source_ceiling_mg_dl=pl.col("source_ceiling_mg_dl").min(),
        )
    )


def _episodes(chosen: ChosenReadings) -> pl.DataFrame:
    """Episodes in all readings of sensors, margin days included, with `day` and local time of their first reading."""
    readings = chosen.readings.filter(~pl.col("is_single"))
    # Another app, or another of its sensors, is another series: there an episode ends.
    found = find_episodes(
        series=_ints(readings, "series"),
        utc_ms=_ints(readings, "start_utc"),
        interval_ms=_ints(readings, "interval_ms"),
        level_mg_dl=_ints(readings, "level_mg_dl"),
    )
    first = readings.select("day", "local_time", "limit_low_mg_dl", "limit_high_mg_dl")[found["reading"]]
    extreme, low, high = pl.col("extreme_mg_dl"), pl.col("limit_low_mg_dl"), pl.col("limit_high_mg_dl")
    return (
        found.with_columns(first.rename({"local_time": "start_local"}).get_columns())
        .with_columns(
            extreme_mg_dl=extreme.clip(low, high),
            extreme_is_bound=((extreme <= low) | (extreme >= high)).fill_null(value=False),
        )
        .drop("limit_low_mg_dl", "limit_high_mg_dl")
    )


def _add_episodes(facts: pl.DataFrame, episodes: pl.DataFrame) -> pl.DataFrame:
    """Add the list of those episodes whose count is stated."""
    stated = (
        facts.select("period", *(pl.col(f"episodes_{rule.level}").alias(rule.level) for rule in EPISODE_RULES))
        .unpivot(index="period", variable_name="level", value_name="count")
        .drop_nulls("count")
    )
    lists = (
        episodes.join(stated, on=["period", "level"], how="semi", maintain_order="left")
        .sort("period", "reading", maintain_order=True)
        .group_by("period")
        .agg(episodes=pl.struct("level", "start_local", "minutes", "extreme_mg_dl", "extreme_is_bound"))
    )
    return facts.join(lists, on="period", how="left").with_columns(
        pl.col("episodes").cast(EPISODES_TYPE).fill_null(pl.lit([], dtype=EPISODES_TYPE))
    )


def _ints(frame: pl.DataFrame, column: str) -> Ints:
    """Column as whole numbers; instants as milliseconds since 1970."""
    return np.asarray(frame[column].to_physical().cast(pl.Int64).to_numpy())
