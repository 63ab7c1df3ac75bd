"""Forensics of the deliveries of a tenant's people: reading what was delivered, and writing what was found.

Belongs here: from the deliveries tables and the records to the findings of a person, or of everybody on a local day.
Does not belong here: windows, lags and labels (`vitals.clinical.forensics`).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from pipeline.clinical import PEOPLE_AT_ONCE
from pipeline.consent import demand_summary
from pipeline.erasure_locks import never_during_erasure
from pipeline.staleness import evidence_frame
from pipeline.validated.records_table import deliveries_table, read_records
from resources.workspace import Workspace
from vitals.clinical.forensics.deliveries import DELIVERED_SCHEMA
from vitals.clinical.forensics.findings import Findings, investigate
from vitals.clinical.forensics.report import GAP_SCHEMA, as_dict, gap_rows
from vitals.clinical.local_day import local_days, offset_timeline
from vitals.record_types import RECORD_TYPES, UTC_MS, RecordType
from vitals.validated.revisions import DELIVERY_SCHEMA

FORENSICS_TABLE = "clinical/forensics"
LOOK_BACK_DAYS = 14
"""Days before those asked for: they show the windows, the lags, and what is usual for a source."""
LOOK_AHEAD_DAYS = 3
"""Days after them: their fetches read back."""


def forensics_of(workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date) -> dict[str, Any]:
    """What can be said of the deliveries of a person over some local days (`vitals.clinical.forensics.report`).

    Raises:
        ConflictError: the person does not allow summaries.
    """
    demand_summary(workspace, tenant, subject_id)
    delivered = _delivered(workspace, tenant, [subject_id], first_day, last_day)
    days = _days(workspace, tenant, [subject_id], first_day, last_day)
    found = investigate(delivered.drop("subject_id"), days, first_day=first_day, last_day=last_day)
    return {
        "subject_id": subject_id,
        **as_dict(found, first_day=first_day, last_day=last_day),
        "presumed_deleted": _deletions(workspace, tenant, subject_id, first_day, last_day),
    }


def _deletions(
    workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date
) -> list[dict[str, Any]]:
    """Count the records that are presumed deleted, by type, UTC date and the fetch that shows it."""
    margin = timedelta(days=1)
    counts = Counter(
        (each.kind, row.utc_date, row.presumed_deleted_utc)
        for each in RECORD_TYPES
        for row in workspace.catalog.deletions.between(
            tenant, each.kind, first=first_day - margin, last=last_day + margin
        )
        if row.subject_id == subject_id
    )
    return [
        {
            "kind": kind,
            "utc_date": day.isoformat(),
            "shown_by_fetch_utc": shown.isoformat(timespec="seconds"),
            "records": count,
        }
        for (kind, day, shown), count in sorted(counts.items())
    ]


@never_during_erasure
def forensics_partition(workspace: Workspace, *, tenant: str, local_day: date) -> pl.DataFrame:
    """Write the gaps of everybody who has data around a local day (GAP_SCHEMA), replacing those of the day."""
    frames = [pl.DataFrame(schema=GAP_SCHEMA)]
    subject_ids = _people(workspace, tenant, local_day)
    for start in range(0, len(subject_ids), PEOPLE_AT_ONCE):
        group = subject_ids[start : start + PEOPLE_AT_ONCE]
        frames += [gap_rows(who, found) for who, found in _each(workspace, tenant, group, local_day)]
    gaps = pl.concat(frames).sort("subject_id", "kind", "source_app", "from_utc")
    workspace.lake(tenant).replace(FORENSICS_TABLE, gaps, partition_by="local_date", values=[local_day])
    return gaps


def read_gaps(workspace: Workspace, *, tenant: str, local_day: date) -> pl.DataFrame:
    """Gaps of a local day as they are stored (GAP_SCHEMA)."""
    table = workspace.lake(tenant).scan(FORENSICS_TABLE, schema=GAP_SCHEMA, partitions=("local_date", [local_day]))
    return table.collect().sort("subject_id", "kind", "source_app", "from_utc")


def _each(workspace: Workspace, tenant: str, group: list[str], local_day: date) -> list[tuple[str, Findings]]:
    delivered = _delivered(workspace, tenant, group, local_day, local_day).partition_by("subject_id", as_dict=True)
    days = _days(workspace, tenant, group, local_day, local_day).partition_by("subject_id", as_dict=True)
    return [
        (who, investigate(delivered[who,].drop("subject_id"), days[who,], first_day=local_day, last_day=local_day))
        for who in group
        # A person without a resolved zone has no local day.
        if (who,) in delivered and (who,) in days
    ]


def _people(workspace: Workspace, tenant: str, local_day: date) -> list[str]:
    lake, dates = workspace.lake(tenant), _dates(local_day, local_day)
    found = [
        read_records(lake, kind, dates).select(pl.col("subject_id").unique()).collect()["subject_id"]
        for kind in RECORD_TYPES
    ]
    return pl.concat(found).unique().sort().to_list()


def _delivered(
    workspace: Workspace, tenant: str, subject_ids: Sequence[str], first_day: date, last_day: date
) -> pl.DataFrame:
    """`subject_id` and DELIVERED_SCHEMA: the settled deliveries of people around some local days."""
    parts = [_delivered_of_kind(workspace, tenant, kind, subject_ids, first_day, last_day) for kind in RECORD_TYPES]
    found = pl.concat(parts)
    # An attempt that was never settled wrote rows that nobody believes.
    uploads = workspace.catalog.uploads.get(found["upload_id"].unique().sort().to_list())
    settled = {upload_id: upload.settled_attempt for upload_id, upload in uploads.items()}
    attempt = pl.col("upload_id").replace_strict(settled, default=None, return_dtype=pl.Int32)
    return found.filter(pl.col("attempt") == attempt).select("subject_id", *DELIVERED_SCHEMA.names())


def _delivered_of_kind(
    workspace: Workspace, tenant: str, kind: RecordType, subject_ids: Sequence[str], first_day: date, last_day: date
) -> pl.DataFrame:
    lake, dates = workspace.lake(tenant), _dates(first_day, last_day)
    whose = pl.col("subject_id").is_in(list(subject_ids))
    key = ["subject_id", "record_id"]
    records = read_records(lake, kind, dates).filter(whose).select(*key, "source_app", "start_utc", "end_utc")
    deliveries = lake.scan(deliveries_table(kind), schema=DELIVERY_SCHEMA, partitions=("utc_date", dates)).filter(whose)
    keys = deliveries.select(*key, "modified_utc", "fetched_utc", "upload_id", "attempt")
    return (
        keys.join(records, on=key)
        .with_columns(kind=pl.lit(kind.kind))
        .select("subject_id", *DELIVERED_SCHEMA.names(), "upload_id", "attempt")
        .collect()
    )


def _days(
    workspace: Workspace, tenant: str, subject_ids: Sequence[str], first_day: date, last_day: date
) -> pl.DataFrame:
    nobody = pl.DataFrame(schema={"subject_id": pl.String, "known_until_utc": UTC_MS})
    return local_days(
        offset_timeline(evidence_frame(workspace.catalog, tenant, list(subject_ids))),
        first_date=first_day - timedelta(days=LOOK_BACK_DAYS + 1),
        last_date=last_day + timedelta(days=LOOK_AHEAD_DAYS + 1),
        known_until=nobody,
    )


def _dates(first_day: date, last_day: date) -> list[date]:
    begin, end = first_day - timedelta(days=LOOK_BACK_DAYS), last_day + timedelta(days=LOOK_AHEAD_DAYS)
    return pl.date_range(begin, end, eager=True).to_list()
