"""Reading what came out of one person: facts and training lines.

Belongs here: what the command line, the API and the desk show of a person, read from the tables as they are.
Does not belong here: computing (`summaries`, `rendering`), or printing.
"""

from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import Any

import orjson
import polars as pl

from pipeline.clinical import clinical_schema, clinical_table, summarise_window
from pipeline.consent import demand_summary
from pipeline.day_journal import read_day_journal
from pipeline.training import read_journal
from resources.workspace import Workspace
from vitals.clinical.metrics import metrics_of
from vitals.errors import NotFoundError
from vitals.external_ids import external_id
from vitals.record_types import RECORD_TYPES


def known_subject(workspace: Workspace, tenant: str, user: str) -> str:
    """Pseudonym of a person who has uploads.

    Raises:
        NotFoundError: nobody of that id uploaded to the tenant.
    """
    workspace.catalog.tenants.get(tenant)
    user = external_id(user)
    found = workspace.catalog.subjects.subject_ids(tenant, [user]).get(user)
    if found is None:
        raise NotFoundError("find the person", f"tenant {tenant}", "nobody of that id uploaded", "Check id and tenant.")
    return found


def day_facts(
    workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date
) -> dict[str, dict[str, Any]]:
    """Facts of a person per local day over all kinds, from the clinical tables, in the contract's shape.

    Raises:
        ConflictError: the person does not allow summaries.
    """
    demand_summary(workspace, tenant, subject_id)
    dates = pl.date_range(first_day, last_day, eager=True).to_list()
    days: dict[str, dict[str, Any]] = {}
    for record_type in RECORD_TYPES:
        rows = (
            workspace.lake(tenant)
            .scan(clinical_table(record_type), schema=clinical_schema(record_type), partitions=("local_date", dates))
            .filter(pl.col("subject_id") == subject_id)
            .collect()
            .sort("local_date")
        )
        for row in rows.iter_rows(named=True):
            day = days.setdefault(
                row["local_date"].isoformat(),
                {"values": {}, "withheld": {}, "provisional": False, "zone": row["zone"], "sources": {}},
            )
            day["values"] |= stated_values(record_type.kind, row, scope="day")
            day["withheld"] |= {w["metric"]: w["reason"] for w in row["withheld"]}
            day["provisional"] = day["provisional"] or row["provisional"]
            day["sources"][record_type.kind] = [
                {**source, "as_of_utc": source["as_of_utc"].isoformat() if source["as_of_utc"] else None}
                for source in row["sources"]
            ]
    return dict(sorted(days.items()))


def window_facts(workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date) -> dict[str, Any]:
    """Window metrics of a person over all kinds.

    Raises:
        ConflictError: the person does not allow summaries.
    """
    demand_summary(workspace, tenant, subject_id)
    result: dict[str, Any] = {
        "from": first_day.isoformat(),
        "to": last_day.isoformat(),
        "values": {},
        "withheld": {},
        "days_with_data": {},
    }
    for record_type in RECORD_TYPES:
        frame = summarise_window(
            workspace,
            tenant=tenant,
            record_type=record_type,
            first_day=first_day,
            last_day=last_day,
            subject_id=subject_id,
        )
        for row in frame.iter_rows(named=True):
            result["values"] |= stated_values(record_type.kind, row, scope="window")
            result["withheld"] |= {w["metric"]: w["reason"] for w in row["withheld"]}
            result["days_with_data"][record_type.kind] = row["days_with_data"]
    return result


def stated_values(kind: str, row: dict[str, Any], *, scope: str) -> dict[str, float | int | bool]:
    """Metric id to value of what a row states."""
    metrics = metrics_of(kind, "day" if scope == "day" else "window")
    return {m.id: row[m.column] for m in metrics if row.get(m.column) is not None}


def examples_of(
    workspace: Workspace, tenant: str, subject_id: str, local_day: date
) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Training lines of a person and local day, the day journal's last, parsed and as they are stored.

    Raises:
        ConflictError: the person does not allow summaries, and a line tells as much.
    """
    demand_summary(workspace, tenant, subject_id)
    files = [read_journal(workspace, tenant=tenant, record_type=t, local_day=local_day) for t in RECORD_TYPES]
    for line in chain(*files, read_day_journal(workspace, tenant=tenant, local_day=local_day)):
        example = orjson.loads(line)
        if example["metadata"]["subject_id"] == subject_id:
            yield example, line
