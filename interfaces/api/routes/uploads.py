"""Uploads: handing one in, and where it stands.

Belongs here: `/v1/uploads`.
Does not belong here: processing: what is handed in lands under `raw/` like any upload, and the flow takes it from there.
"""

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Query, Request, Response
from pydantic import BaseModel, Field

from dagster_project.days import Day, Instant
from interfaces.api.access import Caller, Reader, Reviewer
from interfaces.api.pages import Limit, Page, page, tagged
from interfaces.api.problems import described
from pipeline.registration import register
from resources.catalog.rows.uploads import Upload, UploadState
from resources.lake.lake import ListedObject
from vitals.errors import ConflictError, NotFoundError, UsageError
from vitals.raw.keys import BadKey, build_key, parse_key
from vitals.record_types import BY_KIND

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

MOST_REFERENCES = 1000
FATES = ("total", "accepted", "duplicate", "superseded", "presumed_deleted", "partial", "quarantined")

if TYPE_CHECKING:
    Kind = str
else:
    # The kinds are data, which a type checker cannot read.
    Kind = Literal[tuple(BY_KIND)]


class Accepted(BaseModel):
    """What was taken in; nothing of it has been processed yet."""

    batch_id: str = Field(description="Ask `/v1/batches/{batch_id}` where it stands.")
    uploads: list[str] = Field(description="Ids of the uploads.")


class References(BaseModel):
    """Objects that are in the tenant's lake already."""

    keys: list[Annotated[str, Field(min_length=1, max_length=1024)]] = Field(
        min_length=1, max_length=MOST_REFERENCES, examples=[["raw/StepsRecord/2025/09/20/u1_1758407139312_ab12.avro"]]
    )


@router.post("", status_code=202, summary="Hand in an Avro file", responses=described(400, 409, 413, 503))
def hand_in(
    caller: Reviewer,
    response: Response,
    data: Annotated[bytes, Body(media_type="application/octet-stream", description="An Avro object container file.")],
    user: Annotated[str, Query(min_length=1, max_length=200, description="Whose export it is.", examples=["u1"])],
    record_type: Annotated[str, Query(pattern=r"^[A-Za-z][A-Za-z0-9]{0,80}$", examples=["BloodGlucoseRecord"])],
    fetched_at: Annotated[
        Instant | None, Query(description="When the phone exported it, with an offset; default now.")
    ] = None,
) -> Accepted:
    """Put the file under `raw/` and enter it in the books. 202: it waits to be processed."""
    now = datetime.now(UTC)
    fetched = (fetched_at or now).astimezone(UTC)
    key = build_key(
        type_name=record_type,
        landing_day=now.date(),
        user=user,
        fetched_ms=int(fetched.timestamp() * 1000),
        content_hash=hashlib.sha256(data).hexdigest()[:12],
    )
    caller.lake.write_object(key, data)
    return _accepted(caller, response, [_landed(caller, key)])


@router.post(
    "/references", status_code=202, summary="Name objects that are there already", responses=described(404, 409)
)
def hand_in_references(caller: Reviewer, response: Response, references: References) -> Accepted:
    """Enter objects of the tenant's own `raw/` in the books, without sending them again."""
    for key in references.keys:
        if isinstance(parse_key(key), BadKey):
            raise UsageError("take the reference", "keys", "one is no key of an upload", "Name keys under raw/.")
    return _accepted(caller, response, [_landed(caller, key) for key in references.keys])


def _landed(caller: Caller, key: str) -> ListedObject:
    found = caller.lake.head(key)
    if found is None:
        raise NotFoundError("take the reference", "keys", "one is not in the tenant's lake", "Upload it first.")
    return found


def _accepted(caller: Caller, response: Response, listed: list[ListedObject]) -> Accepted:
    entered = register(caller.workspace, tenant=caller.tenant, listed=listed, today=datetime.now(UTC).date())
    if entered.erased:
        raise ConflictError(
            "take the file", "uploads", "its person was erased", "It was removed; do not send it again."
        )
    if entered.left_out:
        raise ConflictError(
            "take the file", "keys", f"one of them {entered.left_out[0].why}", "Mend it, then try again."
        )
    uploads = [
        upload.upload_id
        for found in listed
        for upload in caller.catalog.uploads.versions(found.key)
        if upload.etag == found.etag
    ]
    batch_id = uploads[0] if len(uploads) == 1 else hashlib.sha256("".join(sorted(uploads)).encode()).hexdigest()
    caller.catalog.batches.add(batch_id, uploads)
    caller.decided("upload", batch_id, uploads=len(uploads))
    response.headers["Location"] = f"/v1/batches/{batch_id}"
    return Accepted(batch_id=batch_id, uploads=uploads)


@router.get("", summary="The books", responses=described(404))
def list_uploads(
    caller: Reader,
    state: Annotated[list[UploadState] | None, Query()] = None,
    kind: Kind | None = None,
    from_day: Annotated[Day | None, Query(description="First landing day.")] = None,
    to_day: Annotated[Day | None, Query(description="Last landing day.")] = None,
    limit: Limit = 100,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> Page:
    """Uploads, newest landing day first, with the fates of their rows."""
    last = None if after is None else _find(caller, after)
    rows = caller.catalog.uploads.list(
        states=state, kind=kind, from_day=from_day, to_day=to_day, limit=limit + 1, after=last
    )
    return page(rows, limit=limit, cursor=lambda row: row.upload_id, shown=shown)


@router.get("/{upload_id}", summary="One upload", responses=described(404))
def show_upload(caller: Reader, request: Request, upload_id: str) -> Response:
    """Where an upload stands, and the fate of each of its rows."""
    return tagged(request, shown(_find(caller, upload_id)))


def _find(caller: Caller, upload_id: str) -> Upload:
    return caller.catalog.uploads.by_id(upload_id)  # type: ignore[no-any-return]


def shown(row: Upload) -> dict[str, Any]:
    """An upload without its key, which holds the person's own id."""
    return {
        "upload_id": row.upload_id,
        "kind": row.kind,
        "record_type": row.type_name,
        "subject_id": row.subject_id,
        "landing_day": row.landing_day.isoformat(),
        "landed_at": row.landed_at.isoformat(),
        "fetched_at": row.fetched_utc.isoformat() if row.fetched_utc else None,
        "state": row.state,
        "reason": row.reason,
        "detail": row.detail,
        "score": row.score,
        "rows": {fate: getattr(row, f"rows_{fate}") for fate in FATES},
        "dropped_items": dict(row.dropped_items),
        "trace_id": row.trace_id,
    }
