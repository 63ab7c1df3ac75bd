"""Heart-rate variability facts (RMSSD) of a night and of a window of nights.

Belongs here: the HRV metrics and their preconditions (docs/spec/clinical.md section 3, docs/spec/narrative.md B).
Does not belong here: which sleep session is the night (`sleep.choose_sessions`).

A value inside a chosen sleep session belongs to the date on which that session ends, even if taken before
midnight; any other value to its own local date. Only the values inside the main session are a night, and only
those of one device of one source app. A value stands for the sampling interval of its device, at most until the next one.
"""

import numpy as np
import polars as pl

from vitals.clinical.context import SERIES_TYPE, SOURCES_TYPE, DayContext
from vitals.clinical.devices import PHONE, device_identity, device_type
from vitals.clinical.division import divided
from vitals.clinical.exact_sums import exact_mean, exact_sd
from vitals.clinical.local_day import wall_clock
from vitals.clinical.sampling_interval import MINUTE_MS, distinct_readings, sampling_intervals
from vitals.clinical.schema import conform, fact_schema, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sources import explicit_ranks
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.clinical.time_covered import time_covered
from vitals.record_types import HRV_RMSSD

KIND = HRV_RMSSD
WALL = pl.Datetime("ms")

SUPPORT = pl.Schema(
    {
        "session_start_local": WALL,
        "session_end_local": WALL,
        "session_app": pl.String(),
        "session_minutes": pl.Float64(),
        # Source of the values; null where the main session holds none.
        "night_app": pl.String(),
        # How often the device measures; null where the main session holds no value.
        "sampling_interval_minutes": pl.Int64(),
        # Longest time of the main session that no value stands for.
        "longest_gap_minutes": pl.Float64(),
        "series": SERIES_TYPE,
    }
)

KEYS = ["subject_id", "local_date"]
MIN_SESSION_MS = 60 * 60_000
MIN_NIGHTS_MEAN = 3
MIN_NIGHTS_CV = 5
MIN_NIGHTS_BASELINE = 14

_VALUE_COLUMNS = (
    *("subject_id", "record_id", "source_app", "start_utc", "modified_utc", "client_record_version", "offset_seconds"),
    *("local_date", "source_key_sha256", "file_quality", "rmssd_ms"),
)
_CANDIDATE = ("source_app", "device")
_NIGHT = ("rmssd_mean", "rmssd_median", "ln_rmssd")


def _half_covered(covered_ms: pl.Expr) -> pl.Expr:
    return covered_ms * 2 >= pl.col("tib_ms")


