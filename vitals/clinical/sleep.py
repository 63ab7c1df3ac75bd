"""Sleep facts of a local day and of a window of days.

Belongs here: the sleep metrics and their preconditions (docs/spec/clinical.md section 4, docs/spec/narrative.md B).
Does not belong here: which records are one sleep (`sleep_periods`), reading stages and choosing among sources
(`sleep_sessions`), regularity over a window (`sleep_regularity`).

A sleep period (`sleep_periods`) belongs to the wall date of its end, in the offset in force there. The main sleep
of a date is one of the periods that end on it (`sleep_sessions`), or none of them; the others are naps. What columns
call a session is a period. One offset, that at the period's end, turns stages and midpoint into wall clock, so that on
a night with a clock change distances on that clock are still elapsed time; its start and sleep onset use the offset at
its start.
"""

import polars as pl

from vitals.clinical.context import DEFAULT_SLEEP_GAPS, SOURCES_TYPE, DayContext, SleepGaps
from vitals.clinical.division import divided
from vitals.clinical.exact_sums import exact_mean, exact_sd, exact_sum
from vitals.clinical.local_day import wall_clock
from vitals.clinical.schema import conform, fact_schema, window_schema
from vitals.clinical.sleep_periods import TOUCHING_MS
from vitals.clinical.sleep_regularity import circular_sd_minutes, sleep_regularity_index
from vitals.clinical.sleep_sessions import (
    SessionChoice,
    choose,
    enough_is_scored,
    enough_recorded_is_scored,
    measure,
)
from vitals.clinical.source_capabilities import CAPABILITIES, day_is_open
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import SLEEP, UTC_MS

KIND = SLEEP
WALL = pl.Datetime("ms")

SUPPORT = pl.Schema(
    {
        "session_start_utc": UTC_MS,
        "session_end_utc": UTC_MS,
        "onset_utc": UTC_MS,
        "final_wake_utc": UTC_MS,
        "session_start_local": WALL,
        "session_end_local": WALL,
        "onset_local": WALL,
        "final_wake_local": WALL,
        "session_app": pl.String(),
        # Of the main sleep: the records it is joined from, and the time between them that counts as awake (gaps
        # shorter than an hour) and as unscored (any other).
        "session_records": pl.Int64(),
        "between_awake_minutes": pl.Float64(),
        "between_unscored_minutes": pl.Float64(),
        "staged": pl.Boolean(),
        # Impossible stages that the records of the day's sessions have lost; null without any.
        "dropped_items": pl.Int64(),
        "naps": pl.List(pl.Struct({"start_local": WALL, "end_local": WALL, "tst_minutes": pl.Float64()})),
        "stages": pl.List(pl.Struct({"start_local": WALL, "end_local": WALL, "stage": pl.String()})),
    }
)

SESSIONS_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        # Of its first record.
        "record_id": pl.String(),
        "source_app": pl.String(),
        "start_utc": UTC_MS,
        "end_utc": UTC_MS,
        "offset_seconds": pl.Int32(),
        "end_offset_in_force_seconds": pl.Int32(),
        "end_local_date": pl.Date(),
        # First to last sleep; start and end of the period where no sleep was scored.
        "onset_utc": UTC_MS,
        "final_wake_utc": UTC_MS,
        # Null where it may not be stated.
        "tst_minutes": pl.Float64(),
        "is_main": pl.Boolean(),
        "staged": pl.Boolean(),
    }
)
"""Chosen sleep periods, for the kinds that need sleep."""

MIN_NIGHTS_REGULARITY = 7
MAX_MISSING_NIGHTS = 2
KEYS = ["subject_id", "local_date"]

NO_MAIN_SLEEP = "no main sleep ends on this day"
"""Why a day with nothing but naps states nothing of a night."""

_STAGE_MINUTES = ("light", "deep", "rem", "pct_light", "pct_deep", "pct_rem")
_NEEDS_SLEEP = ("spt", "waso", "sol", "sme", "sfi", "awakenings", "awakenings_ge5", "midpoint_local_minutes")
_ASLEEP = ("tst", *_STAGE_MINUTES)
_AWAKE = ("waso", "se", "sme", "sfi", "awakenings", "awakenings_ge5")
_NEEDS_STAGES = tuple(dict.fromkeys((*_ASLEEP, *_AWAKE, *_NEEDS_SLEEP)))

