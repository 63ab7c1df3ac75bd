"""The inbox: what waits for a person, what each item lacks and what it blocks.

Belongs here: three sorts of items. A record that lacks context blocks its day's metrics until it is completed. A person
whose profile lacks something blocks only the metrics that need it, which are withheld meanwhile. Two sources or devices of which
none was chosen or given priority block nothing: the day is stated by the default order, with the other source named.
Does not belong here: deciding on any of them (`completions`, `source_choices`; profiles and priorities: `subject set`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal

import polars as pl

from pipeline.clinical import clinical_schema, clinical_table
from pipeline.consent import hidden_people
from pipeline.decisions import source_choices
from pipeline.staleness import evidence_frame
from resources.catalog.rows.uploads import WaitingRow
from resources.workspace import Workspace
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.clinical.metrics import metrics_of
from vitals.record_types import BLOOD_GLUCOSE, RECORD_TYPES, UTC_MS, RecordType

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
        devices: of a choice, app and device type of what disagrees; no type where an app's devices are not told apart.
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
    devices: tuple[tuple[str, str | None], ...] = ()


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
    blocks = {record_type.kind: metrics_reading(record_type) for record_type in RECORD_TYPES}
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


def waiting_people(workspace: Workspace, *, tenant: str, subject_id: str | None = None) -> list[WaitingItem]:
    """People, or one of them, whose profile would lift something withheld, or settle which of two sources counts.

    Both follow from facts: whoever does not allow summaries is not among them.
    """
    hidden = hidden_people(workspace, tenant)
    ranked = {p.subject_id: p.source_priority or {} for p in workspace.catalog.subjects.profiles(tenant)}
    items = []
    for record_type in RECORD_TYPES:
        facts = workspace.lake(tenant).scan(clinical_table(record_type), schema=clinical_schema(record_type))
        if subject_id is not None:
            facts = facts.filter(pl.col("subject_id") == subject_id)
        items += _profile_items(record_type, facts)
        chosen = {one.subject_id for one in source_choices(workspace.catalog, tenant, record_type)}
        items += _choice_items(record_type, facts.filter(~pl.col("subject_id").is_in(chosen)), ranked)
    items = [item for item in items if item.subject_id not in hidden]
    return sorted(items, key=lambda item: (item.what, item.kind, item.subject_id, item.lacks))


def disagreeing(
    workspace: Workspace, *, tenant: str, kind: str, subject_id: str
) -> tuple[list[tuple[str, str | None]], list[date]]:
    """Sources of a person between which a choice is open for a kind, app and device type; and the days it is about."""
    open_ones = [
        item
        for item in waiting_people(workspace, tenant=tenant, subject_id=subject_id)
        if item.what == "source_choice" and item.kind == kind
    ]
    named = sorted({one for item in open_ones for one in item.devices}, key=repr)
    return named, sorted({day for item in open_ones for day in item.days})


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
    """Days on which sources, or devices of one, state different values, and the person's order says nothing of any."""
    names = ["app"] if record_type is BLOOD_GLUCOSE else ["app", "device"]
    found = (
        facts.select("subject_id", "local_date", "sources")
        .explode("sources")
        .select("subject_id", "local_date", pl.col("sources").struct.field("app", "device", "value"))
        .drop_nulls("value")
        .group_by("subject_id", "local_date")
        .agg(named=pl.struct(names).unique().sort(), values=pl.col("value").n_unique())
        .filter((pl.col("named").list.len() > 1) & (pl.col("values") > 1))
        .group_by("subject_id", "named")
        .agg(pl.col("local_date").sort())
        .collect()
    )
    items = []
    for row in found.iter_rows(named=True):
        apps = sorted({one["app"] for one in row["named"]})
        # An order of apps settles nothing between the devices of one.
        if len(apps) > 1 and set(apps) & set(ranked.get(row["subject_id"], {}).get(record_type.kind, [])):
            continue
        items.append(
            WaitingItem(
                what="source_choice",
                kind=record_type.kind,
                subject_id=row["subject_id"],
                lacks=[SOURCE_PRIORITY],
                sources=apps,
                blocks=[],
                days=row["local_date"],
                devices=tuple((one["app"], one.get("device")) for one in row["named"]),
            )
        )
    return items


def metrics_reading(record_type: RecordType) -> list[str]:
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
