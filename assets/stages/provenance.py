"""Where the zone of a record is from that does not give it, or gives `Z` for want of one.

Belongs here: the offset that clinical uses for such a record, the evidence it follows from, and how far to trust it.
Does not belong here: the rule itself (`vitals.clinical.local_day`), or what people said (`completions`).
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl

from assets.stages.staleness import evidence_frame
from resources.workspace import Workspace
from vitals.clinical.local_day import offset_timeline, with_local_time
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


def _confidence(hours: float) -> Literal["high", "medium", "low"]:
    if hours <= HIGH_WITHIN_HOURS:
        return "high"
    return "medium" if hours <= MEDIUM_WITHIN_HOURS else "low"