_DAY_GATES = (
    Gate(("tib", "unscored", *_NEEDS_STAGES), pl.col("session").is_not_null(), NO_MAIN_SLEEP),
    Gate(_NEEDS_STAGES, pl.col("has_stages"), "the session has no stages, and session length is not sleep time"),
    Gate(_ASLEEP, enough_recorded_is_scored(), "more than 10 % of the session is unscored"),
    Gate(_AWAKE, enough_is_scored(), "more than 10 % of the session is unscored"),
    Gate(_STAGE_MINUTES, pl.col("staged"), "the source scored no light, deep or REM sleep"),
    Gate(_NEEDS_SLEEP, pl.col("onset_utc").is_not_null(), "no sleep was scored in the session"),
    Gate(("sol",), pl.col("records_latency"), "the sessions of this source start at sleep onset"),
    Gate(
        ("sol",),
        (pl.col("sol") > 0) | pl.col("latency_is_documented"),
        "the session starts asleep, and the source is not known to record the time before sleep",
    ),
    Gate(
        ("sol",),
        pl.col("unscored_before_onset_ms") < TOUCHING_MS,
        "the time before the first sleep is not fully scored",
    ),
    Gate(
        ("total_tst_all_sessions",),
        pl.col("sessions_without_tst") == 0,
        "the sleep time of a session of the day is withheld",
    ),
)

_ENOUGH_NIGHTS = "needs at least 7 nights of the window and at most 2 missing"


def choose_sessions(
    records: pl.DataFrame, *, priorities: pl.DataFrame, gaps: SleepGaps = DEFAULT_SLEEP_GAPS
) -> pl.DataFrame:
    """Sleep periods that count, after source choice per cluster of overlapping periods.

    Args:
        records: validated sleep columns with LOCAL_COLUMNS.
        priorities: PRIORITIES_SCHEMA of sleep.
        gaps: the tenant's limits of gaps within one sleep.

    Returns:
        SESSIONS_SCHEMA, by person and start; no two periods of a person overlap.
    """
    return (
        choose(records, priorities=priorities, gaps=gaps)
        .chosen.with_columns(
            onset_utc=pl.coalesce("onset_utc", "start_utc"), final_wake_utc=pl.coalesce("final_wake_utc", "end_utc")
        )
        .select(SESSIONS_SCHEMA.names())
        .cast(SESSIONS_SCHEMA)
        .sort("subject_id", "start_utc")
    )


def days_of_records(records: pl.DataFrame, *, gaps: SleepGaps) -> pl.DataFrame:
    """Local date that each record counts on: that of the end of its sleep period.

    Args:
        records: validated sleep columns with LOCAL_COLUMNS, of two days on both sides of those in question.
        gaps: the tenant's limits of gaps within one sleep.

    Returns:
        `subject_id`, `record_id`, `local_date`; a record that is told again has the date of its own end.
    """
    periods, _, joined = measure(records, gaps)
    of_period = joined.select("subject_id", "record_id", "session").join(
        periods.select("session", period_date="end_local_date"), on="session"
    )
    return records.join(of_period, on=["subject_id", "record_id"], how="left", maintain_order="left").select(
        "subject_id", "record_id", local_date=pl.coalesce("period_date", "end_local_date")
    )


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Sleep facts per person and local day on which a sleep period ends.

    Args:
        records: validated sleep columns with LOCAL_COLUMNS.
        context: days, the explicit source order of sleep, and the limits of gaps within one sleep.

    Returns:
        `fact_schema("sleep", SUPPORT)`. `coverage_percent` is the scored share of the main sleep, `n` of a source its
        periods, and its value the minutes it reports asleep in the main sleep's cluster. A day without a main sleep
        states its naps alone.
    """
    return _facts(choose(records, priorities=context.priorities, gaps=context.sleep_gaps), context)


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Sleep facts per person over all days of the context.

    A night is the main sleep of a day. SRI and the spread of the midpoint need 7 nights with at most 2
    missing in the window (docs/spec/narrative.md B).

    Returns:
        `window_schema("sleep")`, one row per person of `context.days`.
    """
    choice = choose(records, priorities=context.priorities, gaps=context.sleep_gaps)
    facts = _facts(choice, context)
    nights = facts.group_by("subject_id").agg(
        days_with_data=pl.len(),
        mean_tst=exact_mean(pl.col("tst")),
        sd_tst=exact_sd(pl.col("tst")),
        tst_nights=pl.col("tst").count(),
        circular_sd_midpoint_minutes=circular_sd_minutes(pl.col("midpoint_local_minutes")),
        midpoint_nights=pl.col("midpoint_local_minutes").count(),
    )
    window = (
        context.days.group_by("subject_id")
        .agg(first_date=pl.col("local_date").min(), last_date=pl.col("local_date").max(), days=pl.len())
        .join(nights, on="subject_id", how="left")
        .join(sleep_regularity_index(choice.chosen, choice.runs, context.days), on="subject_id", how="left")
        .with_columns(pl.col("days_with_data").fill_null(0))
    )
    gates = (
        Gate(("mean_tst",), pl.col("tst_nights") >= 1, "no night has a stated sleep time"),
        Gate(("sd_tst",), pl.col("tst_nights") >= 2, "needs at least 2 nights with a stated sleep time"),
        Gate(("circular_sd_midpoint_minutes",), _few_missing("midpoint_nights"), _ENOUGH_NIGHTS),
        Gate(("sri",), _few_missing("sri_nights"), _ENOUGH_NIGHTS),
    )
    return conform(apply_gates(window, kind=KIND.kind, scope="window", gates=gates), window_schema(KIND.kind))


