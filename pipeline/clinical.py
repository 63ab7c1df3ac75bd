"""Clinical: facts of the people of a tenant for a range of local days.

Belongs here: reading the records around the days, resolving local time, handing both to the kind's module.
Does not belong here: a clinical rule (`vitals.clinical`), or S3 keys and Avro.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from pipeline.day_journal_staleness import journal_marks, journals_after, touched
from pipeline.decisions import device_of_choice, sleep_gaps, source_choices, with_completions
from pipeline.erasure_locks import never_during_erasure
from pipeline.registration import utc_now
from pipeline.staleness import evidence_frame
from pipeline.validated.deletions import without_deletions
from pipeline.validated.records_table import read_records
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.people import Profile
from resources.workspace import Workspace
from vitals.clinical import sleep
from vitals.clinical.context import COMPLETIONS_TYPE, PRIORITIES_SCHEMA, PROFILES_SCHEMA, DayContext
from vitals.clinical.local_day import local_days, offset_timeline, with_local_time
from vitals.clinical.modules import clinical_module
from vitals.clinical.schema import fact_schema
from vitals.record_types import SLEEP, UTC_MS, RecordType

MARGIN_DAYS = 2
"""A record may start a day before the local day it belongs to, and a local day may lie 14 h from the UTC day.

A sleep joined of several records is at most 16 h long (`sleep_periods`), so it lies within these days too."""

PEOPLE_AT_ONCE = 2_000
"""Bounds the memory of a day: people are summarised in groups of this size."""


def clinical_table(record_type: RecordType) -> str:
    """Name of the kind's clinical table."""
    return f"clinical/{record_type.kind}"


def clinical_schema(record_type: RecordType) -> pl.Schema:
    """Schema of the kind's clinical table."""
    facts = fact_schema(record_type.kind, clinical_module(record_type).SUPPORT)
    return pl.Schema({**facts, "completions": COMPLETIONS_TYPE})


def summarise_days(
    workspace: Workspace, *, tenant: str, record_type: RecordType, first_day: date, last_day: date
) -> pl.DataFrame:
    """Facts of everybody who has data on these local days (`clinical_schema`, sorted by person and day)."""
    groups = [
        with_completions(
            clinical_module(record_type).summarise(records, context), records, workspace.catalog, tenant, record_type
        )
        for records, context in _inputs(workspace, tenant, record_type, first_day, last_day, subject_ids=None)
    ]
    if not groups:
        return pl.DataFrame(schema=clinical_schema(record_type))
    return pl.concat(groups).sort("subject_id", "local_date")


def summarise_window(
    workspace: Workspace, *, tenant: str, record_type: RecordType, first_day: date, last_day: date, subject_id: str
) -> pl.DataFrame:
    """Window metrics of one person: one row, or none without data."""
    for records, context in _inputs(workspace, tenant, record_type, first_day, last_day, subject_ids=[subject_id]):
        return clinical_module(record_type).summarise_window(records, context)
    return pl.DataFrame()


def _inputs(
    workspace: Workspace,
    tenant: str,
    record_type: RecordType,
    first_day: date,
    last_day: date,
    *,
    subject_ids: Sequence[str] | None,
) -> Iterator[tuple[pl.DataFrame, DayContext]]:
    """Records and context of the people who have data around the days, group by group."""
    margin = timedelta(days=MARGIN_DAYS)
    dates = pl.date_range(first_day - margin, last_day + margin, eager=True).to_list()
    lake = workspace.lake(tenant)
    everything = without_deletions(workspace, tenant, record_type, read_records(lake, record_type, dates), dates)
    nights_of_all = None
    if SLEEP.kind in record_type.needs:
        nights_of_all = without_deletions(workspace, tenant, SLEEP, read_records(lake, SLEEP, dates), dates)
    gaps = sleep_gaps(workspace.catalog, tenant)
    if subject_ids is None:
        subject_ids = everything.select(pl.col("subject_id").unique().sort()).collect()["subject_id"].to_list()
    for start in range(0, len(subject_ids), PEOPLE_AT_ONCE):
        group = list(subject_ids[start : start + PEOPLE_AT_ONCE])
        people = workspace.catalog.subjects.profiles(tenant, group)
        timeline = offset_timeline(evidence_frame(workspace.catalog, tenant, group))
        records = _with_local_time(everything, group, timeline)
        days = local_days(
            timeline,
            first_date=first_day,
            last_date=last_day,
            known_until=_known_until(workspace, tenant, group),
        )
        sessions = None
        if nights_of_all is not None:
            nights = _with_local_time(nights_of_all, group, timeline)
            sessions = sleep.choose_sessions(
                nights, priorities=_priorities(workspace, tenant, people, SLEEP), gaps=gaps
            )
        context = DayContext(
            days=days,
            profiles=_profiles(people),
            priorities=_priorities(workspace, tenant, people, record_type),
            sessions=sessions,
            sleep_gaps=gaps,
        )
        yield records, context


