"""What a sleep period measures, and which periods of a person count.

Belongs here: reading the stages of a period's records, and the choice among periods of different sources that overlap
(docs/spec/clinical.md section 4).
Does not belong here: which records are one period (`sleep_periods`), metrics of a local day or a window, and what may
be stated (`sleep`).

A row of the frames is a period, whatever the number of its records; `session` is its number.
"""

from dataclasses import dataclass

import polars as pl

from vitals.clinical.context import SleepGaps
from vitals.clinical.devices import PHONE, device_identity, device_type
from vitals.clinical.division import divided
from vitals.clinical.local_day import wall_clock
from vitals.clinical.sleep_periods import (
    AWAKE_BELOW_MS,
    SOURCE,
    TOUCHING_MS,
    at_night,
    overlap_group,
    with_periods,
)
from vitals.clinical.sources import explicit_ranks

SLEEP_STAGES = ("LIGHT", "DEEP", "REM", "SLEEPING")
WAKE_STAGES = ("AWAKE", "OUT_OF_BED")
SCORED_SLEEP_STAGES = ("LIGHT", "DEEP", "REM")

LONG_AWAKENING_MS = 5 * 60_000
SHORTEST_MAIN_MS = 30 * 60_000
MAIN_BY_DAY_MS = 3 * 3_600_000
"""Outside the night a sleep has to be this long to be the main one of its day; a shorter one is a nap."""

OVERLAP_KEYS = ["subject_id", "cluster"]


@dataclass(frozen=True, kw_only=True)
class SessionChoice:
    """Sleep periods of some persons after source choice.

    Attributes:
        chosen: one row per period that counts: the columns of `_periods`, the measures of `measure` and `cluster`,
            `is_main`. No two of a person overlap.
        rejected: the same columns but `is_main`: periods of the sources not chosen in their cluster.
        runs: `session`, `start_utc`, `end_utc`, `stage`, `asleep`: merged runs of equal stage, in order.
            `asleep` is null where unscored; time of a period outside its runs is unscored too.
        records: the records of all periods, with `session`.
    """

    chosen: pl.DataFrame
    rejected: pl.DataFrame
    runs: pl.DataFrame
    records: pl.DataFrame


def choose(records: pl.DataFrame, *, priorities: pl.DataFrame, gaps: SleepGaps) -> SessionChoice:
    """Join records to periods, measure all of them, and choose among those that overlap.

    Periods of different sources that overlap, directly or through others, are one cluster, and one source is chosen
    in it: one with scored stages before one without, then explicit rank of the app, then body-worn before phone,
    then more time asleep in the cluster, then app and device (G10). All periods of that source in the cluster count.
    Two sources are never joined: they may contradict each other, and be two people.

    Args:
        records: validated sleep columns with LOCAL_COLUMNS.
        priorities: PRIORITIES_SCHEMA.
        gaps: how far apart pieces of one sleep may lie.
    """
    periods, runs, joined = measure(records, gaps)
    asleep = _clustered(periods.filter(~pl.col("is_wake_only")))
    candidates = asleep.group_by(*OVERLAP_KEYS, "source_app", "device").agg(
        pl.col("device_type").first(),
        staged=pl.col("staged").any(),
        body_worn=(pl.col("device_type") != PHONE).any(),
        sleep_ms=pl.col("sleep_ms").sum(),
    )
    sources = (
        explicit_ranks(candidates, priorities)
        .sort(
            *OVERLAP_KEYS,
            "staged",
            "rank",
            "body_worn",
            "sleep_ms",
            "source_app",
            "device",
            descending=[False, False, True, False, True, True, False, False],
            nulls_last=True,
        )
        .unique(OVERLAP_KEYS, keep="first", maintain_order=True)
        .select(*OVERLAP_KEYS, "source_app", "device")
    )
    on = [*OVERLAP_KEYS, "source_app", "device"]
    chosen, rejected = asleep.join(sources, on=on, how="semi"), asleep.join(sources, on=on, how="anti")
    awake = _awake_alone(periods.filter("is_wake_only"), chosen)
    return SessionChoice(chosen=_with_is_main(pl.concat([chosen, awake])), rejected=rejected, runs=runs, records=joined)


