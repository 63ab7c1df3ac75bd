"""Heart-rate variability facts (RMSSD) of a night and of a window of nights.

Belongs here: the HRV metrics and their preconditions (CLINICAL.md §3, NARRATIVE.md B).
Does not belong here: which sleep session is the night (`sleep.choose_sessions`).

A value inside a chosen sleep session belongs to the date on which that session ends, even if taken before
midnight; any other value to its own local date. Only the values inside the main session are a night, and only
those of one source app. A value stands for the five minutes that follow its time.
"""

import polars as pl

from vitals.clinical.context import SERIES_TYPE, SOURCES_TYPE, DayContext
from vitals.clinical.division import divided
from vitals.clinical.exact_sums import exact_mean, exact_sd
from vitals.clinical.local_day import wall_clock
from vitals.clinical.schema import conform, fact_schema, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import HRV_RMSSD

KIND = HRV_RMSSD
WALL = pl.Datetime("ms")

SUPPORT = pl.Schema(
    {
        "session_start_local": WALL,
        "session_end_local": WALL,
        "session_app": pl.String(),
        # Source of the values; null where the main session holds none.
        "night_app": pl.String(),
        # Longest time of the main session that no value stands for.
        "longest_gap_minutes": pl.Float64(),
        "series": SERIES_TYPE,
    }
)

KEYS = ["subject_id", "local_date"]
VALUE_MS = 5 * 60_000
MIN_SESSION_MS = 60 * 60_000
MIN_NIGHTS_MEAN = 3
MIN_NIGHTS_CV = 5
MIN_NIGHTS_BASELINE = 14

_VALUE_COLUMNS = (
    *("subject_id", "record_id", "source_app", "device_type", "start_utc", "modified_utc", "offset_seconds"),
    *("local_date", "source_key_sha256", "file_quality", "rmssd_ms"),
)
_NIGHT = ("rmssd_mean", "rmssd_median", "ln_rmssd")


def _half_covered(n: pl.Expr) -> pl.Expr:
    return n * VALUE_MS * 2 >= pl.col("tib_ms")


_DAY_GATES = (
    Gate(
        ("n", "coverage_percent", *_NIGHT),
        pl.col("tib_ms").is_not_null(),
        "no main sleep session ends on this day",
    ),
    Gate(_NIGHT, pl.col("tib_ms") >= MIN_SESSION_MS, "the main sleep session is shorter than 1 hour"),
    Gate(_NIGHT, _half_covered(pl.col("n")), "values cover less than 50 % of the main sleep session"),
)

_WINDOW_GATES = (
    Gate(("ln_rmssd_mean",), pl.col("nights") >= MIN_NIGHTS_MEAN, "needs at least 3 nights of one source"),
    Gate(("ln_rmssd_cv_percent",), pl.col("nights") >= MIN_NIGHTS_CV, "needs at least 5 nights of one source"),
    Gate(("swc_low", "swc_high"), pl.col("nights") >= MIN_NIGHTS_BASELINE, "needs at least 14 nights of one source"),
    Gate(
        ("rolling7_mean_last",),
        pl.col("last_nights") >= MIN_NIGHTS_MEAN,
        "needs at least 3 nights of the window's source in its last 7 days",
    ),
)


