"""What a sleep session measures, and which sessions of a person count.

Belongs here: reading the stages of a session, and the choice among sessions that overlap (CLINICAL.md §4).
Does not belong here: metrics of a local day or a window, and what may be stated (`sleep`).
"""

from dataclasses import dataclass

import polars as pl

from vitals.clinical.division import divided

SLEEP_STAGES = ("LIGHT", "DEEP", "REM", "SLEEPING")
WAKE_STAGES = ("AWAKE", "OUT_OF_BED")
SCORED_SLEEP_STAGES = ("LIGHT", "DEEP", "REM")

# Writers that end a stage at .999 of a second leave a hole of a millisecond, which is no interruption.
TOUCHING_MS = 1_000
LONG_AWAKENING_MS = 5 * 60_000

OVERLAP_KEYS = ["subject_id", "cluster"]


@dataclass(frozen=True, kw_only=True)
class SessionChoice:
    """Sessions of some persons after source choice.

    Attributes:
        chosen: one row per session that counts: the records' columns without `stages`, the measures of
            `measure` and `cluster`, `is_main`. No two of a person overlap.
        rejected: the same columns but `is_main`: sessions of the sources not chosen in their cluster.
        runs: `session`, `start_utc`, `end_utc`, `stage`, `asleep`: merged runs of equal stage, in order.
            `asleep` is null where unscored; time of a session outside its runs is unscored too.
    """

    chosen: pl.DataFrame
    rejected: pl.DataFrame
    runs: pl.DataFrame


def choose(records: pl.DataFrame, *, priorities: pl.DataFrame) -> SessionChoice:
    """Measure all sessions and choose among those that overlap.

    Overlapping sessions of one app are one night written twice: the better one counts, or the night would
    count double. Sessions of different apps that overlap, directly or through others, are one cluster, and
    one app is chosen in it: an app with scored stages before one without, then explicit rank, then body-worn
    before phone, then more time asleep in the cluster, then app name (CLINICAL.md §4, G10). All sessions of
    that app in the cluster count, as an app may split a night.

    Args:
        records: validated sleep columns with LOCAL_COLUMNS.
        priorities: PRIORITIES_SCHEMA.
    """
    sessions, runs = measure(records)
    sessions = _best_of_same_app(sessions)
    sessions = sessions.sort("subject_id", "start_utc", "record_id").with_columns(
        cluster=_overlap_group(["subject_id"])
    )
    apps = (
        sessions.group_by(*OVERLAP_KEYS, "source_app")
        .agg(
            staged=pl.col("staged").any(),
            body_worn=(pl.col("device_type").fill_null("UNKNOWN") != "PHONE").any(),
            sleep_ms=pl.col("sleep_ms").sum(),
        )
        .join(priorities.select("subject_id", "source_app", "rank"), on=["subject_id", "source_app"], how="left")
        .sort(
            *OVERLAP_KEYS,
            "staged",
            "rank",
            "body_worn",
            "sleep_ms",
            "source_app",
            descending=[False, False, True, False, True, True, False],
            nulls_last=True,
        )
        .unique(OVERLAP_KEYS, keep="first", maintain_order=True)
        .select(*OVERLAP_KEYS, "source_app")
    )
    on = [*OVERLAP_KEYS, "source_app"]
    return SessionChoice(
        chosen=_with_is_main(sessions.join(apps, on=on, how="semi")),
        rejected=sessions.join(apps, on=on, how="anti"),
        runs=runs,
    )


