"""The minute series of each local day and its night, and the sources they come from.

Belongs here: the time that belongs to a day's heart-rate facts (the local day, and the part of its main sleep
before midnight), and which source is believed in each of its minutes (docs/spec/clinical.md G2, G5, G10).
Does not belong here: metrics, or what may be stated (`heart_rate`).

A day is computed from its own records alone, whatever other days stand in the same call: the order of its
sources is that of the local day's minutes, and holds for the evening part of its night too.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from vitals.clinical.context import DayContext
from vitals.clinical.heart_rate_measures import LONGEST_HOLD_MS
from vitals.clinical.heart_rate_minutes import (
    MINUTE_MS,
    Flags,
    Floats,
    Ints,
    Minutes,
    Samples,
    Slices,
    choose,
    cut,
    flatten,
    instant_of,
    person_instant,
    ranges,
    records_of_spans,
    source_minutes,
)
from vitals.clinical.sources import rank_sources
from vitals.record_types import UTC_MS

DAY_MS = 24 * 3_600_000
NEVER_MS = 4_102_444_800_000
"""Year 2100, past every valid instant: the bound of a night that does not exist."""


_NIGHTS = pl.Schema({"subject_id": pl.String(), "local_date": pl.Date(), "onset_utc": UTC_MS, "final_wake_utc": UTC_MS})


@dataclass(frozen=True, kw_only=True)
class Spans:
    """The days asked for, one row each, as a frame and as arrays in its order.

    Attributes:
        frame: DAYS_SCHEMA with `span`, `person`, `onset_utc`, `final_wake_utc` (main session, or null) and
            `age_years`, sorted by person and date.
        onset_ms: start of the main sleep period, or NEVER_MS.
        wake_ms: end of it, or NEVER_MS.
        used_from_ms: first instant whose samples the day's facts use.
        series_from_ms: the same or 11 minutes before the day: the values just before midnight tell whether a
            bout at midnight is a new one.
    """

    frame: pl.DataFrame
    person: Ints
    start_ms: Ints
    end_ms: Ints
    onset_ms: Ints
    wake_ms: Ints
    used_from_ms: Ints
    series_from_ms: Ints

    @property
    def count(self) -> int:
        """Number of days."""
        return self.person.size


@dataclass(frozen=True, kw_only=True)
class SourceRanks:
    """Rank of each source in each span; a source that a span has not ranked comes after those it has.

    Attributes:
        first_pair: number of the pair of each span and its person's first source; the others follow it.
        rank: rank of each pair.
    """

    first_pair: Ints
    rank: Ints

    def of(self, span: Ints, source: Ints) -> Ints:
        """Rank of each source in its span."""
        ranks: Ints = self.rank[self.first_pair[span] + source]
        return ranks


@dataclass(frozen=True, kw_only=True)
class DaySeries:
    """The chosen minute series, and what it was chosen from.

    Attributes:
        minutes: one value a minute from the start of the night (or 11 minutes before the day) to the day's end.
        in_day: which of them lie in the local day.
        in_night: which of them lie in the main sleep period.
        ranks: order of the sources in each span.
        per_source: `span`, `source`, `source_app`, `device_type`, `minutes`, `bpm` (mean of its minute values in the
            day), `used`, `source_rank`.
        contributing: records of the day or its night: `span`, `source`, `modified_utc`, `source_key_sha256`,
            `file_quality`, `dropped_items`.
    """

    minutes: Minutes
    in_day: Flags
    in_night: Flags
    ranks: SourceRanks
    per_source: pl.DataFrame
    contributing: pl.DataFrame


def spans_of(context: DayContext) -> Spans:
    """The days of a context with their main sleep and the person's age."""
    days = context.days.sort("subject_id", "local_date")
    if context.sessions is None:
        nights = pl.DataFrame(schema=_NIGHTS)
    else:
        nights = context.sessions.filter("is_main").select(
            "subject_id", pl.col("end_local_date").alias("local_date"), "onset_utc", "final_wake_utc"
        )
    frame = (
        days.join(nights, on=["subject_id", "local_date"], how="left", maintain_order="left")
        .join(context.profiles.select("subject_id", "age_years"), on="subject_id", how="left", maintain_order="left")
        .with_columns(person=pl.col("subject_id").rle_id().cast(pl.Int64))
        .with_row_index("span")
        .with_columns(pl.col("span").cast(pl.Int64))
    )
    start_ms, onset_ms = _ms(frame, "day_start_utc"), _ms(frame, "onset_utc")
    # A session of more than a day cannot be; the bound keeps a broken one from pulling in all records.
    used_from_ms = np.clip(onset_ms, start_ms - DAY_MS, start_ms)
    return Spans(
        frame=frame,
        person=frame["person"].to_numpy(),
        start_ms=start_ms,
        end_ms=_ms(frame, "day_end_utc"),
        onset_ms=onset_ms,
        wake_ms=_ms(frame, "final_wake_utc"),
        used_from_ms=used_from_ms,
        series_from_ms=np.minimum(used_from_ms, start_ms - LONGEST_HOLD_MS),
    )