def _few_missing(nights: str) -> pl.Expr:
    missing = pl.col("days").cast(pl.Int64) - pl.col(nights).cast(pl.Int64)
    return (pl.col(nights) >= MIN_NIGHTS_REGULARITY) & (missing <= MAX_MISSING_NIGHTS)


def _facts(choice: SessionChoice, context: DayContext) -> pl.DataFrame:
    sessions = choice.chosen.with_columns(local_date="end_local_date").join(context.days, on=KEYS)
    main = _main_metrics(sessions.filter("is_main"))
    totals = _day_totals(sessions, choice.records)
    frame = (
        # A day whose only sleep is a nap has a row without a main sleep.
        sessions.select(*context.days.columns)
        .unique(KEYS, maintain_order=True)
        .join(main.drop(set(context.days.columns) - set(KEYS)), on=KEYS, how="left", maintain_order="left")
        .join(totals, on=KEYS, how="left")
        .join(_sources(sessions, choice.rejected), on=KEYS, how="left")
        .join(_stage_lists(main, choice.runs), on="session", how="left")
    )
    gated = apply_gates(frame, kind=KIND.kind, scope="day", gates=_DAY_GATES)
    return conform(gated, fact_schema(KIND.kind, SUPPORT))


def _main_metrics(main: pl.DataFrame) -> pl.DataFrame:
    app = pl.col("source_app")
    no_latency = [name for name, known in CAPABILITIES.items() if not known.records_latency]
    onset, final_wake = pl.col("onset_utc").dt.epoch("ms"), pl.col("final_wake_utc").dt.epoch("ms")
    midpoint = (onset + final_wake) // 2 + pl.col("end_offset_in_force_seconds").cast(pl.Int64) * 1_000
    start_offset, end_offset = pl.col("offset_seconds"), pl.col("end_offset_in_force_seconds")
    return main.with_columns(
        coverage_percent=_percent("scored_ms", "tib_ms"),
        tib=_minutes(pl.col("tib_ms")),
        tst=_minutes(pl.col("sleep_ms")),
        spt=_minutes(final_wake - onset),
        waso=_minutes(pl.col("waso_ms")),
        sol=_minutes(onset - pl.col("start_utc").dt.epoch("ms")),
        se=_percent("sleep_ms", "tib_ms"),
        sme=100 * pl.col("sleep_ms") / (final_wake - onset),
        light=_minutes(pl.col("light_ms")),
        deep=_minutes(pl.col("deep_ms")),
        rem=_minutes(pl.col("rem_ms")),
        pct_light=_percent("light_ms", "sleep_ms"),
        pct_deep=_percent("deep_ms", "sleep_ms"),
        pct_rem=_percent("rem_ms", "sleep_ms"),
        sfi=3_600_000 * pl.col("sleep_to_wake") / pl.col("sleep_ms"),
        unscored=_minutes(pl.col("unscored_ms")),
        midpoint_local_minutes=_minutes(midpoint % 86_400_000),
        unscored_before_onset_ms=onset - pl.col("start_utc").dt.epoch("ms") - pl.col("wake_before_onset_ms"),
        session_start_utc="start_utc",
        session_end_utc="end_utc",
        session_start_local=wall_clock(pl.col("start_utc"), start_offset),
        session_end_local=wall_clock(pl.col("end_utc"), end_offset),
        onset_local=wall_clock(pl.col("onset_utc"), start_offset),
        final_wake_local=wall_clock(pl.col("final_wake_utc"), end_offset),
        session_app=app,
        between_awake_minutes=_minutes(pl.col("between_awake_ms")),
        between_unscored_minutes=_minutes(pl.col("between_unscored_ms")),
        records_latency=~app.is_in(no_latency),
        latency_is_documented=app.is_in(list(CAPABILITIES)),
    )