def measure(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Time asleep, awake and unscored of each session.

    Stages are clipped to the session; where stages overlap, the one that starts first holds. UNKNOWN and time
    without a stage are unscored: never sleep, never wake.

    Returns:
        The sessions (records without `stages`) with `session` (row number), `tib_ms` and the columns of
        `_measures`; and the runs of `SessionChoice`.
    """
    sessions = (
        records.filter(pl.col("end_utc") > pl.col("start_utc"))
        .with_row_index("session")
        .with_columns(
            tib_ms=(pl.col("end_utc") - pl.col("start_utc")).dt.total_milliseconds(),
            has_stages=pl.col("stages").list.len().fill_null(0) > 0,
        )
    )
    pieces = _pieces(sessions)
    stage_runs = _merge(pieces, by="stage")
    measured = sessions.drop("stages").join(_measures(pieces), on="session", how="left", maintain_order="left")
    zero_when_absent = ("light_ms", "deep_ms", "rem_ms", "scored_ms", "waso_ms", "awakenings", "awakenings_ge5")
    measured = measured.with_columns(
        pl.col(*zero_when_absent, "sleep_to_wake", "wake_before_onset_ms").fill_null(0),
        pl.col("staged").fill_null(value=False),
    ).with_columns(
        unscored_ms=pl.col("tib_ms") - pl.col("scored_ms"),
        # Without any scored time there is no time asleep, not zero time asleep.
        sleep_ms=pl.when(pl.col("scored_ms") > 0).then(pl.col("sleep_ms")),
    )
    stated = pl.col("sleep_ms").is_not_null() & enough_is_scored()
    return measured.with_columns(tst_minutes=pl.when(stated).then(divided(pl.col("sleep_ms"), 60_000))), stage_runs


def enough_is_scored() -> pl.Expr:
    """Whether at most 10 % of a measured session is unscored (NARRATIVE.md B)."""
    return pl.col("unscored_ms") * 10 <= pl.col("tib_ms")


def _pieces(sessions: pl.DataFrame) -> pl.DataFrame:
    """Stages as rows that neither overlap nor leave their session, in order."""
    stages = (
        sessions.filter("has_stages")
        .select("session", session_start="start_utc", session_end="end_utc", piece="stages")
        .explode("piece", empty_as_null=False)
        .unnest("piece")
        .sort("session", "start_utc", "end_utc", "stage")
    )
    return (
        stages.with_columns(
            start_utc=pl.max_horizontal(
                "start_utc", "session_start", pl.col("end_utc").cum_max().shift(1).over("session")
            ),
            end_utc=pl.min_horizontal("end_utc", "session_end"),
        )
        .filter(pl.col("end_utc") > pl.col("start_utc"))
        .select(
            "session",
            "start_utc",
            "end_utc",
            pl.col("stage").fill_null("UNKNOWN"),
            asleep=pl.when(pl.col("stage").is_in(SLEEP_STAGES))
            .then(pl.lit(value=True))
            .when(pl.col("stage").is_in(WAKE_STAGES))
            .then(pl.lit(value=False)),
        )
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


def _best_of_same_app(sessions: pl.DataFrame) -> pl.DataFrame:
    keys = ["subject_id", "source_app"]
    return (
        sessions.sort(*keys, "start_utc", "record_id")
        .with_columns(same=_overlap_group(keys))
        .sort(
            "same",
            "staged",
            "sleep_ms",
            "tib_ms",
            "modified_utc",
            "record_id",
            descending=[False, True, True, True, True, False],
            nulls_last=True,
        )
        .unique("same", keep="first", maintain_order=True)
        .drop("same")
    )


def _overlap_group(keys: list[str]) -> pl.Expr:
    """Number of the group of transitively overlapping sessions, in a frame sorted by keys and start."""
    latest_end_before = pl.col("end_utc").cum_max().shift(1).over(keys)
    return (latest_end_before.is_null() | (pl.col("start_utc") >= latest_end_before)).cum_sum()


def _with_is_main(chosen: pl.DataFrame) -> pl.DataFrame:
    """Mark the session with the most time asleep among those that end on a local date.

    The length of a session without scored stages stands in for its time asleep here, and only here: else a
    scored nap would become the night.
    """
    return chosen.sort(
        "subject_id",
        "end_local_date",
        pl.coalesce("sleep_ms", "tib_ms"),
        "start_utc",
        "record_id",
        descending=[False, False, True, False, False],
    ).with_columns(is_main=pl.int_range(pl.len()).over("subject_id", "end_local_date") == 0)