def _ms(frame: pl.DataFrame, column: str) -> Ints:
    return frame[column].to_physical().fill_null(NEVER_MS).to_numpy()


def samples_of(records: pl.DataFrame, spans: Spans) -> Samples:
    """Samples from a day before each person's first day to a day after the last."""
    people = spans.frame.group_by("subject_id", "person").agg(
        from_ms=pl.col("day_start_utc").min().to_physical() - DAY_MS,
        to_ms=pl.col("day_end_utc").max().to_physical() + DAY_MS,
    )
    return flatten(records, people)


def own_slices(samples: Samples, slices: Slices, spans: Spans) -> Slices:
    """Slices without the foreign hours of a day whose bounds enclose some.

    Only a journey back across the date line, or across a zone border around midnight, makes such days.
    """
    bounds_ms = spans.end_ms - spans.start_ms
    mixed = bounds_ms > spans.frame["day_minutes"].to_numpy() * MINUTE_MS + 1
    suspect = mixed[slices.span]
    if not suspect.any():
        return slices
    time_ms = instant_of(samples.key[slices.sample])
    wall_ms = time_ms + 1000 * samples.record_offset_seconds[samples.record[slices.sample]]
    own_date = spans.frame["local_date"].to_physical().to_numpy()[slices.span]
    in_bounds = time_ms >= spans.start_ms[slices.span]
    return slices.where(~(suspect & in_bounds) | (wall_ms // DAY_MS == own_date))


def day_series(records: pl.DataFrame, samples: Samples, spans: Spans, priorities: pl.DataFrame) -> DaySeries:
    """Minute series of each day and its night.

    Args:
        records: the records that the samples were flattened from.
        samples: all samples of the persons.
        spans: the days.
        priorities: PRIORITIES_SCHEMA of heart rate.
    """
    around = cut(samples, person=spans.person, from_ms=spans.series_from_ms, to_ms=spans.end_ms)
    slices = own_slices(samples, around, spans)
    used_time = instant_of(samples.key[slices.sample]) >= spans.used_from_ms[slices.span]
    contributing = _contributing(samples, slices.where(used_time), records)
    candidates = source_minutes(samples, slices)
    per_source, ranks = _ranked(candidates, samples, spans, priorities)
    minutes = choose(candidates, ranks.of(candidates.span, candidates.source))
    in_day, in_night = _in_day(minutes, spans), _in_night(minutes, spans)
    stated = in_day | in_night
    used = np.zeros(ranks.rank.size, np.bool_)
    used[ranks.first_pair[minutes.span[stated]] + minutes.source[stated]] = True
    return DaySeries(
        minutes=minutes,
        in_day=in_day,
        in_night=in_night,
        ranks=ranks,
        per_source=per_source.with_columns(used=pl.Series(used[per_source["pair"].to_numpy()])).filter(
            pl.col("used") | (pl.col("minutes") > 0)
        ),
        contributing=contributing,
    )


def _in_day(minutes: Minutes, spans: Spans) -> Flags:
    # A day may begin within a minute, if an offset of odd seconds is in force.
    return minutes.start_ms > spans.start_ms[minutes.span] - MINUTE_MS


def _in_night(minutes: Minutes, spans: Spans) -> Flags:
    return (minutes.start_ms >= spans.onset_ms[minutes.span]) & (minutes.start_ms < spans.wake_ms[minutes.span])


def _contributing(samples: Samples, slices: Slices, records: pl.DataFrame) -> pl.DataFrame:
    span, record = records_of_spans(samples, slices)
    columns = records.select("modified_utc", "source_key_sha256", "file_quality", "dropped_items")
    return columns[samples.row[record]].with_columns(
        span=pl.Series(span), source=pl.Series(samples.record_source[record])
    )


def _ranked(
    candidates: Minutes, samples: Samples, spans: Spans, priorities: pl.DataFrame
) -> tuple[pl.DataFrame, SourceRanks]:
    """Minutes, mean and rank of each source in each day, as `DaySeries.per_source`, and the ranks by pair."""
    # Numbered per person, not over all sources: one person with a thousand apps must not cost everybody a table.
    sources_of_span = np.bincount(samples.source_names["person"].to_numpy(), minlength=spans.count)[spans.person]
    first_pair = np.cumsum(sources_of_span) - sources_of_span
    pairs = int(sources_of_span.sum())
    pair = first_pair[candidates.span] + candidates.source
    in_day = _in_day(candidates, spans)
    present = np.flatnonzero(np.bincount(pair, minlength=pairs))
    span = np.searchsorted(first_pair, present, side="right") - 1
    per_source = (
        pl.DataFrame(
            {
                "pair": present,
                "span": span,
                "person": spans.person[span],
                "source": present - first_pair[span],
                "minutes": np.bincount(pair, weights=in_day)[present].astype(np.int64),
                "summed": np.bincount(pair, weights=candidates.bpm * in_day)[present],
            }
        )
        .join(samples.source_names, on=["person", "source"], how="left", maintain_order="left")
        .join(spans.frame.select("span", "subject_id"), on="span", how="left", maintain_order="left")
        .with_columns(bpm=pl.when(pl.col("minutes") > 0).then(pl.col("summed") / pl.col("minutes")))
    )
    per_source = rank_sources(per_source, keys=["subject_id", "span"], priorities=priorities, total="minutes")
    rank = np.arange(pairs) + np.iinfo(np.int32).max
    rank[present] = per_source["source_rank"].to_numpy()
    return per_source, SourceRanks(first_pair=first_pair, rank=rank)


def awake_holds(minutes: Minutes, hold_minutes: Floats, spans: Spans, sessions: pl.DataFrame | None) -> Floats:
    """The part of each hold that is outside all sleep sessions: 0 for a value inside one.

    The hold of the last value before a session ends where the session starts; that of the last value in it
    stays asleep to its end.

    Args:
        minutes: values of the days, sorted by span and minute.
        hold_minutes: how long each holds.
        spans: the days.
        sessions: chosen sleep sessions; no two of a person overlap.
    """
    held = hold_minutes.copy()
    if sessions is None:
        return held
    people = spans.frame.select("subject_id", "person").unique()
    ordered = sessions.join(people, on="subject_id").sort("person", "start_utc")
    person = ordered["person"].to_numpy()
    start_ms, end_ms = (ordered[column].to_physical().to_numpy() for column in ("start_utc", "end_utc"))
    # Sessions that touch each day: they are in order, so they are a run.
    first = np.searchsorted(person_instant(person, end_ms), person_instant(spans.person, spans.start_ms), side="right")
    last = np.searchsorted(person_instant(person, start_ms), person_instant(spans.person, spans.end_ms))
    counts = np.maximum(last - first, 0)
    span, session = np.repeat(np.arange(spans.count), counts), ranges(first, counts)

    key = person_instant(minutes.span, minutes.start_ms)
    asleep_from = np.searchsorted(key, person_instant(span, start_ms[session]))
    asleep_to = np.searchsorted(key, person_instant(span, end_ms[session]))
    before = asleep_from - 1
    same = (before >= 0) & (minutes.span[before] == span)
    before, next_start = before[same], start_ms[session][same]
    np.minimum.at(held, before, (next_start - minutes.start_ms[before]) / MINUTE_MS)
    depth = np.zeros(key.size + 1, np.int64)
    np.add.at(depth, asleep_from, 1)
    np.add.at(depth, asleep_to, -1)
    held[np.cumsum(depth)[:-1] > 0] = 0
    return held