def _minutes(milliseconds: pl.Expr) -> pl.Expr:
    return divided(milliseconds, 60_000)


def _percent(part: str, whole: str) -> pl.Expr:
    return 100 * pl.col(part) / pl.col(whole)


def _day_totals(sessions: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    is_open = day_is_open(
        known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("source_app")
    )
    nap = pl.struct(
        wall_clock(pl.col("start_utc"), pl.col("offset_seconds")).alias("start_local"),
        wall_clock(pl.col("end_utc"), pl.col("end_offset_in_force_seconds")).alias("end_local"),
        "tst_minutes",
    )
    provenance = (
        records.select("session", "source_key_sha256", "file_quality", "dropped_items")
        .join(sessions.select(*KEYS, "session"), on="session")
        .group_by(KEYS)
        .agg(
            records=pl.len(),
            source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
            data_quality_score=exact_mean(pl.col("file_quality")),
            dropped_items=pl.col("dropped_items").sum().cast(pl.Int64).replace(0, None),
        )
    )
    return (
        sessions.sort(*KEYS, "start_utc")
        .group_by(KEYS)
        .agg(
            n_sessions=pl.len(),
            total_tst_all_sessions=exact_sum(pl.col("tst_minutes")),
            sessions_without_tst=pl.col("tst_minutes").null_count(),
            provisional=(is_open | pl.col("is_running")).any(),
            as_of_utc=pl.col("modified_utc").max(),
            naps=nap.filter(~pl.col("is_main")),
        )
        .join(provenance, on=KEYS)
    )


def _sources(sessions: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """What each source says of the day; a period not chosen counts for the day of the period it lost to."""
    columns = ["source_app", "cluster", "tst_minutes", "modified_utc"]
    used = sessions.select(*KEYS, *columns, used=pl.lit(value=True))
    day_of_cluster = sessions.sort("end_utc").group_by("cluster").agg(pl.col("local_date").last())
    other = (
        rejected.select("subject_id", *columns)
        .join(day_of_cluster, on="cluster")
        .select(*KEYS, *columns, used=pl.lit(value=False))
    )
    main_clusters = sessions.filter("is_main").select(*KEYS, main_cluster="cluster")
    in_main = (pl.col("cluster") == pl.col("main_cluster")).fill_null(value=False)
    tst = pl.col("tst_minutes").filter(in_main | ~in_main.any())
    return (
        pl.concat([used, other])
        .join(main_clusters, on=KEYS, how="left")
        .group_by(*KEYS, "used", app="source_app")
        .agg(
            n=pl.len().cast(pl.Int64),
            value=pl.when(tst.null_count() == 0).then(exact_sum(tst)),
            as_of_utc=pl.col("modified_utc").max(),
        )
        .sort(*KEYS, "used", "app", descending=[False, False, True, False])
        .group_by(KEYS)
        .agg(sources=pl.struct("app", "used", "n", "value", "as_of_utc"))
        .cast({"sources": SOURCES_TYPE})
    )


def _stage_lists(main: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    offset = pl.col("end_offset_in_force_seconds")
    return (
        runs.join(main.select("session", "end_offset_in_force_seconds"), on="session")
        .sort("session", "start_utc")
        .group_by("session")
        .agg(
            stages=pl.struct(
                wall_clock(pl.col("start_utc"), offset).alias("start_local"),
                wall_clock(pl.col("end_utc"), offset).alias("end_local"),
                "stage",
            )
        )
    )
