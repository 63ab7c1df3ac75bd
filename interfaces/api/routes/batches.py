"""Batches: an upload, a landing day, or what was handed in together, as a whole.

Belongs here: `/v1/batches`.
Does not belong here: handing in (`uploads`), or completing what waits (`partials`).
"""

import re
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, TypeAdapter

from dagster_project.days import Day
from interfaces.api.access import Caller, Reader
from interfaces.api.pages import Limit, Page, page, tagged
from interfaces.api.problems import described
from resources.catalog.batches import BatchStatus
from resources.catalog.rows.uploads import QuarantinedRow, Upload, WaitingRow
from vitals.errors import NotFoundError

router = APIRouter(prefix="/v1/batches", tags=["batches"])

DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _day_of_calendar(batch_id: str) -> str:
    if DAY.fullmatch(batch_id):
        TypeAdapter(Day).validate_strings(batch_id)
    return batch_id


BatchId = Annotated[
    str,
    Path(pattern=r"^([0-9a-f]{64}|[0-9]{4}-[0-9]{2}-[0-9]{2})$", description="As answered, or a day."),
    AfterValidator(_day_of_calendar),
]
"""A batch id as `POST /v1/uploads` answers it, an upload's id, or a landing day."""


@router.get("/{batch_id}", summary="Where a batch stands", responses=described(404))
def show_batch(caller: Reader, request: Request, batch_id: BatchId) -> Response:
    """Uploads by outcome and rows by fate. `status` is `partial` while a record waits for a person."""
    return tagged(request, {"batch_id": batch_id, **asdict(status_of(caller, batch_id))})


@router.get("/{batch_id}/items", summary="Its uploads and what needs a person", responses=described(404))
def show_items(
    caller: Reader,
    batch_id: BatchId,
    limit: Limit = 100,
    after: Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$", description="Upload id of the last item.")] = None,
) -> Page:
    """One item per upload: its state, its quality, and each record that waits or was refused, by its own id."""
    status_of(caller, batch_id)
    found = sorted(members_of(caller, batch_id), key=lambda upload: upload.upload_id)
    rows = [upload for upload in found if after is None or upload.upload_id > after][: limit + 1]
    return page(rows, limit=limit, cursor=lambda row: row.upload_id, shown=lambda upload: _item(caller, upload))


def status_of(caller: Caller, batch_id: str) -> BatchStatus:
    """Where a batch stands.

    Raises:
        NotFoundError: the tenant has no such batch.
    """
    batches = caller.catalog.batches
    if DAY.fullmatch(batch_id):
        return batches.status(landing_day=date.fromisoformat(batch_id))  # type: ignore[no-any-return]
    try:
        return batches.status(batch_id=batch_id)  # type: ignore[no-any-return]
    except NotFoundError:
        return batches.status(upload_id=batch_id)  # type: ignore[no-any-return]


def members_of(caller: Caller, batch_id: str) -> list[Upload]:
    """Uploads of a batch; none if it does not exist."""
    if DAY.fullmatch(batch_id):
        day = date.fromisoformat(batch_id)
        return list(caller.catalog.uploads.list(from_day=day, to_day=day, limit=1_000_000))
    members = caller.catalog.batches.members(batch_id) or [batch_id]
    return [caller.catalog.uploads.by_id(upload_id) for upload_id in members]


def _item(caller: Caller, upload: Upload) -> dict[str, Any]:
    waiting = caller.catalog.partials.list(upload_id=upload.upload_id, status=None)
    refused = caller.catalog.quarantine.list(upload_id=upload.upload_id)
    return {
        "upload_id": upload.upload_id,
        "kind": upload.kind,
        "state": upload.state,
        "reason": upload.reason,
        "quality": _quality(upload, waiting),
        "score": upload.score,
        "accepted": upload.rows_accepted,
        "records": [*map(_waits, waiting), *map(_refused, refused)],
    }


def _quality(upload: Upload, waiting: list[WaitingRow]) -> str | None:
    if any(row.status == "waiting" for row in waiting):
        return "partial"
    return "full" if upload.state == "processed" else None


def _waits(row: WaitingRow) -> dict[str, Any]:
    return {
        "record_id": row.record_id,
        "row": row.row_index,
        "partial_id": row.id,
        "quality": {"completed": "full", "waiting": "partial"}.get(row.status, row.status),
        "missing_fields": list(row.missing) if row.status == "waiting" else [],
    }


def _refused(row: QuarantinedRow) -> dict[str, Any]:
    return {
        "record_id": row.record_id,
        "row": row.row_index,
        "quarantine_id": row.id,
        "quality": "quarantined",
        "reason": row.reason,
    }
