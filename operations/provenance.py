"""Where each field of a record is from: its own file (avro), a person (manual), other records (inferred), or nowhere.

Belongs here: the offset that clinical uses for a record that does not give it, or gives `Z` for want of one, the evidence
it follows from, and how far to trust it.
Does not belong here: the rule itself (`vitals.clinical.local_day`), or saying something of a record (`completions`).
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import polars as pl

from pipeline.staleness import evidence_frame
from resources.catalog.rows.decisions import Completion
from resources.catalog.rows.uploads import WaitingRow
from resources.workspace import Workspace
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.record_types import BY_KIND, UTC_MS
from vitals.validated.completions import ZONE, fields_of
from vitals.validated.zone_offsets import NO_OFFSET_SECONDS

HIGH_WITHIN_HOURS = 24.0
MEDIUM_WITHIN_HOURS = 7 * 24.0


@dataclass(frozen=True, kw_only=True)
class InferredZone:
    """The offset in force at a record's start, found in other records of its person.

    Attributes:
        offset_seconds: the offset.
        evidence_hours: time between the record and the nearest record of the person that gives this offset.
        confidence: `high` with evidence within a day, `medium` within a week, `low` beyond.
    """

    offset_seconds: int
    evidence_hours: float
    confidence: Literal["high", "medium", "low"]


def inferred_zones(workspace: Workspace, tenant: str, records: pl.DataFrame) -> dict[str, InferredZone]:
    """Zone by record id, of those records that do not give the offset that counts.

    Args:
        records: validated rows of one kind and person.
    """
    people = records["subject_id"].unique().to_list()
    evidence = evidence_frame(workspace.catalog, tenant, people).filter(pl.col("offset_seconds") != NO_OFFSET_SECONDS)
    if records.is_empty() or evidence.is_empty():
        return {}
    placed = with_local_time(records, offset_timeline(evidence)).filter(
        pl.col("offset_seconds").is_not_null()
        & (
            pl.col("start_offset_seconds").is_null()
            | ((pl.col("start_offset_seconds") == 0) & (pl.col("offset_seconds") != 0))
        )
    )
    before = (pl.col("first_utc") - pl.col("start_utc")).dt.total_seconds()
    after = (pl.col("start_utc") - pl.col("last_utc")).dt.total_seconds()
    nearest = (
        placed.select("subject_id", "record_id", "start_utc", "offset_seconds")
        .join(
            evidence.select("subject_id", "offset_seconds", "first_utc", "last_utc"),
            on=["subject_id", "offset_seconds"],
        )
        .group_by("record_id", "offset_seconds")
        .agg(hours=pl.max_horizontal(before, after, 0).min() / 3600)
    )
    return {
        record_id: InferredZone(offset_seconds=offset, evidence_hours=round(hours, 1), confidence=_confidence(hours))
        for record_id, offset, hours in nearest.iter_rows()
    }


def provenance_of_partial(
    workspace: Workspace, tenant: str, row: WaitingRow, *, hidden: bool
) -> dict[str, dict[str, Any]]:
    """Provenance of each field of a partial record that a person may fill in: `avro`, `manual`, `inferred`, `missing`.

    Of a hidden person only that something was said, by whom and why.
    """
    of_record = [
        one
        for one in workspace.catalog.completions.of_records(tenant, row.kind, [row.record_id])
        if one.undone_at is None and one.subject_id == row.subject_id
    ]
    if hidden:
        return manual(of_record)
    fields: dict[str, dict[str, Any]] = {
        name: {"provenance": "avro" if name in row.payload.get("given_fields", ()) else "missing"}
        for name in fields_of(BY_KIND[row.kind])
    }
    values = {one.field: one.value for one in of_record}
    zone = inferred_zones(workspace, tenant, _placed(row)).get(row.record_id)
    if zone is not None and ZONE not in row.missing:
        fields[ZONE] = inferred(zone)
    return {**fields, **{name: {**of, "value": values[name]} for name, of in manual(of_record).items()}}


def manual(said: Iterable[Completion]) -> dict[str, dict[str, Any]]:
    """Field to who said it, when and why."""
    return {
        one.field: {
            "provenance": "manual",
            "completion_id": one.id,
            "by": one.actor,
            "at": one.at.isoformat(),
            "reason": one.reason,
        }
        for one in said
    }


def inferred(zone: InferredZone) -> dict[str, Any]:
    """An inferred zone with its evidence."""
    return {"provenance": "inferred", **asdict(zone)}


def _placed(row: WaitingRow) -> pl.DataFrame:
    """The columns of a validated row that tell its zone."""
    instants = {name: datetime.fromisoformat(str(row.payload[name])) for name in ("start_utc", "end_utc")}
    offset = row.payload.get(ZONE)
    return pl.DataFrame(
        [{"subject_id": row.subject_id, "record_id": row.record_id, **instants, ZONE: offset}],
        schema={
            "subject_id": pl.String,
            "record_id": pl.String,
            "start_utc": UTC_MS,
            "end_utc": UTC_MS,
            ZONE: pl.Int32,
        },
    ).with_columns(end_offset_seconds=pl.col(ZONE))


def _confidence(hours: float) -> Literal["high", "medium", "low"]:
    if hours <= HIGH_WITHIN_HOURS:
        return "high"
    return "medium" if hours <= MEDIUM_WITHIN_HOURS else "low"