def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """HRV facts per person and local day to which a value belongs.

    Args:
        records: validated hrv_rmssd columns with LOCAL_COLUMNS.
        context: days, explicit source order of HRV, and sessions (`sleep.choose_sessions`).

    Returns:
        `fact_schema("hrv_rmssd", SUPPORT)`. `coverage_percent` is 100 n * 5 / length of the main session, a
        little over 100 when the last value stands for time after it; `n` of a source is its values of the
        day, and its value the mean RMSSD by that source alone.

    Raises:
        ValueError: the context has no sessions frame.
    """
    nights = _nights(context)
    values = _attributed(records, context)
    days = values.select(KEYS).unique().join(context.days, on=KEYS).join(nights, on=KEYS, how="left")
    by_app = _by_app(values, days, context.priorities)
    chosen = by_app.filter(pl.col("night_n") > 0).unique(KEYS, keep="first", maintain_order=True)
    used = values.filter("in_main").join(
        chosen.select(*KEYS, "source_app"), on=[*KEYS, "source_app"], how="semi", maintain_order="left"
    )
    frame = (
        days.join(chosen.select(*KEYS, night_app="source_app"), on=KEYS, how="left")
        .join(_night_metrics(used, nights), on=KEYS, how="left")
        .join(_sources(by_app, chosen), on=KEYS, how="left")
        .with_columns(pl.col("records").fill_null(0), n=pl.col("records").fill_null(0).cast(pl.Int64))
        .with_columns(
            coverage_percent=100 * pl.col("n") * VALUE_MS / pl.col("tib_ms"),
            provisional=day_is_open(
                known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("night_app")
            ),
            source_keys_sha256=pl.col("source_keys_sha256").fill_null([]),
            series=pl.col("series").fill_null([]),
        )
    )
    gated = apply_gates(frame, kind=KIND.kind, scope="day", gates=_DAY_GATES)
    return conform(gated, fact_schema(KIND.kind, SUPPORT))


def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """HRV facts per person over all days of the context.

    Nights of different sources are not comparable: only those of the source with the most stated nights count
    (then explicit rank, then app name). Standard deviations use ddof 1.

    Returns:
        `window_schema("hrv_rmssd")`, one row per person of `context.days`.

    Raises:
        ValueError: the context has no sessions frame.
    """
    facts = summarise(records, context)
    spans = context.days.group_by("subject_id").agg(
        first_date=pl.col("local_date").min(), last_date=pl.col("local_date").max(), days=pl.len()
    )
    stated = facts.filter(pl.col("ln_rmssd").is_not_null())
    source = (
        stated.group_by("subject_id", "night_app")
        .agg(nights=pl.len())
        .join(_ranks(context.priorities, "night_app"), on=["subject_id", "night_app"], how="left")
        .sort("subject_id", "nights", "rank", "night_app", descending=[False, True, False, False], nulls_last=True)
        .unique("subject_id", keep="first", maintain_order=True)
    )
    ln = pl.col("ln_rmssd")
    last_seven = ln.filter(pl.col("local_date") > pl.col("last_date") - pl.duration(days=7))
    metrics = (
        stated.join(source, on=["subject_id", "night_app"], how="semi")
        .join(spans, on="subject_id")
        .group_by("subject_id")
        .agg(
            nights=pl.len(),
            ln_rmssd_mean=exact_mean(ln),
            sd=exact_sd(ln),
            last_nights=last_seven.len(),
            rolling7_mean_last=exact_mean(last_seven),
        )
        .with_columns(
            ln_rmssd_cv_percent=100 * pl.col("sd") / pl.col("ln_rmssd_mean"),
            swc_low=pl.col("ln_rmssd_mean") - 0.5 * pl.col("sd"),
            swc_high=pl.col("ln_rmssd_mean") + 0.5 * pl.col("sd"),
        )
    )
    with_data = facts.group_by("subject_id").agg(days_with_data=pl.len())
    window = (
        spans.join(with_data, on="subject_id", how="left")
        .join(metrics, on="subject_id", how="left")
        .with_columns(pl.col("days_with_data").fill_null(0))
    )
    gated = apply_gates(window, kind=KIND.kind, scope="window", gates=_WINDOW_GATES)
    return conform(gated, window_schema(KIND.kind))


def _sessions(context: DayContext) -> pl.DataFrame:
    if context.sessions is None:
        message = "HRV facts need the chosen sleep sessions; put sleep.choose_sessions(...) into the context"
        raise ValueError(message)
    return context.sessions