_DAY_GATES = (
    Gate(
        ("n", "coverage_percent", *_NIGHT),
        pl.col("tib_ms").is_not_null(),
        "no main sleep session ends on this day",
    ),
    Gate(_NIGHT, pl.col("tib_ms") >= MIN_SESSION_MS, "the main sleep session is shorter than 1 hour"),
    Gate(_NIGHT, _half_covered(pl.col("covered_ms")), "values cover less than 50 % of the main sleep session"),
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
        `fact_schema("hrv_rmssd", SUPPORT)`. `coverage_percent` is the share of the main session that values stand
        for; `n` of a source is its values of the day, and its value the mean RMSSD by that source alone.

    Raises:
        ValueError: the context has no sessions frame.
    """
    nights = _nights(context)
    values = _attributed(records, context)
    days = values.select(KEYS).unique().join(context.days, on=KEYS).join(nights, on=KEYS, how="left")
    candidates = _candidates(values, days, context.priorities)
    chosen = candidates.filter(pl.col("night_n") > 0).unique(KEYS, keep="first", maintain_order=True)
    used = values.filter("in_main").join(
        chosen.select(*KEYS, *_CANDIDATE), on=[*KEYS, *_CANDIDATE], how="semi", maintain_order="left"
    )
    frame = (
        days.join(
            chosen.select(
                *KEYS,
                *("covered_ms", "longest_gap_minutes"),
                night_app="source_app",
                sampling_interval_minutes="minutes",
            ),
            on=KEYS,
            how="left",
        )
        .join(_night_metrics(used), on=KEYS, how="left")
        .join(_sources(candidates, chosen), on=KEYS, how="left")
        .with_columns(pl.col("covered_ms", "records").fill_null(0), n=pl.col("records").fill_null(0).cast(pl.Int64))
        .with_columns(
            coverage_percent=100 * pl.col("covered_ms") / pl.col("tib_ms"),
            session_minutes=pl.col("tib_ms") / MINUTE_MS,
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
        .join(_app_ranks(context.priorities), on=["subject_id", "night_app"], how="left")
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
    attributed = (
        records.select(*_VALUE_COLUMNS, device_type(), device_identity())
        .filter(pl.col("rmssd_ms") > 0)
        .sort("start_utc")
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
    return _distinct(attributed)


def _distinct(values: pl.DataFrame) -> pl.DataFrame:
    """Values in order of time, of those that are one the last modified, with the interval of their device in `minutes`."""
    by = [*KEYS, *_CANDIDATE]
    values = values.sort(*by, "start_utc", "modified_utc", "client_record_version", "record_id")
    number = values.select(pl.struct(by).rle_id().cast(pl.Int64)).to_series()
    series, utc_ms = number.to_numpy(), values["start_utc"].to_physical().to_numpy()
    unknown = np.zeros(number.n_unique(), dtype=np.int64)
    minutes = sampling_intervals(series=series, utc_ms=utc_ms, usual_minutes=unknown).minutes
    return (
        values.with_columns(
            minutes=pl.Series(minutes[series]),
            reading=pl.Series(distinct_readings(series=series, utc_ms=utc_ms, minutes=minutes)),
        )
        .sort("reading", "modified_utc", "client_record_version", "record_id")
        .unique("reading", keep="last", maintain_order=True)
        .drop("reading")
    )


def _candidates(values: pl.DataFrame, days: pl.DataFrame, priorities: pl.DataFrame) -> pl.DataFrame:
    """Per day and device of an app its values, best first (G10): rank, body-worn, most of the session, name.

    With `covered_ms` and `longest_gap_minutes` of the main session, null where the candidate has no value in it.
    """
    found = (
        values.group_by(*KEYS, *_CANDIDATE)
        .agg(
            pl.col("minutes", "device_type").first(),
            n=pl.len(),
            night_n=pl.col("in_main").sum(),
            night_mean=exact_mean(pl.col("rmssd_ms").filter("in_main")),
            as_of_utc=pl.col("modified_utc").max(),
        )
        .join(days.select(*KEYS, "tib_ms", "session_start", "session_end"), on=KEYS)
    )
    candidates = explicit_ranks(found, priorities).sort(*KEYS, *_CANDIDATE).with_row_index("candidate")
    nights = candidates.filter(pl.col("night_n") > 0).with_row_index("period")
    in_night = (
        values.filter("in_main")
        .join(nights.select(*KEYS, *_CANDIDATE, "period"), on=[*KEYS, *_CANDIDATE])
        .sort("period", "start_utc")
    )
    cover = time_covered(
        period=in_night["period"].cast(pl.Int64).to_numpy(),
        utc_ms=in_night["start_utc"].to_physical().to_numpy(),
        interval_ms=in_night["minutes"].to_numpy() * MINUTE_MS,
        begin_ms=nights["session_start"].to_physical().to_numpy(),
        end_ms=nights["session_end"].to_physical().to_numpy(),
    )
    covered = nights.select(
        "candidate",
        covered_ms=pl.lit(pl.Series(cover.covered_ms)),
        longest_gap_minutes=divided(pl.lit(pl.Series(cover.gap_ms)), MINUTE_MS),
    )
    return (
        candidates.join(covered, on="candidate", how="left")
        .with_columns(phone=pl.col("device_type") == PHONE, stands_for=pl.col("night_n") * pl.col("minutes"))
        .sort(
            *KEYS,
            *("rank", "phone", "stands_for", "source_app", "device"),
            descending=[False, False, False, False, True, False, False],
            nulls_last=True,
        )
    )


def _app_ranks(priorities: pl.DataFrame) -> pl.DataFrame:
    return priorities.group_by("subject_id", night_app="source_app").agg(pl.col("rank").min())


def _night_metrics(used: pl.DataFrame) -> pl.DataFrame:
    return (
        # A group keeps the order of its rows.
        used.sort("start_utc", maintain_order=True)
        .group_by(KEYS)
        .agg(
            records=pl.len(),
            rmssd_mean=exact_mean(pl.col("rmssd_ms")),
            rmssd_median=pl.col("rmssd_ms").median(),
            as_of_utc=pl.col("modified_utc").max(),
            source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
            data_quality_score=exact_mean(pl.col("file_quality")),
            series=pl.struct(utc="start_utc", offset_seconds="offset_seconds", value="rmssd_ms"),
        )
        .with_columns(ln_rmssd=pl.col("rmssd_mean").log())
    )


def _sources(candidates: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The device used, and of every app the best of those that were not."""
    stated = (pl.col("tib_ms") >= MIN_SESSION_MS) & _half_covered(pl.col("covered_ms"))
    return (
        candidates.join(
            chosen.select(*KEYS, *_CANDIDATE, used=pl.lit(value=True)),
            on=[*KEYS, *_CANDIDATE],
            how="left",
            maintain_order="left",
        )
        .with_columns(pl.col("used").fill_null(value=False), value=pl.when(stated).then(pl.col("night_mean")))
        .unique([*KEYS, "source_app", "used"], keep="first", maintain_order=True)
        .sort(*KEYS, "used", "source_app", descending=[False, False, True, False])
        .group_by(KEYS)
        .agg(
            sources=pl.struct(
                pl.col("source_app").alias("app"),
                pl.col("device_type").alias("device"),
                "used",
                "n",
                "value",
                "as_of_utc",
            )
        )
        .cast({"sources": SOURCES_TYPE})
    )
