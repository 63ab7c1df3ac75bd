"""Daily totals of counted things: records cut at local midnight, sources chosen, provenance kept.

Belongs here: what steps and active energy have in common (docs/spec/clinical.md S1, S2, G8): the candidates among the sources,
and the fact columns that follow.
Does not belong here: the cut into local days (`day_pieces`), the sweep and the choice themselves (`sources`), or metrics
of one kind only.

    records -> pieces per local day -> each source alone -> order of sources -> S1 and S2 -> facts

A source is what one device of one app wrote. One with a record of 12 hours or more of a day is a bucket source there:
its buckets are its total, and its shorter records are parts of it. Buckets and intervals are never added up.

A bucket that reaches over local midnight is in no total: nobody knows how much of it belongs to which day. Its share of
time only helps to order the sources, as if it were known. A source then has the total of what else it has wholly inside
the day, as a lower bound, or none; where one without any would come first, intervals of others are a lower bound too.
"""

from dataclasses import dataclass

import polars as pl

from vitals.clinical.context import DayContext
from vitals.clinical.day_pieces import TOUCH_MS, day_pieces
from vitals.clinical.exact_sums import exact_mean, exact_sum
from vitals.clinical.schema import conform, window_schema
from vitals.clinical.source_capabilities import day_is_open
from vitals.clinical.sources import choose_total, priority_contributions, rank_sources
from vitals.clinical.sufficiency import Gate, apply_gates
from vitals.record_types import RecordType

OVER_MIDNIGHT = (
    "records of 12 hours or more reach over local midnight, and how much of them belongs to this day is not known"
)

MIN_COMPLETE_DAYS = 4
SATURDAY = 6