def _nights(context: DayContext) -> pl.DataFrame:
    """Main sessions by the date on which they end."""
    return (
        _sessions(context)
        .filter("is_main")
        .select(
            "subject_id",
            local_date="end_local_date",
            session_start="start_utc",
            session_end="end_utc",
            session_app="source_app",
            session_start_local=wall_clock(pl.col("start_utc"), pl.col("offset_seconds")),
            session_end_local=wall_clock(pl.col("end_utc"), pl.col("end_offset_in_force_seconds")),
            tib_ms=(pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds(),
        )
    )


def _attributed(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
    """Values with the local date they belong to, and whether they lie in its main session."""
    sessions = _sessions(context).select(
        "subject_id", "is_main", session_start="start_utc", session_end="end_utc", session_date="end_local_date"
    )
    # Chosen sessions do not overlap, so the last one that began is the only one that can hold a value.
    inside = pl.col("start_utc") < pl.col("session_end")
    return (
        records.select(*_VALUE_COLUMNS)
        .filter(pl.col("rmssd_ms") > 0)
        .sort("start_utc", "modified_utc", "record_id")
        # Two records of one source at one time are one five-minute window written twice.
        .unique(["subject_id", "source_app", "start_utc"], keep="last", maintain_order=True)
        .join_asof(
            sessions.sort("session_start"),
            left_on="start_utc",
            right_on="session_start",
            by="subject_id",
            strategy="backward",
            check_sortedness=False,
        )
        .with_columns(
            in_main=(inside & pl.col("is_main")).fill_null(value=False),
            local_date=pl.when(inside).then(pl.col("session_date")).otherwise(pl.col("local_date")),
        )
    )


def _by_app(values: pl.DataFrame, days: pl.DataFrame, priorities: pl.DataFrame) -> pl.DataFrame:
    """Per day and source its values, best source first (G10): rank, body-worn, most values, name."""
    return (
        values.group_by(*KEYS, "source_app")
        .agg(
            n=pl.len(),
            night_n=pl.col("in_main").sum(),
            night_mean=exact_mean(pl.col("rmssd_ms").filter("in_main")),
            body_worn=(pl.col("device_type").fill_null("UNKNOWN") != "PHONE").any(),
            as_of_utc=pl.col("modified_utc").max(),
        )
        .join(days.select(*KEYS, "tib_ms"), on=KEYS)
        .join(_ranks(priorities, "source_app"), on=["subject_id", "source_app"], how="left")
        .sort(
            *KEYS,
            "rank",
            "body_worn",
            "night_n",
            "source_app",
            descending=[False, False, False, True, True, False],
            nulls_last=True,
        )
    )


def _ranks(priorities: pl.DataFrame, app: str) -> pl.DataFrame:
    return priorities.select("subject_id", "rank", pl.col("source_app").alias(app))


def _night_metrics(used: pl.DataFrame, nights: pl.DataFrame) -> pl.DataFrame:
    time = pl.col("start_utc").dt.epoch("ms")
    start, end = (pl.col(name).first().dt.epoch("ms") for name in ("night_start", "night_end"))
    longest_gap_ms = pl.max_horizontal(
        time.first() - start, time.diff().max() - VALUE_MS, end - time.last() - VALUE_MS, pl.lit(0)
    )
    return (
        used.join(
            nights.select(*KEYS, night_start="session_start", night_end="session_end"), on=KEYS, maintain_order="left"
        )
        # Values are in order of time, and a group keeps the order of its rows.
        .group_by(KEYS)
        .agg(
            records=pl.len(),
            rmssd_mean=exact_mean(pl.col("rmssd_ms")),
            rmssd_median=pl.col("rmssd_ms").median(),
            longest_gap_ms=longest_gap_ms,
            as_of_utc=pl.col("modified_utc").max(),
            source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
            data_quality_score=exact_mean(pl.col("file_quality")),
            series=pl.struct(utc="start_utc", offset_seconds="offset_seconds", value="rmssd_ms"),
        )
        .with_columns(
            ln_rmssd=pl.col("rmssd_mean").log(), longest_gap_minutes=divided(pl.col("longest_gap_ms"), 60_000)
        )
    )


def _sources(by_app: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    stated = (pl.col("tib_ms") >= MIN_SESSION_MS) & _half_covered(pl.col("night_n"))
    return (
        by_app.join(chosen.select(*KEYS, "source_app", used=pl.lit(value=True)), on=[*KEYS, "source_app"], how="left")
        .with_columns(pl.col("used").fill_null(value=False), value=pl.when(stated).then(pl.col("night_mean")))
        .sort(*KEYS, "used", "source_app", descending=[False, False, True, False])
        .group_by(KEYS)
        .agg(sources=pl.struct(pl.col("source_app").alias("app"), "used", "n", "value", "as_of_utc"))
        .cast({"sources": SOURCES_TYPE})
    )
