"""Validated records of a person and a UTC day, and where each of their fields is from.

Belongs here: `/v1/records`.
Does not belong here: facts and training lines (`people`), or records that wait (`partials`).
"""

from datetime import date, timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Query

from dagster_project.days import Day
from interfaces.api.access import Caller, Reader
from interfaces.api.pages import Limit, Page, page
from interfaces.api.problems import described
from interfaces.api.routes.people import known
from interfaces.api.routes.uploads import Kind
from operations.provenance import InferredZone, inferred, inferred_zones, manual
from pipeline.clinical import MARGIN_DAYS
from pipeline.consent import demand_summary
from pipeline.decisions import sleep_gaps
from pipeline.staleness import evidence_frame
from pipeline.validated.deletions import without_deletions
from pipeline.validated.records_table import read_records
from resources.catalog.rows.decisions import Completion
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.clinical.sleep import days_of_records
from vitals.record_types import BY_KIND, COMMON_COLUMNS, SLEEP, RecordType
from vitals.validated.completions import ZONE

router = APIRouter(prefix="/v1/records", tags=["records"])


@router.get("", summary="Records of a person and day", responses=described(404, 409))
def list_records(
    caller: Reader,
    subject: Annotated[str, Query(max_length=64, description="Pseudonym, see `/v1/people`.")],
    kind: Kind,
    day: Annotated[Day, Query(description="UTC date of the begin.", examples=["2025-09-15"])],
    limit: Limit = 100,
    after: Annotated[str | None, Query(max_length=200, description="Record id of the last one.")] = None,
) -> Page:
    """Records as they count now, in the order of their ids."""
    known(caller, subject)
    rows = records_of(caller, BY_KIND[kind], subject, [day]).sort("record_id")
    if after is not None:
        rows = rows.filter(pl.col("record_id") > after)
    some = rows.head(limit + 1).rows(named=True)
    said = completions_of(caller, BY_KIND[kind], [row["record_id"] for row in some])
    zones = inferred_zones(caller.workspace, caller.tenant, rows.head(limit + 1))
    return page(
        some,
        limit=limit,
        cursor=lambda row: str(row["record_id"]),
        shown=lambda row: _shown(row, BY_KIND[kind], said, zones.get(row["record_id"])),
    )


def records_of(caller: Caller, record_type: RecordType, subject: str, days: list[date]) -> pl.DataFrame:
    """A person's validated rows of UTC dates.

    Raises:
        ConflictError: the person does not allow summaries.
    """
    demand_summary(caller.workspace, caller.tenant, subject)
    found = read_records(caller.lake, record_type, days).filter(pl.col("subject_id") == subject).collect()
    assert isinstance(found, pl.DataFrame)
    return found


def sleep_days(caller: Caller, subject: str, around: date) -> pl.DataFrame:
    """A person's sleep records near a UTC date, each with the `local_date` it counts on: its sleep's, not its own.

    Empty if nothing is known of the person's zone.
    """
    margin = timedelta(days=MARGIN_DAYS)
    days: list[date] = pl.date_range(around - margin, around + margin, eager=True).to_list()
    scan = read_records(caller.lake, SLEEP, days).filter(pl.col("subject_id") == subject)
    found = without_deletions(caller.workspace, caller.tenant, SLEEP, scan, days).collect()
    timeline = offset_timeline(evidence_frame(caller.workspace.catalog, caller.tenant, [subject]))
    if timeline.is_empty():
        return found.clear().with_columns(local_date=pl.lit(None, dtype=pl.Date))
    counted = days_of_records(
        with_local_time(found, timeline), gaps=sleep_gaps(caller.workspace.catalog, caller.tenant)
    )
    return found.join(counted, on=["subject_id", "record_id"], maintain_order="left")


def completions_of(caller: Caller, record_type: RecordType, record_ids: list[str]) -> dict[str, list[Completion]]:
    """Record id to what was said of it and counts."""
    said: dict[str, list[Completion]] = {}
    for one in caller.catalog.completions.of_records(record_type.kind, record_ids):
        if one.undone_at is None:
            said.setdefault(one.record_id, []).append(one)
    return said


def _shown(
    row: dict[str, Any], record_type: RecordType, said: dict[str, list[Completion]], zone: InferredZone | None
) -> dict[str, Any]:
    names = [*COMMON_COLUMNS, *record_type.value_columns]
    zone_from = {} if zone is None else {ZONE: inferred(zone)}
    of_record = [one for one in said.get(row["record_id"], []) if one.subject_id == row["subject_id"]]
    return {**{name: _plain(row[name]) for name in names}, "fields": {**zone_from, **manual(of_record)}}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [{name: _plain(one) for name, one in item.items()} for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value
