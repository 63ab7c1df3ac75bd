"""The inbox: what waits for a person, what each item lacks and what it blocks.

Belongs here: three sorts of items. A record that lacks context blocks its day's metrics until it is completed. A person
whose profile lacks something blocks only the metrics that need it, which are withheld meanwhile. Two sources of which
neither was given priority block nothing: the day is stated by the default order, with the other source named.
Does not belong here: deciding on any of them (`completions`; profiles and priorities: `subject set`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

import polars as pl

from assets.stages.consent import hidden_people
from assets.stages.staleness import evidence_frame
from assets.stages.summaries import clinical_schema, clinical_table
from resources.catalog_rows.uploads import WaitingRow
from resources.workspace import Workspace
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.clinical.metrics import metrics_of
from vitals.record_types import RECORD_TYPES, UTC_MS, RecordType

PROFILE_REASONS: Mapping[str, str] = MappingProxyType(
    {"age is not known": "age_years", "body weight is not known": "weight_kg"}
)
"""Reason for which a metric is withheld to the field of the profile that would lift it."""

SOURCE_PRIORITY = "source_priority"


@dataclass(frozen=True, kw_only=True)
class WaitingItem:
    """One thing that a person can decide. Ids and names, no health value.

    Attributes:
        what: sort of item.
        partial_id, version, record_id, first_seen: of a record; None else.
        lacks: fields to supply.
        sources: apps it is about.
        blocks: ids of the metrics that wait for it or are withheld.
        days: local days it is about; the UTC date of a record whose zone is what it lacks. None of a person who does not
            allow summaries: that a record waits is said, not when it was.
        deliveries: uploads that deliver the record; completing it completes it in all of them.
    """

    what: Literal["record", "profile", "source_choice"]
    kind: str
    subject_id: str
    lacks: list[str]
    sources: list[str]
    blocks: list[str]
    days: list[date]
    partial_id: int | None = None
    version: int | None = None
    record_id: str | None = None
    first_seen: datetime | None = None
    deliveries: int | None = None


def inbox(workspace: Workspace, *, tenant: str) -> list[WaitingItem]:
    """Everything that waits, records first, oldest first."""
    return [*waiting_records(workspace, tenant=tenant), *waiting_people(workspace, tenant=tenant)]


def waiting_records(workspace: Workspace, *, tenant: str) -> list[WaitingItem]:
    """Records that lack context, each once however often it was delivered."""
    rows: list[WaitingRow] = []
    while page := workspace.catalog.partials.list(tenant, once=True, after=rows[-1].id if rows else 0):
        rows += page
    deliveries = workspace.catalog.partials.deliveries(tenant, rows)
    days = _local_days(workspace, tenant, rows)
    hidden = hidden_people(workspace, tenant, sorted({row.subject_id for row in rows}))
    blocks = {record_type.kind: _metrics_reading(record_type) for record_type in RECORD_TYPES}
    return [
        WaitingItem(
            what="record",
            kind=row.kind,
            subject_id=row.subject_id,
            lacks=row.missing,
            sources=[str(row.payload["source_app"])],
            blocks=blocks[row.kind],
            days=[] if row.subject_id in hidden else [days[row.id]],
            partial_id=row.id,
            version=row.version,
            record_id=row.record_id,
            first_seen=row.first_seen,
            deliveries=deliveries[row.id],
        )
        for row in rows
    ]


def waiting_people(workspace: Workspace, *, tenant: str) -> list[WaitingItem]:
    """People whose profile would lift something withheld, or settle which of two sources counts.

    Both follow from facts: whoever does not allow summaries is not among them.
    """
    hidden = hidden_people(workspace, tenant)
    ranked = {p.subject_id: p.source_priority or {} for p in workspace.catalog.subjects.profiles(tenant)}
    items = []
    for record_type in RECORD_TYPES:
        facts = workspace.lake(tenant).scan(clinical_table(record_type), schema=clinical_schema(record_type))
        items += _profile_items(record_type, facts)
        items += _choice_items(record_type, facts, ranked)
    items = [item for item in items if item.subject_id not in hidden]
    return sorted(items, key=lambda item: (item.what, item.kind, item.subject_id, item.lacks))


def _profile_items(record_type: RecordType, facts: pl.LazyFrame) -> list[WaitingItem]:
    found = (
        facts.select("subject_id", "local_date", "withheld")
        .explode("withheld")
        .select("subject_id", "local_date", pl.col("withheld").struct.unnest())
        .filter(pl.col("reason").is_in(list(PROFILE_REASONS)))
        .group_by("subject_id", "reason")
        .agg(pl.col("metric").unique().sort(), pl.col("local_date").unique().sort())
        .collect()
    )
    return [
        WaitingItem(
            what="profile",
            kind=record_type.kind,
            subject_id=row["subject_id"],
            lacks=[PROFILE_REASONS[row["reason"]]],
            sources=[],
            blocks=row["metric"],
            days=row["local_date"],
        )
        for row in found.iter_rows(named=True)
    ]


def _choice_items(
    record_type: RecordType, facts: pl.LazyFrame, ranked: Mapping[str, Mapping[str, Sequence[str]]]
) -> list[WaitingItem]:
    """Days on which sources state different values and the person's order says nothing of any of them."""
    found = (
        facts.select("subject_id", "local_date", "sources")
        .explode("sources")
        .select("subject_id", "local_date", pl.col("sources").struct.field("app", "value"))
        .drop_nulls("value")
        .group_by("subject_id", "local_date")
        .agg(pl.col("app").unique().sort(), values=pl.col("value").n_unique())
        .filter((pl.col("app").list.len() > 1) & (pl.col("values") > 1))
        .group_by("subject_id", "app")
        .agg(pl.col("local_date").sort())
        .collect()
    )
    return [
        WaitingItem(
            what="source_choice",
            kind=record_type.kind,
            subject_id=row["subject_id"],
            lacks=[SOURCE_PRIORITY],
            sources=row["app"],
            blocks=[],
            days=row["local_date"],
        )
        for row in found.iter_rows(named=True)
        if not set(row["app"]) & set(ranked.get(row["subject_id"], {}).get(record_type.kind, []))
    ]


def _metrics_reading(record_type: RecordType) -> list[str]:
    """Day metrics that a record of a kind feeds: its own, and those of kinds that read it."""
    kinds = [record_type, *(t for t in RECORD_TYPES if record_type.kind in t.needs)]
    return sorted(metric.id for kind in kinds for metric in metrics_of(kind.kind, "day"))


def _local_days(workspace: Workspace, tenant: str, rows: Sequence[WaitingRow]) -> dict[int, date]:
    """Local day by id; the UTC date where nothing is known of the person's zone."""
    starts = {row.id: datetime.fromisoformat(str(row.payload["start_utc"])) for row in rows}
    people = sorted({row.subject_id for row in rows})
    timeline = offset_timeline(evidence_frame(workspace.catalog, tenant, people))
    frame = pl.DataFrame(
        [(row.id, row.subject_id, starts[row.id]) for row in rows],
        schema={"id": pl.Int64, "subject_id": pl.String, "start_utc": UTC_MS},
        orient="row",
    )
    offset = pl.lit(None, dtype=pl.Int32)
    local = with_local_time(
        frame.with_columns(end_utc="start_utc", start_offset_seconds=offset, end_offset_seconds=offset), timeline
    ).with_columns(pl.coalesce("local_date", pl.col("start_utc").dt.date()))
    return dict(local.select("id", "local_date").iter_rows())
