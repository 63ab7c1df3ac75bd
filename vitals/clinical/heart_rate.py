"""Heart-rate facts of a local day.

Belongs here: the heart-rate metrics, their preconditions (docs/spec/clinical.md section 2, docs/spec/narrative.md B) and the layout
of their table.
Does not belong here: the minute series (`heart_rate_minutes`, `heart_rate_days`), the arithmetic on it
(`heart_rate_measures`) and its bouts (`heart_rate_bouts`).

    records -> minute series of the day and its night -> measures -> gates -> one row per person and day

Values are bpm of a minute; a value holds until the next, at most 11 minutes. SD of them is not SDNN.
"""

import numpy as np
import polars as pl

from vitals.clinical.context import SERIES_TYPE, DayContext
from vitals.clinical.division import divided
from vitals.clinical.exact_sums import exact_mean
from vitals.clinical.heart_rate_bouts import BOUTS_TYPE, bout_columns
from vitals.clinical.heart_rate_days import (
    DaySeries,
    Spans,
    awake_holds,
    day_series,
    own_slices,
    samples_of,
    spans_of,
)
from vitals.clinical.heart_rate_measures import (
    BySpan,
    first_extreme,
    holds_minutes,
    longest_gaps,
    lowest_half_hour,
    next_start_ms,
    quarter_hours,
    ratio,
    zone_minutes,
)
from vitals.clinical.heart_rate_minutes import MINUTE_MS, Floats, Ints, Minutes, cut
from vitals.clinical.local_day import wall_clock
from vitals.clinical.schema import conform, fact_schema, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import HEART_RATE, UTC_MS

KIND = HEART_RATE
WALL = pl.Datetime("ms")

SUPPORT = pl.Schema(
    {
        "min_at_local": WALL,
        "max_at_local": WALL,
        # Longest stretch of the local day without a minute value, its edges included.
        "longest_gap_minutes": pl.Float64(),
        "longest_gap_start_local": WALL,
        "longest_gap_end_local": WALL,
        # Share of the main sleep period that holds cover; null without a main session.
        "sleep_coverage_percent": pl.Float64(),
        # Minutes held outside all sleep sessions; null without a main session.
        "wake_coverage_minutes": pl.Float64(),
        # Impossible samples that the records used have lost; null without any.
        "dropped_items": pl.Int64(),
        "bouts": BOUTS_TYPE,
        "series": SERIES_TYPE,
    }
)

MIN_DAY_COVERAGE_PERCENT = 50.0
MIN_SLEEP_COVERAGE_PERCENT = 50.0
MIN_WAKE_MINUTES = 240.0

ZONES = (
    "zone_very_light_lt57",
    "zone_light_57_64",
    "zone_moderate_64_77",
    "zone_vigorous_77_96",
    "zone_near_max_ge96",
)
_OF_SLEEP = ("sleep_mean_time_weighted", "resting_low30_in_main_sleep", "dip_percent")
_HALF_OF_DAY = pl.col("coverage_percent") >= MIN_DAY_COVERAGE_PERCENT
_HALF_OF_SLEEP = pl.col("sleep_coverage_percent") >= MIN_SLEEP_COVERAGE_PERCENT

