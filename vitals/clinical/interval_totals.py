"""Daily totals of counted things: records cut at local midnight, sources chosen, provenance kept.

Belongs here: what steps and active energy have in common (CLINICAL.md S1, S2, G8): the candidates among the sources,
and the fact columns that follow.
Does not belong here: the cut into local days (`day_pieces`), the sweep and the choice themselves (`sources`), or metrics
of one kind only.

    records -> pieces per local day -> each source alone -> order of sources -> S1 and S2 -> facts

A source with a record of 12 hours or more of a day is a bucket source there: its buckets are its total, and its
shorter records are parts of it. Buckets and intervals are never added up.
"""

from dataclasses import dataclass

import polars as pl

from vitals.clinical.context import DayContext
from vitals.clinical.day_pieces import day_pieces
from vitals.clinical.exact_sums import exact_mean, exact_sum
from vitals.clinical.schema import conform, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sources import choose_total, device_of_source, priority_contributions, rank_sources
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import RecordType

MIN_COMPLETE_DAYS = 4
SATURDAY = 6

SUPPORT = pl.Schema(
    {
        # Source of the stated total; of several interval sources the first-ranked.
        "app": pl.String(),
        # Last modification of the records used, on the person's clock: a running total is "so far" as of then.
        "value_as_of_local": pl.Datetime("ms"),
        # Records of the day, of all sources: shorter than 12 hours, and longer.
        "intervals_n": pl.Int64(),
        "buckets_n": pl.Int64(),
    }
)


@dataclass(frozen=True, kw_only=True)
class DailyTotals:
    """Totals of many days.

    Attributes:
        facts: `day` (number), FACT_COLUMNS, `hc_priority_total`, `recommended_total`, `lower_bound` and SUPPORT, one row per
            person and day with data of its own.
        counted: the pieces of the records used for the stated total: `day`, `from_ms`, `to_ms`, `start_ms`,
            `end_ms`, `contribution` (0 where another record came first).
    """

    facts: pl.DataFrame
    counted: pl.DataFrame


def daily_totals(records: pl.DataFrame, context: DayContext, *, value: str) -> DailyTotals:
    """Totals per person and local day.

    Args:
        records: validated columns of the kind with LOCAL_COLUMNS.
        context: days and explicit source order of the kind.
        value: value column of the kind.
    """
    days = context.days.with_row_index("day")
    pieces = day_pieces(records, days, value)
    pieces, alone = _alone(pieces, context.priorities)
    chosen = _choice(pieces)
    behind = _behind_the_total(pieces, chosen)
    shown = pieces.group_by("day").agg(
        hc_priority_total=exact_sum(pl.col("shown")),
        intervals_n=(~pl.col("is_bucket")).sum().cast(pl.Int64),
        buckets_n=pl.col("is_bucket").sum().cast(pl.Int64),
    )
    is_open = day_is_open(
        known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("app")
    )
    facts = (
        days.join(chosen.select("day", "app", recommended_total="total", lower_bound="partial"), on="day")
        .join(shown, on="day")
        .join(_provenance(behind), on="day")
        .join(_sources(alone, behind), on="day")
        .with_columns(
            # A count has no share of the day that it covers.
            coverage_percent=pl.lit(None, dtype=pl.Float64),
            provisional=pl.col("lower_bound") | is_open,
        )
    )
    counted = behind.select("day", "from_ms", "to_ms", "start_ms", "end_ms", "contribution")
    return DailyTotals(facts=facts, counted=counted)


