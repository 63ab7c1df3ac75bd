"""Which local days a batch of records makes stale.

Belongs here: from changed rows, new zone evidence and a later fetch to (kind, local day) marks. Marking a day
too many costs a recomputation that ends in the same bytes; marking one too few would be a wrong table.
Does not belong here: the recomputation (`summaries`), or who asks for it (the `stale_days` sensor).
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from pipeline.decisions import told_offsets
from resources.catalog.catalog import Catalog
from resources.catalog.rows.days import FetchMark, StaleMark, StaleReason
from vitals.clinical.local_day import changed_spans, dates_touched, offset_timeline, wall_clock, with_local_time
from vitals.clinical.source_capabilities import DEFAULT
from vitals.record_types import RECORD_TYPES, UTC_MS, RecordType
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS, OBSERVATION_SCHEMA

_SPAN = pl.Schema({**OBSERVATION_SCHEMA, "first_utc": pl.Int64(), "last_utc": pl.Int64()})
_DATED = {"subject_id": pl.String, "local_date": pl.Date}


def evidence_frame(catalog: Catalog, tenant: str, subject_ids: list[str]) -> pl.DataFrame:
    """What is known of the zones of the tenant's people (OBSERVATION_SCHEMA): observed, and told by hand."""
    return pl.concat([observed_frame(catalog, tenant, subject_ids), told_offsets(catalog, tenant, subject_ids)])


def observed_frame(catalog: Catalog, tenant: str, subject_ids: list[str]) -> pl.DataFrame:
    """Zone observations of the tenant's people (OBSERVATION_SCHEMA)."""
    stored = pl.DataFrame(catalog.zones.spans(tenant, subject_ids), schema=_SPAN, orient="row")
    return stored.cast(OBSERVATION_SCHEMA)


def stale_marks(
    catalog: Catalog,
    *,
    tenant: str,
    record_type: RecordType,
    changed: pl.DataFrame,
    replaced: pl.DataFrame,
    seen: pl.DataFrame,
    fetches: pl.DataFrame,
    lowered: Sequence[tuple[FetchMark, int]] = (),
    first_day: date,
) -> list[StaleMark]:
    """Marks for one batch.

    Args:
        changed, replaced: validated rows as they are now, and as they were.
        seen: zone observations of the batch.
        fetches: `subject_id`, `latest` fetch of the batch's rows.
        lowered: marks of fetches that were too late, as they should be, and what they were.
        first_day: first day there is a partition for. A mark on an earlier one would be asked for by nobody, and stay.
    """
    named = (frame["subject_id"] for frame in (changed, replaced, seen, fetches))
    people = sorted({*pl.concat(named), *(mark.subject_id for mark, _ in lowered)})
    if not people:
        return []
    known = evidence_frame(catalog, tenant, people)
    everything = pl.concat([known, seen])
    before, after = offset_timeline(known), offset_timeline(everything)
    present = _present_days(everything, after)
    marks: set[tuple[str, date, StaleReason]] = set()
    extents = [_extent(frame, record_type) for frame in (changed, replaced)]
    touched = pl.concat([_days_of(frame, timeline) for frame in extents for timeline in (before, after)])
    kinds = [record_type, *(t for t in RECORD_TYPES if record_type.kind in t.needs)]
    for kind in kinds:
        marks |= {(kind.kind, day, "records") for day in _reach(touched, kind, present)}
    delivered = catalog.subjects.kinds_fetched(tenant, people)
    for day in _evidence_days(before, after, present):
        marks |= {(kind, day, "zone_evidence") for kind in {*delivered, record_type.kind}}
    for day in _open_days(_fetch_spans(catalog, tenant, fetches, lowered), after, present):
        marks |= {(kind, day, "later_fetch") for kind in {*delivered, record_type.kind}}
    distinct = {(kind, day): reason for kind, day, reason in sorted(marks, reverse=True)}
    return [
        StaleMark(tenant=tenant, stage="clinical", kind=kind, local_date=day, reason=reason)
        for (kind, day), reason in sorted(distinct.items())
        if day >= first_day
    ]


def _extent(rows: pl.DataFrame, record_type: RecordType) -> pl.DataFrame:
    """Rows from their first to their last sample, where those lie outside; a day reads records up to a day away."""
    if record_type.sampled is None:
        return rows
    at = pl.col(record_type.sampled).list.eval(pl.element().struct.field("time_utc"))
    start, end, day = pl.col("start_utc"), pl.col("end_utc"), pl.duration(days=1)
    return rows.with_columns(
        start_utc=pl.min_horizontal(start, pl.max_horizontal(at.list.min(), start - day)),
        end_utc=pl.max_horizontal(end, pl.min_horizontal(at.list.max(), end + day)),
    )