_GATES = (
    Gate(("mean_time_weighted",), _HALF_OF_DAY, "values cover less than 50 % of the day"),
    # A bout that was seen is a fact; that there was none is one only if the day was watched.
    Gate(("bouts_ge100",), _HALF_OF_DAY | (pl.col("bouts_ge100") > 0), "values cover less than 50 % of the day"),
    Gate(("bouts_lt50",), _HALF_OF_DAY | (pl.col("bouts_lt50") > 0), "values cover less than 50 % of the day"),
    # Without a session, time asleep cannot be told from time awake.
    Gate(
        (*_OF_SLEEP, "wake_mean_time_weighted"),
        pl.col("sleep_coverage_percent").is_not_null(),
        "no main sleep session ends on this day",
    ),
    Gate(_OF_SLEEP, _HALF_OF_SLEEP, "values cover less than 50 % of the main sleep"),
    Gate(
        ("resting_low30_in_main_sleep",),
        pl.col("resting_low30_in_main_sleep").is_not_nan(),
        "no 30 minutes of the main sleep hold 5 values that span 20 minutes",
    ),
    Gate(
        ("wake_mean_time_weighted", "dip_percent"),
        pl.col("wake_coverage_minutes") >= MIN_WAKE_MINUTES,
        "values cover less than 240 minutes of waking time",
    ),
    Gate(("sd_samples",), pl.col("n") >= 2, "needs at least 2 minutes with a sample"),
    Gate(ZONES, pl.col("age_years").is_not_null(), "age is not known"),
)


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Heart-rate facts per person and local day with a sample.

    A sample belongs to the local day of its own time, whatever its record spans; a bout to the day of its
    start, with its full length; the night to the day on which the main sleep session ends, with its minutes
    before midnight. The order of sources is that of the local day and holds for its night.

    Args:
        records: validated heart-rate columns with LOCAL_COLUMNS, two days beyond the context's on both sides.
        context: days, ages, explicit source order, and sessions (`sleep.choose_sessions`); without sessions
            everything of sleep and of waking is withheld.

    Returns:
        `fact_schema("heart_rate", SUPPORT)`. `n` of a source is its minutes with a sample in the day, and its
        value their mean by that source alone. Quarter hours of `series` are UTC quarters.
    """
    spans = spans_of(context)
    samples = samples_of(records, spans)
    series = day_series(records, samples, spans, context.priorities)
    day = series.minutes.where(series.in_day)
    if not day.span.size:
        return pl.DataFrame(schema=fact_schema(KIND.kind, SUPPORT))
    frame = (
        _measured(series, day, spans, context)
        .join(bout_columns(samples, series, spans), on="span", how="left", maintain_order="left")
        .with_columns(pl.col("bouts_ge100", "bouts_lt50").fill_null(0), pl.col("bouts").fill_null([]))
        .filter(pl.col("n") > 0)
        .join(_provenance(series, spans), on="span", how="left", maintain_order="left")
    )
    gated = apply_gates(frame, kind=KIND.kind, scope="day", gates=_GATES)
    return conform(gated, fact_schema(KIND.kind, SUPPORT))


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """How many days of each person's window have a sample; heart rate has no metric of a window.

    Returns:
        `window_schema("heart_rate")`, one row per person of `context.days`.
    """
    spans = spans_of(context)
    samples = samples_of(records, spans)
    slices = own_slices(samples, cut(samples, person=spans.person, from_ms=spans.start_ms, to_ms=spans.end_ms), spans)
    has_data = np.bincount(slices.span, minlength=spans.count) > 0
    frame = (
        spans.frame.with_columns(has_data=pl.Series(has_data, dtype=pl.Boolean))
        .group_by("subject_id")
        .agg(
            first_date=pl.col("local_date").min(),
            last_date=pl.col("local_date").max(),
            days=pl.len(),
            days_with_data=pl.col("has_data").sum(),
        )
        .with_columns(withheld=pl.lit([], dtype=window_schema(KIND.kind)["withheld"]))
    )
    return conform(frame, window_schema(KIND.kind))


def _measured(series: DaySeries, day: Minutes, spans: Spans, context: DayContext) -> pl.DataFrame:
    """Metrics of the day and of its night, per span; those of days without values are NaN or zero."""
    following = next_start_ms(series.minutes)
    end_ms = spans.end_ms[series.minutes.span]
    hold = holds_minutes(series.minutes, following_ms=following, end_ms=end_ms)[series.in_day]
    awake = awake_holds(day, hold, spans, context.sessions)

    night = series.minutes.where(series.in_night)
    asleep = holds_minutes(night, following_ms=following[series.in_night], end_ms=spans.wake_ms[night.span])
    has_night = spans.frame["onset_utc"].is_not_null().to_numpy()

    by_day, by_night = BySpan(day.span, spans.count), BySpan(night.span, spans.count)
    held, held_awake, held_asleep = by_day.sum(hold), by_day.sum(awake), by_night.sum(asleep)
    wake_mean = ratio(by_day.sum(day.bpm * awake), held_awake)
    sleep_mean = ratio(by_night.sum(night.bpm * asleep), held_asleep)
    period_minutes = (spans.wake_ms - spans.onset_ms) / MINUTE_MS
    highest_bpm = 208 - 0.7 * spans.frame["age_years"].fill_null(np.nan).to_numpy()
    zones = zone_minutes(day, hold, highest_bpm=highest_bpm)
    computed = pl.DataFrame(
        {
            "n": by_day.counts,
            "held_minutes": held,
            "mean_time_weighted": ratio(by_day.sum(day.bpm * hold), held),
            "sd_samples": by_day.sd(day.bpm),
            "sleep_mean_time_weighted": sleep_mean,
            "wake_mean_time_weighted": wake_mean,
            "dip_percent": 100 * (wake_mean - sleep_mean) / wake_mean,
            "resting_low30_in_main_sleep": lowest_half_hour(night, spans.count),
            "sleep_coverage_percent": np.where(has_night, 100 * ratio(held_asleep, period_minutes), np.nan),
            "wake_coverage_minutes": np.where(has_night, held_awake, np.nan),
            **dict(zip(ZONES, zones, strict=True)),
        }
    )
    return (
        pl.concat([spans.frame, computed], how="horizontal")
        .with_columns(
            # The bounds of a day that a journey splits enclose foreign time, which a hold may reach into.
            coverage_percent=divided(100 * pl.col("held_minutes"), pl.col("day_minutes")).clip(upper_bound=100),
            sleep_coverage_percent=pl.col("sleep_coverage_percent").fill_nan(None),
            wake_coverage_minutes=pl.col("wake_coverage_minutes").fill_nan(None),
        )
        .join(_extremes(day), on="span", how="left", maintain_order="left")
        .join(_gap_columns(day, spans), on="span", how="left", maintain_order="left")
        .join(_series_column(quarter_hours(day, hold)), on="span", how="left", maintain_order="left")
    )


def _extremes(day: Minutes) -> pl.DataFrame:
    columns: dict[str, Ints | Floats] = {}
    for name, highest in (("min", False), ("max", True)):
        span, at = first_extreme(day.span, day.bpm, highest=highest)
        columns |= {
            "span": span,
            name: day.bpm[at],
            f"{name}_at_local": day.start_ms[at] + 1000 * day.offset_seconds[at],
        }
    return pl.DataFrame(columns).with_columns(pl.col("min_at_local", "max_at_local").cast(WALL))


def _gap_columns(day: Minutes, spans: Spans) -> pl.DataFrame:
    gaps = longest_gaps(day, start_ms=spans.start_ms, end_ms=spans.end_ms)
    midnight = pl.col("local_date").cast(WALL)
    return gaps.join(spans.frame.select("span", "local_date"), on="span", maintain_order="left").select(
        "span",
        "longest_gap_minutes",
        longest_gap_start_local=wall_clock(pl.col("gap_start_ms").cast(UTC_MS), pl.col("gap_start_offset")).fill_null(
            midnight
        ),
        longest_gap_end_local=wall_clock(pl.col("gap_end_ms").cast(UTC_MS), pl.col("gap_end_offset")).fill_null(
            midnight + pl.duration(days=1)
        ),
    )


def _series_column(bins: pl.DataFrame) -> pl.DataFrame:
    item = pl.struct(
        pl.col("bin_ms").cast(UTC_MS).alias("utc"),
        pl.col("offset_seconds").cast(pl.Int32),
        pl.col("bpm").alias("value"),
    )
    return bins.group_by("span", maintain_order=True).agg(series=item)


def _provenance(series: DaySeries, spans: Spans) -> pl.DataFrame:
    """Where the values of each day come from: the FACT_COLUMNS about records and sources, by `span`."""
    used = series.per_source.filter("used").select("span", "source")
    of_used = series.contributing.join(used, on=["span", "source"], how="semi")
    by_span = of_used.group_by("span").agg(
        as_of_utc=pl.col("modified_utc").max(),
        records=pl.len(),
        source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
        data_quality_score=exact_mean(pl.col("file_quality")),
        dropped_items=pl.col("dropped_items").sum().cast(pl.Int64).replace(0, None),
    )
    as_of = series.contributing.group_by("span", "source").agg(as_of_utc=pl.col("modified_utc").max())
    item = pl.struct(
        pl.col("source_app").alias("app"),
        pl.col("device_type").alias("device"),
        "used",
        pl.col("minutes").alias("n"),
        pl.col("bpm").alias("value"),
        "as_of_utc",
    )
    known = spans.frame.select("span", "known_until_utc", "day_end_utc")
    is_open = day_is_open(
        known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("source_app")
    )
    sources = (
        series.per_source.join(as_of, on=["span", "source"], how="left", maintain_order="left")
        .join(known, on="span", how="left", maintain_order="left")
        .sort("span", "source_rank")
        .group_by("span", maintain_order=True)
        .agg(sources=item, provisional=is_open.filter("used").any())
    )
    return sources.join(by_span, on="span", how="left", maintain_order="left")