SUPPORT = pl.Schema(
    {
        # Source of the stated total; of several interval sources the first-ranked.
        "app": pl.String(),
        # Whether a bucket that reaches over local midnight keeps the day's total from being known: the total is a lower
        # bound for that reason, or there is none.
        "over_midnight": pl.Boolean(),
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
            person and day that a record lies in, or reaches into.
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
    chosen = _choice(pieces, alone)
    behind = _behind_the_total(pieces, chosen)
    shown = pieces.group_by("day").agg(
        hc_priority_total=exact_sum(pl.col("shown")),
        shows_estimate=_has_share("shown").any(),
        intervals_n=(~pl.col("is_bucket")).sum().cast(pl.Int64),
        buckets_n=pl.col("is_bucket").sum().cast(pl.Int64),
    )
    is_open = day_is_open(
        known_until_utc=pl.col("known_until_utc"), day_end_utc=pl.col("day_end_utc"), app=pl.col("app")
    )
    has_total = pl.col("recommended_total").is_not_null()
    facts = (
        days.join(
            chosen.select("day", "app", "runs", over_midnight="misses", recommended_total="total"),
            on="day",
        )
        .join(shown, on="day")
        .join(_provenance(behind), on="day")
        .join(_sources(alone, behind.filter("counts")), on="day")
        .with_columns(
            # A count has no share of the day that it covers.
            coverage_percent=pl.lit(None, dtype=pl.Float64),
            provisional=pl.col("runs") | is_open,
            lower_bound=pl.when(has_total).then(pl.col("runs") | pl.col("over_midnight")),
            app=pl.when(has_total).then("app"),
        )
    )
    counted = behind.filter("counts").select("day", "from_ms", "to_ms", "start_ms", "end_ms", "contribution")
    return DailyTotals(facts=facts, counted=counted)


def total_gates(*following: str) -> tuple[Gate, ...]:
    """Return the preconditions of a kind's totals, for columns that follow from the stated total as well."""
    return (
        Gate(
            ("recommended_total", "lower_bound", *following),
            pl.col("recommended_total").is_not_null(),
            OVER_MIDNIGHT,
        ),
        Gate(("hc_priority_total",), ~pl.col("shows_estimate"), OVER_MIDNIGHT),
    )


def _alone(pieces: pl.DataFrame, priorities: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The pieces with what they add to each total, and the sources in their order.

    Returns:
        The pieces with `source` (number of the day, app and device), `source_rank`, `in_own_total`, `of_buckets` (whether
        that is the total of buckets), and the contributions `shown` (S1 of all apps, whose devices the phone does not
        tell apart), `alone` (S1 of the source) and `together` (S1 of the interval sources).
        One row per day, app and device with `source`, `source_rank`, `total` (of the source alone, of what lies wholly
        inside the day), `misses` (whether the share of a bucket that crosses midnight is missing in it), `n`, `as_of_utc`.
    """
    by_source = ["day", "source_app", "device"]
    sources = (
        pieces.group_by("subject_id", *by_source)
        .agg(
            pl.col("device_type").first(),
            of_buckets=(pl.col("is_bucket") & ~pl.col("crosses")).any(),
            n=pl.len().cast(pl.Int64),
            as_of_utc=pl.col("modified_utc").max(),
        )
        .sort(by_source)
        .with_row_index("source")
    )
    pieces = (
        pieces.join(sources.select(*by_source, "source", "of_buckets"), on=by_source, how="left", maintain_order="left")
        .with_columns(in_own_total=~pl.col("crosses") & (pl.col("is_bucket") == pl.col("of_buckets")), group="source")
        # What crosses midnight stands behind all that is known: it has what time the others leave.
        .with_columns(source_rank=pl.when("crosses").then(2).otherwise(1).cast(pl.Int32))
    )
    pieces = pieces.with_columns(alone=_contributions(pieces, pl.col("in_own_total") | pl.col("crosses")))
    totals = pieces.group_by("source", maintain_order=True).agg(
        total=pl.when(pl.col("in_own_total").any()).then(exact_sum(pl.col("alone").filter("in_own_total"))),
        misses=~pl.col("in_own_total").any() | _has_share("alone").any(),
        size=exact_sum(pl.col("alone")),
    )
    sources = sources.join(totals, on="source", how="left", maintain_order="left")
    sources = rank_sources(sources, keys=["subject_id", "day"], priorities=priorities, total="size").with_columns(
        app_rank=pl.col("source_rank").min().over("day", "source_app"),
        # Where an app has one device its rank is the device's, and one sweep does for both.
        app_has_devices=(pl.col("device").len() > 1).over("day", "source_app"),
    )
    at = pieces["source"]
    pieces = pieces.with_columns(
        group="day",
        source_rank=sources["app_rank"].gather(at),
        apart=pl.col("is_bucket") | sources["app_has_devices"].gather(at),
    )
    pieces = pieces.with_columns(
        shown=priority_contributions(pieces),
        source_rank=sources["source_rank"].gather(at),
        misses=sources["misses"].gather(at),
        day_has_parts=pl.col("apart").any().over("day"),
    )
    intervals = pl.col("in_own_total") & ~pl.col("of_buckets")
    together = _contributions(pieces, intervals & pl.col("day_has_parts"))
    # Without buckets and with one device per app, what is shown is the total of the interval sources already.
    return pieces.with_columns(together=pl.when("day_has_parts").then(together).otherwise("shown")), sources


def _has_share(contribution: str) -> pl.Expr:
    """Whether a piece crosses midnight and more than a moment of it counts."""
    counted_ms = pl.col(contribution) * (pl.col("end_ms") - pl.col("start_ms"))
    return pl.col("crosses") & (counted_ms > pl.col("value") * TOUCH_MS)


def _contributions(pieces: pl.DataFrame, which: pl.Expr) -> pl.Series:
    """`priority_contributions` among some of the pieces; 0 for the others."""
    at = pieces.select(which.alias("which"))["which"].arg_true()
    return pl.zeros(pieces.height, dtype=pl.Float64, eager=True).scatter(at, priority_contributions(pieces[at]))


def _choice(pieces: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """The total of each day: `day`, `app` and `believed` (the source), `of_buckets`, `total`, `runs`, `misses`.

    A day of which only buckets that cross midnight are known has no total.
    """
    names = ["day", "source", "source_app", "source_rank", "of_buckets", "total", "runs", "misses"]
    runs_on = pl.col("end_ms") > pl.col("modified_ms")
    counted = pieces.filter("in_own_total").with_columns(runs_on=runs_on)
    buckets = (
        counted.filter("of_buckets")
        .group_by("day", "source")
        .agg(
            pl.col("source_app", "source_rank", "of_buckets", "misses").first(),
            total=exact_sum(pl.col("alone")),
            runs=pl.col("runs_on").any(),
        )
    )
    unknown = sources.filter(pl.col("total").is_null()).with_columns(runs=pl.lit(value=False))
    first = pl.col("source_rank") == pl.col("source_rank").min()
    is_used = first | (pl.col("together") > 0)
    before = unknown.group_by("day").agg(unknown_rank=pl.col("source_rank").min())
    intervals = (
        counted.filter(~pl.col("of_buckets"))
        .group_by("day")
        .agg(
            pl.col("source", "source_app", "of_buckets").filter(first).first(),
            pl.col("source_rank").min(),
            total=exact_sum(pl.col("together")),
            runs=(pl.col("runs_on") & is_used).any(),
            misses=(pl.col("misses") & is_used).any(),
        )
        .join(before, on="day", how="left")
        .with_columns(pl.col("misses") | (pl.col("unknown_rank") < pl.col("source_rank")).fill_null(value=False))
    )
    candidates = pl.concat([frame.select(names) for frame in (buckets, intervals, unknown)])
    candidates = candidates.with_columns(partial=pl.col("runs") | pl.col("misses"))
    return choose_total(candidates, keys=["day"]).rename({"source_app": "app", "source": "believed"})


def _behind_the_total(pieces: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """The pieces of the sources used, with `contribution` to the stated total; of a day without one, all pieces.

    Those of a day without a total do not count (`counts`): they only tell what the day was read from.
    """
    is_believed = pl.col("source") == pl.col("believed")
    of_buckets = pl.col("total_of_buckets")
    interval = ~pl.col("of_buckets") & (is_believed | (pl.col("together") > 0))
    is_used = pl.col("in_own_total") & pl.when(of_buckets).then(is_believed).otherwise(interval)
    return (
        pieces.join(chosen.select("day", "believed", "total", total_of_buckets="of_buckets"), on="day")
        .with_columns(counts=pl.col("total").is_not_null())
        .filter(is_used | ~pl.col("counts"))
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
    used = behind.select("source").unique().with_columns(used=pl.lit(value=True))
    item = pl.struct(
        pl.col("source_app").alias("app"),
        pl.col("device_type").alias("device"),
        pl.col("used").fill_null(value=False),
        "n",
        pl.when(~pl.col("misses")).then("total").alias("value"),
        "as_of_utc",
    )
    return (
        sources.join(used, on="source", how="left")
        .sort("day", "source_rank")
        .group_by("day", maintain_order=True)
        .agg(sources=item)
    )


def window_means(facts: pl.DataFrame, context: DayContext, *, kind: RecordType) -> pl.DataFrame:
    """Mean daily total per person over all days of the context.

    Stated from 4 complete days on (no lower bounds), of which one is a Saturday or Sunday (docs/spec/narrative.md, B).
    The mean is of all days with a total, running ones included; days of which a bucket over midnight keeps a part are not.

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
        mean=exact_mean(pl.col("recommended_total").filter(~pl.col("over_midnight"))),
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