def _days_of(rows: pl.DataFrame, timeline: pl.DataFrame) -> pl.DataFrame:
    """Person and local date for every day a row touches; people without evidence have none."""
    rows = rows.join(timeline.select("subject_id").unique(), on="subject_id", how="semi")
    if rows.is_empty():
        return pl.DataFrame(schema=_DATED)
    return (
        with_local_time(rows, timeline)
        .select("subject_id", local_date=dates_touched())
        .explode("local_date")
        .unique()
        .drop_nulls()
    )


def _present_days(observed: pl.DataFrame, timeline: pl.DataFrame) -> pl.DataFrame:
    """Local dates on which a person has any data at all."""
    first = timeline.group_by("subject_id").agg(usual=pl.col("offset_seconds").last())
    offset = (
        pl.when(pl.col("offset_seconds").is_in([0, NO_OFFSET_SECONDS]))
        .then(pl.col("usual"))
        .otherwise(pl.col("offset_seconds"))
    )
    return (
        observed.join(first, on="subject_id", how="inner")
        .select(
            "subject_id",
            local_date=pl.concat_list(
                wall_clock(pl.col("first_utc"), offset).dt.date(),
                wall_clock(pl.col("last_utc"), offset).dt.date(),
                # The usual offset stands in for the one in force; a neighbour too many does no harm.
                "utc_date",
            ),
        )
        .explode("local_date")
        .unique()
    )


def _reach(touched: pl.DataFrame, kind: RecordType, present: pl.DataFrame) -> set[date]:
    back, ahead = kind.reach_days
    days = set(touched["local_date"].unique())
    for shift in [*range(-back, 0), *range(1, ahead + 1)]:
        neighbours = touched.with_columns(pl.col("local_date") + pl.duration(days=shift))
        days |= set(neighbours.join(present, on=["subject_id", "local_date"], how="semi")["local_date"])
    return days


def _evidence_days(before: pl.DataFrame, after: pl.DataFrame, present: pl.DataFrame) -> set[date]:
    """Days of people whose offset is now another than it was thought to be."""
    # Somebody new has no facts yet that could be wrong: their days are marked by their records.
    spans = changed_spans(before, after.join(before.select("subject_id").unique(), on="subject_id", how="semi"))
    if spans.is_empty():
        return set()
    near = present.join(spans, on="subject_id").filter(
        (pl.col("from_utc").is_null() | (pl.col("local_date") >= pl.col("from_utc").dt.date() - pl.duration(days=1)))
        & (pl.col("to_utc").is_null() | (pl.col("local_date") <= pl.col("to_utc").dt.date() + pl.duration(days=1)))
    )
    return set(near["local_date"])


def _fetch_spans(
    catalog: Catalog, tenant: str, fetches: pl.DataFrame, lowered: Sequence[tuple[FetchMark, int]]
) -> list[tuple[str, int, int]]:
    """Person, and between which days' ends (epoch ms) it changed whether a day is over.

    A later fetch may close the days that were open at the previous one; a mark that was too late closed days that are
    open still.
    """
    previous = catalog.subjects.latest_fetch_ms(tenant, fetches["subject_id"].to_list())
    now_ms = fetches.select("subject_id", pl.col("latest").dt.epoch("ms"))
    later = [
        (s, previous[s], previous[s]) for s, latest in now_ms.iter_rows() if s in previous and latest > previous[s]
    ]
    return [*later, *((mark.subject_id, mark.latest_fetch_ms, was) for mark, was in lowered)]


def _open_days(spans: Sequence[tuple[str, int, int]], timeline: pl.DataFrame, present: pl.DataFrame) -> set[date]:
    """Days with data that were open at the first instant of a span, or lie in it."""
    if not spans:
        return set()
    longest = pl.duration(minutes=DEFAULT.lag_minutes)
    schema = pl.Schema({"subject_id": pl.String(), "was": pl.Int64(), "until": pl.Int64()})
    usual = timeline.group_by("subject_id").agg(usual=pl.col("offset_seconds").last())
    span = (
        pl.DataFrame(list(spans), schema=schema, orient="row")
        .cast({"was": UTC_MS, "until": UTC_MS})
        .join(usual, on="subject_id", how="inner")
        .with_columns(
            first=wall_clock(pl.col("was") - longest, pl.col("usual")).dt.date() - pl.duration(days=1),
            last=wall_clock(pl.col("until"), pl.col("usual")).dt.date(),
        )
    )
    found = present.join(span, on="subject_id").filter(pl.col("local_date").is_between("first", "last"))
    return set(found["local_date"])
