"""What became of a record that waited: the day it counts in, and what that day's facts are now.

Belongs here: what the API and the desk show of one partial record, as far as the flow has come with it.
Does not belong here: deciding on it (`operations.completions`), or computing anything.
"""

from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson
import polars as pl

from interfaces.api.access import Caller
from interfaces.api.problems import ProblemError
from interfaces.api.routes.records import completions_of, records_of, sleep_days
from operations.provenance import provenance_of_partial
from operations.subject_data import day_facts
from pipeline.consent import hidden_people
from pipeline.staleness import evidence_frame
from pipeline.training import read_journal
from resources.catalog.rows.decisions import Completion
from resources.catalog.rows.uploads import PENDING_STATES, WaitingRow
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.clinical.metrics import metrics_of
from vitals.record_types import BY_KIND, SLEEP

DAILY_SUMMARY = "daily_summary"


def listed(row: WaitingRow, *, hidden: bool) -> dict[str, Any]:
    """A partial record with what is known of it and what it lacks; of a hidden person only that it waits, and for what."""
    return {
        "id": row.id,
        "version": row.version,
        "status": row.status,
        "quality": {"completed": "full", "waiting": "partial"}.get(row.status, row.status),
        "kind": row.kind,
        "record_id": row.record_id,
        "subject_id": row.subject_id,
        "upload_id": row.upload_id,
        "first_seen": row.first_seen.isoformat(),
        "missing_fields": list(row.missing) if row.status == "waiting" else [],
        "known": {} if hidden else dict(row.payload),
        "hidden": hidden,
    }


def shown(caller: Caller, row: WaitingRow) -> dict[str, Any]:
    """One partial record in full. Its metrics are null until it is complete and the flow is through."""
    said = of_record(caller, row)
    hidden = bool(hidden_people(caller.workspace, caller.tenant, [row.subject_id]))
    outcome = None if hidden or row.status == "waiting" else day_of(caller, row)
    return {
        **listed(row, hidden=hidden),
        "said": {} if hidden else {one.field: one.value for one in said},
        "fields": provenance_of_partial(caller.workspace, caller.tenant, row, hidden=hidden),
        "blocks": [metric.id for metric in metrics_of(row.kind, "day")] if row.status == "waiting" else [],
        "local_date": outcome and outcome["local_date"],
        "metrics": outcome and outcome["metrics"],
        "withheld": outcome and outcome["withheld"],
        "clinical_relevance": outcome and outcome["clinical_relevance"],
        "example_ids": outcome["example_ids"] if outcome else [],
    }


def of_record(caller: Caller, row: WaitingRow) -> list[Completion]:
    """What was said of a partial record, and counts."""
    found = completions_of(caller, BY_KIND[row.kind], [row.record_id]).get(row.record_id, [])
    return [one for one in found if one.subject_id == row.subject_id]


def day_of(caller: Caller, row: WaitingRow) -> dict[str, Any] | None:
    """Facts of the local day that a record counts in; None while the flow has not come there."""
    record_type = BY_KIND[row.kind]
    if caller.catalog.uploads.by_id(row.upload_id).state in PENDING_STATES:
        return None
    started = datetime.fromisoformat(str(row.payload["start_utc"]))
    if record_type is SLEEP:
        placed = sleep_days(caller, row.subject_id, started.date())
    else:
        timeline = offset_timeline(evidence_frame(caller.workspace.catalog, caller.tenant, [row.subject_id]))
        placed = with_local_time(records_of(caller, record_type, row.subject_id, [started.date()]), timeline)
    placed = placed.filter(pl.col("record_id") == row.record_id)
    if placed.is_empty():
        return None
    day: date = placed["local_date"].item()
    stages = ("clinical", "training")
    if any(
        mark.kind == row.kind and mark.local_date == day
        for stage in stages
        for mark in caller.catalog.stale_days.list(stage)
    ):
        return None
    facts = day_facts(caller.workspace, caller.tenant, row.subject_id, day, day).get(day.isoformat())
    if facts is None:
        return None
    prefix = f"{record_type.metric_prefix}."
    lines = [
        line
        for line in map(
            orjson.loads, read_journal(caller.workspace, tenant=caller.tenant, record_type=record_type, local_day=day)
        )
        if line["metadata"]["subject_id"] == row.subject_id
    ]
    summaries = [line for line in lines if line["metadata"]["task"] == DAILY_SUMMARY]
    return {
        "local_date": day.isoformat(),
        "metrics": {name: value for name, value in facts["values"].items() if name.startswith(prefix)},
        "withheld": {name: why for name, why in facts["withheld"].items() if name.startswith(prefix)},
        "clinical_relevance": summaries[0]["metadata"]["clinical_relevance"] if summaries else None,
        "example_ids": [line["id"] for line in lines],
    }


def days_near(row: WaitingRow) -> tuple[date, date]:
    """Local dates that a record may count in, whatever its zone."""
    begin = datetime.fromisoformat(str(row.payload["start_utc"]))
    end = datetime.fromisoformat(str(row.payload.get("end_utc", row.payload["start_utc"])))
    return (begin - timedelta(hours=12)).date(), (end + timedelta(hours=14)).date()


def refuse_other_version(row: WaitingRow, if_match: str | None) -> None:
    """Refuse a decision on a version that somebody has decided on since.

    Raises:
        ProblemError: 412, the entity tag is not that of the record now.
    """
    if if_match is not None and if_match.strip() not in {"*", entity_tag(row)}:
        raise ProblemError(
            HTTPStatus.PRECONDITION_FAILED, "somebody decided on the record since; read it again, and decide then"
        )


def entity_tag(row: WaitingRow) -> str:
    """Entity tag of a partial record: it changes with every decision on it."""
    return f'"{row.version}"'