def _with_local_time(scan: pl.LazyFrame, group: list[str], timeline: pl.DataFrame) -> pl.DataFrame:
    return with_local_time(scan.filter(pl.col("subject_id").is_in(group)).collect(), timeline)


def _known_until(workspace: Workspace, tenant: str, group: list[str]) -> pl.DataFrame:
    latest = workspace.catalog.subjects.latest_fetch_ms(tenant, group)
    return pl.DataFrame(
        {"subject_id": list(latest), "known_until_utc": list(latest.values())},
        schema={"subject_id": pl.String, "known_until_utc": pl.Int64},
    ).cast({"known_until_utc": UTC_MS})


def _profiles(people: Sequence[Profile]) -> pl.DataFrame:
    rows = [(p.subject_id, p.age_years, p.weight_kg, p.diabetes) for p in people]
    return pl.DataFrame(rows, schema=PROFILES_SCHEMA, orient="row")


def _priorities(workspace: Workspace, tenant: str, people: Sequence[Profile], record_type: RecordType) -> pl.DataFrame:
    """What a reviewer chose of a person's sources comes first, then the order in the profile."""
    subject_ids = [p.subject_id for p in people]
    chosen = source_choices(workspace.catalog, tenant, record_type, subject_ids)
    rows = [(one.subject_id, one.source_app, -1, device_of_choice(one)) for one in chosen]
    rows += [
        (p.subject_id, app, rank, None)
        for p in people
        for rank, app in enumerate((p.source_priority or {}).get(record_type.kind, []))
    ]
    return pl.DataFrame(rows, schema=PRIORITIES_SCHEMA, orient="row")


@never_during_erasure
def summarise_partition(workspace: Workspace, *, tenant: str, record_type: RecordType, local_day: date) -> pl.DataFrame:
    """Recompute one local day of the kind's clinical table; its training lines become stale, journals included.

    The mark is cleared only if nobody marked the day again while it was being read.
    """
    stale_days, lake, table = workspace.catalog.stale_days, workspace.lake(tenant), clinical_table(record_type)
    version = stale_days.version(tenant, "clinical", record_type.kind, local_day)
    facts = summarise_days(workspace, tenant=tenant, record_type=record_type, first_day=local_day, last_day=local_day)
    later = journals_after(workspace, tenant=tenant, local_day=local_day)
    journals = journal_marks(tenant, touched(lake, later, table=table, local_day=local_day, facts=facts))
    # Before the facts too: after a crash between the two, nothing would tell whose facts had changed.
    stale_days.mark(journals, now=utc_now())
    lake.replace(table, facts, partition_by="local_date", values=[local_day])
    examples = StaleMark(tenant=tenant, stage="training", kind=record_type.kind, local_date=local_day, reason="facts")
    begun = set(journals_after(workspace, tenant=tenant, local_day=local_day)) - set(later)
    stale_days.mark([examples, *journals, *journal_marks(tenant, {local_day, *begun})], now=utc_now())
    if version is not None:
        stale_days.clear(tenant, "clinical", record_type.kind, local_day, version)
    return facts


def read_facts(workspace: Workspace, *, tenant: str, record_type: RecordType, local_day: date) -> pl.DataFrame:
    """The kind's clinical rows of one local day as they are stored (`clinical_schema`)."""
    return (
        workspace.lake(tenant)
        .scan(clinical_table(record_type), schema=clinical_schema(record_type), partitions=("local_date", [local_day]))
        .collect()
        .sort("subject_id")
    )