def measure(records: pl.DataFrame, gaps: SleepGaps) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Time asleep, awake and unscored of each period.

    Stages are clipped to their record; where stages overlap, the one that starts first holds. UNKNOWN and time
    without a stage are unscored: never sleep, never wake. A gap between two records of a period is wake if it is
    shorter than an hour, and unscored if not.

    Returns:
        The periods with `tib_ms` and the columns of `_measures`; the runs of `SessionChoice`; the records, with
        `session`.
    """
    told = (
        records.filter(pl.col("end_utc") > pl.col("start_utc"))
        .with_row_index("record")
        .with_columns(device_type(), device_identity(), has_stages=pl.col("stages").list.len().fill_null(0) > 0)
    )
    pieces = _pieces(told)
    told = told.drop("stages").join(_sums_of_records(pieces), on="record", how="left", maintain_order="left")
    length_ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    told = told.with_columns(
        pl.col("staged").fill_null(value=False),
        # Not of a record most of which nobody scored: that may be sleep.
        is_wake_only=((pl.col("sleep_ms") == 0) & (pl.col("scored_ms") * 10 >= length_ms * 9)).fill_null(value=False),
    )
    joined = with_periods(told, gaps)
    between = _between(joined)
    periods = _periods(joined).join(_gap_sums(between), on="session", how="left", maintain_order="left")
    pieces = _line(pieces, joined, between.join(periods.filter("has_stages"), on="session", how="semi"))
    measured = periods.join(_measures(pieces), on="session", how="left", maintain_order="left")
    zero_when_absent = ("light_ms", "deep_ms", "rem_ms", "scored_ms", "waso_ms", "awakenings", "awakenings_ge5")
    measured = measured.with_columns(
        pl.col(*zero_when_absent, "sleep_to_wake", "wake_before_onset_ms").fill_null(0),
        pl.col("between_awake_ms", "between_unscored_ms").fill_null(0),
        pl.col("staged").fill_null(value=False),
    ).with_columns(
        unscored_ms=pl.col("tib_ms") - pl.col("scored_ms"),
        recorded_ms=pl.col("tib_ms") - pl.col("between_awake_ms") - pl.col("between_unscored_ms"),
        # Without any scored time there is no time asleep, not zero time asleep.
        sleep_ms=pl.when(pl.col("scored_ms") > 0).then(pl.col("sleep_ms")),
    )
    stated = pl.col("sleep_ms").is_not_null() & enough_recorded_is_scored()
    tst_minutes = pl.when(stated).then(divided(pl.col("sleep_ms"), 60_000))
    return measured.with_columns(tst_minutes=tst_minutes), _merge(pieces, by="stage"), joined


def enough_is_scored() -> pl.Expr:
    """Whether at most 10 % of a measured period is unscored (docs/spec/narrative.md B)."""
    return pl.col("unscored_ms") * 10 <= pl.col("tib_ms")


def enough_recorded_is_scored() -> pl.Expr:
    """Whether at most 10 % of what a period's records cover is unscored.

    Time asleep does not depend on the gaps between records: there the source itself claims no sleep.
    """
    return (pl.col("unscored_ms") - pl.col("between_unscored_ms")) * 10 <= pl.col("recorded_ms")


def _pieces(records: pl.DataFrame) -> pl.DataFrame:
    """Stages as rows that neither overlap nor leave their record, in order."""
    stages = (
        records.filter("has_stages")
        .select("record", record_start="start_utc", record_end="end_utc", piece="stages")
        .explode("piece", empty_as_null=False)
        .unnest("piece")
        .sort("record", "start_utc", "end_utc", "stage")
    )
    return (
        stages.with_columns(
            start_utc=pl.max_horizontal(
                "start_utc", "record_start", pl.col("end_utc").cum_max().shift(1).over("record")
            ),
            end_utc=pl.min_horizontal("end_utc", "record_end"),
        )
        .filter(pl.col("end_utc") > pl.col("start_utc"))
        .select(
            "record",
            "start_utc",
            "end_utc",
            pl.col("stage").fill_null("UNKNOWN"),
            asleep=pl.when(pl.col("stage").is_in(SLEEP_STAGES))
            .then(pl.lit(value=True))
            .when(pl.col("stage").is_in(WAKE_STAGES))
            .then(pl.lit(value=False)),
        )
    )


def _sums_of_records(pieces: pl.DataFrame) -> pl.DataFrame:
    """What tells records of one source apart: time asleep and scored, and whether stages of sleep were scored."""
    ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    return pieces.group_by("record").agg(
        sleep_ms=ms.filter(pl.col("asleep").fill_null(value=False)).sum(),
        scored_ms=ms.filter(pl.col("asleep").is_not_null()).sum(),
        staged=pl.col("stage").is_in(SCORED_SLEEP_STAGES).any(),
    )


def _periods(joined: pl.DataFrame) -> pl.DataFrame:
    """One row per period, from its records; its clocks are those of its first start and of its last end."""
    last = pl.col("end_utc").arg_max()
    return (
        joined.sort("session", "start_utc", "end_utc", "record_id")
        .group_by("session", maintain_order=True)
        .agg(
            pl.col(*SOURCE, "device_type", "record_id", "start_utc", "offset_seconds").first(),
            pl.col("end_utc").max(),
            pl.col("end_offset_in_force_seconds", "end_local_date").get(last),
            pl.col("modified_utc").max(),
            pl.col("has_stages").any(),
            pl.col("is_wake_only").all(),
            session_records=pl.len().cast(pl.Int64),
            # A record that ends after its last modification was still running when it was exported.
            is_running=(pl.col("end_utc") > pl.col("modified_utc")).any(),
        )
        .with_columns(tib_ms=(pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds())
    )


def _between(joined: pl.DataFrame) -> pl.DataFrame:
    """The gaps between the records of each period, as pieces."""
    ordered = joined.sort("session", "start_utc", "end_utc", "record_id").select(
        "session", "start_utc", since=pl.col("end_utc").cum_max().shift(1).over("session")
    )
    ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    is_awake = ms < AWAKE_BELOW_MS
    return (
        ordered.select("session", start_utc="since", end_utc="start_utc")
        .filter(ms >= TOUCHING_MS)
        .with_columns(
            stage=pl.when(is_awake).then(pl.lit("AWAKE")).otherwise(pl.lit("UNKNOWN")),
            asleep=pl.when(is_awake).then(pl.lit(value=False)),
        )
    )


def _gap_sums(between: pl.DataFrame) -> pl.DataFrame:
    ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    return between.group_by("session").agg(
        between_awake_ms=ms.filter(pl.col("asleep").is_not_null()).sum(),
        between_unscored_ms=ms.filter(pl.col("asleep").is_null()).sum(),
    )


def _line(pieces: pl.DataFrame, joined: pl.DataFrame, between: pl.DataFrame) -> pl.DataFrame:
    """The pieces of all records of each period on one line, with the gaps between; in order, none overlapping."""
    own = pieces.join(joined.select("record", "session"), on="record").select(between.columns)
    ordered = pl.concat([own, between]).sort("session", "start_utc", "end_utc", "stage")
    held_until = pl.col("end_utc").cum_max().shift(1).over("session")
    return ordered.with_columns(start_utc=pl.max_horizontal("start_utc", held_until)).filter(
        pl.col("end_utc") > pl.col("start_utc")
    )


def _merge(pieces: pl.DataFrame, *, by: str) -> pl.DataFrame:
    """Runs of touching pieces with an equal value of a column."""
    is_first = ~(_touches_previous() & pl.col(by).eq_missing(pl.col(by).shift(1)))
    marked = pieces.with_columns(is_first=is_first.fill_null(value=True))
    is_last = pl.col("is_first").shift(-1).fill_null(value=True)
    return marked.filter("is_first").drop("is_first").with_columns(end_utc=marked.filter(is_last)["end_utc"])


def _touches_previous() -> pl.Expr:
    gap = pl.col("start_utc") - pl.col("end_utc").shift(1)
    return (pl.col("session") == pl.col("session").shift(1)) & (gap.dt.total_milliseconds() < TOUCHING_MS)


def _measures(pieces: pl.DataFrame) -> pl.DataFrame:
    """Sums of pieces and counts of runs, one row per session with stages.

    `onset_utc` and `final_wake_utc` bound the sleep period: first to last sleep of any stage. A transition
    from sleep to wake counts wherever both touch, the one that ends the night included, as YASA counts.
    """
    ms = (pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds()
    asleep = pl.col("asleep").fill_null(value=False)
    awake = ~pl.col("asleep").fill_null(value=True)
    sums = pieces.group_by("session").agg(
        sleep_ms=ms.filter(asleep).sum(),
        light_ms=ms.filter(pl.col("stage") == "LIGHT").sum(),
        deep_ms=ms.filter(pl.col("stage") == "DEEP").sum(),
        rem_ms=ms.filter(pl.col("stage") == "REM").sum(),
        scored_ms=ms.filter(pl.col("asleep").is_not_null()).sum(),
        staged=pl.col("stage").is_in(SCORED_SLEEP_STAGES).any(),
        onset_utc=pl.col("start_utc").filter(asleep).min(),
        final_wake_utc=pl.col("end_utc").filter(asleep).max(),
    )
    wake_runs = (
        _merge(pieces, by="asleep")
        .with_columns(after_sleep=_touches_previous() & pl.col("asleep").shift(1))
        .filter(awake)
        .join(sums.select("session", "onset_utc", "final_wake_utc"), on="session", how="left")
    )
    inside = (pl.col("start_utc") >= pl.col("onset_utc")) & (pl.col("end_utc") <= pl.col("final_wake_utc"))
    wakes = wake_runs.group_by("session").agg(
        waso_ms=ms.filter(inside).sum(),
        wake_before_onset_ms=ms.filter(pl.col("end_utc") <= pl.col("onset_utc")).sum(),
        awakenings=inside.sum().cast(pl.Int64),
        awakenings_ge5=(inside & (ms >= LONG_AWAKENING_MS)).sum().cast(pl.Int64),
        sleep_to_wake=pl.col("after_sleep").fill_null(value=False).sum().cast(pl.Int64),
    )
    return sums.join(wakes, on="session", how="left")


def _clustered(periods: pl.DataFrame) -> pl.DataFrame:
    ordered = periods.sort("subject_id", "start_utc", "record_id")
    return ordered.with_columns(cluster=overlap_group(["subject_id"]).cast(pl.Int64))


def _awake_alone(awake: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Of periods of nothing but wake, the longest of each local date on which no other period ends.

    Somebody who lay awake all night has a record that says so; beside a sleep, time awake is no sleep of the day.
    """
    day = ["subject_id", "end_local_date"]
    alone = awake.join(chosen, on=day, how="anti").sort(
        *day, "tib_ms", "start_utc", "record_id", descending=[False, False, True, False, False]
    )
    longest = alone.unique(day, keep="first", maintain_order=True)
    # Two such dates, or the sleep of the next date, may overlap it where sources contradict each other.
    spans = pl.concat(
        [chosen.select("subject_id", "start_utc", "end_utc"), longest.select("subject_id", "start_utc", "end_utc")]
    )
    meets = (pl.col("start_utc") < pl.col("other_end")) & (pl.col("other_start") < pl.col("end_utc"))
    others = spans.select("subject_id", other_start="start_utc", other_end="end_utc")
    free = (
        longest.join(others, on="subject_id")
        .group_by("session")
        # It meets itself.
        .agg(met=meets.sum())
        .filter(pl.col("met") == 1)
    )
    clusters = -1 - pl.int_range(pl.len())
    return (
        longest.join(free, on="session", how="semi")
        .with_columns(cluster=clusters.cast(pl.Int64))
        .select(chosen.columns)
    )


def _with_is_main(chosen: pl.DataFrame) -> pl.DataFrame:
    """Mark the main sleep of each local date: of the periods that end on it and may be one, that with most time asleep.

    One may be that records cover for 30 minutes, and whose middle lies in the night or that they cover for 3 hours.
    The recorded length of a period without scored stages stands in for its time asleep here, and only here: else a
    scored nap would become the night.
    """
    half_ms = (pl.col("tib_ms") // 2).cast(pl.Int64)
    middle = wall_clock(pl.col("start_utc") + pl.duration(milliseconds=half_ms), pl.col("end_offset_in_force_seconds"))
    recorded = pl.col("recorded_ms")
    may_be = (recorded >= SHORTEST_MAIN_MS) & (at_night(middle) | (recorded >= MAIN_BY_DAY_MS))
    day = ["subject_id", "end_local_date"]
    return (
        chosen.with_columns(may_be=may_be)
        .sort(
            *day,
            "may_be",
            pl.coalesce("sleep_ms", "recorded_ms"),
            "start_utc",
            "record_id",
            descending=[False, False, True, True, False, False],
        )
        .with_columns(is_main=pl.col("may_be") & (pl.int_range(pl.len()).over(day) == 0))
        .drop("may_be")
    )