def _alone(pieces: pl.DataFrame, priorities: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The pieces with what they add to each total, and the sources in their order.

    Returns:
        The pieces with `is_bucket_source`, `source_rank`, `in_own_total`, and the contributions `shown` (S1 of
        all sources), `alone` (S1 of the source) and `together` (S1 of the interval sources).
        One row per day and source with `total` (of the source alone), `partial`, `n`, `as_of_utc`.
    """
    by_source = ["day", "source_app"]
    sources = (
        pieces.group_by("subject_id", *by_source)
        .agg(
            device_of_source(),
            is_bucket_source=(pl.col("is_bucket") & pl.col("own")).any(),
            n=pl.len().cast(pl.Int64),
            as_of_utc=pl.col("modified_utc").max(),
        )
        .sort(by_source)
        .with_row_index("group")
    )
    pieces = pieces.join(
        sources.select(*by_source, "group", "is_bucket_source"), on=by_source, how="left", maintain_order="left"
    ).with_columns(
        in_own_total=pl.col("is_bucket") == pl.col("is_bucket_source"), source_rank=pl.lit(1, dtype=pl.Int32)
    )
    pieces = pieces.with_columns(alone=_contributions(pieces, pl.col("in_own_total")))
    totals = pieces.filter("in_own_total").group_by("group", maintain_order=True).agg(total=exact_sum(pl.col("alone")))
    # A source of which only another day's bucket reaches into the day has no total here.
    sources = sources.join(totals, on="group", how="left", maintain_order="left")
    sources = rank_sources(sources, keys=["subject_id", "day"], priorities=priorities, total="total")
    pieces = pieces.with_columns(source_rank=sources["source_rank"].gather(pieces["group"]), group=pl.col("day"))
    pieces = pieces.with_columns(
        shown=priority_contributions(pieces), day_has_bucket=pl.col("is_bucket").any().over("day")
    )
    intervals = pl.col("in_own_total") & ~pl.col("is_bucket_source")
    together = _contributions(pieces, intervals & pl.col("day_has_bucket"))
    # Without a bucket on the day, all its sources are interval sources: what is shown is their total already.
    return pieces.with_columns(together=pl.when("day_has_bucket").then(together).otherwise("shown")), sources


def _contributions(pieces: pl.DataFrame, which: pl.Expr) -> pl.Series:
    """`priority_contributions` among some of the pieces; 0 for the others."""
    at = pieces.select(which.alias("which"))["which"].arg_true()
    return pl.zeros(pieces.height, dtype=pl.Float64, eager=True).scatter(at, priority_contributions(pieces[at]))


def _choice(pieces: pl.DataFrame) -> pl.DataFrame:
    """The stated total of each day: `day`, `app`, `of_buckets`, `total`, `partial`."""
    runs_on = pl.col("end_ms") > pl.col("modified_ms")
    counted = pieces.filter("in_own_total").with_columns(runs_on=runs_on)
    buckets = (
        counted.filter("is_bucket_source")
        .group_by("day", "source_app")
        .agg(pl.col("source_rank").first(), total=exact_sum(pl.col("alone")), partial=pl.col("runs_on").any())
        .with_columns(of_buckets=pl.lit(value=True))
    )
    first = pl.col("source_rank") == pl.col("source_rank").min()
    intervals = (
        counted.filter(~pl.col("is_bucket_source"))
        .group_by("day")
        .agg(
            pl.col("source_app").filter(first).first(),
            pl.col("source_rank").min(),
            total=exact_sum(pl.col("together")),
            partial=(pl.col("runs_on") & (first | (pl.col("together") > 0))).any(),
        )
        .with_columns(of_buckets=pl.lit(value=False))
    )
    candidates = pl.concat([buckets, intervals.select(buckets.columns)])
    return choose_total(candidates, keys=["day"]).rename({"source_app": "app"})


def _behind_the_total(pieces: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The pieces of the sources used, with `contribution` to the stated total."""
    is_app = pl.col("source_app") == pl.col("app")
    of_buckets = pl.col("of_buckets")
    interval = ~pl.col("is_bucket_source") & (is_app | (pl.col("together") > 0))
    return (
        pieces.filter("in_own_total")
        .join(chosen.select("day", "app", "of_buckets"), on="day")
        .filter(pl.when(of_buckets).then(is_app).otherwise(interval))
        .with_columns(contribution=pl.when(of_buckets).then("alone").otherwise("together"))
    )


def _provenance(behind: pl.DataFrame) -> pl.DataFrame:
    return behind.group_by("day").agg(
        as_of_utc=pl.col("modified_utc").max(),
        value_as_of_local=(pl.col("modified_utc") + pl.duration(seconds=pl.col("end_offset_in_force_seconds")))
        .dt.replace_time_zone(None)
        .sort_by("modified_utc", "end_offset_in_force_seconds")
        .last(),
        records=pl.len(),
        source_keys_sha256=pl.col("source_key_sha256").unique().sort(),
        data_quality_score=exact_mean(pl.col("file_quality")),
    )


def _sources(sources: pl.DataFrame, behind: pl.DataFrame) -> pl.DataFrame:
    used = behind.select("day", "source_app").unique().with_columns(used=pl.lit(value=True))
    item = pl.struct(
        pl.col("source_app").alias("app"),
        pl.col("used").fill_null(value=False),
        "n",
        pl.col("total").alias("value"),
        "as_of_utc",
    )
    return (
        sources.join(used, on=["day", "source_app"], how="left")
        .sort("day", "source_rank")
        .group_by("day", maintain_order=True)
        .agg(sources=item)
    )


def window_means(facts: pl.DataFrame, context: DayContext, *, kind: RecordType) -> pl.DataFrame:
    """Mean daily total per person over all days of the context.

    Stated from 4 complete days on (not running totals), of which one is a Saturday or Sunday (NARRATIVE.md B).
    The mean is of all days with data.

    Args:
        facts: the kind's `summarise` of the same days.
        context: the days of the window.
        kind: the kind.

    Returns:
        `window_schema` of the kind, one row per person of `context.days`.
    """
    complete = ~pl.col("lower_bound")
    weekend = pl.col("local_date").dt.weekday() >= SATURDAY
    spans = context.days.group_by("subject_id").agg(
        first_date=pl.col("local_date").min(), last_date=pl.col("local_date").max(), days=pl.len()
    )
    totals = facts.group_by("subject_id").agg(
        days_with_data=pl.len(),
        mean=exact_mean(pl.col("recommended_total")),
        complete_days=complete.sum(),
        complete_weekend_days=(complete & weekend).sum(),
    )
    counts = ("days_with_data", "complete_days", "complete_weekend_days")
    frame = spans.join(totals, on="subject_id", how="left").with_columns(pl.col(*counts).fill_null(0))
    gates = (
        Gate(
            ("mean",),
            pl.col("complete_days") >= MIN_COMPLETE_DAYS,
            f"needs at least {MIN_COMPLETE_DAYS} days with a final total",
        ),
        Gate(("mean",), pl.col("complete_weekend_days") > 0, "needs a Saturday or Sunday with a final total"),
    )
    gated = apply_gates(frame, kind=kind.kind, scope="window", gates=gates)
    return conform(gated, window_schema(kind.kind))
